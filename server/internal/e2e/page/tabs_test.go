package page

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// plainHost is a name that the browser of these tests finds on loopback. Over http it is
// no secure context: there are no locks.
const plainHost = "chat.test"

// countingProxy is an HTTP/1.1 proxy in front of a service, which counts calls.
type countingProxy struct {
	Port string

	mu      sync.Mutex // guards below
	calls   map[string]int
	streams int // that are open
}

// newCountingProxy starts a proxy for a service.
func newCountingProxy(t *testing.T, s *harness.Service) *countingProxy {
	t.Helper()
	target, err := url.Parse(s.URL)
	harness.Must(t, err)
	p := &countingProxy{calls: make(map[string]int)}
	forward := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		FlushInterval: -1,
		ErrorHandler:  func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method := strings.TrimPrefix(r.URL.Path, "/chat.v1.ChatRoom/")
		p.count(method, 1)
		defer p.count(method, -1)
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	p.Port = server.URL[strings.LastIndex(server.URL, ":")+1:]
	return p
}

func (p *countingProxy) count(method string, change int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if change > 0 {
		p.calls[method]++
	}
	if method == "Subscribe" {
		p.streams += change
	}
}

func (p *countingProxy) callsOf(method string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[method]
}

// expectOneStream waits until there is exactly one stream.
func (p *countingProxy) expectOneStream(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.streams != 1 {
			return fmt.Errorf("there are %d streams, want 1", p.streams)
		}
		return nil
	})
}

// eventually waits until a condition holds, which returns nil then.
func eventually(t *testing.T, condition func() error) {
	t.Helper()
	ctx := harness.Context(t)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := condition()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// openTabs opens n tabs of one browser, signed in as Ada, at the addresses that url
// returns. The first one leads.
func openTabs(b browser, t *testing.T, n int, url func(i int) string) []*tab {
	t.Helper()
	tabs := []*tab{b.openSignedIn(t, url(0), "Ada")}
	own := browser{tabs[0].ctx} // so that they share what is stored
	for i := 1; i < n; i++ {
		tabs = append(tabs, own.open(t, url(i), fmt.Sprintf("tab %d", i)))
	}
	return tabs
}

// crash ends the process of the tab. The browser does not answer that.
func (p *tab) crash() {
	ctx, cancel := context.WithCancel(p.ctx)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = chromedp.Call(ctx, page.Crash, cdp.Empty{})
	}()
	p.t.Cleanup(func() {
		cancel()
		<-gone
	})
}

// sendTimed sends a message, and returns how long the page shows it as unsent.
func (p *tab) sendTimed(text string) time.Duration {
	p.t.Helper()
	p.run(`window.sentAt = 0; window.storedAt = 0;
		document.querySelector("#text").addEventListener("keydown", (e) => { if (e.key === "Enter") window.sentAt = performance.now(); }, { capture: true });
		new MutationObserver((_, observer) => {
			const row = [...document.querySelectorAll("[role=log] .message")].find((m) => m.querySelector(".text").textContent === %q);
			if (!row || row.querySelector(".state")) return;
			window.storedAt = performance.now();
			observer.disconnect();
		}).observe(document.querySelector("[role=log]"), { childList: true, subtree: true, attributes: true, characterData: true })`, text)
	p.sendMessage(text)
	p.await(`window.storedAt > 0`)
	ms, err := chromedp.Run(p.ctx, chromedp.Evaluate[float64](`window.storedAt - window.sentAt`))
	harness.Must(p.t, err)
	return time.Duration(ms * float64(time.Millisecond))
}

// Over plain http to a name that is not a secure context, where a browser has no locks and
// six connections, ten tabs have one stream in all, and every send is stored at once.
func TestTenTabsOverPlainHTTP(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		room func(i int) string
	}{
		{"in ten rooms", func(i int) string { return fmt.Sprintf("room-%d", i) }},
		{"in one room", func(int) string { return "lobby" }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBrowser(t, chromedp.Flag("host-resolver-rules", "MAP "+plainHost+" 127.0.0.1"))
			s := harness.Start(t, func(c *service.Config) { c.Hosts = plainHost })
			proxy := newCountingProxy(t, s)
			tabs := openTabs(b, t, 10, func(i int) string {
				return "http://" + plainHost + ":" + proxy.Port + "/?room=" + tt.room(i)
			})
			tabs[0].await(`!isSecureContext && navigator.locks === undefined`)
			proxy.expectOneStream(t)
			var slowest time.Duration
			var all []string
			for i, p := range tabs {
				text := fmt.Sprintf("from tab %d", i)
				slowest = max(slowest, p.sendTimed(text))
				all = append(all, text)
			}
			t.Logf("the slowest send took %v", slowest)
			// It is a fraction of a second; without a free connection it would be for ever.
			if slowest > 5*time.Second {
				t.Errorf("a send took %v to be stored, want about 1 s at most", slowest)
			}
			for i, p := range tabs {
				if tt.room(0) == tt.room(1) {
					p.expectMessages(all...)
				} else {
					p.expectMessages(all[i])
				}
			}
			proxy.expectOneStream(t)
		})
	}
}

