// Package detach takes responses over from their handlers, so that a stream which
// lasts for hours has no goroutine in a handler.
//
// A handler writes the beginning of its response as usual, calls [Group.Take], and
// returns. From then on what the handler, or a framework around it, writes to its
// http.ResponseWriter is not sent; the [Stream] alone writes to the client, and
// never waits for it.
package detach

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrUnsupported is returned by Take for a response that can't be taken over.
var ErrUnsupported = errors.New("detach: the response can't be taken over")

// Events are what a Stream calls. The functions must not block, and are called
// without locks held. Neither may be nil.
type Events struct {
	// Writable is called once after Append or Finish was refused, when another attempt
	// may succeed.
	Writable func()
	// Gone is called once, when the client has ended the stream or its connection is
	// lost. It is not called after Finish or Abort.
	Gone func()
}

// Stream is the rest of a response. Its methods never wait for the client. It belongs
// to one owner: no two of them may be called concurrently.
type Stream interface {
	// Append adds p to the body and reports true, or does nothing and reports false
	// because the client has not taken what was appended before; then Writable is
	// called once it has. Nothing is sent before Flush. A stream that has ended takes
	// everything and drops it. p must not be empty, and is not kept.
	Append(p []byte) bool
	// Flush sends what was appended to all streams of the connection, as far as the
	// client takes it.
	Flush()
	// Stalled returns since when the client takes nothing although something is
	// waiting for it, or the zero time.
	Stalled() time.Time
	// Finish ends the body with p, which may be empty, and the response with trailers.
	// It may be refused, as Append may.
	Finish(p []byte, trailers http.Header) bool
	// Abort ends the stream at once, and drops what was not sent.
	Abort()
	// Connection returns a comparable value that stands for the connection.
	Connection() any
}

// Detacher is implemented by responses that can be taken over without being
// hijacked, such as those of HTTP/2.
type Detacher interface {
	Detach(Events) (Stream, error)
}

// Group takes over responses. Its zero value is ready to use.
type Group struct {
	running sync.WaitGroup // goroutines that read from hijacked connections, or write to them
	waited  atomic.Uint64

	mu        sync.Mutex // guards below
	lingering map[*http1]struct{}
}

// Waited returns how often a write to a connection of HTTP/1 had to wait for its socket.
func (g *Group) Waited() uint64 { return g.waited.Load() }

// Wait returns when nothing runs any more for the streams that were taken over. All
// of them must have been finished or aborted. With the end of ctx it closes the
// connections of clients that have not read the end of their response.
func (g *Group) Wait(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		g.running.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
		g.cut()
		<-done
	}
}

func (g *Group) cut() {
	g.mu.Lock()
	all := slices.Collect(maps.Keys(g.lingering)) // streams lock g.mu while they hold their own
	g.mu.Unlock()
	for _, s := range all {
		s.cut()
	}
}

// linger keeps a finished stream for cut, until it calls forget.
func (g *Group) linger(s *http1) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lingering == nil {
		g.lingering = make(map[*http1]struct{})
	}
	g.lingering[s] = struct{}{}
}

func (g *Group) forget(s *http1) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.lingering, s)
}

// Take takes over the response of a request. The handler must have written its
// headers. It may read the request's body until it returns. Writers that
// wrap another are unwrapped as http.ResponseController does. Take returns
// ErrUnsupported for a response that can be neither detached nor hijacked.
func (g *Group) Take(w http.ResponseWriter, r *http.Request, e Events) (Stream, error) {
	for inner := w; ; {
		if d, ok := inner.(Detacher); ok {
			return d.Detach(e)
		}
		wrapper, ok := inner.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		inner = wrapper.Unwrap()
	}
	if r.ProtoMajor != 1 {
		return nil, fmt.Errorf("%w: %T", ErrUnsupported, w)
	}
	return g.takeHTTP1(w, r, e)
}
