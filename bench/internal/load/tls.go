package load

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
	"time"
)

// OverTLS returns the protocol with TLS. The certificate is not verified: the server is on
// this machine, and makes it when it starts.
func (d Protocol) OverTLS() Protocol {
	d.Name += " over TLS"
	d.tls = &tls.Config{InsecureSkipVerify: true}
	if d.another != nil {
		d.tls.NextProtos = []string{"h2"}
	}
	return d
}

// tlsSocket is a socket beneath a tls.Conn that is read in two ways: it waits for the
// peer during the handshake, and later gets what the pool has read.
type tlsSocket struct {
	fd          int
	handshaking bool
	received    []byte // what the pool has read
}

// errAgain is returned for data that has not arrived. A tls.Conn can be read again after it.
var errAgain net.Error = again{errors.New("not received yet")}

type again struct{ error }

func (again) Timeout() bool   { return true }
func (again) Temporary() bool { return true }

// handshake makes a connection of a blocking socket one of TLS.
func handshake(fd int, config *tls.Config) (*tls.Conn, *tlsSocket, error) {
	s := &tlsSocket{fd: fd, handshaking: true}
	conn := tls.Client(s, config)
	err := conn.Handshake()
	s.handshaking = false
	return conn, s, err
}

func (s *tlsSocket) Read(p []byte) (int, error) {
	if !s.handshaking {
		if len(s.received) == 0 {
			return 0, errAgain
		}
		n := copy(p, s.received)
		s.received = s.received[n:]
		return n, nil
	}
	for {
		n, err := syscall.Read(s.fd, p)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

func (s *tlsSocket) Write(p []byte) (int, error) {
	if err := writeAll(s.fd, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *tlsSocket) Close() error                     { return syscall.Close(s.fd) }
func (s *tlsSocket) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *tlsSocket) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *tlsSocket) SetDeadline(time.Time) error      { return nil }
func (s *tlsSocket) SetReadDeadline(time.Time) error  { return nil }
func (s *tlsSocket) SetWriteDeadline(time.Time) error { return nil }
