package httpd

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"chatroom/server/internal/h2"
)

// pair is a certificate for chat.example and 127.0.0.1 in files.

type pair struct {
	cert, key string
	roots     *x509.CertPool
}

func newPair(t testing.TB, dir, name string) pair {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), // synctest begins in 2000
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"chat.example"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	p := pair{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	p.roots.AppendCertsFromPEM(cert)
	for file, content := range map[string][]byte{
		p.cert: cert,
		p.key:  pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
	} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p pair) certificates(t testing.TB, log *slog.Logger) *Certificates {
	t.Helper()
	c, err := CertificateFiles(p.cert, p.key, log)
	if err != nil {
		t.Fatalf("CertificateFiles = %v, want nil", err)
	}
	return c
}

// tlsClient is client for https, which trusts the pair.

func tlsClient(t *testing.T, p pair, speak func(*http.Protocols, bool)) *http.Client {
	c := client(t, speak)
	c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: p.roots}
	return c
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// serveTLS starts a server with TLS and returns its URL.

func serveTLS(t *testing.T, c Config) (p pair, url string) {
	t.Helper()
	p = newPair(t, t.TempDir(), "test")
	c.TLS = p.certificates(t, discard())
	s := serve(t, c)
	return p, "https://" + s.listeners.Addresses()[0]
}

var tlsProtocols = map[string]func(*http.Protocols, bool){
	"HTTP/1.1": (*http.Protocols).SetHTTP1,
	"HTTP/2.0": (*http.Protocols).SetHTTP2,
}

func TestTLS(t *testing.T) {
	p, url := serveTLS(t, Config{RPC: map[string]http.Handler{"/echo": http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto, " ", r.TLS.Version == tls.VersionTLS13, " ", r.TLS.ServerName)
		_, _ = io.WriteString(w, strings.Repeat("x", 300_000))
	})}})
	for proto, speak := range tlsProtocols {
		response, body := request(t, tlsClient(t, p, speak), "GET", url+"/echo")
		if want := proto + " true x"; response.Proto != proto || !strings.HasPrefix(body, proto+" true ") || len(body) < 300_000 {
			t.Errorf("GET = %s, %.30q of %d bytes, want %q and more", response.Proto, body, len(body), want)
		}
		if got := response.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("Strict-Transport-Security over %s = %q, want a year", proto, got)
		}
		if response, body := request(t, tlsClient(t, p, speak), "GET", url+"/"); response.StatusCode != 200 || !strings.Contains(body, "chat") {
			t.Errorf("GET / over %s = %s, %q, want the page", proto, response.Status, body)
		}
	}
}

// TLS 1.2 is the least, with cipher suites that HTTP/2 allows.

func TestTLSVersions(t *testing.T) {
	p, url := serveTLS(t, Config{})
	for name, tt := range map[string]struct {
		config *tls.Config
		want   bool
	}{
		"1.1":               {&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, false},
		"1.2":               {&tls.Config{MaxVersion: tls.VersionTLS12}, true},
		"1.2 with CBC only": {&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, false},
		"1.3":               {&tls.Config{MinVersion: tls.VersionTLS13}, true},
	} {
		tt.config.RootCAs = p.roots
		c, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), tt.config)
		if err == nil {
			_ = c.Close()
		}
		if (err == nil) != tt.want {
			t.Errorf("TLS %s: Dial = %v, want success: %t", name, err, tt.want)
		}
	}
}

// Plain HTTP on a TLS port is answered with what is wrong, also if the client sends

// more than what the handshake reads.

func TestPlainHTTPOnTLSPort(t *testing.T) {
	_, url := serveTLS(t, Config{})
	address := strings.TrimPrefix(url, "https://")
	for name, body := range map[string]string{"a short request": "", "a long request": strings.Repeat("x", 12<<10)} {
		response, err := client(t, (*http.Protocols).SetHTTP1).Post("http://"+address+"/", "text/plain", strings.NewReader(body))
		if err != nil {
			t.Errorf("%s: %v, want an answer", name, err)
			continue
		}
		answer, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusBadRequest || !strings.Contains(string(answer), "https://") {
			t.Errorf("%s: %s, %q, %v, want 400 and a hint", name, response.Status, answer, err)
		}
	}
	for first, answered := range map[string]bool{http2.ClientPreface: true, "SSH-2.0-OpenSSH_9.2\r\n": false, "\x00\x01\x02\x03\x04\x05": false} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, first)
		answer, _ := io.ReadAll(conn)
		_ = conn.Close()
		if got := bytes.HasPrefix(answer, []byte("HTTP/1.1 400 ")); got != answered {
			t.Errorf("answer to %q = %q, want 400: %t", first, answer, answered)
		}
	}
}

// pipes is a listener for the far ends of in-memory connections.

