package page

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// visitedRooms are the names in the first section of the list, in its order.
const visitedRooms = `[...document.querySelectorAll(".room-links section:first-of-type .room-link")].map((a) => a.dataset.room).join()`

// pressShortcut presses a key with a modifier, which the page has as a shortcut.
func (p *tab) pressShortcut(key, modifier string) {
	p.t.Helper()
	p.run(`document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: %q, bubbles: true, cancelable: true, %s: true}))`, key, modifier)
}

// goTo goes to the room that the switcher offers first for a text.
func (p *tab) goTo(text string) {
	p.t.Helper()
	p.pressShortcut("k", "ctrlKey")
	p.do(chromedp.SendKeys(chromedp.CSS("[role=combobox]"), text))
	p.await(`document.querySelector("[role=option][aria-selected=true]") !== null`)
	p.run(`document.querySelector("[role=option][aria-selected=true]").click()`)
	p.await(`!document.querySelector("[role=combobox]")`)
}

// chooseForRoom opens the menu of a room in the list, and clicks an item.
func (p *tab) chooseForRoom(room, what string) {
	p.t.Helper()
	p.run(`document.querySelector(".room-item:has([data-room='%s']) .room-more").click()`, room)
	p.await(`document.querySelector("[role=menu]:popover-open") !== null`)
	p.run(`[...document.querySelectorAll("[role=menu] button")].find((b) => b.textContent === %q).click()`, what)
	p.await(`!document.querySelector("[role=menu]")`)
}

// A room is created with a name and a topic, left, and offered again; one that there is
// is opened.
func TestPageCreatesAndLeavesRooms(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.widen()
	create := func(name, topic string) {
		t.Helper()
		ada.run(`document.querySelector(".create-room").click()`)
		ada.do(chromedp.SendKeys(chromedp.CSS("#new-room"), name), chromedp.SendKeys(chromedp.CSS("#new-topic"), topic))
	}
	create("Tea Time!", "")
	ada.await(`document.querySelector("#new-room-help.problem") !== null && document.querySelector(".create-room-form [type=submit]").disabled`)
	ada.do(chromedp.SendKeys(chromedp.CSS("#new-room"), "\b"))
	ada.await(`document.querySelector("#new-room-help .slug")?.textContent === "#tea-time"`)
	ada.do(chromedp.SendKeys(chromedp.CSS("#new-topic"), "Earl Grey\r"))
	ada.await(`document.querySelector("h1").textContent === "Tea Time" && document.querySelector(".topic").textContent === "Earl Grey"`)
	ada.await(`location.pathname === "/r/tea-time" && ` + visitedRooms + `.split(",").sort().join() === "lobby,tea-time"`)
	ada.sendMessage("the first")
	ada.expectMessages("the first")

	create("tea time", "another topic")
	ada.run(`document.querySelector(".create-room-form [type=submit]").click()`)
	ada.await(`document.querySelector(".create-room-form [role=alert]").textContent === "There is a room with this address already."`)
	ada.run(`document.querySelector(".create-room-form [type=submit]").click()`)
	ada.await(`!document.querySelector(".create-room-form") && document.querySelector(".topic").textContent === "Earl Grey"`)

	ada.chooseForRoom("tea-time", "Leave")
	ada.await(`location.pathname === "/r/lobby" && ` + visitedRooms + ` === "lobby"`)
	ada.await(`document.querySelector(".room-links section:nth-of-type(2) [data-room=tea-time]") !== null`)
	ada.reload()
	ada.await(visitedRooms + ` === "lobby" && document.querySelector("[data-room=tea-time]") !== null`)
}

// A refusal to create a room is said once, in the dialog, which offers a way on.
func TestPageSaysThatARoomMayNotBeCreated(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	s := harness.Start(t, harness.WithLimits(""), harness.WithPolicy(t, `rooms:
  - {pattern: lobby, guest: [read, post, react, edit_own, create]}
  - {pattern: '*', guest: [read]}`))
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.widen()
	ada.click(".create-room")
	ada.do(chromedp.SendKeys(chromedp.CSS("#new-room"), "secret\r"))
	ada.await(`document.querySelectorAll(".create-room-form [role=alert]").length === 1`)
	ada.await(`/^The room was not created\. .* You can open another room/.test(document.querySelector(".create-room-form [role=alert]").textContent)`)
	ada.await(`!document.querySelector(".create-room-form [type=submit]").disabled && location.pathname === "/"`)
	ada.run(`document.querySelector(".create-room-form .quiet").click()`)
	ada.await(`!document.querySelector(".create-room-form")`)
}

