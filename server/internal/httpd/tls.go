package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"chatroom/server/internal/h2"
	"chatroom/server/internal/logsample"
)

const (
	// refusalTimeout is how long a client that does not speak TLS may take to read so.
	refusalTimeout = time.Second
	// temporaryPause is how long to wait after an error of accept that may pass, such
	// as that no file descriptor is free.
	temporaryPause = 50 * time.Millisecond
)

// tlsListener makes TLS connections of those of a listener. It serves the ones that
// speak HTTP/2 itself, and hands the others to Accept, as h2.Listener does without TLS.
type tlsListener struct {
	inner        net.Listener
	config       *tls.Config
	h2           *h2.Server
	http         *http.Server
	writeTimeout time.Duration
	peers        *logsample.Logger

	others chan net.Conn
	closed chan struct{}
	ended  chan struct{} // the loop that accepts has ended, with err
	err    error
	wg     sync.WaitGroup

	once        sync.Once
	mu          sync.Mutex // guards below
	handshaking map[net.Conn]struct{}
}

// start begins to accept connections.
func (l *tlsListener) start() {
	l.others = make(chan net.Conn)
	l.closed, l.ended = make(chan struct{}), make(chan struct{})
	l.handshaking = make(map[net.Conn]struct{})
	l.wg.Go(l.run)
}

func (l *tlsListener) run() {
	defer close(l.ended)
	for {
		nc, err := l.inner.Accept()
		if err == nil {
			l.wg.Go(func() { l.serve(nc) })
			continue
		}
		var t interface{ Temporary() bool }
		if errors.Is(err, net.ErrClosed) || !errors.As(err, &t) || !t.Temporary() {
			l.err = err
			return
		}
		select {
		case <-time.After(temporaryPause):
		case <-l.closed:
		}
	}
}

// serve makes the handshake and gives the connection to its server.
func (l *tlsListener) serve(nc net.Conn) {
	unblocked, err := unblock(nc)
	if err != nil || !l.add(nc) {
		_ = nc.Close()
		return
	}
	conn := tls.Server(unblocked, l.config)
	_ = nc.SetDeadline(time.Now().Add(readHeaderTimeout)) // an error shows in the handshake
	err = conn.Handshake()
	l.mu.Lock()
	delete(l.handshaking, nc)
	l.mu.Unlock()
	if err == nil {
		err = nc.SetDeadline(time.Time{})
	}
	switch {
	case err != nil:
		l.peers.Warn(context.Background(), "a TLS handshake failed", "peer", nc.RemoteAddr().String(), "err", err)
		refusePlainText(nc, err)
		_ = nc.Close()
	case conn.ConnectionState().NegotiatedProtocol == "h2":
		l.h2.ServeTLS(l.http, conn, nil)
	default:
		select {
		case l.others <- &tlsConn{Conn: conn, beneath: nc, timeout: l.writeTimeout}:
		case <-l.closed:
			_ = nc.Close()
		}
	}
}

// add notes a connection whose handshake is not done, for Close.
func (l *tlsListener) add(nc net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handshaking == nil {
		return false
	}
	l.handshaking[nc] = struct{}{}
	return true
}

// Accept returns the next connection that does not speak HTTP/2.
func (l *tlsListener) Accept() (net.Conn, error) {
	select {
	case nc := <-l.others:
		return nc, nil
	case <-l.ended:
		return nil, l.err
	}
}

// Addr implements net.Listener.
func (l *tlsListener) Addr() net.Addr { return l.inner.Addr() }

// Close closes the listener and the connections whose handshakes are not done. Those
// of HTTP/2 stay: see h2.Server.Shutdown.
func (l *tlsListener) Close() error {
	err := l.inner.Close()
	l.once.Do(func() {
		close(l.closed)
		l.mu.Lock()
		defer l.mu.Unlock()
		for nc := range l.handshaking {
			_ = nc.Close()
		}
		l.handshaking = nil
	})
	<-l.ended
	return err
}

