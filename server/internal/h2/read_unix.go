//go:build unix

package h2

import (
	"io"
	"net"
	"syscall"

	"chatroom/server/internal/outbound"
)

// socketReader reads from a socket, and needs a buffer only when there is something to
// read. One goroutine uses it.
type socketReader struct {
	raw syscall.RawConn
	try func(fd uintptr) bool // made once: a closure for each read would be an allocation

	buf *outbound.Buffer
	err error
}

// newSocketReader returns nil if the connection is not the socket itself.
func newSocketReader(conn net.Conn) *socketReader {
	raw := outbound.Raw(conn)
	if raw == nil {
		return nil
	}
	r := &socketReader{raw: raw}
	r.try = r.tryRead
	return r
}

// read waits until the connection has something, and returns it in a buffer.
func (r *socketReader) read() (*outbound.Buffer, error) {
	if err := r.raw.Read(r.try); err != nil {
		return nil, err
	}
	b, err := r.buf, r.err
	r.buf, r.err = nil, nil
	return b, err
}

// tryRead reports false if there is nothing to read yet.
func (r *socketReader) tryRead(fd uintptr) bool {
	b := outbound.NewBuffer()
	for {
		n, err := syscall.Read(int(fd), b.B[:cap(b.B)])
		if err == syscall.EINTR {
			continue
		}
		if n > 0 {
			b.B = b.B[:n]
			r.buf = b
			return true
		}
		b.Free()
		if err == syscall.EAGAIN {
			return false
		}
		if r.err = err; err == nil {
			r.err = io.EOF
		}
		return true
	}
}