// When the tab that has the stream is closed, hangs or crashes, another one takes over, and
// nothing is missing.
func TestAnotherTabTakesOver(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, host string
	}{{"with locks", "127.0.0.1"}, {"without locks", plainHost}} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBrowser(t, chromedp.Flag("host-resolver-rules", "MAP "+plainHost+" 127.0.0.1"))
			s := harness.Start(t, func(c *service.Config) { c.Hosts = plainHost + ",127.0.0.1" })
			proxy := newCountingProxy(t, s)
			tabs := openTabs(b, t, 4, func(int) string { return "http://" + tt.host + ":" + proxy.Port + "/" })
			var all []string
			say := func() {
				t.Helper()
				text := fmt.Sprintf("message %d", len(all))
				_, err := harness.RPCClient(t, s).Send(harness.Context(t), harness.TextRequest("lobby", text))
				harness.Must(t, err)
				all = append(all, text)
			}
			expect := func() {
				t.Helper()
				say()
				for _, p := range tabs {
					p.expectMessages(all...)
				}
				proxy.expectOneStream(t)
			}
			expect()

			leader := tabs[0]
			say()
			leader.navigate("about:blank")
			tabs = tabs[1:]
			expect()

			// The leader's script hangs for longer than the others wait for an answer.
			hung := tabs[0]
			hung.run(`setTimeout(() => { const end = Date.now() + 5000; while (Date.now() < end); }, 0)`)
			say()
			tabs = tabs[1:]
			expect()
			tabs = append(tabs, hung)
			expect()

			crashed := tabs[0]
			say()
			crashed.crash()
			tabs = tabs[1:]
			expect()
		})
	}
}

// What is sent while there is no connection is sent when there is one: from any room, and
// after the only tab was closed, once and in order.
func TestOutboxOutlivesTheTab(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	line := newBreakableProxy(t, s.Addr)
	ada := b.openSignedIn(t, line.URL, "Ada")
	ada.sendMessage("before")
	ada.expectMessages("before")
	own := browser{ada.ctx}

	line.breakConnections()
	for i := range 3 {
		ada.sendMessage(fmt.Sprintf("unsent %d", i))
	}
	ada.await(`document.querySelectorAll("[role=log] .state").length === 3`)
	// The tab that stays keeps what is stored, but not the page.
	ada.navigate("about:blank")
	line.restore()
	tea := own.open(t, line.URL+"?room=tea", "Ada, in another room")
	stored := func() []string {
		page, err := harness.RPCClient(t, s).ListEvents(harness.Context(t), &chatv1.ListEventsRequest{Room: "lobby"})
		harness.Must(t, err)
		var texts []string
		for _, e := range page.GetEvents() {
			texts = append(texts, e.GetMessage().GetText())
		}
		return texts
	}
	want := []string{"before", "unsent 0", "unsent 1", "unsent 2"}
	expectStored := func() {
		t.Helper()
		eventually(t, func() error {
			if got := stored(); !slices.Equal(got, want) {
				return fmt.Errorf("stored are %q, want %q", got, want)
			}
			return nil
		})
	}
	expectStored()

	// P1: a message of a room that was left is sent while another one is on screen.
	tea.run(`history.pushState(null, "", "?room=lobby"); dispatchEvent(new PopStateEvent("popstate"))`)
	tea.expectMessages(want...)
	line.breakConnections()
	tea.sendMessage("left behind")
	tea.await(`document.querySelectorAll("[role=log] .state").length === 1`)
	tea.run(`history.pushState(null, "", "?room=milk"); dispatchEvent(new PopStateEvent("popstate"))`)
	tea.await(`document.title.startsWith("#milk")`)
	line.restore()
	want = append(want, "left behind")
	expectStored()
}

// P3: a device whose clock is 31 days ahead signs in once, and sends.
func TestDeviceClockIsAhead(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	proxy := newCountingProxy(t, s)
	p := b.openSignedIn(t, "http://127.0.0.1:"+proxy.Port+"/", "Ada")
	_, err := chromedp.Call(p.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `{
		const ahead = 31 * 24 * 3600 * 1000, RealDate = Date;
		globalThis.Date = class extends RealDate {
			constructor(...args) { if (args.length) super(...args); else super(RealDate.now() + ahead); }
			static now() { return RealDate.now() + ahead; }
		};
	}`})
	harness.Must(t, err)
	p.reload()
	p.await(`document.documentElement.dataset.connection === "live" && new Date().getTime() - performance.timeOrigin > 30 * 24 * 3600 * 1000`)
	p.sendMessage("from the future")
	p.expectMessages("from the future")
	if n := proxy.callsOf("SignIn"); n != 1 {
		t.Errorf("SignIn was called %d times, want 1", n)
	}
	proxy.expectOneStream(t)
}