// Wait returns when the listener is closed, and its HTTP/2 connections have ended.
func (l *tlsListener) Wait() { l.wg.Wait() }

// unblock makes writes beneath TLS not wait for the socket once the connection speaks
// HTTP/2.
func unblock(nc net.Conn) (net.Conn, error) { return h2.Unblock(&oneConn{conn: nc}).Accept() }

// oneConn is a listener that has one connection.
type oneConn struct {
	net.Listener
	conn net.Conn
}

func (l *oneConn) Accept() (net.Conn, error) { return l.conn, nil }

// refusePlainText answers a client whose handshake failed because it speaks HTTP.
func refusePlainText(nc net.Conn, err error) {
	e, ok := errors.AsType[tls.RecordHeaderError](err)
	if !ok || e.Conn == nil || !looksLikeHTTP(e.RecordHeader) {
		return
	}
	const answer = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
		"This port speaks HTTPS, and the request was plain HTTP. Use https:// in the URL.\n"
	if nc.SetDeadline(time.Now().Add(refusalTimeout)) != nil {
		return
	}
	if _, err := io.WriteString(nc, answer); err != nil {
		return
	}
	// To close a socket that has unread bytes would discard the answer.
	if half, ok := nc.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
		_, _ = io.CopyN(io.Discard, nc, maxHeaderBytes)
	}
}

// looksLikeHTTP reports whether the first bytes of a connection are those of a request,
// or of the preface of HTTP/2.
func looksLikeHTTP(first [5]byte) bool {
	switch string(first[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "DELET", "OPTIO", "PATCH", "CONNE", "TRACE", "PRI *":
		return true
	}
	return false
}

// tlsConn is a TLS connection for HTTP/1.1. Each write has a timeout unless a deadline
// is set: net/http has none that leaves streams alone.
type tlsConn struct {
	*tls.Conn
	beneath net.Conn
	timeout time.Duration

	mu       sync.Mutex // guards below
	deadline bool       // for writes, set by the user of the connection
}

// Write implements net.Conn.
func (c *tlsConn) Write(p []byte) (int, error) {
	c.mu.Lock()
	bounded := c.deadline
	c.mu.Unlock()
	if bounded {
		return c.Conn.Write(p)
	}
	if err := c.Conn.SetWriteDeadline(time.Now().Add(c.timeout)); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(p)
	if err == nil {
		err = c.Conn.SetWriteDeadline(time.Time{}) // or what TLS writes by itself fails later
	}
	return n, err
}

// SetDeadline implements net.Conn.
func (c *tlsConn) SetDeadline(t time.Time) error {
	c.note(t)
	return c.Conn.SetDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *tlsConn) SetWriteDeadline(t time.Time) error {
	c.note(t)
	return c.Conn.SetWriteDeadline(t)
}

func (c *tlsConn) note(t time.Time) {
	c.mu.Lock()
	c.deadline = !t.IsZero()
	c.mu.Unlock()
}

// NetConn returns the connection beneath TLS.
func (c *tlsConn) NetConn() net.Conn { return c.beneath }

type tlsStateKey struct{}

// withTLSState is the http.Server.ConnContext that tells the handler of HTTP/1.1 about
// TLS: net/http knows only connections that are a *tls.Conn.
func withTLSState(ctx context.Context, nc net.Conn) context.Context {
	if c, ok := nc.(*tlsConn); ok {
		state := c.ConnectionState()
		return context.WithValue(ctx, tlsStateKey{}, &state)
	}
	return ctx
}

// secure is the handler of a server with TLS. It sets Request.TLS where withTLSState
// knows it, and tells browsers to use HTTPS only.
func secure(next http.Handler, hsts bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if state, ok := r.Context().Value(tlsStateKey{}).(*tls.ConnectionState); ok {
			r.TLS = state
		}
		if hsts {
			const year = "max-age=31536000"
			w.Header().Set("Strict-Transport-Security", year)
		}
		next.ServeHTTP(w, r)
	})
}
