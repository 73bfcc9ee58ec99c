package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"chatroom/server/internal/e2e/harness"
)

// fetched is what a server answers.
type fetched struct {
	status int
	header http.Header
	body   []byte
}

// fetch gets a file, without decoding it.
func fetch(ctx context.Context, t *testing.T, url, encoding string) fetched {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	harness.Must(t, err)
	request.Header.Set("Accept-Encoding", encoding)
	response, err := harness.HTTP1Client(t).Do(request)
	harness.Must(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	harness.Must(t, err)
	return fetched{response.StatusCode, response.Header, body}
}

var (
	scriptTag = regexp.MustCompile(`<script type="module" src="(assets/[^"]+)"></script>`)
	assetName = regexp.MustCompile(`assets/[\w-]+-[A-Z0-9]{8}\.(?:js|css)`)
)

// appScript returns the script that index.html names, which is another one for each build.
func appScript(t *testing.T, s *harness.Service) string {
	t.Helper()
	index := fetch(harness.Context(t), t, s.URL+"/", "identity").body
	return string(scriptTag.FindSubmatch(index)[1])
}

// What the page loads has names that change with the content, is kept by browsers for good, and is
// compressed.
func TestPageFiles(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t), harness.Context(t)
	index := fetch(ctx, t, s.URL+"/", "identity")
	if got := index.header.Get("Cache-Control"); got != "no-cache" || index.header.Get("ETag") == "" {
		t.Errorf("index.html has Cache-Control %q and ETag %q, want that it is asked for each time", got, index.header.Get("ETag"))
	}
	names := assetName.FindAllString(string(index.body), -1)
	if len(names) < 2 {
		t.Fatalf("index.html has the files %q, want a script and a style sheet:\n%s", names, index.body)
	}
	for _, name := range names {
		plain := fetch(ctx, t, s.URL+"/"+name, "identity")
		if got := plain.header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" || plain.status != http.StatusOK {
			t.Errorf("%s = %d with Cache-Control %q, want that it is kept", name, plain.status, got)
		}
		if len(plain.body) < 1000 {
			continue // nothing to gain
		}
		size := len(plain.body)
		for _, coding := range []string{"gzip", "br"} {
			packed := fetch(ctx, t, s.URL+"/"+name, coding)
			if got := packed.header.Get("Content-Encoding"); got != coding || len(packed.body) >= size || packed.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s has coding %q and %d bytes, want %q and less than %d", name, got, len(packed.body), coding, size)
			}
			size = len(packed.body)
		}
	}
	ada := b.open(t, s.URL, "Ada") // Chromium decodes them over http on this machine
	ada.await(`performance.getEntriesByType("resource").filter((e) => /assets\/[^/]*\.js$/.test(e.name)).some((e) => e.encodedBodySize > 0 && e.encodedBodySize < e.decodedBodySize / 2)`)
	if gone := fetch(ctx, t, s.URL+"/assets/chunk-00000000.js", "br"); gone.status != http.StatusNotFound {
		t.Errorf("a script of another build = %d, want %d", gone.status, http.StatusNotFound)
	}
}

