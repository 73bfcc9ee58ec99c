package httpd

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"chatroom/server/internal/health"
)

func getFrom(t *testing.T, address, host, path string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host, r.Close = host, true
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// The admin port has health, metrics and profiles, for requests by names of loopback.
func TestAdmin(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	state := health.New()
	a := StartAdmin(AdminConfig{
		Listener: l, Health: state, Log: slog.New(slog.DiscardHandler),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "the metrics") }),
	})
	address := l.Addr().String()
	for _, tt := range []struct {
		host, path string
		status     int
		body       string // in it
	}{
		{"", "/healthz", 200, "ok"},
		{"", "/readyz", 503, health.Starting.String()},
		{"", "/metrics", 200, "the metrics"},
		{"localhost:9090", "/metrics", 200, "the metrics"},
		{"", "/debug/pprof/", 200, "goroutine"},
		{"", "/debug/pprof/goroutine?debug=1", 200, "goroutine profile"},
		{"", "/debug/pprof/heap?debug=1", 200, "heap profile"},
		{"", "/debug/pprof/cmdline", 200, "httpd.test"},
		{"", "/", 404, ""},
		{"evil.example", "/metrics", 421, "host"},
		{"evil.example", "/debug/pprof/", 421, "host"},
	} {
		status, body := getFrom(t, address, tt.host, tt.path)
		if status != tt.status || !strings.Contains(body, tt.body) {
			t.Errorf("%s for host %q = %d %.100q, want %d with %q", tt.path, tt.host, status, body, tt.status, tt.body)
		}
	}
	for site, want := range map[string]int{"cross-site": 403, "same-site": 403, "same-origin": 200, "none": 200} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/debug/pprof/cmdline", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Sec-Fetch-Site", site)
		r.Close = true
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("a profile for a page that is %s = %d, want %d", site, response.StatusCode, want)
		}
	}
	if err := a.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	if nc, err := net.Dial("tcp", address); err == nil {
		_ = nc.Close()
		t.Error("the port is open after Close")
	}
}