// The switcher finds rooms by some letters, keys go to the neighbours, and what is unread
// comes within seconds without another request for the list.
func TestPageSwitchesRooms(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("list.address=off")), harness.Context(t)
	token, _ := s.SignIn(t, "grace")
	grace := harness.ConnectHTTP1.Open(t, s, token)
	for i := range 16 {
		_, err := grace.Send(ctx, harness.TextRequest(fmt.Sprintf("team-%d", i), "hello"))
		harness.Must(t, err)
	}
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.widen()
	ada.await(`document.querySelectorAll(".room-link").length === 17`)
	ada.do(chromedp.SendKeys(chromedp.CSS(".filter input"), "TEAM-11"))
	ada.await(`[...document.querySelectorAll(".room-link")].map((a) => a.dataset.room).join() === "team-11"`)
	ada.run(`{ const f = document.querySelector(".filter input"); f.value = ""; f.dispatchEvent(new Event("input", {bubbles: true})); document.querySelector("#text").focus(); }`)
	ada.goTo("tm7")
	ada.await(`location.pathname === "/r/team-7"`)
	ada.expectMessages("hello")
	ada.goTo("fresh room")
	ada.await(`document.querySelector("#new-room")?.value === "fresh room"`)
	ada.do(chromedp.SendKeys(chromedp.CSS("#new-room"), "\r"))
	ada.await(`location.pathname === "/r/fresh-room"`)
	ada.goTo("lobby")
	ada.await(`location.pathname === "/r/lobby"`)

	// A room that was visited while it was empty counts its first message at once.
	const lists = `performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/ListRooms")).length`
	s.AwaitMembers(ctx, t, "team-7", 0)
	s.AwaitMembers(ctx, t, "fresh-room", 0)
	ada.run(`window.before = ` + lists)
	_, err := grace.Send(ctx, harness.TextRequest("fresh-room", "news"))
	harness.Must(t, err)
	ada.await(`document.querySelector("[data-room=fresh-room] .badge [aria-hidden]")?.textContent === "1"`)
	ada.await(`document.title.startsWith("(1) ")`)

	ada.run(`document.querySelector("#text").focus()`)
	ada.run(`document.activeElement.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowDown", altKey: true, shiftKey: true, bubbles: true, cancelable: true}))`)
	ada.await(`location.pathname === "/r/fresh-room" && !document.querySelector("[data-room=fresh-room] .badge")`)
	ada.pressShortcut("ArrowUp", "altKey")
	ada.await(`location.pathname !== "/r/fresh-room"`)
}

// A muted room has a dot instead of a badge, here and in other tabs, and is not counted. Its
// menu marks it as read.
func TestPageMutesRooms(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	token, _ := s.SignIn(t, "grace")
	grace := harness.ConnectHTTP1.Open(t, s, token)
	say := func(text string) {
		t.Helper()
		_, err := grace.Send(ctx, harness.TextRequest("tea", text))
		harness.Must(t, err)
	}
	say("one")
	ada := b.openSignedIn(t, s.URL+"/r/tea", "Ada")
	ada.widen()
	ada.expectMessages("one")
	ada.goTo("lobby")
	ada.await(`location.pathname === "/r/lobby"`)
	say("two")
	ada.await(`document.querySelector("[data-room=tea] .badge") !== null`)
	ada.chooseForRoom("tea", "Nothing")
	muted := `document.querySelector("[data-room=tea] .room-dot") !== null && !document.querySelector("[data-room=tea] .badge")
		&& document.querySelector("[data-room=tea] [data-mark=muted]") !== null`
	ada.await(muted)
	second := browser{ada.ctx}.open(t, s.URL, "Ada, in a second tab")
	second.widen()
	second.await(muted)
	second.chooseForRoom("tea", "All messages")
	ada.await(`document.querySelector("[data-room=tea] .badge") !== null`)
	ada.chooseForRoom("tea", "Mark as read")
	for _, p := range []*tab{ada, second} {
		p.await(`!document.querySelector(".badge") && !document.querySelector(".room-dot")`)
	}
}

// What is not sent yet marks its room, whatever room is on screen.
func TestPageMarksRoomsWithUnsentMessages(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	ada := b.openSignedIn(t, s.URL+"/r/tea", "Ada")
	ada.widen()
	ada.sendMessage("stored")
	ada.expectMessages("stored")
	ada.run(`{ const real = window.fetch; window.fetch = (url, init) => String(url).endsWith("/Send") && !window.online ? Promise.reject(new TypeError("offline")) : real(url, init); }`)
	ada.sendMessage("held back")
	ada.await(`document.querySelector("[data-room=tea] [data-mark=unsent]") !== null`)
	ada.goTo("lobby")
	ada.await(`location.pathname === "/r/lobby" && document.querySelector("[data-room=tea] [data-mark=unsent]") !== null`)
	ada.chooseForRoom("tea", "Leave")
	ada.await(`document.querySelector("dialog .danger") !== null`)
	ada.run(`[...document.querySelectorAll("dialog button")].find((b) => b.textContent === "Stay").click()`)
	ada.run(`window.online = true`)
	ada.await(`!document.querySelector("[data-room=tea] [data-mark=unsent]")`)
	grace := harness.ConnectHTTP1.Open(t, s, "")
	events, err := grace.ListEvents(harness.Context(t), &chatv1.ListEventsRequest{Room: "tea"})
	harness.Must(t, err)
	if n := len(events.GetEvents()); n != 2 {
		t.Errorf("tea has %d events, want 2", n)
	}
}
