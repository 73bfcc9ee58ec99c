// Package outbound writes to connections without making callers wait for a socket.
//
// A [Writer] is the outbound half of a connection of any protocol. It has one buffer
// under one mutex. Callers append whole frames to it, so that frames of several callers
// never mix, and flush. A flush writes the buffer if no other flush is in progress,
// with one non-blocking write(2), and writes what is appended meanwhile, too. What the
// socket does not take is written by a goroutine that lives until the buffer is empty.
// The mutex is not held during a write.
//
// The buffer is bounded by its callers, who append while [Writer.Room] is positive: it
// is not while the socket is full. [Owner].Written is called when there is room again.
//
// The same holds for TLS over a connection of a listener that [Listen] returned.
// Everything is written by the goroutine on other connections without a socket of their
// own, and on systems without non-blocking writes.
package outbound

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxWrites is how often a flush writes what others append meanwhile, before it
	// leaves that to a goroutine.
	maxWrites = 4
	// pieceBytes is how much a waiting write writes at once, so that progress shows.
	pieceBytes = 16 << 10
)

// Owner receives the events of its Writer. Its methods are called with the mutex held,
// by whichever goroutine writes, and must not wait: calls of other code are for
// [Mutex.After].
type Owner interface {
	// Written is called after a write, when there may be room in the buffer, and
	// nothing is pending any more unless something was appended meanwhile.
	Written()
	// Failed is called once, with the first error of a write. The Writer is closed.
	Failed(error)
}

// Config is what a Writer is made of.
type Config struct {
	// Conn is the connection. Nothing else writes to it. A wrapper that passes writes on
	// unchanged may have a method OutboundConn that returns the connection beneath.
	Conn  net.Conn
	Owner Owner
	// Limit is how many bytes may be pending for Room to be positive.
	Limit int
	// Timeout is how long the peer may take to accept what its socket did not take at
	// once. Zero means that the owner watches Stalled.
	Timeout time.Duration
	// Running counts the goroutine that writes.
	Running *sync.WaitGroup
	// Waited, unless it is nil, counts how often what is written had to wait for the socket.
	Waited *atomic.Uint64
}

// Writer is the outbound half of a connection. Call Init before anything else. The mutex
// given to Init guards it: all other methods are called with it held.
type Writer struct {
	mu     *Mutex
	config Config
	socket *socket       // nil if Conn is not written to without waiting
	tls    *overflowConn // beneath the TLS that Conn is; or nil

	buf      *Buffer   // what was appended and is not being written; nil if empty
	control  int       // bytes of control frames in buf
	sending  int       // bytes that are being written
	flushing bool      // a caller or the goroutine writes
	stalled  bool      // the goroutine waits for the socket
	closed   bool      // nothing is appended or written any more
	progress time.Time // when the socket last took something, while stalled
}

// Init makes the Writer ready for use, guarded by mu.
func (w *Writer) Init(mu *Mutex, c Config) {
	if t, ok := c.Conn.(interface{ OutboundConn() net.Conn }); ok {
		c.Conn = t.OutboundConn() // a wrapper that adds nothing to the bytes
	}
	w.mu, w.config = mu, c
	w.socket, w.tls = newSocket(Raw(c.Conn)), beneath(c.Conn)
}

// Buffer returns the buffer, for a frame to be appended to it. It is valid until the
// mutex is released. What is appended after Close is dropped.
func (w *Writer) Buffer() *Buffer {
	if w.buf == nil {
		w.buf = NewBuffer()
	}
	return w.buf
}

// AddControl counts bytes that were appended for a control frame, which is appended
// regardless of Room.
func (w *Writer) AddControl(n int) { w.control += n }

// Control returns how many bytes of control frames wait in the buffer, without those
// that are being written.
func (w *Writer) Control() int { return w.control }

// Pending returns how many bytes were appended and not yet taken by the socket.
func (w *Writer) Pending() int {
	if w.buf == nil {
		return w.sending
	}
	return w.sending + len(w.buf.B)
}

// Room returns how many bytes may be appended: none while the socket is full. A frame
// that is longer is appended whole.
func (w *Writer) Room() int {
	if w.stalled && !w.waits() {
		return 0
	}
	return w.config.Limit - w.Pending()
}

// Stalled returns since when the socket has taken nothing although something is to be
// written, or the zero time.
func (w *Writer) Stalled() time.Time {
	if !w.stalled {
		return time.Time{}
	}
	return w.progress
}

// Close drops what is not written yet. The caller closes the connection afterwards,
// which ends a write that waits for the socket.
func (w *Writer) Close() {
	w.closed = true
	w.drop()
}

