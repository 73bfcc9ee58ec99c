package httpd

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func stream(next <-chan string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.Flush()
		for line := range next {
			fmt.Fprintln(w, line)
			_ = control.Flush()
		}
	})
}

func TestCertificateReload(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log syncBuffer
	first := newPair(t, dir, "first")
	lines := map[string]chan string{"/1": make(chan string), "/2": make(chan string)}
	s := serve(t, Config{
		TLS: first.certificates(t, slog.New(slog.NewTextHandler(&log, nil))),
		RPC: map[string]http.Handler{"/1": stream(lines["/1"]), "/2": stream(lines["/2"])},
	})
	url := "https://" + s.listeners.Addresses()[0]
	streams := make(map[string]*bufio.Reader)
	for path, speak := range map[string]func(*http.Protocols, bool){"/1": (*http.Protocols).SetHTTP1, "/2": (*http.Protocols).SetHTTP2} {
		response, err := tlsClient(t, first, speak).Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		streams[path] = bufio.NewReader(response.Body)
	}
	alive := func(when string) {
		t.Helper()
		for path, body := range streams {
			lines[path] <- when
			if line, err := body.ReadString('\n'); err != nil || line != when+"\n" {
				t.Errorf("%s: stream %s got %q, %v", when, path, line, err)
			}
		}
	}
	alive("before")

	second := newPair(t, dir, "second")
	eventually(t, "the new certificate", func() bool { return served(t, url, second) })
	alive("after the change")
	eventually(t, "a line in the log", func() bool { return strings.Contains(log.String(), "the TLS certificate was reloaded") })

	if err := os.WriteFile(second.key, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a warning", func() bool { return strings.Contains(log.String(), "level=WARN") })
	if !served(t, url, second) {
		t.Error("the former pair is not used after a broken one")
	}
	alive("after a broken pair")

	third := newPair(t, dir, "third")
	eventually(t, "the third certificate", func() bool { return served(t, url, third) })
	alive("after all")
	for _, c := range lines {
		close(c)
	}
	for path, body := range streams {
		if _, err := io.ReadAll(body); err != nil {
			t.Errorf("stream %s ended with %v, want its end", path, err)
		}
	}
}

func served(t *testing.T, url string, p pair) bool {
	t.Helper()
	c, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{RootCAs: p.roots})
	if err != nil {
		return false
	}
	_ = c.Close()
	return true
}

func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick, limit := time.NewTicker(20*time.Millisecond), time.NewTimer(20*time.Second)
	defer tick.Stop()
	defer limit.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-limit.C:
			t.Fatalf("no %s", what)
		}
	}
}

// That a certificate has expired is logged once, at its time and not only when it is read.
func TestCertificateExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log syncBuffer
		c := newPair(t, t.TempDir(), "short").certificates(t, slog.New(slog.NewTextHandler(&log, nil)))
		if left := time.Until(c.expires()); left <= 59*time.Minute || left > time.Hour {
			t.Errorf("the certificate expires in %s, want in an hour", left)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var watching sync.WaitGroup
		watching.Go(func() { c.watch(ctx) })
		time.Sleep(59 * time.Minute)
		if log.String() != "" {
			t.Errorf("the log is %q before the certificate expires", log.String())
		}
		time.Sleep(time.Hour)
		if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "the TLS certificate has expired") {
			t.Errorf("the log is %q, want one error that the certificate has expired", got)
		}
		cancel()
		watching.Wait()
	})
}

func TestCertificateFilesRefuses(t *testing.T) {
	a, b := newPair(t, t.TempDir(), "a"), newPair(t, t.TempDir(), "b")
	for name, files := range map[string][2]string{
		"no certificate":             {a.cert + "x", a.key},
		"no key":                     {a.cert, a.key + "x"},
		"the key of another":         {a.cert, b.key},
		"a key for a certificate":    {a.key, a.key},
		"a certificate in its place": {a.cert, a.cert},
	} {
		if _, err := CertificateFiles(files[0], files[1], discard()); err == nil || !strings.Contains(err.Error(), files[0]) {
			t.Errorf("CertificateFiles, %s = %v, want an error that names the file", name, err)
		}
	}
}

func TestSelfSigned(t *testing.T) {
	c, print, err := SelfSigned([]string{"[::]:8443", ":1", "192.0.2.7:8443", "chat.lan:8443"})
	if err != nil {
		t.Fatalf("SelfSigned = %v, want nil", err)
	}
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "192.0.2.7": true, "chat.lan": true,
		"127.0.0.2": false, "example.com": false, "0.0.0.0": false, "::": false, "": false,
	} {
		if got := c.serves(host); got != want {
			t.Errorf("the certificate is valid for %q: %t, want %t", host, got, want)
		}
	}
	pair, err := c.get(nil)
	if err != nil || fingerprint(pair.Certificate[0]) != print || len(print) != 32*3-1 {
		t.Errorf("fingerprint = %q, %v, want that of the certificate", print, err)
	}
	if _, other, _ := SelfSigned(nil); other == print {
		t.Error("two certificates are the same")
	}

	s := serve(t, Config{TLS: c})
	roots := x509.NewCertPool()
	roots.AddCert(pair.Leaf)
	response, _ := request(t, tlsClient(t, pairOf(roots), (*http.Protocols).SetHTTP2), "GET", "https://"+s.listeners.Addresses()[0]+"/")
	if got := response.Header.Values("Strict-Transport-Security"); response.StatusCode != 200 || len(got) > 0 {
		t.Errorf("GET = %s, Strict-Transport-Security %q, want the page and no such header", response.Status, got)
	}
}

func pairOf(roots *x509.CertPool) pair { return pair{roots: roots} }
