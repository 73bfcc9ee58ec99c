// Package httpd is the service's port: it listens, speaks HTTP/1.1 and
// unencrypted HTTP/2, serves the page, and stops gracefully. HTTP/1.1 is that of
// net/http, HTTP/2 that of server/internal/h2.
package httpd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"chatroom/server/internal/h2"
)

// The bounds of a connection. There is no write timeout and no read timeout:
// they would end streams. Streams have deadlines of their own.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
	// A peer that is gone without a word is noticed after both.
	pingAfter   = 15 * time.Second
	pingTimeout = 15 * time.Second
)

// Config is what a Server is made of.
type Config struct {
	// Listeners are what Listen has opened. Shutdown closes them.
	Listeners Listeners
	// RPC are handlers by their patterns for http.ServeMux.
	RPC map[string]http.Handler
	// Page holds the static page, served at all other paths.
	Page fs.FS
	// WriteTimeout is how long an HTTP/2 peer may take for the bytes that its
	// socket did not take at once before the connection is closed. Zero means
	// 30 s. Handlers bound their own writes, but can't end one that waits for the
	// socket there.
	WriteTimeout time.Duration
	// Log takes what operators should know.
	Log *slog.Logger
}

// Server serves connections. Create it with New.
type Server struct {
	http      *http.Server
	h2        *h2.Server
	listeners Listeners
}

// New returns a server that does not serve yet.
func New(c Config) (*Server, error) {
	page, err := newPage(c.Page)
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	mux := http.NewServeMux()
	for pattern, handler := range c.RPC {
		mux.Handle(pattern, handler)
	}
	mux.Handle("/", page)
	s := &Server{
		listeners: c.Listeners,
		http: &http.Server{
			Handler:           mux,
			ReadHeaderTimeout: readHeaderTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
		},
	}
	s.h2 = &h2.Server{
		Handler:            mux,
		HTTP:               s.http,
		MaxHeaderListBytes: maxHeaderBytes,
		IdleTimeout:        idleTimeout,
		PingInterval:       pingAfter,
		PingTimeout:        pingTimeout,
		WriteTimeout:       c.WriteTimeout,
		PrefaceTimeout:     readHeaderTimeout,
		Log:                c.Log,
	}
	s.http.RegisterOnShutdown(s.h2.StartShutdown)
	return s, nil
}

// Serve handles connections until Shutdown. When one listener fails, it ends the
// others and returns the error.
func (s *Server) Serve() error {
	errs := make([]error, len(s.listeners))
	var wg sync.WaitGroup
	for i, l := range s.listeners {
		wg.Go(func() {
			both := s.h2.Listen(l, readHeaderTimeout)
			if err := s.http.Serve(both); !errors.Is(err, http.ErrServerClosed) {
				errs[i] = fmt.Errorf("serve on %s: %w", l.Addr(), err)
				_ = both.Close()
				s.listeners.Close()
			}
			both.Wait()
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Shutdown stops listening and waits for handlers. With the end of ctx it closes
// their connections instead.
func (s *Server) Shutdown(ctx context.Context) error {
	if errors.Join(s.http.Shutdown(ctx), s.h2.Shutdown(ctx)) == nil {
		return nil
	}
	return errors.Join(s.http.Close(), s.h2.Close())
}
