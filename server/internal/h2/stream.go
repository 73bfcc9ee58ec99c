package h2

import (
	"time"

	"golang.org/x/net/http2"
)

// earlyReset is how old a stream must be for its reset to cost an eighth, and lateReset for
// it to cost nothing: the streams of a proxy end as its clients leave.
const (
	earlyReset = int64(time.Second)
	lateReset  = int64(time.Minute)
)

// Stream is a response that its handler has detached. It belongs to one owner:
// Append, Finish and Reset must not be called concurrently with
// each other, or their order is undefined.
type Stream struct {
	c  *conn
	id uint32

	// Guarded by c.mu. What each delivery touches comes first.
	remoteDone bool  // the peer has ended its side
	begun      bool  // the response has begun
	head       bool  // the response has no body: its headers end it
	penalized  bool  // the request is over a limit: its answer earns the peer nothing
	finishing  bool  // Finish was called: the end follows tail
	blocked    bool  // the owner waits for Writable
	queued     bool  // in the connection's queue for room
	err        error // why it ended; nil while it is open
	window     int64 // how many bytes of DATA the peer accepts; negative after a change of SETTINGS
	want       int   // how many bytes wait for room

	headers  []byte // the header block that begins the response, until it is written
	tail     []byte // data that was accepted and did not fit into the window
	trailers []byte // the header block that ends the stream after tail

	x              *exchange      // the handler's part; nil once the handler has returned
	owner          Owner          // nil unless the stream is detached
	detachedStream detachedStream // for package detach
	opened         int64
	finished       int64 // when Finish was called; 0 before
	recvWindow     int32 // how many bytes of DATA the peer may send
	recvCredit     int32 // consumed, and not yet returned to the peer
	prev, next     *Stream
}

func (c *conn) openLocked(id uint32, end bool) *Stream {
	s := &Stream{
		c:          c,
		id:         id,
		opened:     c.clock(),
		window:     c.peerWindow,
		recvWindow: c.srv.streamWindow(),
		remoteDone: end,
	}
	if c.streams == nil {
		c.streams = make(map[uint32]*Stream, 1)
	}
	c.streams[id] = s
	c.srv.stats.streams.Add(1)
	c.creditLocked(budgetPings, 1)
	c.creditLocked(budgetEmptyData, 1)
	c.creditLocked(budgetSmallData, 1)
	c.creditLocked(budgetIgnored, 4)
	return s
}

// removeLocked ends a stream for a cause, which is ErrFinished if it ended as it
// should.
func (c *conn) removeLocked(s *Stream, cause error) {
	if s.err != nil {
		return
	}
	s.err = cause
	delete(c.streams, s.id)
	c.srv.stats.streams.Add(-1)
	s.headers, s.tail, s.trailers = nil, nil, nil
	if x := s.x; x != nil {
		c.discardBodyLocked(&x.body, cause)
		x.wakeAll()
		if cause != ErrFinished {
			c.mu.After(x.cancel)
		}
	}
	if owner := s.owner; owner != nil {
		c.srv.stats.detached.Add(-1)
		if cause != ErrFinished {
			c.mu.After(func() { owner.Closed(s, cause) })
		}
	}
	c.queue.remove(s)
	c.serveQueueLocked() // its room is free again
	if len(c.streams) == 0 {
		c.idleSince = c.clock()
		if c.goAway == goAwayFinal && !c.ended {
			c.finishLocked()
		}
	}
}

// endLocked is called when the server's side of a stream has ended.
func (c *conn) endLocked(s *Stream) {
	if !s.remoteDone {
		// The rest of the request is not needed (RFC 9113, 8.1).
		c.writeResetLocked(s.id, http2.ErrCodeNo)
		c.rememberResetLocked(s.id)
	}
	if !s.penalized {
		c.creditLocked(budgetResets, 1)
	}
	c.removeLocked(s, ErrFinished)
}

// resetLocked resets a stream.
func (c *conn) resetLocked(s *Stream, code http2.ErrCode, reason string) {
	if s.err != nil {
		return
	}
	c.writeResetLocked(s.id, code)
	if !s.remoteDone {
		c.rememberResetLocked(s.id)
	}
	c.removeLocked(s, &StreamError{Peer: c.peer, ID: s.id, Code: code, Reason: reason})
}

// rememberResetLocked remembers a stream for which frames may be on their way.
func (c *conn) rememberResetLocked(id uint32) {
	const remembered = 256
	if len(c.resets) == remembered {
		copy(c.resets, c.resets[1:])
		c.resets = c.resets[:remembered-1]
	}
	c.resets = append(c.resets, id)
}

// pushLocked appends as much of the headers, the tail and the end as windows and
// the buffer allow.
func (s *Stream) pushLocked() {
	c := s.c
	if !s.pushHeadersLocked() {
		return
	}
	for len(s.tail) > 0 {
		n := min(int64(len(s.tail)), s.window, c.shareLocked(), int64(c.peerMaxFrame))
		if n <= 0 {
			if s.want = len(s.tail); s.window > 0 {
				c.queue.add(s)
			}
			return
		}
		last := int(n) == len(s.tail) && s.finishing && s.trailers == nil
		c.writeDataLocked(s, s.tail[:n], last)
		if last {
			c.endLocked(s)
			return
		}
		s.tail = s.tail[n:]
	}
	s.tail, s.want = nil, 0
	if s.finishing && s.err == nil {
		s.pushEndLocked()
	}
}

// pushHeadersLocked reports whether the headers are written. They end the stream
// if nothing is to follow.
func (s *Stream) pushHeadersLocked() bool {
	c := s.c
	switch {
	case s.headers == nil:
		return true
	case c.out.Room() <= 0:
		s.want = 1
		c.queue.add(s)
		return false
	}
	end := s.finishing && s.tail == nil && s.trailers == nil
	c.writeHeadersLocked(s.id, s.headers, end || s.head)
	s.headers, s.begun = nil, true
	if end {
		c.endLocked(s)
	}
	return true
}

func (s *Stream) pushEndLocked() {
	c := s.c
	if c.out.Room() <= 0 {
		s.want = 1
		c.queue.add(s)
		return
	}
	switch {
	case s.head: // the headers have ended it
	case s.trailers != nil:
		c.writeHeadersLocked(s.id, s.trailers, true)
	default:
		c.writeDataLocked(s, nil, true)
	}
	c.endLocked(s)
}

// pendingLocked reports whether something waits to be sent that was accepted.
func (s *Stream) pendingLocked() bool { return s.headers != nil || s.tail != nil || s.finishing }

// resumeLocked is called when there is room for a stream: what it kept is appended
// first, then its handler is woken or its owner called.
func (s *Stream) resumeLocked() {
	if s.err != nil {
		return
	}
	if s.owner == nil && s.x != nil {
		wake(s.x.writable)
		return
	}
	if s.pendingLocked() {
		if s.pushLocked(); s.err != nil || s.pendingLocked() {
			return
		}
	}
	if s.blocked && s.window > 0 {
		s.blocked = false
		s.c.mu.After(func() { s.owner.Writable(s) })
	}
}

// wake wakes the one goroutine that waits on ch.
func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}
