package h2

import (
	"io"
	"maps"
	"net/http"
	"os"
	"time"

	"chatroom/server/internal/outbound"
)

// body is the body of a request. It holds what has arrived and was not read, at
// most a window.
type body struct {
	x        *exchange
	readable chan struct{} // wakes the goroutine that reads

	// Guarded by the connection's mu.
	buf      []byte
	off      int   // of what was not read
	declared int64 // content-length, or -1
	received int64
	ended    bool // all has arrived
	expect   bool // the client waits for 100 Continue
	closed   bool
	err      error // once the stream has ended, or the body is closed
	trailer  http.Header
	deadline time.Time
}

// admitLocked reports whether n more bytes agree with content-length.
func (b *body) admitLocked(n int) bool {
	b.received += int64(n)
	return b.declared < 0 || b.received <= b.declared
}

// addLocked keeps data for the handler. It reports false if the handler has closed the
// body.
func (b *body) addLocked(p []byte) bool {
	if b.closed {
		return false
	}
	b.expect = false
	if b.off > 0 && len(b.buf)+len(p) > cap(b.buf) {
		// Otherwise a body that is never read to its end would keep all that was read.
		b.buf = b.buf[:copy(b.buf, b.buf[b.off:])]
		b.off = 0
	}
	b.buf = append(b.buf, p...)
	wake(b.readable)
	return true
}

// endLocked reports whether what has arrived is what was declared.
func (b *body) endLocked() bool {
	b.ended = true
	wake(b.readable)
	return b.declared < 0 || b.received == b.declared
}

// trailerLocked keeps a trailer, if the request has declared it.
func (b *body) trailerLocked(name, value string) {
	if _, declared := b.x.trailer[name]; declared {
		if b.trailer == nil {
			b.trailer = make(http.Header)
		}
		b.trailer[name] = append(b.trailer[name], value)
	}
}

// discardBodyLocked closes a body for a reason. What was not read is returned to
// the connection's window.
func (c *conn) discardBodyLocked(b *body, err error) {
	if b.closed {
		return
	}
	b.closed, b.err = true, err
	c.returnLocked(nil, len(b.buf)-b.off)
	b.buf, b.off = nil, 0
	wake(b.readable)
}

// Read implements io.Reader for the handler.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c := b.x.c
	for {
		n, deadline, err := b.read(p)
		if n > 0 || err != nil {
			return n, err
		}
		c.flush()
		if !await(b.readable, deadline) {
			return 0, os.ErrDeadlineExceeded
		}
	}
}

// read reads what is there. Without an error and without data the caller waits.
func (b *body) read(p []byte) (int, time.Time, error) {
	c, s := b.x.c, b.x.s
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case b.err != nil:
		return 0, b.deadline, b.err
	case b.off < len(b.buf):
		n := copy(p, b.buf[b.off:])
		if b.off += n; b.off == len(b.buf) {
			b.off, b.buf = 0, b.buf[:0]
			if cap(b.buf) > outbound.BufferBytes {
				b.buf = nil
			}
		}
		if before := c.out.Control(); s.err == nil {
			if c.returnLocked(s, n); c.out.Control() != before {
				c.mu.After(c.flush)
			}
		}
		return n, b.deadline, nil
	case b.ended:
		maps.Copy(b.x.trailer, b.trailer)
		b.trailer = nil
		return 0, b.deadline, io.EOF
	case b.expect && !s.begun:
		b.expect = false
		c.writeHeadersLocked(s.id, continueBlock, false)
	}
	return 0, b.deadline, nil
}

// Close implements io.Closer for the handler. What was not read is discarded.
func (b *body) Close() error {
	b.x.c.mu.Lock()
	defer b.x.c.mu.Unlock()
	b.x.c.discardBodyLocked(b, http.ErrBodyReadAfterClose)
	return nil
}

// await waits to be woken. It reports false if the deadline, unless it is zero,
// passes first.
func await(ch chan struct{}, deadline time.Time) bool {
	if deadline.IsZero() {
		<-ch
		return true
	}
	d := time.Until(deadline)
	if d <= 0 {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ch:
		return true
	case <-timer.C:
		return false
	}
}
