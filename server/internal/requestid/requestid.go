// Package requestid gives requests ids, under which log lines and answers can be found.
package requestid

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
)

// Header is the header of requests and responses with the id.
const Header = "X-Request-Id"

// maxLength bounds the id of a client or a proxy, in bytes.
const maxLength = 64

// Of returns the id of a request: the one that it has if it is made of up to 64 letters,
// digits, dots, hyphens and underscores, and else a new one.
func Of(r *http.Request) string {
	if id := r.Header.Get(Header); valid(id) {
		return id
	}
	return fmt.Sprintf("%016x", rand.Uint64())
}

func valid(id string) bool {
	if id == "" || len(id) > maxLength {
		return false
	}
	for i := range len(id) {
		switch c := id[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

type contextKey struct{}

// NewContext returns a context that has an id.
func NewContext(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// FromContext returns the id of a context, or "".
func FromContext(ctx context.Context) string {
	id, _ := ctx.Value(contextKey{}).(string)
	return id
}

// Handler adds the id of the context to log lines, as the attribute "request".
type Handler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h Handler) Handle(ctx context.Context, r slog.Record) error {
	if id := FromContext(ctx); id != "" {
		r = r.Clone()
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return Handler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h Handler) WithGroup(name string) slog.Handler { return Handler{h.Handler.WithGroup(name)} }
