package kit

import (
	"context"
	"net"
	"sync"
)

// Network is where the scripted server listens. The zero value is the loopback interface.
type Network struct {
	// Listen returns a new listener, and the URL of the server behind it. Nil means a free
	// port of 127.0.0.1.
	Listen func() (net.Listener, string, error)
}

func (n Network) listen() (net.Listener, string, error) {
	if n.Listen != nil {
		return n.Listen()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	return l, "http://" + l.Addr().String(), nil
}

// listener accepts connections that can be broken. While it is down it closes each at once.
type listener struct {
	net.Listener
	accepted func(c *conn) (up bool)
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		accepted, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &conn{Conn: accepted}
		if l.accepted(c) {
			return c, nil
		}
		_ = c.Close()
	}
}

// conn is a connection that can be broken.
type conn struct {
	net.Conn

	mu    sync.Mutex // guards below
	black bool       // nothing passes in either direction, and nothing says so
	torn  bool       // the next large write is cut in the middle, and the connection closed
}

// minTorn is how large a write must be to contain more than the beginning of an event.
const minTorn = 1000

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	black, torn := c.black, c.torn && len(p) >= minTorn
	c.mu.Unlock()
	switch {
	case black:
		return len(p), nil
	case torn:
		n, err := c.Conn.Write(p[:len(p)/2])
		_ = c.Close()
		if err == nil {
			err = net.ErrClosed
		}
		return n, err
	}
	return c.Conn.Write(p)
}

func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		c.mu.Lock()
		black := c.black
		c.mu.Unlock()
		if err != nil || !black {
			return n, err
		}
	}
}

func (c *conn) blackHole() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.black = true
}

func (c *conn) tearNextEvent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.torn = true
}

type connKey struct{}

// connOf returns the connection of a request.
func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}
