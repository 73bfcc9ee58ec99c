package httpd

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// policy lets the page load and call nothing but its own origin.
const policy = "default-src 'self'; img-src 'self' data:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

const indexName = "index.html"

// baseElement is what index.html has for the folder in which the page is. Each address has one
// of its own, so that the page works under any path of a proxy.
const baseElement = `<base href="./">`

var errNoBase = errors.New(indexName + " must have " + baseElement)

// kinds are the types of what the page has, by extension: those of the operating system differ
// from one to another.
var kinds = map[string]string{
	".css":         "text/css; charset=utf-8",
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".png":         "image/png",
	".svg":         "image/svg+xml",
	".txt":         "text/plain; charset=utf-8",
	".webmanifest": "application/manifest+json",
}

// page serves the page and its files. Browsers ask each time whether theirs is still the newest,
// which costs an answer without a body.
type page struct {
	indexes map[string]asset // index.html by its base
	assets  map[string]asset // by URL path
	// isRoom reports whether a room may have a name.
	isRoom func(name string) bool
	// unknown answers requests that are not for the page.
	unknown http.Handler
}

// asset is a file of the page.
type asset struct {
	content []byte
	kind    string // its Content-Type
	etag    string
}

func newAsset(name string, content []byte) asset {
	kind, ok := kinds[path.Ext(name)]
	if !ok {
		kind = "application/octet-stream"
	}
	sum := sha256.Sum256(content)
	return asset{content, kind, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

func newPage(files fs.FS, isRoom func(string) bool, unknown http.Handler) (*page, error) {
	if unknown == nil {
		unknown = http.NotFoundHandler()
	}
	p := &page{indexes: make(map[string]asset), assets: make(map[string]asset), isRoom: isRoom, unknown: unknown}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if name != indexName {
			p.assets["/"+name] = newAsset(name, content)
			return nil
		}
		if bytes.Count(content, []byte(baseElement)) != 1 {
			return errNoBase
		}
		for _, base := range bases {
			element := strings.Replace(baseElement, bases[0], base, 1)
			p.indexes[base] = newAsset(name, bytes.Replace(content, []byte(baseElement), []byte(element), 1))
		}
		return nil
	})
	return p, err
}

// ServeHTTP implements http.Handler.
func (p *page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		p.unknown.ServeHTTP(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	// The path as the browser has it: relative URLs do not see what it has encoded.
	address := r.URL.EscapedPath()
	a, ok := p.assets[address]
	if base := p.baseOf(address); base != "" {
		a, ok = p.indexes[base]
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type", a.kind)
	h.Set("ETag", a.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
}
