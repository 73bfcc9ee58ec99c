package httpd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"chatroom/server/internal/health"
)

// AdminConfig is what an Admin is made of.
type AdminConfig struct {
	// Listener is where operators connect. Close closes it.
	Listener net.Listener
	Health   *health.Health
	// Metrics is served at /metrics. Nil means that nothing is.
	Metrics http.Handler
	Log     *slog.Logger
}

// Admin serves operators over plain HTTP/1.1, on a port of its own: health, metrics, and
// profiles of the process at /debug/pprof/. None of it needs a credential, so the port must
// not be reachable for others. Create it with StartAdmin.
type Admin struct {
	server  *http.Server
	serving sync.WaitGroup
}

// StartAdmin serves until Close.
func StartAdmin(c AdminConfig) *Admin {
	mux := http.NewServeMux()
	mux.Handle(health.LivePath, c.Health.Handler())
	mux.Handle(health.ReadyPath, c.Health.Handler())
	if c.Metrics != nil {
		mux.Handle("GET /metrics", c.Metrics)
	}
	profile := func(path string, handler http.HandlerFunc) {
		mux.HandleFunc("GET /debug/pprof/"+path, sameSite(handler))
	}
	profile("", pprof.Index)
	profile("cmdline", pprof.Cmdline)
	profile("profile", pprof.Profile)
	profile("symbol", pprof.Symbol)
	profile("trace", pprof.Trace)
	a := &Admin{server: &http.Server{
		Handler:           onlyFor(DefaultHosts([]string{c.Listener.Addr().String()}), mux),
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug),
	}}
	a.serving.Go(func() {
		if err := a.server.Serve(c.Listener); !errors.Is(err, http.ErrServerClosed) {
			c.Log.Error("the admin port is not served any more", "address", c.Listener.Addr(), "err", err)
		}
	})
	return a
}

// onlyFor refuses requests for other hosts, as those of a web page whose name was made to
// point here.
func onlyFor(hosts Hosts, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !hosts.Allow(r.Host) {
			http.Error(w, "Refused: the host of the request is none of this server.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// sameSite refuses requests that a browser makes for pages of other sites. These could not read
// the answer, but a profile costs the process time.
func sameSite(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "none", "same-origin":
			next(w, r)
		default:
			http.Error(w, "Refused: pages of other sites may not ask for profiles.", http.StatusForbidden)
		}
	}
}

// Close closes the port. Requests in flight have a second.
func (a *Admin) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := a.server.Shutdown(ctx)
	if err != nil {
		err = a.server.Close()
	}
	a.serving.Wait()
	if err != nil {
		return fmt.Errorf("close the admin port: %w", err)
	}
	return nil
}
