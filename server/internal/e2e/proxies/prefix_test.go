package proxies

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// prefixTab is a tab with a page below a path.
type prefixTab struct {
	t   *testing.T
	ctx context.Context
}

func openPrefixTab(t *testing.T, browser context.Context, url string) prefixTab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	p := prefixTab{t, ctx}
	p.do(chromedp.Navigate(url), chromedp.WaitVisible(chromedp.CSS(".room-link")))
	return p
}

func (p prefixTab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	harness.Must(p.t, chromedp.Do(p.ctx, steps...))
}

func (p prefixTab) await(expression string) {
	p.t.Helper()
	if _, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(30*time.Second))); err != nil {
		p.t.Fatalf("the page never has %s: %v", expression, err)
	}
}

// signIn signs a guest in.
func (p prefixTab) signIn(name string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(chromedp.CSS("#name")), chromedp.SendKeys(chromedp.CSS("#name"), name+"\r"), chromedp.WaitVisible(chromedp.CSS("#text")))
}

// awaitMessage waits for a message with a text.
func (p prefixTab) awaitMessage(text string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`[...document.querySelectorAll("[role=log] .message .text")].some((e) => e.textContent === %q)`, text))
}

// awaitOnScreen waits until the screen has a message with a text.
func (p prefixTab) awaitOnScreen(text string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`[...document.querySelectorAll("[role=log] .message .text")].some((e) => {
		const { top, bottom } = e.getBoundingClientRect();
		return e.textContent === %q && top >= 0 && bottom <= innerHeight;
	})`, text))
}

// Below a path of a proxy, which the server does not know, the page sends and receives, has its
// addresses there, and shares nothing with a service at the root of the same origin.
func TestNginxPathPrefix(t *testing.T) {
	t.Parallel()
	browser := harness.Chromium(t, chromedp.WindowSize(1440, 900))
	root, below := harness.Start(t, harness.InMemory), harness.Start(t, harness.InMemory)
	front := newNginx(t, root, below).http

	ada := openPrefixTab(t, browser, front.URL+"/chat")
	ada.await(`location.pathname === "/chat/"`)
	ada.signIn("Ada")
	ada.do(chromedp.SendKeys(chromedp.CSS("#text"), "in the lobby\r"))
	ada.awaitMessage("in the lobby")

	bob := openPrefixTab(t, browser, front.URL+"/chat/r/team")
	bob.do(chromedp.WaitVisible(chromedp.CSS("#text"))) // it has the identity of the other tab
	bob.do(chromedp.SendKeys(chromedp.CSS("#text"), "in the team\r"))
	bob.awaitMessage("in the team")
	ada.await(`document.querySelector(".room-link[href='r/team']") !== null`)
	ada.do(chromedp.Click(chromedp.CSS(".room-link[href='r/team']")))
	ada.await(`location.pathname === "/chat/r/team"`)
	ada.awaitMessage("in the team")
	ada.do(chromedp.SendKeys(chromedp.CSS("#text"), "from the lobby\r"))
	bob.awaitMessage("from the lobby")

	const more = 60 // than fit on the screen, and than the page reads at first
	client, ctx := harness.ConnectHTTP2.Open(t, below, ""), harness.Context(t)
	harness.SendTexts(ctx, t, client, "team", 2, more)
	page, err := client.ListEvents(ctx, &chatv1.ListEventsRequest{Room: "team", Limit: more + 2})
	harness.Must(t, err)
	permalink := fmt.Sprint("/chat/r/team/", page.GetEvents()[0].GetSequence())
	ada.do(chromedp.Navigate(front.URL + permalink))
	ada.awaitOnScreen("in the team")
	ada.do(chromedp.Reload())
	ada.awaitOnScreen("in the team")
	ada.await(fmt.Sprintf(`location.pathname === %q`, permalink))
	ada.do(chromedp.Navigate(front.URL + "/chat/?room=team#m12")) // as earlier builds wrote it
	ada.await(`location.pathname + location.search + location.hash === "/chat/r/team"`)
	ada.awaitOnScreen("61")

	other := openPrefixTab(t, browser, front.URL+"/")
	other.do(chromedp.WaitVisible(chromedp.CSS("#name"))) // that page has no session
	other.signIn("Rita")
	other.do(chromedp.SendKeys(chromedp.CSS("#text"), "at the root\r"))
	other.awaitMessage("at the root")
	// It keeps the same things under other names; how its user wants pages to look is for both.
	keys, err := chromedp.Run(other.ctx, chromedp.Evaluate[[]string](`Object.keys(localStorage)`))
	harness.Must(t, err)
	for _, key := range keys {
		if strings.HasSuffix(key, "team") && !strings.Contains(key, " /chat/") {
			t.Errorf("what the browser keeps has the names %q, want one of the path for what is of room team", keys)
		}
	}
	for _, want := range []string{"chatroom.identity", "chatroom.identity /chat", "chatroom.seen", "chatroom.seen /chat"} {
		if !slices.Contains(keys, want) {
			t.Errorf("what the browser keeps has the names %q, want %q among them", keys, want)
		}
	}
	ada.await(`navigator.serviceWorker.ready.then(({ scope }) => (window.scope = scope)) && window.scope === location.origin + "/chat/"`)
	for service, want := range map[*harness.Service]string{root: "at the root", below: "in the lobby"} {
		events := httpGet(ctx, t, harness.HTTP1Client(t), service.URL+`/chat.v1.ChatRoom/ListEvents?connect=v1&encoding=json&message=%7B%22room%22%3A%22lobby%22%7D`)
		if strings.Count(events, `"text"`) != 1 || !strings.Contains(events, want) {
			t.Errorf("the lobby has %s, want %q alone", events, want)
		}
	}
}
