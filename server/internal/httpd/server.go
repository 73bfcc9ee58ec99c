// Package httpd is the service's port: it listens, speaks HTTP/1.1 and HTTP/2, both
// with TLS or both without, serves the page, and stops gracefully. HTTP/1.1 is that of
// net/http, HTTP/2 that of server/internal/h2. An address whose HTTP/2 connections go
// over their budgets again and again is refused for a time.
package httpd

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/h2"
	"chatroom/server/internal/health"
	"chatroom/server/internal/logsample"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/tally"
)

// The bounds of a connection. There is no write timeout and no read timeout of
// net/http: they would end streams. Streams have deadlines of their own.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 2 * time.Minute
	// requestTimeout bounds the reading of a request over HTTP/1.1, its body included, also
	// of a body that no handler reads. A handler that takes longer lifts it.
	requestTimeout = 10 * time.Second
	maxHeaderBytes = 16 << 10
	// A peer that is gone without a word is noticed after both.
	pingAfter   = 15 * time.Second
	pingTimeout = 15 * time.Second
	// writeTimeout is that of a Config without one.
	writeTimeout = 30 * time.Second
)

// Config is what a Server is made of.
type Config struct {
	// Listeners are what Listen has opened. Shutdown closes them.
	Listeners Listeners
	// TLS makes all of Listeners speak HTTPS. Nil means plain HTTP.
	TLS *Certificates
	// Redirect are plain HTTP listeners that send clients to the first of Listeners by
	// https. Shutdown closes them. They must be empty without TLS.
	Redirect Listeners
	// RPC are handlers by their patterns for http.ServeMux.
	RPC map[string]http.Handler
	// Unknown answers what is neither for RPC nor a GET of the page. Nil means that it is
	// not found.
	Unknown http.Handler
	// Health is served at its paths. Nil means that it is not.
	Health *health.Health
	// Page holds the page, served at all other paths: index.html at the page's addresses, and
	// the other files at their names.
	Page fs.FS
	// IsRoom reports whether a name may be that of a room, which then has an address of the
	// page. Nil means that none has.
	IsRoom func(name string) bool
	// WriteTimeout is how long a peer may take for the bytes that its socket did not
	// take at once before the connection is closed. Zero means 30 s. Handlers bound
	// their own writes, but can't end one that waits for the socket there.
	WriteTimeout time.Duration
	// Hosts are the names that requests may be for.
	Hosts Hosts
	// Origins are the web origins whose pages may call RPC.
	Origins Origins
	// Proxies have as many connections as they want.
	Proxies clientaddr.Proxies
	// Counts bounds connections.
	Counts ratelimit.Counts
	// Log takes what operators should know.
	Log *slog.Logger
}

// Server serves connections. Create it with New.
type Server struct {
	http      *http.Server
	h2        *h2.Server
	listeners Listeners
	tls       *Certificates // nil without TLS
	redirects *http.Server
	redirect  Listeners
	penalties *penalties
	slots     *connectionSlots
	refused   tally.Tally
}