// Flush writes what was appended, unless another flush is in progress, which then
// writes that, too. It does not wait for the socket. It releases the mutex while it
// writes.
func (w *Writer) Flush() {
	if w.flushing {
		return
	}
	for writes := 0; w.buf != nil; writes++ {
		if w.closed {
			w.drop()
			return
		}
		w.flushing = true
		b := w.take()
		if w.waits() || writes == maxWrites {
			w.stall(b, 0)
			return
		}
		w.mu.mu.Unlock() // what was put off until Unlock can wait
		n, left, err := w.write(b.B)
		w.mu.mu.Lock()
		if err == nil && left > 0 && !w.closed {
			w.sending = left
			w.stall(b, n)
			return
		}
		w.flushing, w.sending = false, 0
		b.Free()
		if err != nil {
			w.fail(err)
			return
		}
		w.config.Owner.Written()
	}
}

// waits reports whether writes to the connection wait for the peer.
func (w *Writer) waits() bool { return w.socket == nil && w.tls == nil }

// write writes what the socket takes without waiting. n bytes of p need not be written
// again; left is how many bytes, of p or beneath TLS, the socket did not take.
func (w *Writer) write(p []byte) (n, left int, err error) {
	if w.tls != nil {
		n, err = w.config.Conn.Write(p)
		return n, w.tls.kept(), err
	}
	n, err = w.socket.write(p)
	return n, len(p) - n, err
}

// take takes the buffer for writing.
func (w *Writer) take() *Buffer {
	b := w.buf
	w.buf, w.control, w.sending = nil, 0, len(b.B)
	return b
}

func (w *Writer) drop() {
	if w.buf != nil {
		w.buf.Free()
		w.buf, w.control = nil, 0
	}
}

func (w *Writer) fail(err error) {
	if w.closed {
		return
	}
	w.Close()
	w.config.Owner.Failed(err)
}

// stall starts the goroutine that writes from b, beginning at off, and what is appended
// meanwhile.
func (w *Writer) stall(b *Buffer, off int) {
	w.stalled, w.progress = true, time.Now()
	if w.config.Waited != nil {
		w.config.Waited.Add(1)
	}
	w.config.Running.Go(func() { w.writeAll(b, off) })
}

// writeAll waits for the socket until nothing is left to write.
func (w *Writer) writeAll(b *Buffer, off int) {
	for {
		err := w.writeWaiting(b.B[off:])
		b.Free()
		w.mu.Lock()
		w.sending = 0
		if err != nil {
			w.fail(err)
		} else if w.buf == nil || w.waits() {
			w.stalled = false
			w.config.Owner.Written()
		}
		if w.buf == nil || w.closed {
			w.flushing, w.stalled = false, false
			w.drop()
			w.mu.Unlock()
			return
		}
		w.stalled, w.progress = true, time.Now()
		b, off = w.take(), 0
		w.mu.Unlock()
	}
}

// writeWaiting writes all of p, and what is kept beneath TLS.
func (w *Writer) writeWaiting(p []byte) error {
	if w.tls == nil {
		return w.writePieces(w.config.Conn, p)
	}
	if _, err := w.config.Conn.Write(p); err != nil {
		return err
	}
	for p := w.tls.take(); len(p) > 0; p = w.tls.take() {
		if err := w.writePieces(w.tls.Conn, p); err != nil {
			return err
		}
	}
	return nil
}

// writePieces writes p, for which the peer has the timeout.
func (w *Writer) writePieces(conn net.Conn, p []byte) error {
	if w.config.Timeout > 0 {
		if err := conn.SetWriteDeadline(time.Now().Add(w.config.Timeout)); err != nil {
			return err
		}
	}
	for len(p) > 0 {
		n, err := conn.Write(p[:min(len(p), pieceBytes)])
		if err != nil {
			return err
		}
		p = p[n:]
		w.mu.Lock()
		w.progress = time.Now()
		w.mu.Unlock()
	}
	if w.config.Timeout > 0 {
		return conn.SetWriteDeadline(time.Time{}) // or a later write without waiting fails
	}
	return nil
}

// DiscardUnsent has the close of a connection drop what its socket has taken and the
// peer has not. Otherwise the kernel keeps that, which can be megabytes, for minutes.
func DiscardUnsent(conn net.Conn) {
	for {
		switch c := conn.(type) {
		case *net.TCPConn:
			_ = c.SetLinger(0)
			return
		case interface{ NetConn() net.Conn }:
			conn = c.NetConn()
		default:
			return
		}
	}
}
