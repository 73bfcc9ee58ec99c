package httpd

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
)

// acmeServer is Pebble, the ACME server that Let's Encrypt keeps for tests.
type acmeServer struct {
	*httptest.Server
	roots *x509.CertPool // of what it issues
}

// newACMEServer starts an ACME server that checks hosts at a port of 127.0.0.1.
func newACMEServer(t *testing.T, port int) acmeServer {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "0")
	log := stdlog.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	authority := ca.New(log, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {Description: "default"}})
	validation := va.New(log, 0, port, false, newResolver(t), store)
	front := wfe.New(log, store, validation, authority, []string{"pebble.test"}, false, false, 0, 0)
	s := acmeServer{httptest.NewTLSServer(front.Handler()), x509.NewCertPool()}
	t.Cleanup(s.Close)
	s.roots.AddCert(authority.GetRootCert(0).Cert)
	return s
}

// newResolver starts a DNS server that says that all hosts are 127.0.0.1, and returns
// its address.
func newResolver(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &dns.Server{Listener: l, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		if q := question.Question[0]; q.Qtype == dns.TypeA {
			answer.Answer = append(answer.Answer, &dns.A{
				Hdr: dns.RR_Header{Name: q.Name, Rrtype: dns.TypeA, Class: dns.ClassINET}, A: net.IPv4(127, 0, 0, 1),
			})
		}
		_ = w.WriteMsg(answer)
	})}
	var serving sync.WaitGroup
	serving.Go(func() { _ = s.ActivateAndServe() })
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// A certificate is obtained by TLS-ALPN-01 when the host is first asked for, over both
// versions of HTTP, kept in the cache, and used by the next server without asking again.
// Other hosts get none.
func TestACME(t *testing.T) {
	const host = "chat.example"
	cache := t.TempDir()
	listeners := listen(t, "127.0.0.1:0")
	address := listeners.Addresses()[0]
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	authority := newACMEServer(t, number)
	c := ACMEConfig{Hosts: []string{host}, Cache: cache, Directory: authority.URL + wfe.DirectoryPath, Client: authority.Client()}
	certificates, err := ACME(c)
	if err != nil {
		t.Fatalf("ACME = %v, want nil", err)
	}
	s := serve(t, Config{Listeners: listeners, TLS: certificates})
	if expires := s.Stats().CertificateExpires; !expires.IsZero() {
		t.Errorf("a certificate expires at %s before there is one", expires)
	}
	for proto, speak := range tlsProtocols {
		if response := getAs(t, address, host, authority.roots, speak); response.Proto != proto || response.Header.Get("Strict-Transport-Security") == "" {
			t.Errorf("GET over %s = %s %s, want HSTS", proto, response.Proto, response.Status)
		}
	}
	conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: host, RootCAs: authority.roots})
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if got, want := s.Stats().CertificateExpires, conn.ConnectionState().PeerCertificates[0].NotAfter; !got.Equal(want) {
		t.Errorf("CertificateExpires = %s, want %s", got, want)
	}
	if conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: "other.example", InsecureSkipVerify: true}); err == nil {
		_ = conn.Close()
		t.Error("a handshake for another host succeeds")
	}
	files, err := os.ReadDir(cache)
	if err != nil || len(files) != 2 { // the account's key, and the certificate with its key
		t.Errorf("the cache holds %v, %v, want two files", files, err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s in the cache has mode %v, %v, want 0600", f.Name(), info.Mode(), err)
		}
	}

	authority.Close()
	if certificates, err = ACME(c); err != nil {
		t.Fatal(err)
	}
	again := listen(t, "127.0.0.1:0")
	serve(t, Config{Listeners: again, TLS: certificates})
	if response := getAs(t, again.Addresses()[0], host, authority.roots, (*http.Protocols).SetHTTP2); response.StatusCode != http.StatusOK {
		t.Errorf("GET with a certificate of the cache = %s, want 200", response.Status)
	}
}

// getAs gets the page of a server that the client knows by a name.
func getAs(t *testing.T, address, host string, roots *x509.CertPool, speak func(*http.Protocols, bool)) *http.Response {
	t.Helper()
	c := client(t, speak)
	c.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots, ServerName: host}
	response, _ := request(t, c, "GET", "https://"+address+"/")
	return response
}

func TestACMERefuses(t *testing.T) {
	for _, hosts := range [][]string{nil, {"localhost"}, {"127.0.0.1"}, {"::1"}, {"chat.example", "https://chat.example"}, {"chat.example:443"}, {"chat.example/x"}, {"a b.example"}, {""}} {
		if _, err := ACME(ACMEConfig{Hosts: hosts, Cache: t.TempDir()}); err == nil {
			t.Errorf("ACME for %q = nil, want an error", strings.Join(hosts, ", "))
		}
	}
	certificates, err := ACME(ACMEConfig{Hosts: []string{"chat.example"}, Cache: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for host, want := range map[string]bool{"chat.example": true, "CHAT.example": true, "x.chat.example": false, "": false} {
		if got := certificates.serves(host); got != want {
			t.Errorf("a certificate is obtained for %q: %t, want %t", host, got, want)
		}
	}
}
