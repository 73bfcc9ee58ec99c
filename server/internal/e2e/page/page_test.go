package page

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// People on the page and a native client are in one room.
func TestPageAndNativeClientShareARoom(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t), harness.Context(t)
	token, _ := s.SignIn(t, "grace")
	native := harness.OpenGRPCGo(t, s, token)
	receive, err := native.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	harness.Must(t, err)
	receive.Joined(t)

	ada, bob := b.visit(t, s.URL, "Ada"), b.visit(t, s.URL, "Bob")
	ada.say("hello from Ada")
	bob.shows("hello from Ada")
	bob.say("<b>markup</b> & more …")
	ada.shows("hello from Ada", "<b>markup</b> & more …")
	_, err = native.Send(ctx, harness.TextRequest("lobby", "and from gRPC"))
	harness.Must(t, err)
	all := []string{"hello from Ada", "<b>markup</b> & more …", "and from gRPC"}
	ada.shows(all...)
	bob.shows(all...)

	for i, e := range receive.Events(t, 0, len(all)) {
		if got, from := e.GetMessage().GetText(), e.GetSender().GetName(); got != all[i] || from != []string{"Ada", "Bob", "grace"}[i] {
			t.Errorf("event %d is %q of %s, want %q", i, got, from, all[i])
		}
	}
	// Who comes back is the same guest, and finds what was said.
	ada.do(chromedp.Reload())
	ada.shows(all...)
	ada.await(`document.querySelectorAll("[role=log] [data-ours=true]").length === 1`)
}

