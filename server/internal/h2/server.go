package h2

import (
	"cmp"
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Defaults of the fields of Server.
const (
	defaultMaxStreams     = 10_000
	defaultStreamWindow   = 64<<10 - 1
	defaultConnWindow     = 1 << 20
	defaultFrameSize      = 16 << 10
	defaultHeaderBytes    = 16 << 10
	defaultQueuedBytes    = 64 << 10
	defaultIdleTimeout    = 2 * time.Minute
	defaultPingInterval   = 15 * time.Second
	defaultPingTimeout    = 15 * time.Second
	defaultWriteTimeout   = 30 * time.Second
	defaultPrefaceTimeout = 5 * time.Second
)

// Server serves HTTP/2 connections. The fields are read when a connection
// begins and must not change after the first one. The zero value of each field
// but Handler means its default. Methods may be called concurrently.
type Server struct {
	// Handler answers requests, each in a goroutine of its own.
	Handler http.Handler

	// MaxConcurrentStreams is how many streams of a connection may be open, and
	// how many handlers of a connection may run. A stream beyond it is refused
	// with REFUSED_STREAM, which allows the client to retry. Default 10,000.
	MaxConcurrentStreams uint32
	// StreamWindow is how many bytes of a request's body are accepted before the
	// handler reads them. Default 64 KiB less one, the protocol's own default.
	StreamWindow int32
	// ConnWindow is the same for all requests of a connection. Default 1 MiB.
	ConnWindow int32
	// MaxFrameSize is the largest payload of a frame that is accepted, between
	// 16 KiB and 16 MiB less one. Default 16 KiB.
	MaxFrameSize uint32
	// MaxHeaderListBytes bounds the headers of a request, and its trailers, each
	// counted as in RFC 9113, 6.5.2. More is answered with status 431, and much
	// more closes the connection. Default 16 KiB.
	MaxHeaderListBytes uint32
	// MaxQueuedBytes is how many bytes of frames may wait for the socket of a
	// connection. Handlers wait and [Stream.Append] refuses while there are more.
	// Default 64 KiB.
	MaxQueuedBytes int

	// IdleTimeout is how long a connection without a stream is kept. Default 2
	// minutes.
	IdleTimeout time.Duration
	// PingInterval is how long a peer may be silent before it is sent a PING,
	// and PingTimeout how long it has to answer before the connection is closed.
	// Default 15 s each.
	PingInterval, PingTimeout time.Duration
	// WriteTimeout is how long the peer may take to accept the bytes that its
	// socket did not take at once, at most MaxQueuedBytes and what was appended
	// beyond, before the connection is closed. Default 30 s.
	WriteTimeout time.Duration
	// PrefaceTimeout is how long a peer has for its preface and first SETTINGS.
	// Default 5 s.
	PrefaceTimeout time.Duration

	// Budgets bound what costs the server something and the peer nothing.
	Budgets Budgets

	// BaseContext returns the context from which those of a connection's requests
	// derive. Nil means context.Background.
	BaseContext func(net.Conn) context.Context
	// HTTP is the value of http.ServerContextKey in a request's context. Nil
	// leaves the key out.
	HTTP *http.Server
	// OverBudget is called with the address of a peer, HOST:PORT, whose connection is
	// about to be closed for a budget. It must not block. Nil means nothing.
	OverBudget func(peer string)
	// Log takes connections that the peer has ended (debug), those that this side has
	// cut (warn, at most one line a second, and one for each budget) and panics of
	// handlers (error). Nil discards.
	Log *slog.Logger

	stats stats

	mu       sync.Mutex // guards below
	conns    map[*conn]struct{}
	shutdown bool
}

// ServeConn serves a connection whose preface has not been read, until it is
// closed and its handlers have returned. It closes nc. It returns why the
// connection ended, a *ConnError, or nil if it ended in good order.
//
// Writes don't wait for the socket if nc is a *net.TCPConn or *net.UnixConn on a
// Unix system. Other connections are written to by a goroutine that lives while
// there is something to write; for TLS see [Unblock].
func (s *Server) ServeConn(nc net.Conn) error {
	return s.serve(newConn(s, nc, nil, nil))
}

// serveAfterPreface is ServeConn for a connection whose preface was read.
func (s *Server) serveAfterPreface(nc net.Conn) error {
	c := newConn(s, nc, nil, nil)
	c.prefaceRead = true
	return s.serve(c)
}

// ServeTLS serves a connection that negotiated "h2". It has the signature of a
// value of http.Server.TLSNextProto; h replaces s.Handler if it is not nil.
func (s *Server) ServeTLS(_ *http.Server, nc *tls.Conn, h http.Handler) {
	state := nc.ConnectionState()
	_ = s.serve(newConn(s, nc, &state, h)) // logged where it is known
}

func (s *Server) serve(c *conn) error {
	if !s.add(c) {
		c.cancel()
		_ = c.nc.Close()
		return http.ErrServerClosed
	}
	defer s.remove(c)
	return c.serve()
}

func (s *Server) add(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shutdown {
		return false
	}
	if s.conns == nil {
		s.conns = make(map[*conn]struct{})
	}
	s.conns[c] = struct{}{}
	s.stats.connections.Add(1)
	return true
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.stats.connections.Add(-1)
	close(c.done)
}

// Shutdown ends all connections gracefully: each gets a GOAWAY that allows
// streams in flight, then one that names the last stream, and is closed when its
// last stream has ended. It does not end streams. It returns when all
// connections are closed and all handlers have returned, or with the error of
// ctx. New connections are refused from the first call on.
func (s *Server) Shutdown(ctx context.Context) error {
	for _, c := range s.stop() {
		c.startGraceful()
	}
	for _, c := range s.stop() {
		select {
		case <-c.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// StartShutdown begins what Shutdown does and does not wait. It may be given to
// http.Server.RegisterOnShutdown.
func (s *Server) StartShutdown() {
	for _, c := range s.stop() {
		c.startGraceful()
	}
}

// Close closes all connections at once and refuses new ones. It cancels the
// contexts of handlers and does not wait for them. It returns nil.
func (s *Server) Close() error {
	for _, c := range s.stop() {
		c.close(&ConnError{Peer: c.peer, Reason: "server closed", Err: http.ErrServerClosed})
	}
	return nil
}

// stop refuses new connections and returns the current ones.
func (s *Server) stop() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shutdown = true
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	return conns
}

func (s *Server) maxStreams() int { return int(cmp.Or(s.MaxConcurrentStreams, defaultMaxStreams)) }
func (s *Server) streamWindow() int32 {
	return cmp.Or(s.StreamWindow, defaultStreamWindow)
}
func (s *Server) connWindow() int32 {
	return max(cmp.Or(s.ConnWindow, defaultConnWindow), protocolWindow)
}
func (s *Server) frameSize() uint32 {
	return min(max(s.MaxFrameSize, defaultFrameSize), 1<<24-1)
}
func (s *Server) headerBytes() uint32 { return cmp.Or(s.MaxHeaderListBytes, defaultHeaderBytes) }
func (s *Server) queuedBytes() int    { return cmp.Or(s.MaxQueuedBytes, defaultQueuedBytes) }
func (s *Server) idleTimeout() time.Duration {
	return cmp.Or(s.IdleTimeout, defaultIdleTimeout)
}
func (s *Server) pingInterval() time.Duration {
	return cmp.Or(s.PingInterval, defaultPingInterval)
}
func (s *Server) pingTimeout() time.Duration  { return cmp.Or(s.PingTimeout, defaultPingTimeout) }
func (s *Server) writeTimeout() time.Duration { return cmp.Or(s.WriteTimeout, defaultWriteTimeout) }
func (s *Server) prefaceTimeout() time.Duration {
	return cmp.Or(s.PrefaceTimeout, defaultPrefaceTimeout)
}

func (s *Server) log() *slog.Logger { return cmp.Or(s.Log, discard) }

var discard = slog.New(slog.DiscardHandler)
