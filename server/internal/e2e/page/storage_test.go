package page

import (
	"sync"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// Scripts that take from a page what browsers may refuse.
const (
	// Chromium where no site may store anything: reading the property throws.
	noStorage = `for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
		Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
	}`
	// Firefox, which refuses the channel and locks as well.
	noChannel = `window.BroadcastChannel = class { constructor() { throw new DOMException("denied", "SecurityError"); } };
		navigator.locks.request = () => Promise.reject(new DOMException("denied", "SecurityError"));`
	fullStorage = `Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };`
)

// A page that may store nothing, or whose storage is full, works until it is closed: the user stays
// signed in when the browser has frozen the tab, and settings and drafts stay.
func TestPageWithoutStorage(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"as in Chromium":  noStorage,
		"as in Firefox":   noStorage + noChannel,
		"with a full one": fullStorage,
	} {
		t.Run(name, func(t *testing.T) {
			b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
			p := b.openBlank(t, "Ada")
			exceptions := p.listenToExceptions()
			_, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
			harness.Must(t, err)
			p.do(chromedp.Navigate(s.URL))
			p.do(chromedp.SendKeys(chromedp.CSS("#name"), "Ada\r"), chromedp.WaitVisible(chromedp.CSS("#text")))
			p.await(isLive)
			p.widen()
			p.sendMessage("one")
			p.expectMessages("one")

			p.press("unsent words")
			p.run(`document.querySelector(".composer-buttons [aria-haspopup=dialog]").click()`)
			p.await(`document.querySelector(".emoji-picker [role=gridcell]") !== null`)
			p.run(`document.querySelector(".emoji-picker [role=gridcell]").click()`)
			p.await(field + `.startsWith("unsent words") && ` + field + `.length > "unsent words".length`)

			p.run(`history.pushState(null, "", "/r/tea"); dispatchEvent(new PopStateEvent("popstate"))`)
			p.await(`document.title.startsWith("#tea") && ` + isLive)
			p.run(`history.back()`)
			p.await(`document.title.startsWith("#lobby") && ` + isLive)
			p.expectMessages("one")
			p.await(`document.querySelector("#text")?.value.startsWith("unsent words") === true`)

			p.run(`document.dispatchEvent(new Event("freeze"))`)
			p.await("!(" + isLive + ")")
			p.run(`document.dispatchEvent(new Event("resume"))`)
			p.await(isLive + ` && document.querySelector("#name") === null`)
			p.run(`document.querySelector("#text").select()`)
			p.sendMessage("two")
			p.expectMessages("one", "two")
			for _, e := range exceptions() {
				t.Errorf("the page has thrown %s", e)
			}
		})
	}
}

// listenToExceptions returns a function that returns what the page has thrown and not caught.
func (p *tab) listenToExceptions() func() []string {
	p.t.Helper()
	var mu sync.Mutex
	var thrown []string
	harness.Must(p.t, chromedp.Listen(p.ctx, func(event any) {
		if e, ok := event.(*runtime.EventExceptionThrown); ok {
			mu.Lock()
			defer mu.Unlock()
			what := e.ExceptionDetails.Text
			if e.ExceptionDetails.Exception != nil {
				what = e.ExceptionDetails.Exception.Description
			}
			thrown = append(thrown, what)
		}
	}))
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return thrown
	}
}