type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func newPipes() *pipes { return &pipes{make(chan net.Conn), make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case nc := <-p.conns:
		return nc, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func newTLSListener(t *testing.T, inner net.Listener, p pair) *tlsListener {
	l := &tlsListener{inner: inner, config: p.certificates(t, discard()).config(), h2: &h2.Server{}, http: &http.Server{}, writeTimeout: time.Second}
	l.start()
	return l
}

// A client that says nothing, or stops in its handshake, is closed after the timeout.

func TestHandshakeTimeout(t *testing.T) {
	p := newPair(t, t.TempDir(), "test")
	for name, said := range map[string]string{"nothing": "", "half a record": "\x16\x03\x01\x02\x00\x01"} {
		synctest.Test(t, func(t *testing.T) {
			inner := newPipes()
			l := newTLSListener(t, inner, p)
			near, far := net.Pipe()
			inner.conns <- far
			start := time.Now()
			if _, err := io.WriteString(near, said); err != nil {
				t.Fatal(err)
			}
			_, err := io.ReadAll(near)
			if took := time.Since(start); err != nil || took != readHeaderTimeout {
				t.Errorf("%s: closed after %v with %v, want after %v", name, took, err, readHeaderTimeout)
			}
			if err := l.Close(); err != nil {
				t.Errorf("Close = %v, want nil", err)
			}
			l.Wait()
		})
	}
}

// Close does not wait for handshakes, nor for connections in the backlog.

func TestTLSListenerClose(t *testing.T) {
	p := newPair(t, t.TempDir(), "test")
	synctest.Test(t, func(t *testing.T) {
		inner := newPipes()
		l := newTLSListener(t, inner, p)
		silent, far := net.Pipe()
		inner.conns <- far
		waiting, far := net.Pipe()
		inner.conns <- far
		conn := tls.Client(waiting, &tls.Config{RootCAs: p.roots, ServerName: "chat.example"})
		if err := conn.Handshake(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		start := time.Now()
		if err := l.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
		l.Wait()
		if _, err := io.ReadAll(silent); err != nil {
			t.Errorf("the silent connection ended with %v, want its end", err)
		}
		if n, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("the waiting connection got %d bytes, want its end", n)
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("Close took %v, want no time", took)
		}
	})
}

// A write over HTTP/1.1 has the timeout, or the deadline that was set.

func TestTLSWriteTimeout(t *testing.T) {
	p := newPair(t, t.TempDir(), "test")
	for name, tt := range map[string]struct {
		deadline time.Duration
		want     time.Duration
	}{"no deadline": {0, time.Second}, "a deadline": {time.Minute, time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			inner := newPipes()
			l := newTLSListener(t, inner, p)
			near, far := net.Pipe()
			inner.conns <- far
			client := tls.Client(near, &tls.Config{RootCAs: p.roots, ServerName: "chat.example"})
			accepted := make(chan net.Conn)
			go func() {
				nc, _ := l.Accept()
				accepted <- nc
			}()
			if err := client.Handshake(); err != nil {
				t.Fatal(err)
			}
			nc := <-accepted
			go func() { _, _ = client.Read(make([]byte, 1)) }() // one record
			if _, err := nc.Write([]byte("first")); err != nil {
				t.Fatalf("Write to a client that reads = %v, want nil", err)
			}
			if tt.deadline > 0 {
				if err := nc.SetDeadline(time.Now().Add(tt.deadline)); err != nil {
					t.Fatal(err)
				}
			}
			start := time.Now()
			_, err := nc.Write([]byte("second"))
			if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != tt.want {
				t.Errorf("%s: Write = %v after %v, want a timeout after %v", name, err, took, tt.want)
			}
			_ = nc.(*tlsConn).NetConn().Close()
			_ = near.Close()
			_ = l.Close()
			l.Wait()
		})
	}
}

// stream is a handler that sends a line for each value of next.

// Files that change are used by new connections within a second; streams that are

// open are not affected. A pair that is broken is logged and not used.

// served reports whether a new connection gets the certificate of a pair.

// eventually waits until a condition holds.

// Plain HTTP is sent to https on the same host, if the certificate is valid for it.

// An address whose connections go over a budget again and again is refused, with TLS

// and without. Connections that it has stay.

// flood sends SETTINGS until the connection ends, and returns the code of GOAWAY.

// Shutdown does not wait for clients that are silent before their handshake.

func TestShutdownWithSilentClients(t *testing.T) {
	p := newPair(t, t.TempDir(), "test")
	s := serve(t, Config{TLS: p.certificates(t, discard())})
	conn, err := net.Dial("tcp", s.listeners.Addresses()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request(t, tlsClient(t, p, (*http.Protocols).SetHTTP1), "GET", "https://"+s.listeners.Addresses()[0]+"/")
	ctx, cancel := context.WithTimeout(t.Context(), readHeaderTimeout-time.Second)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown = %v, want nil before the handshake's timeout", err)
	}
}