// Browsers offer to install the page.
func TestPageIsInstallable(t *testing.T) {
	t.Parallel()
	b, s, ctx := newBrowser(t), harness.Start(t), harness.Context(t)
	ada := b.open(t, s.URL+"/r/team", "Ada")
	manifest, err := chromedp.Run(ada.ctx, func(ctx context.Context, target *chromedp.Target) (page.GetAppManifestResult, error) {
		return cdp.Call(ctx, target, page.GetAppManifest, page.GetAppManifestParams{})
	})
	harness.Must(t, err)
	if manifest.URL != s.URL+"/manifest.webmanifest" || len(manifest.Errors) > 0 {
		t.Errorf("the manifest is at %q with the errors %v, want none", manifest.URL, manifest.Errors)
	}
	if got := manifest.Manifest; got == nil || got.StartURL != s.URL+"/" || got.Scope != s.URL+"/" || got.Name == "" {
		t.Errorf("the manifest says %+v, want the page", got)
	}
	found, err := chromedp.Run(ada.ctx, func(ctx context.Context, target *chromedp.Target) (page.GetInstallabilityErrorsResult, error) {
		return cdp.Call(ctx, target, page.GetInstallabilityErrors, cdp.Empty{})
	})
	harness.Must(t, err)
	for _, problem := range found.InstallabilityErrors {
		if problem.ErrorID != "in-incognito" { // as each test is
			t.Errorf("the page can't be installed: %s %v", problem.ErrorID, problem.ErrorArguments)
		}
	}
	var said struct {
		Icons []struct{ Src, Sizes, Type string }
	}
	harness.Must(t, json.Unmarshal([]byte(manifest.Data), &said))
	for _, icon := range said.Icons {
		answer := fetch(ctx, t, s.URL+"/"+icon.Src, "identity")
		if answer.status != http.StatusOK || answer.header.Get("Content-Type") != icon.Type {
			t.Errorf("%s = %d, %s, want a picture of %s", icon.Src, answer.status, answer.header.Get("Content-Type"), icon.Type)
		}
		size := fmt.Sprintf(`createImageBitmap(await (await fetch(%q)).blob()).then((b) => b.width + "x" + b.height)`, icon.Src)
		if icon.Type != "image/png" {
			continue
		}
		got, err := chromedp.Run(ada.ctx, chromedp.Evaluate[string](`(async () => `+size+`)()`, chromedp.EvalAwaitPromise))
		harness.Must(t, err)
		if got != icon.Sizes {
			t.Errorf("%s is %s, want %s", icon.Src, got, icon.Sizes)
		}
	}
}

// awaitKept waits until the service worker that keeps the page of a script, and no other one, runs.
func (p *tab) awaitKept(script string) {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`(async () => {
		for (;;) {
			const [name, ...others] = await caches.keys();
			const cache = name && others.length === 0 && (await caches.open(name));
			const index = cache && (await cache.match(location.origin + "/"));
			if (index && (await index.text()).includes("`+script+`") && navigator.serviceWorker.controller) {
				window.kept = (await cache.keys()).map(({ url }) => new URL(url).pathname);
				if (window.kept.includes("/`+script+`")) return;
			}
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	})()`, chromedp.EvalAwaitPromise))
}

// saysDisconnected holds while the page has words and a way on for a server that it can't reach.
const saysDisconnected = `document.querySelector(".banner [role=status]")?.textContent.length > 0 && document.querySelector(".banner .try-now") !== null`

// awaitStored waits until the browser has stored a message that is not sent yet.
func (p *tab) awaitStored() {
	p.t.Helper()
	p.do(chromedp.Evaluate[chromedp.Void](`(async () => {
		const done = (request) => new Promise((resolve, reject) => Object.assign(request, {
			onsuccess: () => resolve(request.result), onerror: () => reject(request.error),
		}));
		const database = await done(indexedDB.open("chatroom"));
		while ((await done(database.transaction("outbox").objectStore("outbox").getAll())).length === 0);
		database.close();
	})()`, chromedp.EvalAwaitPromise))
}

