package h2

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// net/http's server, which this one is compared with, leaves goroutines behind
// for connections that were broken on purpose.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*http2serverConn).serve"))
}

// logged collects what a server logs.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// front is a server on a free port that speaks both protocols.
type front struct {
	*Server
	addr string
	url  string
	tls  bool
	log  *logged
}

func newFront(s *Server) *front {
	f := &front{Server: s, log: new(logged)}
	if s.Log == nil {
		s.Log = slog.New(slog.NewTextHandler(io.MultiWriter(f.log, debugLog()), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	return f
}

// serve starts a server and ends it with the test.
func serve(t testing.TB, s *Server) *front {
	t.Helper()
	return serveOn(t, s, func(l net.Listener) net.Listener { return l })
}

// serveOn is serve with a listener that is wrapped.
func serveOn(t testing.TB, s *Server, wrap func(net.Listener) net.Listener) *front {
	t.Helper()
	f := newFront(s)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	f.url = "http://" + f.addr
	ours := s.Listen(wrap(l), 0)
	http1 := &http.Server{Handler: s.Handler, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = http1.Serve(ours) })
	t.Cleanup(func() {
		_ = http1.Close()
		serving.Wait()
		_ = s.Close()
		ours.Wait()
	})
	return f
}

func debugLog() io.Writer {
	if os.Getenv("H2_DEBUG") != "" {
		return os.Stderr
	}
	return io.Discard
}

// serveTLS is serve over TLS, by ALPN.
func serveTLS(t testing.TB, s *Server) *front {
	t.Helper()
	return serveTLSOn(t, s, Unblock)
}

// serveTLSOn is serveTLS with a listener that is wrapped, beneath TLS.
func serveTLSOn(t testing.TB, s *Server, wrap func(net.Listener) net.Listener) *front {
	t.Helper()
	f := newFront(s)
	f.tls = true
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.addr = l.Addr().String()
	f.url = "https://" + f.addr
	hs := &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: time.Minute,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate(t)}, NextProtos: []string{"h2", "http/1.1"}},
		TLSNextProto:      map[string]func(*http.Server, *tls.Conn, http.Handler){"h2": s.ServeTLS},
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	hs.RegisterOnShutdown(s.StartShutdown)
	var serving sync.WaitGroup
	serving.Go(func() { _ = hs.ServeTLS(wrap(l), "", "") })
	t.Cleanup(func() {
		_ = hs.Close()
		serving.Wait()
		_ = s.Close()
	})
	return f
}

// client speaks HTTP/2 to the server, on connections of its own.
func (f *front) client(t testing.TB) *http.Client {
	if f.tls {
		return tlsClient(t)
	}
	return h2cClient(t)
}

// h2cClient speaks HTTP/2 by prior knowledge on connections of its own.
func h2cClient(t testing.TB) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// do sends a request and returns the response with its body.
func do(t testing.TB, c *http.Client, method, url string, body io.Reader, headers ...string) (*http.Response, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := c.Do(r)
	if err != nil {
		t.Fatalf("%s %s = %v, want an answer", method, url, err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("body of %s %s = %v, want nil", method, url, err)
	}
	return response, string(got)
}

func TestBothProtocolsOnOnePort(t *testing.T) {
	f := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })})
	if _, got := do(t, h2cClient(t), "GET", f.url, nil); got != "HTTP/2.0" {
		t.Errorf("GET by prior knowledge was answered over %q, want HTTP/2.0", got)
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	if _, got := do(t, &http.Client{Transport: transport}, "GET", f.url, nil); got != "HTTP/1.1" {
		t.Errorf("GET was answered over %q, want HTTP/1.1", got)
	}
}
