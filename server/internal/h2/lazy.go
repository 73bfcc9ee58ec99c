package h2

import (
	"net"
	"sync"
	"time"
)

// Unblock returns a listener to put beneath tls.NewListener. HTTP/2 connections
// over it are written to without waiting for the socket, as those without TLS
// are. On systems where that is impossible it returns l.
func Unblock(l net.Listener) net.Listener { return unblocked{l} }

type unblocked struct{ net.Listener }

func (l unblocked) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nc, err
	}
	if s := newSocket(nc); s != nil {
		return &lazyConn{Conn: nc, socket: s}, nil
	}
	return nc, nil
}

// lazyConn is a connection beneath TLS. A write to a tls.Conn must be complete, or
// the connection is lost: once this one is lazy, it keeps what the socket does not
// take until drain writes it. The writer keeps the bound: it does not write while
// something is kept.
type lazyConn struct {
	net.Conn
	socket *socket

	mu       sync.Mutex // guards below, and writes through socket
	lazy     bool
	draining bool
	rest     []byte // what was not written
}

// Write implements net.Conn.
func (c *lazyConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if !c.lazy {
		c.mu.Unlock()
		return c.Conn.Write(p)
	}
	defer c.mu.Unlock()
	n := 0
	if len(c.rest) == 0 && !c.draining {
		var err error
		if n, err = c.socket.write(p); err != nil {
			return n, err
		}
	}
	c.rest = append(c.rest, p[n:]...)
	return len(p), nil
}

// beLazy makes writes from now on not wait.
func (c *lazyConn) beLazy() {
	c.mu.Lock()
	c.lazy = true
	c.mu.Unlock()
}

// kept returns how many bytes the socket has not taken.
func (c *lazyConn) kept() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.rest)
}

// drain writes what was kept. Each part of it that was kept together has the
// timeout.
func (c *lazyConn) drain(timeout time.Duration) error {
	for {
		c.mu.Lock()
		p := c.rest
		c.rest, c.draining = nil, len(p) > 0
		c.mu.Unlock()
		if len(p) == 0 {
			return nil
		}
		if err := writeWithin(c.Conn, p, timeout); err != nil {
			return err
		}
	}
}

// writeWithin writes p, waiting for at most the timeout.
func writeWithin(nc net.Conn, p []byte, timeout time.Duration) error {
	if err := nc.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		return err
	}
	if _, err := nc.Write(p); err != nil {
		return err
	}
	return nc.SetWriteDeadline(time.Time{}) // or writes that don't wait fail later
}
