// Package outbound writes to connections without making callers wait for a
// socket.
//
// A [Writer] has one bounded-by-its-callers buffer under one mutex. Callers append
// whole frames, each in one call, so that frames of several callers never mix.
// Whoever calls Flush writes the buffer if no flush is in progress: one
// non-blocking write(2) where the connection allows it. What the socket does not
// take is written by a goroutine that lives until the buffer is empty. No lock is
// held during a write.
//
// On connections without a file descriptor of their own, such as those of TLS, and
// on systems without non-blocking writes, all of it is written by that goroutine.
package outbound

import (
	"errors"
	"net"
	"sync"
	"syscall"
	"time"
)

// maxKept is the capacity in bytes up to which buffers are kept for reuse.
const maxKept = 128 << 10

// ErrClosed is the error of a Writer after Close.
var ErrClosed = errors.New("outbound: closed")

// buffers are shared by all writers: an idle one has none.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// Writer is the write half of a connection. Create it with New. All methods are
// safe for concurrent use.
type Writer struct {
	conn    net.Conn
	raw     syscall.RawConn // nil where writes may block
	drained func()          // never nil
	failed  func(error)     // never nil

	try   func(fd uintptr) bool // writes head once; made once, so that a flush allocates nothing
	head  *[]byte               // what the flush in progress writes; owned by it
	wrote int                   // what try has written, or -1
	errno error                 // of try

	mu       sync.Mutex // guards below
	pending  *[]byte    // what was appended after head was taken; nil for nothing
	flushing bool       // a caller or the goroutine owns head
	parked   bool       // the goroutine is writing
	since    time.Time  // when the goroutine last made progress, while parked
	written  int        // how much of head the goroutine has written
	err      error      // the first error; nothing is written after it

	draining sync.WaitGroup
}

// Config is what a Writer calls. Both functions are called without locks held, by
// whichever goroutine has flushed, and must not block.
type Config struct {
	// Drained is called when the buffer is empty again after the socket had not
	// taken all of it. Nil means nothing.
	Drained func()
	// Failed is called once, with the first error of a write. Nil means nothing.
	Failed func(error)
}

// New returns a writer for a connection that nothing else writes to.
func New(conn net.Conn, c Config) *Writer {
	w := &Writer{conn: conn, raw: rawConn(conn), drained: c.Drained, failed: c.Failed}
	if w.drained == nil {
		w.drained = func() {}
	}
	if w.failed == nil {
		w.failed = func(error) {}
	}
	if w.raw != nil {
		w.try = w.tryWrite
	}
	return w
}

// Append adds the concatenation of parts to the buffer as one whole. It copies
// them, and writes nothing. After an error, or Close, it does nothing.
func (w *Writer) Append(parts ...[]byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return
	}
	if w.pending == nil {
		w.pending = buffers.Get().(*[]byte)
	}
	for _, p := range parts {
		*w.pending = append(*w.pending, p...)
	}
}

// Flush writes what was appended, unless a flush is in progress, which then writes
// that, too. It does not wait for the socket.
func (w *Writer) Flush() {
	w.mu.Lock()
	if w.flushing || !w.takeLocked() {
		w.mu.Unlock()
		return
	}
	w.mu.Unlock()
	if w.raw == nil {
		w.park(0)
		return
	}
	for {
		n, err := w.writeOnce()
		if err != nil {
			w.fail(err)
			return
		}
		if n < len(*w.head) {
			w.park(n)
			return
		}
		if !w.next() {
			return
		}
	}
}

// Buffered returns how many bytes were appended and not yet taken by the socket.
func (w *Writer) Buffered() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	if w.pending != nil {
		n = len(*w.pending)
	}
	if w.flushing {
		n += len(*w.head) - w.written
	}
	return n
}

// Parked returns since when the socket has taken nothing while something was to be
// written, and whether that is so.
func (w *Writer) Parked() (since time.Time, parked bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.since, w.parked
}

// Err returns the first error of a write.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// Close drops what is not written yet and waits for the writer's goroutine. The
// caller has closed the connection, or set a write deadline in the past: otherwise
// Close waits until the socket takes what is being written.
func (w *Writer) Close() {
	w.mu.Lock()
	if w.err == nil {
		w.err = ErrClosed
	}
	w.dropLocked()
	w.mu.Unlock()
	w.draining.Wait()
}

// takeLocked makes what is pending the head of a flush.
func (w *Writer) takeLocked() bool {
	if w.pending == nil || len(*w.pending) == 0 || w.err != nil {
		return false
	}
	w.head, w.pending, w.flushing, w.written = w.pending, nil, true, 0
	return true
}

func (w *Writer) dropLocked() {
	if w.pending != nil {
		release(w.pending)
		w.pending = nil
	}
}

// next ends the flush of a head that is written, and takes what was appended
// meanwhile.
func (w *Writer) next() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	release(w.head)
	w.head, w.flushing = nil, false
	return w.takeLocked()
}

func (w *Writer) fail(err error) {
	w.mu.Lock()
	first := w.err == nil
	if first {
		w.err = err
	}
	release(w.head)
	w.head, w.flushing, w.parked = nil, false, false
	w.dropLocked()
	w.mu.Unlock()
	if first {
		w.failed(err)
	}
}

// park has the head written from an offset on by a goroutine, which may wait for
// the socket.
func (w *Writer) park(from int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil { // Close drops what is left
		release(w.head)
		w.head, w.flushing = nil, false
		return
	}
	w.parked, w.since, w.written = true, time.Now(), from
	w.draining.Go(w.drain)
}

func (w *Writer) drain() {
	for {
		for rest := (*w.head)[w.written:]; len(rest) > 0; {
			// In pieces, so that progress shows.
			n, err := w.conn.Write(rest[:min(len(rest), 16<<10)])
			if err != nil {
				w.fail(err)
				return
			}
			rest = rest[n:]
			w.mu.Lock()
			w.since = time.Now()
			w.written += n
			w.mu.Unlock()
		}
		w.mu.Lock()
		release(w.head)
		w.head, w.flushing = nil, false
		if w.takeLocked() {
			w.mu.Unlock()
			continue
		}
		w.parked = false
		w.mu.Unlock()
		w.drained()
		return
	}
}

func release(b *[]byte) {
	if cap(*b) <= maxKept {
		*b = (*b)[:0]
		buffers.Put(b)
	}
}
