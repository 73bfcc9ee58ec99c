package rpc

import (
	"net/http"
	"strings"
)

// withMediaType reduces the content type of requests to the media type, in lower case:
// "application/json; charset=utf-8" to "application/json". Parameters mean nothing to
// these formats, but connect compares the whole value, and has a JSON codec of its own
// for charset=utf-8.
func withMediaType(handler http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		const name = "Content-Type"
		value := r.Header.Get(name)
		if mediaType := mediaTypeOf(value); mediaType != value {
			r.Header.Set(name, mediaType)
		}
		handler.ServeHTTP(w, r)
	})
}

func mediaTypeOf(contentType string) string {
	mediaType, _, _ := strings.Cut(contentType, ";")
	return strings.ToLower(strings.TrimSpace(mediaType))
}
