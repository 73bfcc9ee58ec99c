package page

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// elsewhere is a page of another origin that runs README's example for TypeScript.
const elsewhere = `<!doctype html><meta charset="utf-8"><title>elsewhere</title>
<script>
	window.lines = [];
	window.failure = "";
	console.log = (kind) => lines.push(kind);
</script>
<script type="module">
	import("/app.js").catch((reason) => { window.failure = String(reason); });
</script>`

// bundleExample bundles the example in README for a service at a URL.
func bundleExample(t *testing.T, url string) []byte {
	t.Helper()
	root, err := filepath.Abs("../../../..")
	harness.Must(t, err)
	esbuild := filepath.Join(root, "web/node_modules/.bin/esbuild")
	if _, err := os.Stat(esbuild); err != nil {
		harness.RequireTool(t, esbuild) // as npm --prefix web ci installs it
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	harness.Must(t, err)
	_, example, found := strings.Cut(string(readme), "```ts\n")
	example, _, ended := strings.Cut(example, "```")
	const local = `"http://localhost:8080"`
	if !found || !ended || strings.Count(example, local) != 1 || !strings.Contains(example, `from "./gen/chat/v1/chat_room_pb"`) {
		t.Fatalf("README has the example %q, want one for %s with generated code in ./gen", example, local)
	}
	dir := t.TempDir()
	harness.Must(t, os.Symlink(filepath.Join(root, "web/client/gen"), filepath.Join(dir, "gen")))
	source := filepath.Join(dir, "app.ts")
	harness.Must(t, os.WriteFile(source, []byte(strings.Replace(example, local, `"`+url+`"`, 1)), 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, esbuild, source, "--bundle", "--format=esm", "--target=es2022", "--preserve-symlinks")
	command.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(root, "web/node_modules"))
	var problems strings.Builder
	command.Stderr = &problems
	bundle, err := command.Output()
	if err != nil {
		t.Fatalf("%v: %v\n%s", command, err, problems.String())
	}
	return bundle
}

// serveElsewhere serves the page under another host than that of the service, and returns
// its origin.
func serveElsewhere(t *testing.T) (origin string, bundle *[]byte) {
	t.Helper()
	bundle = new([]byte)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = w.Write([]byte(elsewhere))
		case "/app.js":
			w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
			_, _ = w.Write(*bundle)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1), bundle
}

// README's example works on a page of another origin once that is configured, with GET,
// too, and on no other page.
func TestOtherOrigins(t *testing.T) {
	t.Parallel()
	b := newBrowser(t)
	for _, tt := range []struct {
		name    string
		allowed bool
	}{{"configured", true}, {"not configured", false}} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := harness.Context(t)
			origin, bundle := serveElsewhere(t)
			s := harness.Start(t, harness.WithLimits(""), func(c *service.Config) {
				c.CORSOrigins = "https://app.example.com"
				if tt.allowed {
					c.CORSOrigins += "," + origin
				}
			})
			*bundle = bundleExample(t, s.URL)
			p := b.openBlank(t, "elsewhere")
			p.navigate(origin)
			list := `fetch("` + s.URL + `/chat.v1.ChatRoom/ListRooms?connect=v1&encoding=json&message=%7B%7D")
				.then((r) => r.json()).then((l) => { window.rooms = l.rooms[0].name; }, () => { window.rooms = "unreadable"; })`
			events := 1
			if tt.allowed {
				p.await(`lines.join() === "joined,event,caughtUp"`)
				p.do(chromedp.Evaluate[chromedp.Void]("void " + list))
				p.await(`window.rooms === "lobby"`)
			} else {
				events = 0
				p.await(`failure !== ""`)
				p.do(chromedp.Evaluate[chromedp.Void]("void " + list))
				p.await(`window.rooms === "unreadable"`)
			}
			page, err := harness.RPCClient(t, s).ListEvents(ctx, &chatv1.ListEventsRequest{Room: "lobby"})
			harness.Must(t, err)
			if n := len(page.GetEvents()); n != events {
				t.Errorf("%d messages were stored, want %d", n, events)
			}
		})
	}
}

// A page whose host name was made to point at a service on loopback gets nothing from it.
func TestDNSRebinding(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	call := func(host, origin string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(harness.Context(t), http.MethodPost, s.URL+"/chat.v1.ChatRoom/Send",
			strings.NewReader(`{"room":"lobby","id":"1","message":{"text":"hi"}}`))
		harness.Must(t, err)
		r.Host = host
		r.Header.Set("Origin", origin)
		r.Header.Set("Content-Type", "application/json")
		response, err := harness.HTTP1Client(t).Do(r)
		harness.Must(t, err)
		defer response.Body.Close()
		return response.StatusCode
	}
	if got := call("evil.example", "http://evil.example"); got != http.StatusMisdirectedRequest {
		t.Errorf("Send by a rebound name = %d, want %d", got, http.StatusMisdirectedRequest)
	}
	if got := call(s.Addr, "http://"+s.Addr); got != http.StatusOK {
		t.Errorf("Send by the page = %d, want %d", got, http.StatusOK)
	}
	if log := s.Log.String(); !strings.Contains(log, "host=evil.example") {
		t.Errorf("the log is %q, want the refused host", log)
	}
}