// A page that is loaded while the server can't be reached shows that, and what was not sent yet,
// which is sent later. Only the page and its files are kept.
func TestPageIsKept(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	line := newBreakableProxy(t, s.Addr)
	script := appScript(t, s)
	ada := b.openSignedIn(t, line.URL+"/r/team", "Ada")
	ada.sendMessage("sent")
	ada.expectMessages("sent")
	ada.awaitKept(script)
	kept, err := chromedp.Run(ada.ctx, chromedp.Evaluate[[]string](`window.kept`))
	harness.Must(t, err)
	for _, path := range kept {
		if path != "/" && !assetName.MatchString(path) {
			t.Errorf("the service worker keeps %q, want only the page and its files", path)
		}
	}

	line.breakConnections()
	ada.sendMessage("written offline")
	ada.await(`document.querySelectorAll("[role=log] .message").length === 2`)
	ada.awaitStored()
	for _, path := range []string{"/r/team", "/"} { // at each depth
		ada.navigate(line.URL + path)
		ada.await(saysDisconnected)
		if path == "/r/team" {
			ada.await(`[...document.querySelectorAll(".message .text")].some((e) => e.textContent === "written offline")`)
		}
	}
	ada.navigate(line.URL + "/r/team")
	ada.await(`[...document.querySelectorAll(".message .text")].some((e) => e.textContent === "written offline")`)
	line.restore()
	ada.run(`document.querySelector(".banner .try-now")?.click()`)
	ada.expectMessages("sent", "written offline")
}

// deployment is a server whose page can be replaced by another build of it.
type deployment struct {
	URL    string
	script string // of the page as it is built

	mu     sync.Mutex // guards below
	isNext bool
}

// The next build has other scripts, and a service worker of its own.
var (
	buildID    = regexp.MustCompile(`"[0-9a-f]{16}"`)
	scriptHash = regexp.MustCompile(`-([A-Z0-9]{8})\.js`)
)

// nextScript returns the name that a script has in the next build, given that of this one.
func nextScript(name string) string {
	return scriptHash.ReplaceAllString(name, "-${1}NEXT.js")
}

func deploy(t *testing.T, s *harness.Service) *deployment {
	t.Helper()
	d := &deployment{script: appScript(t, s)}
	target, err := url.Parse(s.URL)
	harness.Must(t, err)
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host
			if d.current() {
				r.Out.Header.Del("Accept-Encoding") // what is changed must not be compressed
				r.Out.Header.Del("If-None-Match")
				r.Out.URL.Path = strings.Replace(r.Out.URL.Path, "NEXT.js", ".js", 1)
			}
		},
		ModifyResponse: func(r *http.Response) error {
			if !d.current() || !slices.Contains([]string{"text/html; charset=utf-8", "text/javascript; charset=utf-8"}, r.Header.Get("Content-Type")) {
				return nil
			}
			content, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			content = scriptHash.ReplaceAll(content, []byte("-${1}NEXT.js"))
			switch name := r.Request.URL.Path; name {
			case "/sw.js":
				content = buildID.ReplaceAll(content, []byte(`"0123456789abcdef"`))
			case "/" + d.script:
				content = append(content, `;document.documentElement.dataset.build="next";`...)
			}
			r.Header.Del("ETag")
			r.Header.Del("Content-Length")
			r.ContentLength = -1
			r.Body = io.NopCloser(bytes.NewReader(content))
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.current() && scriptHash.MatchString(r.URL.Path) {
			http.NotFound(w, r) // servers have the files of one build
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	d.URL = server.URL
	return d
}

func (d *deployment) current() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.isNext
}

func (d *deployment) replace() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.isNext = true
}

// After a new build was installed, the next load has it, and nothing of the old one is left.
func TestPageIsReplaced(t *testing.T) {
	t.Parallel()
	b, s := newBrowser(t), harness.Start(t)
	d := deploy(t, s)
	line := newBreakableProxy(t, strings.TrimPrefix(d.URL, "http://"))
	ada := b.openSignedIn(t, line.URL+"/r/team", "Ada")
	ada.awaitKept(d.script)
	ada.reload() // by the service worker
	ada.await(isLive + ` && !document.documentElement.dataset.build`)

	d.replace()
	ada.reload()
	ada.await(`document.documentElement.dataset.build === "next"`)
	ada.awaitKept(nextScript(d.script))
	ada.sendMessage("by the next build")
	ada.expectMessages("by the next build")

	line.breakConnections()
	ada.reload()
	ada.await(`document.documentElement.dataset.build === "next" && ` + saysDisconnected)
}
