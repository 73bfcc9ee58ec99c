package httpd

import (
	"net/http"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPage(t *testing.T) {
	s := serve(t, Config{})
	c := client(t, (*http.Protocols).SetHTTP1)
	for _, tt := range []struct {
		method, path string
		status       int
		kind, body   string
	}{
		{"GET", "/", 200, "text/html; charset=utf-8", "<!doctype html><title>chat</title>"},
		{"HEAD", "/", 200, "text/html; charset=utf-8", ""},
		{"GET", "/?room=lobby", 200, "text/html; charset=utf-8", "<!doctype html><title>chat</title>"},
		{"GET", "/app.js", 200, "text/javascript; charset=utf-8", "console.log('hi')"},
		{"GET", "/style.css", 200, "text/css; charset=utf-8", "body{}"},
		{"GET", "/icons/i.svg", 200, "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>"},
		{"GET", "/unknown", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/icons", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/icons/", 404, "text/plain; charset=utf-8", "404 page not found\n"}, // no list of files
		{"GET", "/docs/", 404, "text/plain; charset=utf-8", "404 page not found\n"},
		{"GET", "/%2e%2e/etc/passwd", 404, "", ""},
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
		for _, want := range []string{"default-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "object-src 'none'"} {
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
	for _, path := range []string{"/", "/app.js"} {
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
		if path == "/" {
			want = http.StatusNotModified // that one is the same
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
