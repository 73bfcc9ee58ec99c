package h2

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"

	"chatroom/server/internal/outbound"
)

// exchange is a request and its response while the handler runs.
type exchange struct {
	c       *conn
	s       *Stream
	cancel  context.CancelFunc // of the request's context
	head    bool               // the method is HEAD
	trailer http.Header        // the request's
	body    body

	writable chan struct{} // wakes the goroutine that writes

	// For the handler's goroutine.
	header        http.Header
	status        int    // 0 until WriteHeader
	block         []byte // the headers as they were when WriteHeader was called; nil once they are sent
	declared      []string
	derive        derived
	contentLength int64 // -1 unless the handler set it
	written       int64
	chunk         *outbound.Buffer // what was written and not sent
	err           error            // of a write, for all that follow
	detached      bool
	done          bool

	// Guarded by c.mu.
	writeDeadline time.Time
}

// derived says which headers the handler has not set.
type derived struct{ contentType, contentLength, date bool }

// startLocked opens a stream and starts its handler.
func (c *conn) startLocked(b *headerBlock, r *http.Request, h http.Handler) {
	if c.err != nil {
		return
	}
	s := c.openLocked(b.id, b.end)
	s.head, s.penalized = r.Method == http.MethodHead, b.tooLarge()
	x := &exchange{
		c:             c,
		s:             s,
		head:          r.Method == http.MethodHead,
		trailer:       r.Trailer,
		writable:      make(chan struct{}, 1),
		header:        make(http.Header),
		contentLength: -1,
	}
	s.x = x
	x.body = body{x: x, readable: make(chan struct{}, 1), declared: r.ContentLength, ended: b.end}
	if r.Body == nil {
		r.Body = &x.body
	}
	if httpguts.HeaderValuesContainsToken(r.Header["Expect"], "100-continue") {
		x.body.expect = !b.end
		delete(r.Header, "Expect")
	}
	r.RemoteAddr, r.TLS = c.peer, c.tls
	var ctx context.Context
	ctx, x.cancel = context.WithCancel(c.ctx)
	r = r.WithContext(ctx)
	c.handlers++
	c.wg.Go(func() { x.run(h, r) })
}

// run runs the handler and ends the response.
func (x *exchange) run(h http.Handler, r *http.Request) {
	returned := false
	defer func() {
		if !returned {
			if v := recover(); v != nil && v != http.ErrAbortHandler {
				x.c.srv.log().Error("a handler panicked", "peer", x.c.peer, "path", r.URL.Path, "panic", v, "stack", string(debug.Stack()))
			}
		}
		x.cancel()
		x.finish(returned)
		if r.MultipartForm != nil {
			_ = r.MultipartForm.RemoveAll()
		}
	}()
	h.ServeHTTP(&responseWriter{x}, r)
	returned = true
}

// finish ends the response, or resets the stream of a handler that panicked or
// whose writes failed. What does not fit into the peer's window is kept and sent
// without the handler.
func (x *exchange) finish(returned bool) {
	c, s := x.c, x.s
	x.done = true
	p := x.takeChunk()
	var block, trailers []byte
	if returned && x.err == nil && !x.detached {
		block = x.headerBlock(p, true) // declares trailers
		trailers = x.trailers()
		returned = x.complete()
	}
	c.mu.Lock()
	c.handlers--
	if s.err == nil {
		c.discardBodyLocked(&x.body, errBodyClosed)
		s.x = nil
		switch {
		case x.detached: // the owner ends the stream
		case returned && x.err == nil:
			if !x.head && len(p) > 0 {
				s.tail = p
			}
			if block != nil {
				s.headers = block
			}
			s.trailers, s.finishing, s.finished = trailers, true, c.clock()
			s.pushLocked()
		default:
			c.resetLocked(s, http2.ErrCodeInternal, "handler failed")
		}
	}
	c.flushLocked()
	c.mu.Unlock()
}

// complete reports whether the handler wrote as much as it said it would.
func (x *exchange) complete() bool {
	return x.contentLength < 0 || x.written == x.contentLength || x.head || !bodyAllowed(x.status)
}

// trailers returns the encoded trailers of the response, or nil.
func (x *exchange) trailers() []byte {
	var e *headerEncoder
	add := func(name string, values []string) {
		if len(values) == 0 || !httpguts.ValidTrailerHeader(name) {
			return
		}
		if e == nil {
			e = newEncoder()
		}
		e.header(name, values)
	}
	for name, values := range x.header {
		if after, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			add(http.CanonicalHeaderKey(after), values)
		} else if slices.Contains(x.declared, name) {
			add(name, values)
		}
	}
	if e == nil {
		return nil
	}
	return e.take()
}

