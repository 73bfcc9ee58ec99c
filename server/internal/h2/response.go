package h2

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"chatroom/server/internal/outbound"
)

// responseWriter is what a handler writes to. It has what
// http.ResponseController asks for.
type responseWriter struct{ x *exchange }

var errHandlerDone = errors.New("h2: write after the handler has returned")

// Header implements http.ResponseWriter.
func (w *responseWriter) Header() http.Header { return w.x.header }

// WriteHeader implements http.ResponseWriter. Informational responses are sent
// at once.
func (w *responseWriter) WriteHeader(code int) {
	x := w.x
	if code < 100 || code > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", code))
	}
	switch {
	case x.status != 0 || x.done || x.detached:
	case code < 200 && code != http.StatusSwitchingProtocols:
		x.inform(code)
	default:
		x.writeHeader(code)
	}
}

// inform sends an informational response. It is lost if the peer does not read.
func (x *exchange) inform(code int) {
	e := newEncoder()
	e.status(code)
	for name, values := range x.header {
		if name != "Content-Length" && name != "Transfer-Encoding" {
			e.header(name, values)
		}
	}
	block := e.take()
	c := x.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if x.s.err != nil || c.out.Room() <= 0 {
		return
	}
	if code == http.StatusContinue {
		x.body.expect = false
	}
	c.writeHeadersLocked(x.s.id, block, false)
	c.flushLocked()
}

// Write implements http.ResponseWriter. Small writes are sent with the next
// Flush, the end of the response, or once they are many.
func (w *responseWriter) Write(p []byte) (int, error) {
	x := w.x
	switch {
	case x.detached:
		return len(p), nil
	case x.done:
		return 0, errHandlerDone
	}
	if x.status == 0 {
		x.writeHeader(http.StatusOK)
	}
	if !bodyAllowed(x.status) {
		return 0, http.ErrBodyNotAllowed
	}
	if x.written += int64(len(p)); x.contentLength >= 0 && x.written > x.contentLength {
		return 0, http.ErrContentLength
	}
	if x.chunk == nil {
		x.chunk = outbound.NewBuffer()
	}
	if len(x.chunk.B)+len(p) <= outbound.BufferBytes {
		if x.err != nil {
			return 0, x.err
		}
		x.chunk.B = append(x.chunk.B, p...)
		return len(p), nil
	}
	if len(x.chunk.B) > 0 {
		if err := x.sendChunk(); err != nil {
			return 0, err
		}
	}
	if err := x.send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// WriteString implements io.StringWriter.
func (w *responseWriter) WriteString(s string) (int, error) { return w.Write([]byte(s)) }

func (x *exchange) sendChunk() error {
	var p []byte
	if x.chunk != nil {
		p = x.chunk.B
	}
	err := x.send(p)
	if x.chunk != nil {
		x.chunk.Free()
		x.chunk = nil
	}
	return err
}

// Flush implements http.Flusher.
func (w *responseWriter) Flush() { _ = w.FlushError() }

// FlushError sends what was written. It waits for the peer's windows and for the
// connection's buffer, not for the socket.
func (w *responseWriter) FlushError() error {
	switch x := w.x; {
	case x.detached:
		return nil
	case x.done:
		return errHandlerDone
	default:
		return x.sendChunk()
	}
}

// SetReadDeadline makes reads of the body that wait after t return
// os.ErrDeadlineExceeded. The zero time means no deadline.
func (w *responseWriter) SetReadDeadline(t time.Time) error {
	w.x.c.mu.Lock()
	defer w.x.c.mu.Unlock()
	w.x.body.deadline = t
	wake(w.x.body.readable)
	return nil
}

// SetWriteDeadline makes writes and flushes after t return
// os.ErrDeadlineExceeded, and the stream is reset when the handler returns. The
// zero time means no deadline. A deadline that passes while nothing is written
// has no effect.
func (w *responseWriter) SetWriteDeadline(t time.Time) error {
	w.x.c.mu.Lock()
	defer w.x.c.mu.Unlock()
	w.x.writeDeadline = t
	wake(w.x.writable)
	return nil
}

// EnableFullDuplex does nothing: requests can be read while responses are
// written.
func (w *responseWriter) EnableFullDuplex() error { return nil }
