package httpd

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

// hashedFolder has the files whose names change with their content.
const hashedFolder = "assets/"

// brotliSuffix is what the name of a compressed file has in addition.
const brotliSuffix = ".br"

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

// asset is a file of the page.
type asset struct {
	content []byte
	kind    string // its Content-Type
	hash    string
	control string // its Cache-Control
	isText  bool
	brotli  []byte // empty for none

	zip    sync.Once
	zipped []byte // after zip
}

func newAsset(name string, content []byte) *asset {
	kind, ok := kinds[path.Ext(name)]
	if !ok {
		kind = "application/octet-stream"
	}
	sum := sha256.Sum256(content)
	a := &asset{
		content: content,
		kind:    kind,
		hash:    base64.RawURLEncoding.EncodeToString(sum[:12]),
		control: "no-cache", // browsers ask each time whether theirs is the newest
		isText:  ok && kind != kinds[".png"],
	}
	if strings.HasPrefix(name, hashedFolder) {
		a.control = "public, max-age=31536000, immutable"
	}
	return a
}

// gzip returns the content as gzip has it. It takes 25 ms for the largest script, once.
func (a *asset) gzip() []byte {
	a.zip.Do(func() {
		var b bytes.Buffer
		w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err != nil {
			panic(err) // the level is valid
		}
		_, _ = w.Write(a.content) // a buffer takes everything
		_ = w.Close()
		a.zipped = b.Bytes()
	})
	return a.zipped
}

// serve answers with the shortest form that the client takes.
func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Cache-Control", a.control)
	h.Set("Content-Type", a.kind)
	content, coding := a.content, ""
	if a.isText {
		h.Add("Vary", "Accept-Encoding")
		switch accepted := r.Header.Values("Accept-Encoding"); {
		case len(a.brotli) > 0 && accepts(accepted, "br"):
			content, coding = a.brotli, "br"
		case accepts(accepted, "gzip") && len(a.gzip()) < len(a.content):
			content, coding = a.gzip(), "gzip"
		}
	}
	if coding == "" {
		h.Set("ETag", `"`+a.hash+`"`)
	} else {
		h.Set("ETag", `"`+a.hash+"-"+coding+`"`)
		h.Set("Content-Encoding", coding)
		h.Set("Content-Length", strconv.Itoa(len(content))) // ServeContent leaves it out
		r = r.Clone(r.Context())
		r.Header.Del("Range") // which would be one of the compressed bytes
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
}

// accepts reports whether the values of the header Accept-Encoding have a coding, and not with
// the weight 0.
func accepts(values []string, coding string) bool {
	others := false
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			name, parameters, _ := strings.Cut(part, ";")
			weight, hasWeight := strings.CutPrefix(strings.ToLower(strings.ReplaceAll(parameters, " ", "")), "q=")
			q, err := strconv.ParseFloat(weight, 64)
			isWanted := !hasWeight || err == nil && q > 0
			switch name = strings.TrimSpace(name); {
			case strings.EqualFold(name, coding):
				return isWanted
			case name == "*":
				others = isWanted
			}
		}
	}
	return others
}
