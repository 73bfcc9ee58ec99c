package httpd

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

// policy lets the page load and call nothing but its own origin.
const policy = "default-src 'self'; img-src 'self' data:; base-uri 'self'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"

const indexName = "index.html"

// baseElement is what index.html has for the folder in which the page is. Each address has one
// of its own, so that the page works under any path of a proxy.
const baseElement = `<base href="./">`

var errNoBase = errors.New(indexName + " must have " + baseElement)

// page serves the page and its files.
type page struct {
	indexes map[string]*asset // index.html by its base
	assets  map[string]*asset // by URL path
	// isRoom reports whether a room may have a name.
	isRoom func(name string) bool
	// unknown answers requests that are not for the page.
	unknown http.Handler
}

func newPage(files fs.FS, isRoom func(string) bool, unknown http.Handler) (*page, error) {
	if unknown == nil {
		unknown = http.NotFoundHandler()
	}
	p := &page{indexes: make(map[string]*asset), assets: make(map[string]*asset), isRoom: isRoom, unknown: unknown}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if path.Ext(name) == brotliSuffix {
			return nil
		}
		content, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if name != indexName {
			a := newAsset(name, content)
			p.assets["/"+name] = a
			a.brotli, err = fs.ReadFile(files, name+brotliSuffix)
			if errors.Is(err, fs.ErrNotExist) {
				return nil // it is too short
			}
			return err
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
		if to := p.redirectOf(address); to != "" {
			h.Set("Location", to) // http.Redirect would make it absolute, without the prefix of a proxy
			w.WriteHeader(http.StatusFound)
			return
		}
		http.NotFound(w, r)
		return
	}
	a.serve(w, r)
}
