package detach

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"chatroom/server/internal/outbound"
)

// lingerTimeout is how long a client may take to read the end of its response.
const lingerTimeout = 2 * time.Second

// maxDiscarded is how many bytes a client may send after its request. Clients send none, or
// a next request that they hope to have answered later.
const maxDiscarded = 64 << 10

// maxPending is how many bytes may be appended to a connection and not written for
// another Append to be accepted.
const maxPending = 64 << 10

// http1 is the rest of a response over HTTP/1. The connection carries nothing after
// it.
type http1 struct {
	conn    net.Conn
	chunked bool
	events  Events
	group   *Group

	mu       outbound.Mutex // guards below
	out      outbound.Writer
	refused  bool // Append or Finish was refused: Writable is to be called
	finished bool // the end of the response was appended
	ended    bool // by Finish, Abort, or the loss of the client
}

var (
	_ Stream         = (*http1)(nil)
	_ outbound.Owner = (*http1)(nil)
)

func (g *Group) takeHTTP1(w http.ResponseWriter, r *http.Request, e Events) (Stream, error) {
	control := http.NewResponseController(w)
	if err := control.Flush(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	conn, _, err := control.Hijack()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("take over a connection: %w", err)
	}
	s := &http1{conn: conn, chunked: r.ProtoAtLeast(1, 1), events: e, group: g}
	s.out.Init(&s.mu, outbound.Config{Conn: conn, Owner: s, Limit: maxPending, Running: &g.running, Waited: &g.waited})
	g.running.Go(s.watch)
	return s, nil
}

// watch reads until the client closes the connection, and closes it. What the client
// sends is discarded: the connection carries no further request. A client that sends more
// than maxDiscarded is cut off.
func (s *http1) watch() {
	// Not with io.Copy, which keeps a buffer of 8 KiB while it waits.
	var discarded [512]byte
	for total := 0; total <= maxDiscarded; {
		n, err := s.conn.Read(discarded[:])
		if err != nil {
			break
		}
		total += n
	}
	s.mu.Lock()
	s.loseLocked()
	s.out.Close()
	s.mu.Unlock()
	_ = s.conn.Close()
	s.group.forget(s)
}

// loseLocked ends a stream whose client is lost, unless it has ended by itself.
func (s *http1) loseLocked() {
	if s.ended {
		return
	}
	s.ended = true
	s.mu.After(func() {
		outbound.DiscardUnsent(s.conn)
		s.events.Gone()
	})
}

// Failed implements outbound.Owner.
func (s *http1) Failed(error) {
	s.loseLocked()
	s.mu.After(func() { _ = s.conn.Close() })
}

// Written implements outbound.Owner.
func (s *http1) Written() {
	switch {
	case s.finished && s.out.Pending() == 0:
		s.mu.After(s.closeWrite)
	case s.refused && s.out.Room() > 0:
		s.refused = false
		s.mu.After(s.events.Writable)
	}
}

// Append implements Stream.
func (s *http1) Append(p []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return true
	case s.refuseLocked():
		return false
	}
	s.appendLocked(p)
	return true
}

// refuseLocked reports whether the client has to take what was appended before more
// is.
func (s *http1) refuseLocked() bool {
	if s.out.Room() <= 0 {
		s.out.Flush() // much was appended and not flushed
	}
	s.refused = s.out.Room() <= 0
	return s.refused
}

// appendLocked appends a part of the body, which is not empty: an empty chunk would be
// the end.
func (s *http1) appendLocked(p []byte) {
	b := s.out.Buffer()
	if !s.chunked {
		b.B = append(b.B, p...)
		return
	}
	b.B = append(strconv.AppendInt(b.B, int64(len(p)), 16), "\r\n"...)
	b.B = append(append(b.B, p...), "\r\n"...)
}

// Flush implements Stream.
func (s *http1) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out.Flush()
}

// Stalled implements Stream.
func (s *http1) Stalled() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Stalled()
}

// Finish implements Stream.
func (s *http1) Finish(p []byte, trailers http.Header) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ended:
		return true
	case s.refuseLocked():
		return false
	}
	s.ended, s.finished = true, true
	s.group.linger(s)
	if len(p) > 0 {
		s.appendLocked(p)
	}
	b := s.out.Buffer()
	if s.chunked {
		var fields bytes.Buffer
		_ = trailers.Write(&fields) // a buffer takes everything
		b.B = append(append(append(b.B, "0\r\n"...), fields.Bytes()...), "\r\n"...)
	}
	_ = s.conn.SetDeadline(time.Now().Add(lingerTimeout)) // a stuck client is cut off
	s.out.Flush()
	return true
}

// closeWrite ends the outbound half, once everything was sent. The
// connection is closed when the client has done the same, or at its deadline: closing
// it at once could make the client lose what it has not read.
func (s *http1) closeWrite() {
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	} else {
		_ = s.conn.Close()
	}
}

// Abort implements Stream.
func (s *http1) Abort() {
	s.mu.Lock()
	s.ended = true
	stalled := !s.out.Stalled().IsZero()
	s.mu.Unlock()
	if stalled {
		outbound.DiscardUnsent(s.conn)
	}
	_ = s.conn.Close()
}

// cut closes the connection of a finished stream. It does not wait for the client to take
// an alert of TLS.
func (s *http1) cut() {
	s.mu.Lock()
	unsent := s.out.Pending() > 0
	s.mu.Unlock()
	if unsent {
		outbound.DiscardUnsent(s.conn)
	}
	conn := s.conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn()
	}
	_ = conn.Close()
}

// Connection implements Stream.
func (s *http1) Connection() any { return s.conn }
