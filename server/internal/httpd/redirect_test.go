package httpd

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func TestRedirect(t *testing.T) {
	p := newPair(t, t.TempDir(), "test")
	s := serve(t, Config{TLS: p.certificates(t, discard()), Redirect: listen(t, "127.0.0.1:0")})
	plain := s.redirect.Addresses()[0]
	_, port, err := net.SplitHostPort(s.listeners.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method, path, host string
		status             int
		location           string
	}{
		{"GET", "/", plain, 308, "https://127.0.0.1:" + port + "/"},
		{"POST", "/a/b?c=d&e=%20f", "chat.example", 308, "https://chat.example:" + port + "/a/b?c=d&e=%20f"},
		{"GET", "//evil.example/x", "chat.example:80", 308, "https://chat.example:" + port + "//evil.example/x"},
		{"GET", "/", "evil.example", 421, ""},
		{"GET", "/", "chat.example.evil.example", 421, ""},
		{"GET", "/", "chat.example@evil.example", 421, ""},
		{"GET", "/", "[::1]:80", 421, ""},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tt.method, "http://"+plain+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tt.host
		response, err := client(t, (*http.Protocols).SetHTTP1).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if got := response.Header.Get("Location"); response.StatusCode != tt.status || got != tt.location {
			t.Errorf("%s %s of %s = %d, %q, want %d, %q", tt.method, tt.path, tt.host, response.StatusCode, got, tt.status, tt.location)
		}
	}
	answer := exchange(t, plain, "GET urn:x HTTP/1.1\r\nHost: chat.example\r\nConnection: close\r\n\r\n")
	if !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
		t.Errorf("GET of a URL without a path = %q, want 400", answer)
	}
	// The standard port is left out.
	response, _ := request(t, client(t, (*http.Protocols).SetHTTP1), "GET", serveRedirect(t, p, "443")+"/x")
	if got := response.Header.Get("Location"); got != "https://127.0.0.1/x" {
		t.Errorf("Location = %q, want it without a port", got)
	}
}

func exchange(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func serveRedirect(t *testing.T, p pair, port string) string {
	l := listen(t, "127.0.0.1:0")
	hs := newHTTP1(p.certificates(t, discard()).redirect(port), discard())
	var serving sync.WaitGroup
	serving.Go(func() { _ = hs.Serve(l[0]) })
	t.Cleanup(func() {
		_ = hs.Close()
		serving.Wait()
	})
	return "http://" + l.Addresses()[0]
}
