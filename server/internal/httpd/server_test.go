package httpd

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	// The ACME server of a test has no way to stop.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"))
}

var files = fstest.MapFS{
	"index.html":    {Data: []byte(`<!doctype html><base href="./"><title>chat</title>`)},
	"app.js":        {Data: []byte("console.log('hi')")},
	"style.css":     {Data: []byte("body{}")},
	"icons/i.svg":   {Data: []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")},
	"docs/index.md": {Data: []byte("# docs")},
}

func listen(t *testing.T, addresses ...string) Listeners {
	t.Helper()
	listeners, err := Listen(addresses)
	if err != nil {
		t.Fatalf("Listen(%q) = %v, want nil", addresses, err)
	}
	t.Cleanup(listeners.Close)
	return listeners
}

// serve starts a server on free ports, and stops it when the test ends.
func serve(t *testing.T, c Config) *Server {
	t.Helper()
	if c.Listeners == nil {
		c.Listeners = listen(t, "127.0.0.1:0")
	}
	if c.Page == nil {
		c.Page = files
	}
	if c.IsRoom == nil {
		c.IsRoom = roomName.MatchString
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s, err := New(c)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		if err := s.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Shutdown = %v, want nil", err)
		}
		if err := <-served; err != nil {
			t.Errorf("Serve = %v, want nil", err)
		}
	})
	return s
}

func (s *Server) url(i int) string { return "http://" + s.listeners.Addresses()[i] }

// client returns a client for one protocol, which follows no redirects.
func client(t *testing.T, speak func(*http.Protocols, bool)) *http.Client {
	protocols := new(http.Protocols)
	speak(protocols, true)
	transport := &http.Transport{Protocols: protocols, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func request(t *testing.T, c *http.Client, method, url string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.Do(r)
	if err != nil {
		t.Fatalf("%s %s = %v, want an answer", method, url, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("body of %s %s = %v, want nil", method, url, err)
	}
	return response, string(body)
}

// Listen opens all addresses, or none.
func TestListenFails(t *testing.T) {
	taken := listen(t, "127.0.0.1:0").Addresses()[0]
	free := listen(t, "127.0.0.1:0")
	address := free.Addresses()[0]
	free.Close()
	for name, second := range map[string]string{"taken": taken, "malformed": "nonsense"} {
		if l, err := Listen([]string{address, second}); err == nil {
			t.Errorf("Listen, %s = %v, nil, want an error", name, l.Addresses())
		}
		listen(t, address).Close()
	}
}

func TestNewWithoutPage(t *testing.T) {
	if _, err := New(Config{Page: broken{}, Log: slog.New(slog.DiscardHandler)}); err == nil {
		t.Error("New with a page that can't be read = nil, want an error")
	}
}

type broken struct{}

func (broken) Open(string) (fs.File, error) { return nil, errors.New("broken") }

// All listeners serve the same, over both protocols and on one port.
func TestProtocolsAndListeners(t *testing.T) {
	echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto, " ", r.URL.Path) })
	s := serve(t, Config{Listeners: listen(t, "127.0.0.1:0", "127.0.0.1:0"), RPC: map[string]http.Handler{"/a.A/": echo, "/b.B/": echo}})
	if at := s.listeners.Addresses(); len(at) != 2 || at[0] == at[1] {
		t.Fatalf("Addresses() = %v, want two", at)
	}
	for proto, speak := range map[string]func(*http.Protocols, bool){
		"HTTP/1.1": (*http.Protocols).SetHTTP1,
		"HTTP/2.0": (*http.Protocols).SetUnencryptedHTTP2,
	} {
		c := client(t, speak)
		for i := range s.listeners {
			for _, path := range []string{"/a.A/Method", "/b.B/Method"} {
				if response, body := request(t, c, "POST", s.url(i)+path); response.Proto != proto || body != proto+" "+path {
					t.Errorf("POST %s = %s, %q, want %s all the way", path, response.Proto, body, proto)
				}
			}
			if response, body := request(t, c, "GET", s.url(i)+"/"); response.StatusCode != 200 || response.Proto != proto || !strings.Contains(body, "chat") {
				t.Errorf("GET / = %s %s, %q, want the page over %s", response.Proto, response.Status, body, proto)
			}
		}
	}
}

