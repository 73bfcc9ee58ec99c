//go:build unix

package h2

import (
	"io"
	"net"
	"syscall"
)

// socket reads from and writes to a connection without keeping a buffer or a
// goroutine for what can't be read or written now.
type socket struct {
	rc syscall.RawConn

	// For the one goroutine that reads. Function values are made once: a closure
	// for each call would be an allocation for each.
	readFunc func(fd uintptr) bool
	readBuf  *buffer
	readErr  error

	// For the one goroutine that writes.
	writeFunc func(fd uintptr) bool
	writeBuf  []byte
	written   int
	writeErr  error
}

// newSocket returns nil if nc is not the socket itself. Wrappers, also those that
// have a method SyscallConn, may do more with what is read and written.
func newSocket(nc net.Conn) *socket {
	var sc syscall.Conn
	switch nc := nc.(type) {
	case *net.TCPConn:
		sc = nc
	case *net.UnixConn:
		sc = nc
	default:
		return nil
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	s := &socket{rc: rc}
	s.readFunc, s.writeFunc = s.readOnce, s.writeOnce
	return s
}

// read waits until the connection has something, and returns it in a buffer.
func (s *socket) read() (*buffer, error) {
	if err := s.rc.Read(s.readFunc); err != nil {
		return nil, err
	}
	b, err := s.readBuf, s.readErr
	s.readBuf, s.readErr = nil, nil
	return b, err
}

func (s *socket) readOnce(fd uintptr) bool {
	b := newBuffer()
	n, err := retry(func() (int, error) { return syscall.Read(int(fd), b.b[:cap(b.b)]) })
	if n > 0 {
		b.b = b.b[:n]
		s.readBuf = b
		return true
	}
	b.free()
	if err == syscall.EAGAIN {
		return false
	}
	if s.readErr = err; err == nil {
		s.readErr = io.EOF
	}
	return true
}

// write writes what the socket takes without waiting.
func (s *socket) write(p []byte) (int, error) {
	s.writeBuf, s.written, s.writeErr = p, 0, nil
	err := s.rc.Write(s.writeFunc)
	s.writeBuf = nil
	if err == nil {
		err = s.writeErr
	}
	return s.written, err
}

func (s *socket) writeOnce(fd uintptr) bool {
	for s.written < len(s.writeBuf) {
		n, err := retry(func() (int, error) { return syscall.Write(int(fd), s.writeBuf[s.written:]) })
		if n > 0 {
			s.written += n
		}
		if err != nil {
			if err != syscall.EAGAIN {
				s.writeErr = err
			}
			break
		}
	}
	return true // don't wait until it is writable
}

func retry(call func() (int, error)) (int, error) {
	for {
		if n, err := call(); err != syscall.EINTR {
			return n, err
		}
	}
}
