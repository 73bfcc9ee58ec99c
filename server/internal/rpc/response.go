package rpc

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"connectrpc.com/connect"
)

// maxHeld is how much is held before it is sent on, in bytes. It bounds what a
// stream's reader can make the server keep, and the buffers in the pool.
const maxHeld = 64 << 10

// heldBuffers are shared by all streams: an idle one has none.
var heldBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// response is the http.ResponseWriter of the service's handlers. Between begin
// and end it holds what is written, and flushes it once: connect flushes after
// each message, which on HTTP/2 costs 4 to 5 µs of server CPU and a change of
// goroutines. It also bounds how long that flush may take, and explains what
// connect refuses before it looks at a request.
//
// Its methods are for the handler's goroutine.
type response struct {
	http.ResponseWriter
	request *http.Request
	control *http.ResponseController
	held    *bytes.Buffer // nil when nothing is held
	flushed time.Time     // when the last flush that had something to send began

	mu       sync.Mutex    // guards below
	limit    time.Duration // how long a flush may take; zero before the first begin
	flushing time.Time     // since when; zero when there is no flush
	watch    *time.Timer   // looks for a flush that takes too long; nil before the first
	watching bool          // watch will fire
}

var _ http.Flusher = (*response)(nil) // connect asks for it

// responseKey is the context key of a request's *response.
type responseKey struct{}

func newResponse(w http.ResponseWriter, r *http.Request) *response {
	return &response{ResponseWriter: w, request: r, control: http.NewResponseController(w)}
}

func responseOf(ctx context.Context) *response {
	return ctx.Value(responseKey{}).(*response) // wire puts it there for all handlers
}

// Unwrap is for http.ResponseController.
func (r *response) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// begin holds what is written, until end, or until it is too much. The client gets
// this long to take it all; when it does not, the stream is reset.
//
// A write deadline for each flush would do the same, but on HTTP/2 setting and
// clearing one takes two messages to the connection's goroutine.
func (r *response) begin(limit time.Duration) {
	r.held = heldBuffers.Get().(*bytes.Buffer)
	r.began(limit)
}

// end sends what is held.
func (r *response) end() error {
	defer r.ended()
	held := r.held
	r.held = nil
	defer func() {
		if held.Cap() <= 2*maxHeld {
			held.Reset()
			heldBuffers.Put(held)
		}
	}()
	if held.Len() == 0 {
		return nil
	}
	_, err := r.ResponseWriter.Write(held.Bytes())
	r.flushed = r.flushing
	if err == nil {
		err = r.control.Flush()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errNotTaken, err)
	}
	return nil
}

// began starts the time of a flush. A timer that is set already is left as it is:
// it finds out when it fires, and setting it for each flush would cost as much as
// encoding an event does.
func (r *response) began(limit time.Duration) {
	if limit == 0 {
		return // an answer to a single call, which the connection bounds
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.limit, r.flushing = limit, time.Now()
	switch {
	case r.watching:
		return
	case r.watch == nil:
		r.watch = time.AfterFunc(limit, r.look)
	default:
		r.watch.Reset(limit)
	}
	r.watching = true
}

// ended ends the time of a flush: look does nothing to the stream after it.
func (r *response) ended() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flushing = time.Time{}
}

// look makes a flush fail that takes too long: a deadline in the past resets a
// stream of HTTP/2, and interrupts the write of HTTP/1.1.
func (r *response) look() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watching = !r.flushing.IsZero()
	if !r.watching {
		return
	}
	if left := r.limit - time.Since(r.flushing); left > 0 {
		r.watch.Reset(left)
		return
	}
	_ = r.control.SetWriteDeadline(time.Unix(1, 0))
}

// interruptReads ends a Receive that waits for the client.
func (r *response) interruptReads() { _ = r.control.SetReadDeadline(time.Now()) }

// Write implements http.ResponseWriter.
func (r *response) Write(p []byte) (int, error) {
	if r.held == nil {
		r.began(r.limit)
		defer r.ended()
		return r.ResponseWriter.Write(p)
	}
	if r.held.Len() > 0 && r.held.Len()+len(p) > maxHeld {
		if _, err := r.ResponseWriter.Write(r.held.Bytes()); err != nil {
			return 0, err
		}
		r.held.Reset()
	}
	return r.held.Write(p)
}

// Flush implements http.Flusher.
func (r *response) Flush() {
	if r.held == nil {
		r.began(r.limit)
		defer r.ended()
		_ = r.control.Flush()
	}
}

// close ends what the response has set going. The handler has returned.
func (r *response) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watch != nil {
		r.watch.Stop()
	}
}

// WriteHeader gives the bare statuses with which connect refuses a request a body
// that says what to do: a Connect error, as all others are.
func (r *response) WriteHeader(status int) {
	var err *connect.Error
	switch status {
	case http.StatusUnsupportedMediaType:
		err = fieldError(connect.CodeInvalidArgument, "content-type", "content-type.known",
			"must be one of "+r.Header().Get("Accept-Post"))
		if r.request.Method == http.MethodGet {
			err = fieldError(connect.CodeInvalidArgument, "encoding", "encoding.known",
				`must be "json" or "proto", as a query parameter beside message, and the request must have no body`)
		}
	case http.StatusMethodNotAllowed:
		err = fieldError(connect.CodeUnimplemented, "method", "method.allowed",
			"must be one of "+r.Header().Get("Allow"))
	case http.StatusHTTPVersionNotSupported:
		err = fieldError(connect.CodeUnimplemented, "protocol", "protocol.http2",
			"must be HTTP/2 for this method: over HTTP/1.1, use chat.v1.ChatRoom/Subscribe and Send")
	default:
		r.ResponseWriter.WriteHeader(status)
		return
	}
	writeError(r.ResponseWriter, status, err)
}
