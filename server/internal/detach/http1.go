package detach

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"chatroom/server/internal/outbound"
)

// lingering is how long a client may take to read the end of its response.
const lingering = 2 * time.Second

// http1 is the rest of a response over HTTP/1. The connection carries nothing after
// it.
type http1 struct {
	conn    net.Conn
	out     *outbound.Writer
	chunked bool
	events  Events

	// over is set by whichever comes first: Finish, Abort, or the loss of the client.
	// What follows can call the others, as a write that fails does.
	over  atomic.Bool
	ended chan struct{} // closed once over is set
}

var _ Stream = (*http1)(nil)

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
	s := &http1{conn: conn, chunked: r.ProtoAtLeast(1, 1), events: e, ended: make(chan struct{})}
	s.out = outbound.New(conn, outbound.Config{Drained: s.drained, Failed: func(error) { s.gone() }})
	g.watching.Go(s.watch)
	return s, nil
}

// watch reads until the client goes, and frees the connection. A client has
// nothing to say on this connection any more.
func (s *http1) watch() {
	_, _ = io.Copy(io.Discard, s.conn)
	s.gone()
	_ = s.conn.Close()
	s.out.Close()
}

// gone tells that the client is lost, unless the stream has ended by itself.
func (s *http1) gone() {
	if s.end() {
		discard(s.conn)
		_ = s.conn.Close()
		s.events.Gone()
	}
}

// end reports whether the stream had not ended before.
func (s *http1) end() bool {
	if !s.over.CompareAndSwap(false, true) {
		return false
	}
	close(s.ended)
	return true
}

// drained is called when the socket has taken everything, after it had not.
func (s *http1) drained() {
	select {
	case <-s.ended:
		s.closeWrite() // the end of the response was sent
	default:
		s.events.Writable()
	}
}

func (s *http1) Append(p []byte) bool {
	select {
	case <-s.ended:
		return true
	default:
	}
	if _, parked := s.out.Parked(); parked {
		return false
	}
	s.append(p)
	return true
}

func (s *http1) append(p []byte) {
	if !s.chunked {
		s.out.Append(p)
		return
	}
	var buf [16]byte
	s.out.Append(append(strconv.AppendInt(buf[:0], int64(len(p)), 16), "\r\n"...), p, crlf)
}

var crlf = []byte("\r\n")

func (s *http1) Flush() { s.out.Flush() }

func (s *http1) Stalled() time.Time {
	since, parked := s.out.Parked()
	if !parked {
		return time.Time{}
	}
	return since
}

func (s *http1) Finish(p []byte, trailers http.Header) bool {
	if _, parked := s.out.Parked(); parked {
		return false
	}
	if !s.end() {
		return true
	}
	if len(p) > 0 {
		s.append(p) // an empty chunk would be the end
	}
	if s.chunked {
		var end bytes.Buffer
		end.WriteString("0\r\n")
		_ = trailers.Write(&end) // a buffer takes everything
		end.WriteString("\r\n")
		s.out.Append(end.Bytes())
	}
	_ = s.conn.SetDeadline(time.Now().Add(lingering)) // a stuck client is cut off
	s.out.Flush()
	if _, parked := s.out.Parked(); !parked {
		s.closeWrite()
	}
	return true
}

// closeWrite tells the client that nothing follows, once all was sent. The
// connection is closed when the client has done the same, or at its deadline: closing
// it at once could make the client lose what it has not read.
func (s *http1) closeWrite() {
	if half, ok := s.conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	} else {
		_ = s.conn.Close()
	}
}

func (s *http1) Abort() {
	s.end()
	if _, parked := s.out.Parked(); parked {
		discard(s.conn)
	}
	_ = s.conn.Close()
}

// discard has the close of a connection drop what its socket has taken. Otherwise the
// kernel keeps that, which can be megabytes, for minutes.
func discard(conn net.Conn) {
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

func (s *http1) Connection() any { return s.conn }
