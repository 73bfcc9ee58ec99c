package page

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// The messages of a room are asked for while the script that shows them is still being loaded.
func TestPageConnectsBeforeItIsDrawn(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t), harness.Context(t)
	harness.SendTexts(ctx, t, harness.ConnectHTTP2.Open(t, s, ""), "team", 1, 3)
	target, err := url.Parse(s.URL)
	harness.Must(t, err)
	forward := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite:       func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host },
	}
	script := "/" + appScript(t, s)
	asked := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/Subscribe"):
			asked <- r.URL.Path
		case r.URL.Path == script:
			select {
			case <-asked:
			case <-time.After(20 * time.Second):
				t.Error("no stream is asked for before the script is there")
			}
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	p := b.open(t, server.URL+"/r/team", "Ada", chromedp.WithNewBrowserContext())
	p.await(`document.querySelectorAll("[role=log] .message").length === 3`)
	if n := len(asked); n > 0 {
		t.Errorf("the page has opened %d more streams after the first, want none", n)
	}
}
