package page

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"chatroom/server/internal/e2e/harness"
)

// emojiGate is a server's page whose emoji do not come before opened is closed, and after that only if
// they are to be had.
func emojiGate(t *testing.T, s *harness.Service, opened <-chan struct{}, found bool) string {
	t.Helper()
	target, err := url.Parse(s.URL)
	harness.Must(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.FlushInterval = -1
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/assets/emoji_set-") {
			<-opened
			if !found {
				http.NotFound(w, r)
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// insert puts a text into the field that has the focus, all at once.
func (p *tab) insert(text string) {
	p.t.Helper()
	p.run(`document.execCommand("insertText", false, %q)`, text)
}

// waitForEmoji makes messages wait for the emoji without end: a busy machine may need long.
func (p *tab) waitForEmoji() {
	p.t.Helper()
	p.run(`{
		const set = window.setTimeout;
		window.setTimeout = (run, after, ...values) => (after === 2_000 ? 0 : set(run, after, ...values));
	}`)
}

// A shortcode that was written whole is sent as its emoji, in a message and in an edit, but in code it
// stays. Until the emoji are loaded, the words stay in the field, and what is written after them is
// not sent with them.
func TestShortcodesAreSentAsEmoji(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	opened := make(chan struct{})
	p := b.openSignedIn(t, emojiGate(t, s, opened, true), "Ada")
	p.waitForEmoji()
	p.run(`document.querySelector("#text").focus()`)
	p.insert("done :tada: with `:tada:`")
	p.press("\r\r")
	p.insert("next")
	p.awaitField("done :tada: with `:tada:`next")
	close(opened)
	p.expectMessages("done 🎉 with :tada:")
	p.awaitField("next")
	p.press("\r")
	p.expectMessages("done 🎉 with :tada:", "next")

	p.press(kb.ArrowUp)
	p.await(`document.activeElement.id === "edit-text"`)
	p.insert(" :rocket:")
	p.press("\r")
	p.expectMessages("done 🎉 with :tada:", "next 🚀")
}

// A message is sent as it is written if the emoji can't be loaded.
func TestShortcodesWithoutEmoji(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t, harness.WithLimits(""))
	opened := make(chan struct{})
	close(opened)
	p := b.openSignedIn(t, emojiGate(t, s, opened, false), "Ada")
	p.run(`document.querySelector("#text").focus()`)
	p.insert("done :tada:")
	p.press("\r")
	p.expectMessages("done :tada:")
	p.awaitField("")
}