// writeHeader fixes the status and the headers.
func (x *exchange) writeHeader(code int) {
	x.status = code
	x.derive = derived{contentType: true, contentLength: true, date: true}
	e := newEncoder()
	e.status(code)
	for name, values := range x.header {
		switch name {
		case "Content-Type":
			x.derive.contentType = false
		case "Content-Encoding":
			x.derive.contentType = x.derive.contentType && (len(values) == 0 || values[0] == "")
		case "Date":
			x.derive.date = false
		case "Content-Length":
			if len(values) == 0 {
				continue
			}
			n, err := strconv.ParseUint(values[0], 10, 63)
			if err != nil {
				continue
			}
			x.contentLength, x.derive.contentLength = int64(n), false
			values = values[:1]
		case "Trailer":
			x.declare(values)
		case "Connection":
			if len(values) > 0 && strings.EqualFold(values[0], "close") {
				x.c.startGraceful()
			}
			continue
		}
		if !strings.HasPrefix(name, http.TrailerPrefix) {
			e.header(name, values)
		}
	}
	x.block = e.take()
}

// declare notes which headers are trailers.
func (x *exchange) declare(lists []string) {
	for _, list := range lists {
		for name := range strings.SplitSeq(list, ",") {
			name = http.CanonicalHeaderKey(strings.TrimSpace(name))
			if httpguts.ValidTrailerHeader(name) {
				x.declared = append(x.declared, name)
			}
		}
	}
}

// headerBlock returns the headers, if they have not been sent, with those that
// the handler left out. p is the beginning of the body, and all of it if end.
func (x *exchange) headerBlock(p []byte, end bool) []byte {
	if x.status == 0 {
		x.writeHeader(http.StatusOK)
	}
	block := x.block
	if block == nil {
		return nil
	}
	x.block = nil
	e := newEncoder()
	if bodyAllowed(x.status) {
		if x.derive.contentType && len(p) > 0 {
			e.field("content-type", http.DetectContentType(p))
		}
		if x.derive.contentLength && end && (len(p) > 0 || !x.head) {
			e.field("content-length", strconv.Itoa(len(p)))
		}
	}
	if x.derive.date {
		e.field("date", time.Now().UTC().Format(http.TimeFormat))
	}
	return append(block, e.take()...)
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

// takeChunk returns what was written and not sent, for the caller to keep.
func (x *exchange) takeChunk() []byte {
	if x.chunk == nil {
		return nil
	}
	p := append([]byte(nil), x.chunk.B...)
	x.chunk.Free()
	x.chunk = nil
	return p
}

// send sends the headers, if they have not been, and data. It waits until the
// peer's windows and the connection's buffer have taken all of it.
func (x *exchange) send(p []byte) error {
	if x.err != nil {
		return x.err
	}
	c, s := x.c, x.s
	if block := x.headerBlock(p, false); block != nil {
		c.mu.Lock()
		s.headers, s.begun = block, true
		c.mu.Unlock()
	}
	if x.head {
		p = nil
	}
	for {
		n, done, deadline, err := s.sendSome(p)
		p = p[n:]
		if err == nil && done && len(p) > 0 {
			continue
		}
		c.flush()
		if err == nil && !done {
			err = x.wait(len(p), deadline)
		}
		if err != nil {
			x.err = err
			s.leaveQueue()
			return err
		}
		if done {
			return nil
		}
	}
}

// maxUnsent is how many bytes the handlers of a connection may hold that wait for the
// peer's windows.
const maxUnsent = 16 << 20

// errUnsent ends a response to a peer that asks for more than it takes.
var errUnsent = errors.New("h2: too much waits for the peer's windows")

// wait waits until the peer accepts more of n bytes. It gives up at the deadline, or after
// 1.5 times the write timeout: by then a full socket has ended the connection.
func (x *exchange) wait(n int, deadline time.Time) error {
	c := x.c
	patience := time.Now().Add(c.srv.writeTimeout() * 3 / 2)
	if deadline.IsZero() || patience.Before(deadline) {
		deadline = patience
	}
	c.mu.Lock()
	c.unsent += n
	over := c.unsent > maxUnsent
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		c.unsent -= n
		c.mu.Unlock()
	}()
	switch {
	case over:
		return errUnsent
	case !await(x.writable, deadline):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// leaveQueue ends the wait of a stream for room.
func (s *Stream) leaveQueue() {
	c := s.c
	c.mu.Lock()
	c.queue.remove(s)
	c.serveQueueLocked() // its room is free again
	c.mu.Unlock()
}

// sendSome appends what can be appended now, at most a frame. It returns how many
// bytes of p that is. If it is not done, there was no room, and the caller waits.
func (s *Stream) sendSome(p []byte) (n int, done bool, deadline time.Time, err error) {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.err != nil {
		return 0, false, deadline, s.err
	}
	deadline = s.x.writeDeadline
	if !deadline.IsZero() && !time.Now().Before(deadline) {
		return 0, false, deadline, os.ErrDeadlineExceeded
	}
	if !s.pushHeadersLocked() {
		return 0, false, deadline, nil
	}
	n = max(0, int(min(int64(len(p)), s.window, c.shareLocked(), int64(c.peerMaxFrame))))
	switch {
	case n > 0:
		c.writeDataLocked(s, p[:n], false)
		s.want = 0
	case len(p) > 0 && s.window > 0:
		s.want = len(p)
		c.queue.add(s)
	}
	c.serveQueueLocked()
	return n, n > 0 || len(p) == 0, deadline, nil
}

// wakeAll wakes the goroutines that read and write, because the stream ended.
func (x *exchange) wakeAll() {
	wake(x.body.readable)
	wake(x.writable)
}