// A page whose connections break goes on where it was: nothing is missing, and
// nothing comes twice.
func TestPageResumesAfterBrokenConnections(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t), harness.Context(t)
	line := newBreakableProxy(t, s.Addr)
	ada := b.visit(t, line.URL, "Ada")
	v := harness.ConnectOver(harness.H2CClient)(t, s, "")
	var all []string
	for round := range 5 {
		if round > 0 {
			line.breakConnections()
		}
		for i := range 10 {
			text := fmt.Sprintf("message %d of round %d", i, round)
			_, err := v.Send(ctx, harness.TextRequest("lobby", text))
			harness.Must(t, err)
			all = append(all, text)
		}
		said := fmt.Sprintf("Ada in round %d", round)
		ada.say(said) // waits in the page while there is no connection
		all = append(all, said)
		if round > 0 {
			line.restore()
		}
		ada.do(chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("button")].find((b) => b.textContent === "Reconnect now")?.click()`))
		ada.shows(all...)
	}
}

// Ten tabs of one browser are within the six connections that it opens to a
// server, and all are live.
func TestPageInTenTabs(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	tabs := []*tab{b.open(t, s.URL, "tab 0")}
	tabs[0].do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada"), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	tabs[0].do(chromedp.WaitVisible(chromedp.CSS("#text")))
	for i := 1; i < 10; i++ {
		tabs = append(tabs, b.open(t, s.URL, fmt.Sprintf("tab %d", i)))
	}
	var all []string
	for i, p := range tabs {
		text := fmt.Sprintf("from tab %d", i)
		p.say(text)
		all = append(all, text)
		p.shows(all...)
	}
	for _, p := range tabs {
		p.shows(all...)
	}
}

// What is done to messages in one window is seen in the other one, and by who
// comes later.
func TestPageEditsReactionsAndDeletions(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	ada, bob := b.visit(t, s.URL, "Ada"), b.visit(t, s.URL, "Bob")
	ada.say("first")
	ada.say("second")
	bob.shows("first", "second")

	bob.act("first", "Reply")
	bob.await(`document.querySelector(".purpose")?.textContent.includes("Ada")`)
	bob.say("an answer")
	ada.shows("first", "second", "an answer")
	ada.await(`document.querySelector("button.quote .words").textContent === "first"`)

	ada.act("an answer", "Thumbs up")
	bob.await(`document.querySelector(".chip")?.title === "Ada"`)
	bob.run(`document.querySelector(".chip").click()`)
	for _, p := range []*tab{ada, bob} {
		p.await(`document.querySelector(".chip")?.title.startsWith("you and ")`)
		p.await(`document.querySelector(".chip").getAttribute("aria-pressed") === "true"`)
	}
	ada.run(`document.querySelector(".chip").click()`)
	bob.await(`document.querySelector(".chip")?.title === "you"`)

	ada.act("first", "Edit")
	ada.await(`document.querySelector("#text").value === "first"`)
	ada.say(", edited")
	bob.await(`document.querySelector(".edited")?.title.startsWith("Edited ")`)
	bob.shows("first, edited", "second", "an answer")
	bob.await(`document.querySelector("button.quote .words").textContent === "first, edited"`)

	ada.act("first, edited", "Delete…")
	ada.await(`document.activeElement.textContent === "Keep it"`)
	ada.run(`[...document.querySelectorAll("dialog button")].find((b) => b.textContent === "Delete").click()`)
	bob.await(`document.querySelectorAll(".message").length === 2`)
	bob.shows("second", "an answer")
	bob.await(`document.querySelector(".quote").textContent === "This message was deleted."`)

	cyd := b.visit(t, s.URL, "Cyd")
	cyd.shows("second", "an answer")
	cyd.await(`document.querySelector(".chip")?.title === "Bob"`)
	cyd.await(`document.querySelector(".quote").textContent === "This message was deleted."`)
}

// Everybody sees who is in the room and who is writing, until they are not.
func TestPagePresenceAndTyping(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	ada := b.visit(t, s.URL, "Ada")
	ada.wide()
	const people = `[...document.querySelectorAll(".people .person .name")].map((n) => n.textContent).join()`
	ada.await(people + ` === "Ada"`)
	bob := b.visit(t, s.URL, "Bob")
	ada.await(people + ` === "Ada,Bob"`)

	bob.do(chromedp.SendKeys(chromedp.CSS("#text"), "soon"))
	ada.await(`/Bob.* is typing…/.test(document.querySelector(".typing").textContent)`)
	ada.await(`/Bob.* is typing…/.test(document.querySelector(".writers [role=status]").textContent)`)
	bob.say(" more")
	ada.shows("soon more")
	ada.await(`document.querySelector(".typing").textContent === ""`)

	bob.do(chromedp.Navigate("about:blank"))
	ada.await(people + ` === "Ada"`)
}

// A room tells what was said in it while another one was looked at.
func TestPageRoomListAndProfile(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	ada, bob := b.visit(t, s.URL, "Ada"), b.visit(t, s.URL+"?room=tea", "Bob")
	ada.wide()
	bob.say("what is left")
	ada.run(`document.querySelector("#text").focus()`)
	ada.do(chromedp.SendKeys(chromedp.CSS("#room"), "Tea\r"))
	ada.shows("what is left")
	ada.run(`document.querySelector(".room-link[href='?room=lobby']").click()`)
	ada.await(`document.title.startsWith("#lobby") && document.querySelector("[role=status]").textContent === "Live"`)
	for _, text := range []string{"tea", "is", "ready"} {
		bob.say(text)
	}
	ada.await(`document.querySelector(".room-link[href='?room=tea'] .badge")?.textContent === "3 unread"`)
	ada.do(chromedp.NavigateBack())
	ada.shows("what is left", "tea", "is", "ready")
	ada.await(`document.querySelector(".badge") === null`)

	bob.run(`document.querySelector(".title").click()`)
	bob.do(chromedp.SendKeys(chromedp.CSS("#display-name"), "Tea time"), chromedp.SendKeys(chromedp.CSS("#topic"), "Earl Grey"))
	bob.run(`document.querySelector(".about [type=submit]").click()`)
	ada.await(`document.querySelector("h1").textContent === "Tea time" && document.querySelector(".topic").textContent === "Earl Grey"`)
	ada.await(`document.querySelector(".room-link[href='?room=tea'] .label").textContent === "Tea time"`)
}

// The list of rooms follows what others do in them, in every tab, without a reload
// and without being asked for again.
func TestPageRoomListIsPushed(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t), harness.Context(t)
	token, _ := s.SignIn(t, "grace")
	grace := harness.ConnectOver(harness.H2CClient)(t, s, token)
	say := func(room, text string) {
		t.Helper()
		_, err := grace.Send(ctx, harness.TextRequest(room, text))
		harness.Must(t, err)
	}
	say("tea", "one")

	ada := b.visit(t, s.URL+"?room=tea", "Ada")
	ada.wide()
	ada.shows("one")
	ada.await(`document.querySelector(".room-link[href='?room=lobby']") !== null`)
	ada.run(`document.querySelector(".room-link[href='?room=lobby']").click()`)
	ada.await(`document.title.startsWith("#lobby") && document.querySelector("[role=status]").textContent === "Live"`)
	second := browser{ada.ctx}.open(t, s.URL, "Ada, in a second tab")
	second.wide()
	tabs := []*tab{ada, second}

	say("tea", "two")
	const lists = `performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/ListRooms")).length`
	for _, p := range tabs {
		p.await(`document.querySelector(".room-link[href='?room=tea'] .badge")?.textContent === "1 unread"`)
		p.await(`document.title === "(1) #lobby · chatroom"`)
		p.do(chromedp.Evaluate[chromedp.Void](`window.lists = ` + lists))
	}
	say("milk", "new")
	say("tea", "three")
	_, err := grace.SetRoom(ctx, &chatv1.SetRoomRequest{Room: "tea", DisplayName: "Tea time"})
	harness.Must(t, err)
	for _, p := range tabs {
		p.await(`document.querySelector(".room-link[href='?room=milk']") !== null`)
		p.await(`document.querySelector(".room-link[href='?room=tea']").textContent === "#Tea time2 unread"`)
		p.await(lists + ` === window.lists`)
	}
	second.run(`document.querySelector(".room-link[href='?room=tea']").click()`)
	second.shows("one", "two", "three")
	ada.await(`document.querySelector(".badge") === null && document.title === "#lobby · chatroom"`)
}

// The page loads nothing but its own files, and its policy forbids nothing that
// it does.
func TestPageKeepsContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	var said []string
	ctx, cancel := context.WithCancel(b.ctx)
	heard := make(chan struct{})
	go func() {
		defer close(heard)
		for message, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			said = append(said, fmt.Sprint(message.Type, ": ", message.Text))
		}
	}()
	p := &tab{t, "Ada", b.ctx}
	p.do(chromedp.Navigate(s.URL))
	p.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada"), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	p.do(chromedp.WaitVisible(chromedp.CSS("#text")))
	p.say("see https://example.com/ for more")
	p.shows("see https://example.com/ for more")
	origins, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](`[...new Set(performance.getEntries().map((e) => e.name).filter((n) => n.includes("://")).map((n) => new URL(n).origin))]`))
	harness.Must(t, err)
	cancel()
	<-heard
	if !slices.Equal(origins, []string{s.URL}) {
		t.Errorf("the page loads from %q, want %q alone", origins, s.URL)
	}
	if len(said) > 0 {
		t.Errorf("the console has\n%s", strings.Join(said, "\n"))
	}
}
