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
	"chatroom/server/internal/testenv"
)

// People on the page and a native client are in one room.
func TestPageAndNativeClientShareARoom(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	token, _ := s.SignIn(t, "grace")
	native := harness.OpenGRPCGo(t, s, token)
	receive, err := native.Subscribe(ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	harness.Must(t, err)
	receive.Joined(t)

	ada, bob := b.openSignedIn(t, s.URL, "Ada"), b.openSignedIn(t, s.URL, "Bob")
	ada.sendMessage("hello from Ada")
	bob.expectMessages("hello from Ada")
	bob.sendMessage("<b>markup</b> & more …")
	ada.expectMessages("hello from Ada", "<b>markup</b> & more …")
	_, err = native.Send(ctx, harness.TextRequest("lobby", "and from gRPC"))
	harness.Must(t, err)
	all := []string{"hello from Ada", "<b>markup</b> & more …", "and from gRPC"}
	ada.expectMessages(all...)
	bob.expectMessages(all...)

	for i, e := range receive.Events(t, 0, len(all)) {
		if got, from := e.GetMessage().GetText(), e.GetSender().GetName(); got != all[i] || from != []string{"Ada", "Bob", "grace"}[i] {
			t.Errorf("event %d is %q of %s, want %q", i, got, from, all[i])
		}
	}
	// After a reload the guest is the same, and the messages are there.
	ada.reload()
	ada.expectMessages(all...)
	ada.await(`document.querySelectorAll("[role=log] [data-ours=true]").length === 1`)
}

// A page whose connections break resumes: no message is missing, and none comes twice.
func TestPageResumesAfterBrokenConnections(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("")), harness.Context(t)
	line := newBreakableProxy(t, s.Addr)
	ada := b.openSignedIn(t, line.URL, "Ada")
	ada.do(chromedp.EmulateViewport(800, 4000)) // so that all messages are drawn
	v := harness.ConnectOver(harness.H2CClient)(t, s, "")
	var all []string
	for round := range testenv.Rounds(3, 5) {
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
		ada.sendMessage(said) // waits in the page while there is no connection
		all = append(all, said)
		if round > 0 {
			line.restore()
		}
		ada.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".try-now")?.click()`))
		ada.expectMessages(all...)
	}
}

// Ten tabs of one browser share the six connections that it opens to a server, and all
// receive live events.
func TestPageInTenTabs(t *testing.T) {
	testenv.RequireFull(t, "ten tabs take half a minute of processor time")
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	tabs := []*tab{b.open(t, s.URL, "tab 0")}
	tabs[0].do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada"), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	tabs[0].do(chromedp.WaitVisible(chromedp.CSS("#text")))
	for i := 1; i < 10; i++ {
		tabs = append(tabs, b.open(t, s.URL, fmt.Sprintf("tab %d", i)))
	}
	var all []string
	for i, p := range tabs {
		text := fmt.Sprintf("from tab %d", i)
		p.sendMessage(text)
		all = append(all, text)
		p.expectMessages(all...)
	}
	for _, p := range tabs {
		p.expectMessages(all...)
	}
}

// Edits, reactions and deletions in one tab appear in another one, and in one that is
// opened later.
func TestPageEditsReactionsAndDeletions(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	ada, bob := b.openSignedIn(t, s.URL, "Ada"), b.openSignedIn(t, s.URL, "Bob")
	ada.sendMessage("first")
	ada.sendMessage("second")
	bob.expectMessages("first", "second")

	bob.choose("first", "Reply")
	bob.await(`document.querySelector(".purpose")?.textContent.includes("Ada")`)
	bob.sendMessage("an answer")
	ada.expectMessages("first", "second", "an answer")
	ada.await(`document.querySelector("button.quote .words").textContent === "first"`)

	ada.choose("an answer", "React with 👍")
	bob.await(`document.querySelector(".chip")?.title === "Ada"`)
	bob.run(`document.querySelector(".chip").click()`)
	for _, p := range []*tab{ada, bob} {
		p.await(`document.querySelector(".chip")?.title.startsWith("you and ")`)
		p.await(`document.querySelector(".chip").getAttribute("aria-pressed") === "true"`)
	}
	ada.run(`document.querySelector(".chip").click()`)
	bob.await(`document.querySelector(".chip")?.title === "you"`)

	ada.choose("first", "Edit")
	ada.await(`document.querySelector("#edit-text")?.value === "first"`)
	ada.do(chromedp.SendKeys(chromedp.CSS("#edit-text"), ", edited"))
	ada.press("\r")
	bob.await(`document.querySelector(".edited")?.title.startsWith("Edited ")`)
	bob.expectMessages("first, edited", "second", "an answer")
	bob.await(`document.querySelector("button.quote .words").textContent === "first, edited"`)

	ada.choose("first, edited", "Delete…")
	ada.await(`document.activeElement.textContent === "Keep it"`)
	ada.run(`[...document.querySelectorAll("dialog button")].find((b) => b.textContent === "Delete").click()`)
	bob.await(`document.querySelectorAll(".message").length === 2`)
	bob.expectMessages("second", "an answer")
	bob.await(`document.querySelector(".quote").textContent === "This message was deleted."`)

	cyd := b.openSignedIn(t, s.URL, "Cyd")
	cyd.expectMessages("second", "an answer")
	cyd.await(`document.querySelector(".chip")?.title === "Bob"`)
	cyd.await(`document.querySelector(".quote").textContent === "This message was deleted."`)
}

// The page shows who is in the room and who is typing, until they leave or stop.
func TestPagePresenceAndTyping(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	ada := b.openSignedIn(t, s.URL, "Ada")
	ada.widen()
	const people = `[...document.querySelectorAll(".people .person .name")].map((n) => n.textContent).join()`
	ada.await(people + ` === "Ada"`)
	bob := b.openSignedIn(t, s.URL, "Bob")
	ada.await(people + ` === "Ada,Bob"`)

	bob.do(chromedp.SendKeys(chromedp.CSS("#text"), "soon"))
	ada.await(`/Bob.* is typing…/.test(document.querySelector(".typing").textContent)`)
	ada.await(`/Bob.* is typing…/.test(document.querySelector(".writers [role=status]").textContent)`)
	bob.sendMessage(" more")
	ada.expectMessages("soon more")
	ada.await(`document.querySelector(".typing").textContent === ""`)

	bob.navigate("about:blank")
	ada.await(people + ` === "Ada"`)
}

// The list of rooms shows how many messages came while another room was open.
func TestPageRoomListAndProfile(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	ada, bob := b.openSignedIn(t, s.URL, "Ada"), b.openSignedIn(t, s.URL+"?room=tea", "Bob")
	ada.widen()
	bob.sendMessage("what is left")
	ada.await(`document.querySelector("[data-room=tea]") !== null`)
	ada.goTo("Tea")
	ada.expectMessages("what is left")
	ada.run(`document.querySelector(".room-link[href='r/lobby']").click()`)
	ada.await(`document.title.startsWith("#lobby") && document.documentElement.dataset.connection === "live"`)
	for _, text := range []string{"tea", "is", "ready"} {
		bob.sendMessage(text)
	}
	ada.await(`document.querySelector(".room-link[href='r/tea'] .badge [aria-hidden]")?.textContent === "3"`)
	ada.do(chromedp.NavigateBack())
	ada.expectMessages("what is left", "tea", "is", "ready")
	ada.await(`document.querySelector(".badge") === null`)

	bob.run(`document.querySelector(".title").click()`)
	bob.do(chromedp.SendKeys(chromedp.CSS("#display-name"), "Tea time"), chromedp.SendKeys(chromedp.CSS("#topic"), "Earl Grey"))
	bob.run(`document.querySelector(".about [type=submit]").click()`)
	ada.await(`document.querySelector("h1").textContent === "Tea time#tea" && document.querySelector(".topic").textContent === "Earl Grey"`)
	ada.await(`document.querySelector(".room-link[href='r/tea'] .label").textContent === "Tea time"`)
}

// The list of rooms follows what others do in them, in every tab, without a reload
// and without being asked for again.
func TestPageRoomListIsPushed(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t, harness.WithLimits("list.address=off")), harness.Context(t)
	token, _ := s.SignIn(t, "grace")
	grace := harness.ConnectOver(harness.H2CClient)(t, s, token)
	say := func(room, text string) {
		t.Helper()
		_, err := grace.Send(ctx, harness.TextRequest(room, text))
		harness.Must(t, err)
	}
	say("tea", "one")

	ada := b.openSignedIn(t, s.URL+"?room=tea", "Ada")
	ada.widen()
	ada.expectMessages("one")
	ada.await(`localStorage.getItem("chatroom.seen")?.includes("tea")`) // a room that was not read has no count
	ada.await(`document.querySelector(".room-link[href='r/lobby']") !== null`)
	ada.run(`document.querySelector(".room-link[href='r/lobby']").click()`)
	ada.await(`document.title.startsWith("#lobby") && document.documentElement.dataset.connection === "live"`)
	second := browser{ada.ctx}.open(t, s.URL, "Ada, in a second tab")
	second.widen()
	tabs := []*tab{ada, second}
	s.AwaitMembers(ctx, t, "tea", 0) // the stream without the room, whose beginning requests the list

	say("tea", "two")
	const lists = `performance.getEntriesByType("resource").filter((e) => e.name.endsWith("/ListRooms")).length`
	for _, p := range tabs {
		p.await(`document.querySelector(".room-link[href='r/tea'] .badge [aria-hidden]")?.textContent === "1"`)
		p.await(`document.title === "(1) #lobby · chatroom"`)
		p.do(chromedp.Evaluate[chromedp.Void](`window.lists = ` + lists))
	}
	say("milk", "new")
	say("tea", "three")
	_, err := grace.SetRoom(ctx, &chatv1.SetRoomRequest{Room: "tea", DisplayName: "Tea time"})
	harness.Must(t, err)
	for _, p := range tabs {
		p.await(`document.querySelector(".room-link[href='r/milk']") !== null`)
		p.await(`document.querySelector(".room-link[href='r/tea'] .label").textContent === "Tea time"`)
		p.await(`document.querySelector(".room-link[href='r/tea'] .badge").textContent === "22 unread"`)
		// The answer to the request at the beginning of the stream may have come last.
		p.await(lists + ` <= window.lists + 1`)
	}
	second.run(`document.querySelector(".room-link[href='r/tea']").click()`)
	second.expectMessages("one", "two", "three")
	ada.await(`document.querySelector(".badge") === null && document.title === "#lobby · chatroom"`)
}

// The page loads nothing but its own files, and its policy forbids nothing that
// it does.
func TestPageKeepsContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
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
	p.sendMessage("see https://example.com/ for more")
	p.expectMessages("see https://example.com/ for more")
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
