package httpd

import (
	"crypto/sha256"
	"encoding/base64"
	"io/fs"
	"net/http"
	"path"
)

// policy lets the page load and call nothing but its own origin.
const policy = "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

// page serves static files. Browsers ask each time whether theirs is still the
// newest, which costs an answer without a body.
type page struct {
	files http.Handler
	etags map[string]string // by URL path
	// unknown answers requests that are not for the page.
	unknown http.Handler
}

func newPage(files fs.FS, unknown http.Handler) (*page, error) {
	if unknown == nil {
		unknown = http.NotFoundHandler()
	}
	p := &page{files: http.FileServerFS(files), etags: make(map[string]string), unknown: unknown}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		p.etags["/"+name] = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		return nil
	})
	p.etags["/"] = p.etags["/index.html"]
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
	name := path.Clean(r.URL.Path)
	if tag := p.etags[name]; tag != "" {
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", tag)
	} else {
		http.NotFound(w, r)
		return
	}
	p.files.ServeHTTP(w, r)
}