// New returns a server that does not serve yet.
func New(c Config) (*Server, error) {
	if c.IsRoom == nil {
		c.IsRoom = func(string) bool { return false }
	}
	page, err := newPage(c.Page, c.IsRoom, c.Unknown)
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	mux := http.NewServeMux()
	for pattern, handler := range c.RPC {
		mux.Handle(pattern, handler)
	}
	if c.Health != nil {
		mux.Handle(health.LivePath, c.Health.Handler())
		mux.Handle(health.ReadyPath, c.Health.Handler())
	}
	mux.Handle("/", page)
	peers := &logsample.Logger{Log: c.Log}
	s := &Server{
		listeners: c.Listeners,
		tls:       c.TLS,
		redirect:  c.Redirect,
		penalties: newPenalties(c.Proxies, c.Log),
	}
	s.refused.Begin("accept", "host", "origin", "penalty")
	s.slots = newConnectionSlots(&c.Counts, c.Proxies, peers, &s.refused)
	handler := http.Handler(&front{
		mux: mux, hosts: c.Hosts, origins: c.Origins, cors: newCORS(&c.Origins), proxies: c.Proxies, peers: peers, refused: &s.refused,
	})
	if c.TLS != nil {
		handler = secure(handler, c.TLS.hsts)
	}
	s.http = newHTTP1(handler, c.Log)
	s.http.ConnContext = withTLSState
	s.h2 = &h2.Server{
		Handler:            handler,
		HTTP:               s.http,
		MaxHeaderListBytes: maxHeaderBytes,
		IdleTimeout:        idleTimeout,
		PingInterval:       pingAfter,
		PingTimeout:        pingTimeout,
		WriteTimeout:       cmp.Or(c.WriteTimeout, writeTimeout),
		PrefaceTimeout:     readHeaderTimeout,
		OverBudget:         s.penalties.record,
		Log:                c.Log,
	}
	s.http.RegisterOnShutdown(s.h2.StartShutdown)
	if c.TLS != nil && len(c.Listeners) > 0 {
		_, port, err := net.SplitHostPort(c.Listeners[0].Addr().String())
		if err != nil {
			return nil, fmt.Errorf("redirect to %v: %w", c.Listeners[0].Addr(), err)
		}
		s.redirects = newHTTP1(c.TLS.redirect(port), c.Log)
		s.redirects.WriteTimeout = readHeaderTimeout
	}
	return s, nil
}

func newHTTP1(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// Stats are figures of a Server. Those without "now" are counts since it began.
type Stats struct {
	Connections int64             // of HTTP/1.1 and HTTP/2, now
	HTTP2       h2.Stats          // of which these are of HTTP/2
	Refused     map[string]uint64 // connections and requests that were refused, by the reason
	// CertificateExpires is when the first certificate in use does. Zero means that none is used.
	CertificateExpires time.Time
}

// Stats returns figures as of now.
func (s *Server) Stats() Stats {
	stats := Stats{Connections: int64(s.slots.byAddress.Held()), HTTP2: s.h2.Stats(), Refused: s.refused.Counts()}
	if s.tls != nil {
		stats.CertificateExpires = s.tls.expires()
	}
	return stats
}

// Serve handles connections until Shutdown. When one listener fails, it ends the
// others and returns the error.
func (s *Server) Serve() error {
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	if s.tls != nil && s.tls.watch != nil {
		watching.Go(func() { s.tls.watch(ctx) })
	}
	errs := make([]error, len(s.listeners)+len(s.redirect))
	var wg sync.WaitGroup
	serve := func(i int, server *http.Server, l net.Listener, wait func()) {
		wg.Go(func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				errs[i] = fmt.Errorf("serve on %s: %w", l.Addr(), err)
				_ = l.Close()
				s.listeners.Close()
				s.redirect.Close()
			}
			wait()
		})
	}
	for i, l := range s.listeners {
		both := s.sorted(countedListener{gate{l, s.penalties, &s.refused}, s.slots})
		serve(i, s.http, both, both.Wait)
	}
	for i, l := range s.redirect {
		serve(len(s.listeners)+i, s.redirects, countedListener{l, s.slots}, func() {})
	}
	wg.Wait()
	cancel()
	watching.Wait()
	return errors.Join(errs...)
}

// sortedListener serves HTTP/2 connections itself, and hands on the others.
type sortedListener interface {
	net.Listener
	// Wait returns when the listener is closed and its HTTP/2 connections have ended.
	Wait()
}

func (s *Server) sorted(l net.Listener) sortedListener {
	if s.tls == nil {
		return s.h2.Listen(l, readHeaderTimeout)
	}
	t := &tlsListener{inner: l, config: s.tls.config(), h2: s.h2, http: s.http, writeTimeout: s.h2.WriteTimeout, peers: s.slots.peers}
	t.start()
	return t
}

// Shutdown stops listening and waits for handlers. With the end of ctx it closes
// their connections instead.
func (s *Server) Shutdown(ctx context.Context) error {
	if s.redirects != nil {
		_ = s.redirects.Close() // its answers are short
	}
	if errors.Join(s.http.Shutdown(ctx), s.h2.Shutdown(ctx)) == nil {
		return nil
	}
	return errors.Join(s.http.Close(), s.h2.Close())
}
