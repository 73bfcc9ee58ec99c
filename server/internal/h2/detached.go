package h2

import (
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"chatroom/server/internal/detach"
)

// Detach implements detach.Detacher.
func (w *responseWriter) Detach(e detach.Events) (detach.Stream, error) {
	if w.x.detached {
		return nil, ErrNotStream
	}
	t := &w.x.s.detachedStream
	t.stream, t.events = w.x.s, e
	s, err := w.x.detach(t)
	if err != nil {
		return nil, err
	}
	s.Conn().Flush()
	return t, nil
}

// detachedStream adapts a Stream to package detach. It is part of the Stream, so that a
// delivery touches one object less.
type detachedStream struct {
	stream  *Stream
	events  detach.Events
	stalled atomic.Int64 // since when Append is refused, in Unix nanoseconds; 0 if it is not
	aborted atomic.Bool
}

var (
	_ detach.Detacher = (*responseWriter)(nil)
	_ Owner           = (*detachedStream)(nil)
)

// Writable implements Owner.
func (t *detachedStream) Writable(*Stream) { t.events.Writable() }

// Closed implements Owner.
func (t *detachedStream) Closed(*Stream, error) {
	if !t.aborted.Load() {
		t.events.Gone()
	}
}

// Append implements detach.Stream.
func (t *detachedStream) Append(p []byte) bool {
	if !errors.Is(t.stream.Append(p), ErrBlocked) {
		if t.stalled.Load() != 0 { // a store would take the cache line each time
			t.stalled.Store(0)
		}
		return true
	}
	t.stalled.CompareAndSwap(0, time.Now().UnixNano())
	return false
}

// Flush implements detach.Stream.
func (t *detachedStream) Flush() { t.stream.Conn().Flush() }

// Stalled implements detach.Stream.
func (t *detachedStream) Stalled() time.Time {
	since := t.stalled.Load()
	if since == 0 {
		return time.Time{}
	}
	return time.Unix(0, since)
}

// Finish implements detach.Stream.
func (t *detachedStream) Finish(p []byte, trailers http.Header) bool {
	if len(p) > 0 && !t.Append(p) {
		return false
	}
	t.stream.Finish(trailers)
	t.Flush()
	return true
}

// Abort implements detach.Stream.
func (t *detachedStream) Abort() {
	t.aborted.Store(true)
	t.stream.Reset(http2.ErrCodeCancel)
	t.Flush()
}

// Connection implements detach.Stream.
func (t *detachedStream) Connection() any { return t.stream.Conn() }
