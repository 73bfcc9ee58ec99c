package h2

import (
	"net"
	"sync/atomic"
	"time"

	"chatroom/server/internal/outbound"
)

// input is the inbound half of a connection. It holds a buffer only while there
// is something in it. One goroutine uses it.
type input struct {
	nc     net.Conn
	socket *socketReader // nil if nc can't be read without a buffer
	born   time.Time
	last   atomic.Int64 // when something was read, in nanoseconds since born

	buf  *outbound.Buffer // nil if there is nothing to read
	off  int
	wait func() // is called before waiting for the peer

	// A connection without a socket waits for a frame with room for one byte, and
	// takes a buffer for the rest.
	idle bool // a frame is complete
	tiny [1]byte
}

// Read implements io.Reader for the Framer.
func (in *input) Read(p []byte) (int, error) {
	b, err := in.next(len(p))
	return copy(p, b), err
}

// next returns between 1 and n bytes, which are valid until the next call.
func (in *input) next(n int) ([]byte, error) {
	if in.buf != nil && in.off == len(in.buf.B) {
		in.release()
	}
	if in.buf == nil {
		in.wait()
		if err := in.fill(); err != nil {
			return nil, err
		}
		in.last.Store(int64(time.Since(in.born)))
	}
	b := in.buf.B[in.off:]
	b = b[:min(n, len(b))]
	in.off += len(b)
	return b, nil
}

func (in *input) release() {
	if in.buf != nil {
		in.buf.Free()
		in.buf, in.off = nil, 0
	}
}

func (in *input) fill() (err error) {
	if in.socket != nil {
		in.buf, err = in.socket.read()
		return err
	}
	if in.idle {
		in.idle = false
		n, err := in.nc.Read(in.tiny[:])
		if n > 0 {
			in.buf = outbound.NewBuffer()
			in.buf.B = append(in.buf.B, in.tiny[0])
			return nil
		}
		return err
	}
	b := outbound.NewBuffer()
	n, err := in.nc.Read(b.B[:cap(b.B)])
	if n == 0 {
		b.Free()
		return err
	}
	b.B = b.B[:n]
	in.buf = b
	return nil
}
