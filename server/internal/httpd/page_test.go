package httpd

import (
	"errors"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// index is index.html for a base.
func index(base string) string {
	return strings.Replace(string(files["index.html"].Data), "./", base, 1)
}

// roomName is that of the contract.
var roomName = regexp.MustCompile(`^[a-z0-9._-]{1,64}$`)

func TestBaseOf(t *testing.T) {
	p := &page{isRoom: roomName.MatchString}
	longest := strings.Repeat("a", 64)
	for address, want := range map[string]string{
		"/": "./",

		"/r/team":        "../",
		"/r/a.b_c-9":     "../",
		"/r/...":         "../",
		"/r/" + longest:  "../",
		"/r/team/1":      "../../",
		"/r/team/471100": "../../",

		"/r/team/0":   "../../", // the page says that there is no such message
		"/r/team/01":  "../../",
		"/r/team/-1":  "../../",
		"/r/team/x":   "../../",
		"/r/team/%31": "../../",

		"/r/team/18446744073709551615":   "../../",
		"/r/team/1844674407370955161600": "../../",

		"":                    "",
		"/r":                  "",
		"/r/":                 "",
		"/r//":                "",
		"/r//1":               "",
		"/r/Team":             "",
		"/r/team/":            "",
		"/r/team/1/":          "",
		"/r/team/1/2":         "",
		"/r/t%65am":           "",
		"/r/team%2f1":         "",
		"/r/tëam":             "",
		"/r/" + longest + "a": "",
		"/R/team":             "",
		"/rooms/team":         "",
		"//r/team":            "",
	} {
		if got := p.baseOf(address); got != want {
			t.Errorf("baseOf(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestRedirectOf(t *testing.T) {
	p := &page{isRoom: roomName.MatchString}
	for address, want := range map[string]string{
		"/r/":             "../",
		"/r/Team":         "./team",
		"/r/t%65am":       "./team",
		"/r/\u212aey":     "./key", // in lower case, the Kelvin sign is a k
		"/r/team/":        "../team",
		"/r/Team/":        "../team",
		"/r/Team/7":       "../team/7",
		"/r/Team/%2F%2Fx": "../team/%2F%2Fx",
		"/r/a%2Fb&c":      "../?room=a%2Fb%26c",
		"/r/%2F%2Fevil":   "../?room=%2F%2Fevil",
		"/r/t\u00ebam":    "../?room=t%C3%ABam",
		"/r/%2E%2e":       "../?room=..",
		"/r/%2e/1":        "../../?room=.",
		"/r//":            "../../",

		"/r":           "",
		"/r/%":         "",
		"/r/team/1/2":  "",
		"/r//evil/x":   "",
		"/rooms/team":  "",
		"/nothing":     "",
		"//r/team":     "",
		"/R/team":      "",
		"/r/team/1/":   "",
		"/chat/r/team": "",
	} {
		if got := p.redirectOf(address); got != want {
			t.Errorf("redirectOf(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestPageNeedsABase(t *testing.T) {
	_, err := New(Config{Page: fstest.MapFS{"index.html": {Data: []byte("<!doctype html>")}}, Log: slog.New(slog.DiscardHandler)})
	if !errors.Is(err, errNoBase) {
		t.Errorf("New with an index.html without a base = %v, want %v", err, errNoBase)
	}
}

func TestPage(t *testing.T) {
	s := serve(t, Config{})
	c := client(t, (*http.Protocols).SetHTTP1)
	for _, tt := range []struct {
		method, path string
		status       int
		kind, body   string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", index("./")},
		{"HEAD", "/", 200, "text/html; charset=utf-8", ""},
		{"GET", "/?room=lobby", 200, "text/html; charset=utf-8", index("./")},
		{"GET", "/index.html", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/r/team", 200, "text/html; charset=utf-8", index("../")},
		{"HEAD", "/r/team", 200, "text/html; charset=utf-8", ""},
		{"GET", "/r/team/4711?signin=done", 200, "text/html; charset=utf-8", index("../../")},
		{"GET", "/app.js", 200, "text/javascript; charset=utf-8", "console.log('hi')"},
		{"GET", "/style.css", 200, "text/css; charset=utf-8", "body{}"},
		{"GET", "/icons/i.svg", 200, "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"},
		{"GET", "/unknown", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/icons", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/icons/", 404, "text/plain; charset=utf-8", "404 page not found\n"}, // no list of files
		{"GET", "/docs/", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/%2e%2e/etc/passwd", 404, "", ""},
		{"GET", "/r/..", 200, "text/html; charset=utf-8", index("./")}, // redirected, to "/"
		{"GET", "/r/%2e%2e", 302, "", ""},
		{"GET", "/r/team/..", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/r/team%2F4711", 302, "", ""},
		{"GET", "/r%2Fteam", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/r/te%61m", 302, "", ""},
		{"GET", "/r/team\\4711", 302, "", ""},
		{"POST", "/r/team", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/chat.v1.ChatRoom/Send", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"POST", "/chat.v1.Unknown/Send", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"POST", "/", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"PUT", "/app.js", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"OPTIONS", "/", 404, "text/plain; charset=utf-8", "404 page not found\n"},
	} {
		response, body := request(t, c, tt.method, s.url(0)+tt.path)
		if response.StatusCode == http.StatusTemporaryRedirect || response.StatusCode == http.StatusMovedPermanently {
			response, body = request(t, c, tt.method, s.url(0)+response.Header.Get("Location"))
		}
		kind := response.Header.Get("Content-Type")
		if response.StatusCode != tt.status || tt.kind != "" && (kind != tt.kind || body != tt.body) {
			t.Errorf("%s %s = %d, %q, %q, want %d, %q, %q", tt.method, tt.path, response.StatusCode, kind, body, tt.status, tt.kind, tt.body)
		}
	}
}

func TestPageHeaders(t *testing.T) {
	s := serve(t, Config{})
	c := client(t, (*http.Protocols).SetHTTP1)
	for _, path := range []string{"/", "/app.js", "/unknown"} {
		response, _ := request(t, c, "GET", s.url(0)+path)
		for name, want := range map[string]string{
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("GET %s: %s = %q, want %q", path, name, got, want)
			}
		}
		policy := response.Header.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'self'", "base-uri 'self'", "frame-ancestors 'none'", "object-src 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("GET %s: Content-Security-Policy = %q, want %q in it", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") {
			t.Errorf("GET %s: Content-Security-Policy = %q, want no exceptions in it", path, policy)
		}
	}
}

// A browser asks each time, and gets a body only when there is a newer one.
func TestPageIsRevalidated(t *testing.T) {
	c := client(t, (*http.Protocols).SetHTTP1)
	old := serve(t, Config{})
	changed := fstest.MapFS{"index.html": files["index.html"], "app.js": {Data: []byte("console.log('ho')")}}
	newer := serve(t, Config{Page: changed})
	for _, path := range []string{"/", "/r/team", "/r/team/1", "/app.js"} {
		response, _ := request(t, c, "GET", old.url(0)+path)
		tag := response.Header.Get("ETag")
		if tag == "" || response.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("GET %s: ETag %q, Cache-Control %q, want a tag and no-cache", path, tag, response.Header.Get("Cache-Control"))
		}
		response, body := request(t, c, "GET", old.url(0)+path, "If-None-Match", tag)
		if response.StatusCode != http.StatusNotModified || body != "" || response.Header.Get("ETag") != tag {
			t.Errorf("GET %s again = %d, %q, ETag %q, want 304 without a body", path, response.StatusCode, body, response.Header.Get("ETag"))
		}
		want := http.StatusOK
		if path != "/app.js" {
			want = http.StatusNotModified // it is the same
		}
		if response, _ := request(t, c, "GET", newer.url(0)+path, "If-None-Match", tag); response.StatusCode != want {
			t.Errorf("GET %s with the old tag = %d, want %d", path, response.StatusCode, want)
		}
	}
	response, _ := request(t, c, "GET", old.url(0)+"/unknown")
	if got := response.Header.Get("ETag") + response.Header.Get("Cache-Control"); got != "" {
		t.Errorf("GET of an unknown path has ETag and Cache-Control %q, want none", got)
	}
}
