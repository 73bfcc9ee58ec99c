package page

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// partsGate is a server's page whose dialogs do not come as long as a status other than 0 is set. With
// the status 404, the page of the server is another build.
type partsGate struct {
	URL    string
	status atomic.Int64
	asked  atomic.Int64 // how often dialogs were refused
}

func newPartsGate(t *testing.T, s *harness.Service) *partsGate {
	t.Helper()
	target, err := url.Parse(s.URL)
	harness.Must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	g := &partsGate{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := int(g.status.Load())
		switch {
		case status != 0 && strings.HasPrefix(r.URL.Path, "/assets/dialogs-"):
			g.asked.Add(1)
			w.WriteHeader(status)
		case status == http.StatusNotFound && r.URL.Path == "/":
			_, _ = fmt.Fprint(w, `<script type="module" src="assets/app-next.js"></script>`)
		default:
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

// A dialog that could not be loaded is shown as soon as it can be. If the server has another build, the
// page says so.
func TestPageLoadsPartsThatFailed(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	for _, status := range []int{http.StatusBadGateway, http.StatusNotFound} {
		g := newPartsGate(t, harness.Start(t))
		g.status.Store(int64(status))
		p := b.open(t, g.URL+"/r/team", "Ada", chromedp.WithNewBrowserContext())
		p.widen()
		p.clickButton("Settings")
		eventually(t, func() error {
			if g.asked.Load() == 0 {
				return fmt.Errorf("no dialog was refused with %d", status)
			}
			return nil
		})
		if status == http.StatusNotFound {
			p.await(`document.querySelector(".outdated button") !== null`)
			continue
		}
		p.await(`document.querySelector("dialog[open]") === null`)
		g.status.Store(0)
		p.await(`document.querySelector("dialog[open]") !== null`)
	}
}
