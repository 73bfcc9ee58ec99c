// Package health says whether a server is to receive calls, over HTTP and to functions that
// watch it. It does not decide that: the parts of a server report what keeps them from
// serving.
package health

import (
	"net/http"
	"strings"
	"sync"
)

// Cause is why a server is not to receive calls.
type Cause int

// All causes.
const (
	Starting    Cause = iota // it does not serve yet
	Draining                 // it stops
	StoreFailed              // what is sent can't be stored
	causes
)

// String returns what callers are told.
func (c Cause) String() string {
	return [causes]string{"the server is starting", "the server is going away", "the store can't write"}[c]
}

// Health is the state of a server. Create it with New. All methods are safe for concurrent
// use.
type Health struct {
	mu       sync.Mutex // guards below
	holds    [causes]bool
	watchers map[*func()]struct{}
}

// New returns the health of a server that is starting.
func New() *Health {
	h := &Health{watchers: make(map[*func()]struct{})}
	h.holds[Starting] = true
	return h
}

// Set says whether a cause holds, and returns whether that is new.
func (h *Health) Set(c Cause, holds bool) (changed bool) {
	h.mu.Lock()
	if changed = h.holds[c] != holds; !changed {
		h.mu.Unlock()
		return false
	}
	h.holds[c] = holds
	watchers := make([]func(), 0, len(h.watchers))
	for w := range h.watchers {
		watchers = append(watchers, *w)
	}
	h.mu.Unlock()
	for _, w := range watchers {
		w()
	}
	return true
}

// Causes returns the causes that hold: none if the server is ready.
func (h *Health) Causes() []Cause {
	h.mu.Lock()
	defer h.mu.Unlock()
	var held []Cause
	for c, holds := range h.holds {
		if holds {
			held = append(held, Cause(c))
		}
	}
	return held
}

// Ready reports whether the server is to receive calls.
func (h *Health) Ready() bool { return len(h.Causes()) == 0 }

// Watch calls a function after each change of the causes until stop is called. The function
// must not block. It may still be called once while stop is.
func (h *Health) Watch(changed func()) (stop func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.watchers[&changed] = struct{}{}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, &changed)
	}
}

// The paths of Handler.
const (
	LivePath  = "/healthz"
	ReadyPath = "/readyz"
)

// Handler answers at LivePath with status 200: a process that answers is alive, also while
// it drains. It answers at ReadyPath with 200 if the server is ready, and else with 503 and
// the causes, a line each.
func (h *Health) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+LivePath, func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET "+ReadyPath, func(w http.ResponseWriter, _ *http.Request) { answer(w, h.Causes()) })
	return mux
}

func answer(w http.ResponseWriter, held []Cause) {
	w.Header().Set("Cache-Control", "no-store")
	if len(held) == 0 {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = w.Write([]byte("ok\n")) // the client may be gone
		return
	}
	lines := make([]string, len(held))
	for i, c := range held {
		lines[i] = c.String()
	}
	http.Error(w, strings.Join(lines, "\n"), http.StatusServiceUnavailable)
}
