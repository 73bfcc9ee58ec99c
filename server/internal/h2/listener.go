package h2

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"

	"chatroom/server/internal/outbound"
)

// Listener serves HTTP/2 by prior knowledge on a port that serves HTTP/1.1, too.
// It distinguishes the protocols by the first bytes that a client sends, serves
// HTTP/2 connections itself, and returns the others from Accept.
type Listener struct {
	inner   net.Listener
	server  *Server
	timeout time.Duration

	http1  chan net.Conn
	closed chan struct{}
	ended  chan struct{} // the loop that accepts has ended, with err
	err    error
	wg     sync.WaitGroup

	once         sync.Once
	mu           sync.Mutex // guards below
	undetermined map[net.Conn]struct{}
}

// Listen starts to accept connections of l. A client has the timeout for its
// first bytes; zero means 5 s.
func (s *Server) Listen(l net.Listener, timeout time.Duration) *Listener {
	if timeout == 0 {
		timeout = defaultPrefaceTimeout
	}
	m := &Listener{
		inner:        l,
		server:       s,
		timeout:      timeout,
		http1:        make(chan net.Conn),
		closed:       make(chan struct{}),
		ended:        make(chan struct{}),
		undetermined: make(map[net.Conn]struct{}),
	}
	m.wg.Go(m.run)
	return m
}

// run accepts connections until the listener is closed.
func (l *Listener) run() {
	defer close(l.ended)
	for pause := time.Duration(0); ; {
		nc, err := l.inner.Accept()
		switch {
		case err == nil:
			pause = 0
			l.wg.Go(func() { l.dispatch(nc) })
		case !temporary(err):
			l.err = err
			return
		default: // no file descriptor is free, for example
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(pause):
			case <-l.closed:
			}
		}
	}
}

func temporary(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary() && !errors.Is(err, net.ErrClosed)
}

// dispatch reads the beginning of a connection and gives it to its server.
func (l *Listener) dispatch(nc net.Conn) {
	if !l.track(nc) {
		_ = nc.Close()
		return
	}
	first, isHTTP2, err := detectProtocol(nc, l.timeout)
	l.mu.Lock()
	delete(l.undetermined, nc)
	l.mu.Unlock()
	switch {
	case err != nil:
		if errors.Is(err, os.ErrDeadlineExceeded) {
			// Browsers open connections that they may need, so it is no warning.
			l.server.logCut(slog.LevelInfo, nc.RemoteAddr().String(), errors.New("the client did not begin a request in time"))
		}
		_ = nc.Close()
	case isHTTP2:
		_ = l.server.serveAfterPreface(nc) // logged where it is known
	default:
		select {
		case l.http1 <- &replayConn{Conn: nc, first: first, timeout: l.server.writeTimeout()}:
		case <-l.closed:
			_ = nc.Close()
		}
	}
}

// track remembers a connection whose protocol is not known yet, for Close.
func (l *Listener) track(nc net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.undetermined == nil {
		return false
	}
	l.undetermined[nc] = struct{}{}
	return true
}

// detectProtocol reads until it is certain which protocol the client speaks.
func detectProtocol(nc net.Conn, timeout time.Duration) (first []byte, isHTTP2 bool, err error) {
	if err := nc.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return nil, false, err
	}
	var buf [len(http2.ClientPreface)]byte
	for n := 0; ; {
		m, err := nc.Read(buf[n:])
		n += m
		switch {
		case n > 0 && string(buf[:n]) != http2.ClientPreface[:n]:
			return append([]byte(nil), buf[:n]...), false, nc.SetReadDeadline(time.Time{})
		case n == len(buf):
			return nil, true, nc.SetReadDeadline(time.Time{})
		case err != nil:
			return nil, false, err
		}
	}
}

// Unblock returns a listener to put beneath tls.NewListener. HTTP/2 connections over it
// are written to without waiting for the socket, as those without TLS are. On systems
// where that is impossible it returns l's connections unchanged.
func Unblock(l net.Listener) net.Listener { return outbound.Listen(l) }

// Accept returns the next connection that does not speak HTTP/2.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.http1:
		return nc, nil
	case <-l.ended:
		return nil, l.err
	}
}

// Addr returns the address of the listener.
func (l *Listener) Addr() net.Addr { return l.inner.Addr() }

// Close closes the listener and the connections that have not said which
// protocol they speak. HTTP/2 connections stay: see Server.Shutdown.
func (l *Listener) Close() error {
	err := l.inner.Close()
	l.once.Do(func() {
		close(l.closed)
		l.mu.Lock()
		defer l.mu.Unlock()
		for nc := range l.undetermined {
			_ = nc.Close()
		}
		l.undetermined = nil
	})
	<-l.ended
	return err
}

// Wait returns when the listener is closed and its HTTP/2 connections have ended
// and been waited for.
func (l *Listener) Wait() { l.wg.Wait() }

// replayConn is a connection whose first bytes have been read. Each write has a
// timeout: net/http has none that leaves streams alone.
type replayConn struct {
	net.Conn
	first   []byte
	timeout time.Duration
}

// Write implements net.Conn.
func (c *replayConn) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err == nil {
		err = c.SetWriteDeadline(time.Time{}) // or a later write without waiting fails
	}
	return n, err
}

// Read implements net.Conn.
func (c *replayConn) Read(p []byte) (int, error) {
	if len(c.first) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.first)
	if c.first = c.first[n:]; len(c.first) == 0 {
		c.first = nil
	}
	return n, nil
}

// NetConn returns the connection beneath. What was read of it is not read again.
func (c *replayConn) NetConn() net.Conn { return c.Conn }

// OutboundConn is for package outbound, whose writes have timeouts of their own.
func (c *replayConn) OutboundConn() net.Conn { return c.Conn }

// CloseWrite ends the outbound half.
func (c *replayConn) CloseWrite() error {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.ErrUnsupported
	}
	return half.CloseWrite()
}
