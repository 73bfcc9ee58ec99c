package page

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// browser is a running Chromium, whose tabs share nothing unless they are opened from
// one another.
type browser struct{ ctx context.Context }

// newBrowser starts Chromium, or skips the test without one.
func newBrowser(t *testing.T, flags ...chromedp.ExecAllocatorOption) browser {
	t.Helper()
	return browser{harness.Chromium(t, flags...)}
}

// isLive holds while the page has a connection that brings everything.
const isLive = `document.documentElement.dataset.connection === "live"`

// tab is a browser tab with the page.
type tab struct {
	t    *testing.T
	name string
	ctx  context.Context
}

// openSignedIn opens the page in a new browser context, and signs in with a name.
func (b browser) openSignedIn(t *testing.T, url, name string) *tab {
	t.Helper()
	p := b.open(t, url, name, chromedp.WithNewBrowserContext())
	p.do(chromedp.SendKeys(chromedp.CSS("#name"), name), chromedp.Click(chromedp.CSS(".naming [type=submit]")))
	p.do(chromedp.WaitVisible(chromedp.CSS("#text")))
	return p
}

func (b browser) open(t *testing.T, url, name string, options ...chromedp.ContextOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx, options...)
	t.Cleanup(cancel)
	p := &tab{t, name, ctx}
	// Only messages in view are elements: the tests that compare all of them have few enough.
	p.do(chromedp.EmulateViewport(800, 1600), chromedp.Navigate(url))
	p.await(isLive)
	return p
}

func (p *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatalf("the page of %s: %v", p.name, err)
	}
}

// navigate leaves the page for another one, once the page would not ask the user first.
func (p *tab) navigate(url string) {
	p.t.Helper()
	p.awaitNothingUnsent()
	p.do(chromedp.Navigate(url))
}

// reload loads the page again, once it would not ask the user first.
func (p *tab) reload() {
	p.t.Helper()
	p.awaitNothingUnsent()
	p.do(chromedp.Reload())
}

// awaitNothingUnsent waits until what was sent is stored, in the browser or on the server. Until then
// leaving the page opens a dialog, which blocks the tab until it is answered.
func (p *tab) awaitNothingUnsent() {
	p.t.Helper()
	p.await(`window.dispatchEvent(new Event("beforeunload", { cancelable: true }))`)
}

// awaitTimeout is short enough that a wrong test fails soon; the gate, where every tool is
// required, has time for a busy machine.
func awaitTimeout() time.Duration {
	if os.Getenv("CHATROOM_TEST_REQUIRE") == "1" {
		return 2 * time.Minute
	}
	return time.Minute
}

// await waits until an expression in the page is true, also across navigations.
func (p *tab) await(expression string) {
	p.t.Helper()
	for {
		_, err := chromedp.Run(p.ctx, chromedp.Poll[bool](expression, chromedp.WithPollingTimeout(awaitTimeout())))
		if err == nil {
			return
		}
		isNavigation := strings.Contains(err.Error(), "Inspected target navigated") || strings.Contains(err.Error(), "Cannot find context with specified id")
		if !isNavigation {
			p.storePicture("failed-" + strings.ReplaceAll(p.t.Name(), "/", "-"))
			p.t.Fatalf("the page of %s never has %s: %v; it shows %q", p.name, expression, err, p.texts())
		}
	}
}

func (p *tab) sendMessage(text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(chromedp.CSS("#text"), text))
	p.press("\r")
}

// texts returns the messages that the page shows as stored, in its order.
func (p *tab) texts() []string {
	p.t.Helper()
	const shown = `[...document.querySelectorAll("[role=log] .message")]
		.filter((m) => !m.querySelector(".state, .failed"))
		.map((m) => m.querySelector(".text").textContent)`
	texts, err := chromedp.Run(p.ctx, chromedp.Evaluate[[]string](shown))
	if err != nil {
		p.t.Errorf("the page of %s: %v", p.name, err)
	}
	return texts
}

// expectMessages waits until the page shows exactly these messages in this order.
func (p *tab) expectMessages(want ...string) {
	p.t.Helper()
	p.await(fmt.Sprintf(`document.querySelectorAll("[role=log] .message").length >= %d
		&& !document.querySelector("[role=log] .state")`, len(want)))
	if got := p.texts(); !slices.Equal(got, want) {
		p.t.Errorf("the page of %s shows %q, want %q", p.name, got, want)
	}
}

// choose opens the menu of a message, and clicks an item.
func (p *tab) choose(text, what string) {
	p.t.Helper()
	p.run(`[...document.querySelectorAll(".message")].findLast((m) => m.querySelector(".text").textContent === %q).querySelector(".more").click()`, text)
	item := fmt.Sprintf(`[...document.querySelectorAll(".menu button")].find((b) => (b.getAttribute("aria-label") ?? b.textContent) === %q)`, what)
	p.await(item + ` !== undefined`)
	p.run("%s", item+`.click()`)
}

// run runs a script in the page, formatted with values.
func (p *tab) run(script string, values ...any) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(script, values...)))
}

// widen gives the page room for its rooms and people beside the messages.
func (p *tab) widen() { p.do(chromedp.EmulateViewport(1280, 800)) }