func TestHeadersAreBounded(t *testing.T) {
	s := serve(t, Config{})
	large := strings.Repeat("a", 64<<10)
	response, _ := request(t, client(t, (*http.Protocols).SetHTTP1), "GET", s.url(0)+"/", "X-Large", large)
	if response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("GET over HTTP/1.1 with 64 KiB of headers = %d, want %d", response.StatusCode, http.StatusRequestHeaderFieldsTooLarge)
	}
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url(0)+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Large", large)
	answer, err := client(t, (*http.Protocols).SetUnencryptedHTTP2).Do(r)
	if err == nil {
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("GET over HTTP/2 with 64 KiB of headers = %d, want it refused", answer.StatusCode)
		}
	}
	if response, _ := request(t, client(t, (*http.Protocols).SetHTTP1), "GET", s.url(0)+"/", "X-Large", large[:8<<10]); response.StatusCode != http.StatusOK {
		t.Errorf("GET with 8 KiB of headers = %d, want 200", response.StatusCode)
	}
}

// Handlers that end are waited for.
func TestShutdownWaits(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := serve(t, Config{RPC: map[string]http.Handler{"/slow": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-release
		fmt.Fprint(w, "done")
	})}})
	answer := make(chan string, 1)
	c := client(t, (*http.Protocols).SetUnencryptedHTTP2)
	go func() {
		_, body := request(t, c, "GET", s.url(0)+"/slow")
		answer <- body
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Shutdown(t.Context()) }()
	refused := make(chan struct{})
	go func() { // once the port is closed, Shutdown is under way
		defer close(refused)
		for {
			conn, err := net.Dial("tcp", s.listeners.Addresses()[0])
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	<-refused
	select {
	case err := <-stopped:
		t.Errorf("Shutdown = %v while a handler runs, want it to wait", err)
		stopped <- err
	default:
	}
	close(release)
	if body := <-answer; body != "done" {
		t.Errorf("answer during Shutdown = %q, want it whole", body)
	}
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown = %v, want nil", err)
	}
}

// Handlers that don't end are not waited for longer than the caller wants.
func TestShutdownIsBounded(t *testing.T) {
	for proto, speak := range map[string]func(*http.Protocols, bool){
		"HTTP/1.1": (*http.Protocols).SetHTTP1,
		"HTTP/2.0": (*http.Protocols).SetUnencryptedHTTP2,
	} {
		entered, ended := make(chan struct{}), make(chan struct{})
		s := serve(t, Config{RPC: map[string]http.Handler{"/stream": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			close(entered)
			<-r.Context().Done()
			close(ended)
		})}})
		c := client(t, speak)
		response, err := c.Get(s.url(0) + "/stream")
		if err != nil {
			t.Fatalf("GET over %s = %v, want an answer", proto, err)
		}
		<-entered
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown over %s = %v, want nil: the connections were closed", proto, err)
		}
		cancel()
		<-ended
		if _, err := io.ReadAll(response.Body); err == nil {
			t.Errorf("the stream over %s ended as if it were whole", proto)
		}
		_ = response.Body.Close()
	}
}

// When one listener breaks, the server ends rather than serving half.
func TestServeEndsWithABrokenListener(t *testing.T) {
	s, err := New(Config{Listeners: listen(t, "127.0.0.1:0", "127.0.0.1:0"), Page: files, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	_ = s.listeners[1].Close()
	if err := <-served; err == nil || !strings.Contains(err.Error(), s.listeners.Addresses()[1]) {
		t.Errorf("Serve with a broken listener = %v, want an error that names it", err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown = %v, want nil", err)
	}
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
