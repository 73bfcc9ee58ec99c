package h2

import (
	"bytes"
	"net/http"

	"golang.org/x/net/http2"
)

// Owner receives the events of its detached streams. The methods are called by
// the goroutine that reads or writes the connection, or by one that is in a method
// of a Stream or Conn of the same connection. They must not wait, or all streams
// of the connection do, and must not take a lock that is held around such a
// method. Calls for one stream may be concurrent.
type Owner interface {
	// Writable is called once after Append has returned ErrBlocked, when the stream
	// can take more. The owner answers with Append, Finish or Reset, so that room
	// it does not use goes to other streams. Append may return ErrBlocked again;
	// then Writable follows again.
	Writable(*Stream)
	// Closed is called once if the stream ends otherwise than by Finish and
	// Reset: with a *StreamError if the peer reset it or broke the protocol on
	// it, or with a *ConnError if the connection is gone. It may come before
	// Detach has returned.
	Closed(*Stream, error)
}

// Detach takes the response away from its handler: its headers and what was
// written are sent, and from then on the stream is its owner's. What the handler
// writes is discarded, and its return does not end the stream. It may read the
// request's body until it returns; what the client sends after that is discarded.
// Its context ends as usual.
//
// w may be a wrapper with an Unwrap method, as for http.ResponseController.
// Detach returns ErrNotStream if it wraps no response of this package, and
// the stream's error if it has ended. It does not wait.
func Detach(w http.ResponseWriter, owner Owner) (*Stream, error) {
	for {
		switch t := w.(type) {
		case *responseWriter:
			return t.x.detach(owner)
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil, ErrNotStream
		}
	}
}

func (x *exchange) detach(owner Owner) (*Stream, error) {
	if x.detached {
		return nil, ErrNotStream
	}
	s := x.s
	c := s.c
	p := x.takeChunk()
	block := x.headerBlock(p, false)
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	x.detached = true
	s.owner = owner
	c.srv.stats.detached.Add(1)
	if block != nil {
		s.headers = block
	}
	if len(p) > 0 && !x.head {
		s.tail = p
	}
	s.pushLocked()
	return s, nil
}

// Conn identifies a connection. Values are comparable.
type Conn struct{ c *conn }

// Conn returns the connection of the stream.
func (s *Stream) Conn() Conn { return Conn{s.c} }

// Flush writes what was appended to the connection's streams, and does not wait
// for the socket. An owner appends to all streams that are due, then flushes
// each of their connections once.
func (c Conn) Flush() { c.c.flush() }

// Peer returns the remote address.
func (c Conn) Peer() string { return c.c.peer }

// Append adds data to the stream and copies what is not sent at once. It takes
// all of p, or returns ErrBlocked and nothing is sent: then the owner's Writable is
// called when it may try again. If the stream has ended it returns why. It never waits.
// Flush must follow.
//
// Data that is larger than the peer's window is taken once the window is open,
// and the rest is kept until the peer has opened it further; Append blocks until
// then. So a stream keeps at most one call's data.
func (s *Stream) Append(p []byte) error {
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	defer c.serveQueueLocked() // other streams may use what this one leaves
	if s.err == nil && !s.pendingLocked() && c.out.Room() <= 0 {
		c.flushLocked() // much was appended and not flushed
	}
	switch {
	case s.err != nil:
		return s.err
	case s.finishing || s.head:
		return ErrFinished
	case s.pendingLocked() || s.window <= 0 || c.shareLocked() <= 0:
		s.blocked = true
		if s.want = 0; !s.pendingLocked() && s.window > 0 {
			s.want = len(p)
			c.queue.add(s)
		}
		return ErrBlocked
	}
	for len(p) > 0 {
		n := min(int64(len(p)), s.window, c.window, int64(c.peerMaxFrame))
		if n <= 0 {
			s.keepLocked(p)
			return nil
		}
		c.writeDataLocked(s, p[:n], false)
		p = p[n:]
	}
	return nil
}

// keepLocked keeps what the windows did not allow.
func (s *Stream) keepLocked(p []byte) {
	s.tail, s.want = bytes.Clone(p), len(p)
	if s.window > 0 {
		s.c.queue.add(s)
	}
}

// Finish ends the stream after what was appended. With trailers it ends with
// those, and their names need not be declared. It never waits. Flush must
// follow. Finish does nothing if the stream has ended.
func (s *Stream) Finish(trailers http.Header) {
	var block []byte
	if len(trailers) > 0 {
		block = encodeTrailers(trailers)
	}
	c := s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.err != nil || s.finishing {
		return
	}
	s.finishing, s.trailers, s.finished = true, block, c.clock()
	c.queue.remove(s) // responses that wait for room already come before this end
	s.pushLocked()
	c.serveQueueLocked()
}

// Reset ends the stream at once with an error code. What was accepted and does
// not fit into the peer's window is dropped. Flush must follow. Reset does
// nothing if the stream has ended.
func (s *Stream) Reset(code http2.ErrCode) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.c.resetLocked(s, code, "")
}
