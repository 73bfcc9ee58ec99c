package page

import (
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

const (
	people  = `[...document.querySelectorAll(".people .person")].map((p) => p.querySelector(".name").textContent + (p.querySelector(".warning") ? "!" : "")).join()`
	ownName = `(document.querySelector("#who bdi")?.textContent ?? "")`
	bylines = `[...document.querySelectorAll(".message .byline")].map((p) => p.querySelector(".name").textContent + (p.querySelector(".warning") ? "!" : "")).join()`
)

// rename changes the name on the page.
func (p *tab) rename(name string) {
	p.t.Helper()
	p.run(`document.querySelector("#who").click()`)
	p.do(chromedp.WaitVisible(chromedp.CSS("#name")))
	p.run(`document.querySelector("#name").select()`)
	p.do(chromedp.SendKeys(chromedp.CSS("#name"), name+"\r"))
	p.await(`!document.querySelector(".profile")`)
}

// Members of one name have numbers, a name that may mislead has a tag, and a change of
// name shows at once, on the page of the member, too.
func TestPageShowsNamesAsTheRoomDoes(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	first := b.openSignedIn(t, s.URL, "Ada")
	first.widen()
	second := b.openSignedIn(t, s.URL, "Ada")
	second.widen()
	second.await(ownName + ` === "Ada 2"`)
	first.await(people + ` === "Ada,Ada 2"`)
	first.await(ownName + ` === "Ada"`)
	second.sendMessage("from the second")
	first.expectMessages("from the second")
	first.await(bylines + ` === "Ada 2"`)

	second.rename("\u0410da")
	second.await(`document.querySelector("#who .warning")?.textContent === "similar name"`)
	first.await(people + ` === "Ada,\u0410da!"`)
	second.sendMessage("from a name that looks like another")
	first.await(bylines + ` === "\u0410da!,\u0410da!"`) // also on what was said before
}

// Signing out forgets the identity, also in other tabs and after a reload, and the token
// is not valid any more.
func TestPageSignsOut(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	ada := b.open(t, s.URL, "Ada")
	ada.widen()
	ada.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada"), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	ada.do(chromedp.WaitVisible(chromedp.CSS("#text")))
	other := b.open(t, s.URL, "another tab")
	other.widen()
	other.await(ownName + ` === "Ada"`)
	ada.sendMessage("mine")
	ada.await(`document.querySelectorAll("[role=log] [data-ours=true]").length === 1`)
	token, err := chromedp.Run(ada.ctx, chromedp.Evaluate[string](`JSON.parse(localStorage.getItem("chatroom.identity")).token`))
	harness.Must(t, err)

	ada.click("#who")
	ada.click(".profile .sign-out")
	ada.await(`document.activeElement.textContent === "Stay"`)
	ada.click(".profile .confirm-sign-out")
	for _, p := range []*tab{ada, other} {
		p.do(chromedp.WaitVisible(chromedp.CSS(".naming [type=submit]")))
		p.await(ownName + ` === "" && document.querySelectorAll("[role=log] [data-ours=true]").length === 0`)
		p.expectMessages("mine")
	}
	ada.reload()
	ada.expectMessages("mine")
	ada.await(ownName + ` === "" && document.querySelector("#name").value === ""`)
	awaitRefused(t, harness.ConnectHTTP2.Open(t, s, token))
}

// awaitRefused waits until the token of a client is refused.
func awaitRefused(t *testing.T, client harness.Client) {
	t.Helper()
	ctx, again := harness.Context(t), time.NewTicker(10*time.Millisecond)
	defer again.Stop()
	for {
		_, err := client.ListRooms(ctx, &chatv1.ListRoomsRequest{})
		if harness.CodeOf(err) == connect.CodeUnauthenticated {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("ListRooms with a token that was signed out = %v, want %v", err, connect.CodeUnauthenticated)
		}
	}
}

// Without guests the page says so, and shows the room.
func TestPageWithoutGuests(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, func(c *service.Config) { c.NoGuests = true })
	_, err := harness.ConnectHTTP2.Open(t, s, "").Send(harness.Context(t), harness.TextRequest("lobby", "hello"))
	harness.Must(t, err)
	p := b.open(t, s.URL, "Ada")
	p.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada"), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	p.await(`document.querySelector("#name-problem").textContent === "Guests can’t join here."`)
	p.expectMessages("hello")
}
