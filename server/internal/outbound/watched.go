package outbound

import (
	"errors"
	"net"
)

// WatchedConn is a connection that calls a function when it is closed. It adds nothing
// to what is read and written, so that the package works on the socket beneath.
type WatchedConn struct {
	net.Conn
	Closed func() // may be called more than once
}

// Close implements net.Conn.
func (c *WatchedConn) Close() error {
	c.Closed()
	return c.Conn.Close()
}

// NetConn returns the connection beneath.
func (c *WatchedConn) NetConn() net.Conn { return c.Conn }

// CloseWrite ends the outbound half.
func (c *WatchedConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
