//go:build unix

package outbound

import (
	"net"
	"syscall"
)

// Raw returns access to the file descriptor of a connection, which package net has
// made non-blocking. It returns nil if the connection is not the socket itself: a
// wrapper may do more with what is read and written, even if it has a method
// SyscallConn.
func Raw(conn net.Conn) syscall.RawConn {
	var c syscall.Conn
	switch conn := conn.(type) {
	case *WatchedConn:
		return Raw(conn.Conn)
	case *net.TCPConn:
		c = conn
	case *net.UnixConn:
		c = conn
	default:
		return nil
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	return raw
}

// socket writes to a file descriptor without waiting. One goroutine at a time uses it.
type socket struct {
	raw syscall.RawConn
	try func(fd uintptr) // made once: a closure for each write would be an allocation

	p   []byte
	n   int
	err error
}

// newSocket returns nil for no file descriptor.
func newSocket(raw syscall.RawConn) *socket {
	if raw == nil {
		return nil
	}
	s := &socket{raw: raw}
	s.try = s.tryWrite
	return s
}

// write writes as much of p as the socket takes now. Control costs less than Write,
// which looks at the poller's state and deadlines; both keep the descriptor open.
func (s *socket) write(p []byte) (int, error) {
	s.p, s.n, s.err = p, 0, nil
	err := s.raw.Control(s.try)
	s.p = nil
	if err == nil {
		err = s.err
	}
	return s.n, err
}

func (s *socket) tryWrite(fd uintptr) {
	for s.n < len(s.p) {
		n, err := syscall.Write(int(fd), s.p[s.n:])
		switch {
		case n > 0:
			s.n += n
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return // without waiting until the socket is writable
		default:
			s.err = err
			return
		}
	}
}
