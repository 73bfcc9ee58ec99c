package outbound

import (
	"crypto/tls"
	"net"
	"sync"
)

// Listen returns a listener to put beneath tls.NewListener. A [Writer] over one of its
// connections does not wait for the socket, as one without TLS does not. Where the
// connections of l can't be written to without waiting, it returns them unchanged.
func Listen(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

func (l listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return conn, err
	}
	if s := newSocket(Raw(conn)); s != nil {
		return &overflowConn{Conn: conn, socket: s}, nil
	}
	return conn, nil
}

// overflowConn is a connection beneath TLS. A write to a tls.Conn must be complete, or
// the connection is lost. Once start was called, writes of this one are always
// complete: it keeps what the socket does not take until a Writer takes that. The
// Writer keeps it small: it writes nothing more while something is kept.
type overflowConn struct {
	net.Conn
	socket *socket

	mu       sync.Mutex // guards below, and writes through socket
	started  bool
	draining bool   // the Writer writes what it took
	overflow []byte // what the socket did not take
}

// beneath returns the overflowConn beneath TLS, started, or nil.
func beneath(conn net.Conn) *overflowConn {
	t, ok := conn.(*tls.Conn)
	if !ok {
		return nil
	}
	c, ok := t.NetConn().(*overflowConn)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.started = true
	return c
}

// Write implements net.Conn.
func (c *overflowConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if !c.started {
		c.mu.Unlock()
		return c.Conn.Write(p)
	}
	defer c.mu.Unlock()
	n := 0
	if len(c.overflow) == 0 && !c.draining {
		var err error
		if n, err = c.socket.write(p); err != nil {
			return n, err
		}
	}
	c.overflow = append(c.overflow, p[n:]...)
	return len(p), nil
}

// NetConn returns the socket.
func (c *overflowConn) NetConn() net.Conn { return c.Conn }

// kept returns how many bytes the socket has not taken.
func (c *overflowConn) kept() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.overflow)
}

// take returns the overflow for the caller to write, and calls again until it is empty.
func (c *overflowConn) take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.overflow
	c.overflow, c.draining = nil, len(p) > 0
	return p
}
