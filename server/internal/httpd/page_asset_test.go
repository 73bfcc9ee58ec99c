package httpd

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// built is a page as the build makes it. The compressed script stands for itself: the server does
// not look into it.
func built() (files fstest.MapFS, script, style string) {
	script, style = strings.Repeat("log(1);", 500), strings.Repeat("a{}", 500)
	return fstest.MapFS{
		"index.html":            {Data: []byte(`<!doctype html><base href="./"><title>chat</title>` + strings.Repeat("<p>", 100))},
		"assets/app-AB12.js":    {Data: []byte(script)},
		"assets/app-AB12.js.br": {Data: []byte("compressed")},
		"assets/style-CD34.css": {Data: []byte(style)},
		"assets/tiny-EF56.js":   {Data: []byte("0")},
		"icon.png":              {Data: bytes.Repeat([]byte{0}, 5000)},
		"app.webmanifest":       {Data: []byte(`{}`)},
	}, script, style
}

func TestPageCodings(t *testing.T) {
	files, script, style := built()
	s := serve(t, Config{Page: files})
	c := client(t, (*http.Protocols).SetHTTP1)
	for _, tt := range []struct {
		path, accept, coding, body string
	}{
		{"/assets/app-AB12.js", "gzip, deflate, br, zstd", "br", "compressed"},
		{"/assets/app-AB12.js", "br;q=0.1, gzip", "br", "compressed"}, // the shortest, whatever the weight
		{"/assets/app-AB12.js", "BR", "br", "compressed"},
		{"/assets/app-AB12.js", "*", "br", "compressed"},
		{"/assets/app-AB12.js", "*, br;q=0", "gzip", script},
		{"/assets/app-AB12.js", "gzip", "gzip", script},
		{"/assets/app-AB12.js", "br;q=0, gzip ; q=0.5", "gzip", script},
		{"/assets/app-AB12.js", "br; q=0, *;q=0", "", script},
		{"/assets/app-AB12.js", "brotli, x-gzip", "", script},
		{"/assets/app-AB12.js", "br;q=x", "", script},
		{"/assets/app-AB12.js", "identity", "", script},
		{"/assets/style-CD34.css", "br, gzip", "gzip", style},
		{"/assets/tiny-EF56.js", "br, gzip", "", "0"}, // it would grow
		{"/icon.png", "br, gzip", "", string(files["icon.png"].Data)},
		{"/", "br, gzip", "gzip", string(files["index.html"].Data)},
		{"/r/team/7", "br, gzip", "gzip", strings.Replace(string(files["index.html"].Data), "./", "../../", 1)},
	} {
		name := tt.path + " for " + tt.accept
		response, body := request(t, c, "GET", s.url(0)+tt.path, "Accept-Encoding", tt.accept)
		if got := response.Header.Get("Content-Encoding"); got != tt.coding {
			t.Errorf("GET %s has coding %q, want %q", name, got, tt.coding)
			continue
		}
		if response.Header.Get("Content-Length") != strconv.Itoa(len(body)) {
			t.Errorf("GET %s has length %s, want %d", name, response.Header.Get("Content-Length"), len(body))
		}
		if tt.coding == "gzip" {
			body = unzip(t, body)
		}
		if body != tt.body {
			t.Errorf("GET %s = %.60q, want %.60q", name, body, tt.body)
		}
		if got := response.Header.Get("Vary"); (got == "Accept-Encoding") != (tt.path != "/icon.png") {
			t.Errorf("GET %s has Vary %q, want that it varies unless it is a picture", name, got)
		}
		head, none := request(t, c, "HEAD", s.url(0)+tt.path, "Accept-Encoding", tt.accept)
		for _, header := range []string{"Content-Encoding", "Content-Length", "Content-Type", "ETag", "Cache-Control", "Vary"} {
			if head.Header.Get(header) != response.Header.Get(header) || none != "" {
				t.Errorf("HEAD %s has %s %q, want %q", name, header, head.Header.Get(header), response.Header.Get(header))
			}
		}
	}
}

func unzip(t *testing.T, zipped string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(zipped))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// A coding has a tag of its own: a cache must not take one for another.
func TestPageTags(t *testing.T) {
	files, _, _ := built()
	s := serve(t, Config{Page: files})
	c := client(t, (*http.Protocols).SetHTTP1)
	tags := make(map[string]string)
	for _, coding := range []string{"br", "gzip", "identity"} {
		response, _ := request(t, c, "GET", s.url(0)+"/assets/app-AB12.js", "Accept-Encoding", coding)
		tag := response.Header.Get("ETag")
		if other, ok := tags[tag]; ok || tag == "" {
			t.Errorf("%s has the tag %q of %s", coding, tag, other)
		}
		tags[tag] = coding
		again, body := request(t, c, "GET", s.url(0)+"/assets/app-AB12.js", "Accept-Encoding", coding, "If-None-Match", tag)
		if again.StatusCode != http.StatusNotModified || body != "" || again.Header.Get("Vary") == "" {
			t.Errorf("GET again of %s = %d with %d bytes and Vary %q, want 304", coding, again.StatusCode, len(body), again.Header.Get("Vary"))
		}
	}
}

func TestPageRanges(t *testing.T) {
	files, script, _ := built()
	s := serve(t, Config{Page: files})
	c := client(t, (*http.Protocols).SetHTTP1)
	part, body := request(t, c, "GET", s.url(0)+"/assets/app-AB12.js", "Accept-Encoding", "identity", "Range", "bytes=0-2")
	if part.StatusCode != http.StatusPartialContent || body != script[:3] {
		t.Errorf("a range = %d, %.20q, want the first 3 bytes", part.StatusCode, body)
	}
	all, body := request(t, c, "GET", s.url(0)+"/assets/app-AB12.js", "Accept-Encoding", "br", "Range", "bytes=0-2")
	if all.StatusCode != http.StatusOK || body != "compressed" {
		t.Errorf("a range of a compressed file = %d, %.20q, want all of it", all.StatusCode, body)
	}
}

// Files with a hash in the name are kept for good, the others are asked for each time, and
// compressed files have no address.
func TestPageCaching(t *testing.T) {
	files, _, _ := built()
	s := serve(t, Config{Page: files})
	c := client(t, (*http.Protocols).SetHTTP1)
	const kept, asked = "public, max-age=31536000, immutable", "no-cache"
	for path, want := range map[string]struct {
		status        int
		control, kind string
	}{
		"/":                      {200, asked, "text/html; charset=utf-8"},
		"/r/team":                {200, asked, "text/html; charset=utf-8"},
		"/icon.png":              {200, asked, "image/png"},
		"/app.webmanifest":       {200, asked, "application/manifest+json"},
		"/assets/app-AB12.js":    {200, kept, "text/javascript; charset=utf-8"},
		"/assets/style-CD34.css": {200, kept, "text/css; charset=utf-8"},
		"/assets/app-AB12.js.br": {404, "", "text/plain; charset=utf-8"},
		"/assets/app-OLD1.js":    {404, "", "text/plain; charset=utf-8"},
	} {
		response, _ := request(t, c, "GET", s.url(0)+path)
		h := response.Header
		if response.StatusCode != want.status || h.Get("Cache-Control") != want.control || h.Get("Content-Type") != want.kind {
			t.Errorf("GET %s = %d, %q, %q, want %v", path, response.StatusCode, h.Get("Cache-Control"), h.Get("Content-Type"), want)
		}
	}
}
