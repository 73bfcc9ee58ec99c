package httpd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

const (
	// reloadInterval is how often certificate files are checked for a change.
	reloadInterval = time.Second
	// selfSignedValidity is below the 398 days that browsers accept at most.
	selfSignedValidity = 365 * 24 * time.Hour
)

// Certificates provide the certificate for each TLS handshake. Create them with
// CertificateFiles, SelfSigned or ACME.
type Certificates struct {
	get       func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	protocols []string               // of ALPN, beside HTTP's
	serves    func(host string) bool // whether a certificate is valid for the host
	expires   func() time.Time       // when the first one in use does; zero without one
	watch     func(context.Context)  // runs while the server serves; or nil
	// hsts is whether browsers are told to use HTTPS only. With a certificate for
	// development that would break whatever else is served on localhost.
	hsts bool
}

// config returns what handshakes use. TLS 1.2 has only the cipher suites that RFC
// 9113, appendix A, does not forbid for HTTP/2.
func (c *Certificates) config() *tls.Config {
	return &tls.Config{
		GetCertificate: c.get,
		MinVersion:     tls.VersionTLS12,
		NextProtos:     slices.Concat([]string{"h2", "http/1.1"}, c.protocols),
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
	}
}

// CertificateFiles reads a certificate, followed by its intermediate ones, and its
// key from PEM files. While a server serves, files that have changed are read again
// within a second. If they don't make a pair that is a warning in the log, and the
// former pair stays in use.
func CertificateFiles(certFile, keyFile string, log *slog.Logger) (*Certificates, error) {
	f := &certificateFiles{cert: certFile, key: keyFile, log: log}
	f.seen = f.stamp()
	if err := f.load(); err != nil {
		return nil, err
	}
	return &Certificates{
		get:     func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil },
		serves:  func(host string) bool { return f.current.Load().Leaf.VerifyHostname(host) == nil },
		expires: func() time.Time { return f.current.Load().Leaf.NotAfter },
		watch:   f.watch,
		hsts:    true,
	}, nil
}

type certificateFiles struct {
	cert, key string
	log       *slog.Logger
	seen      string    // the stamp of what was read last
	warned    time.Time // the expiry that was logged last
	current   atomic.Pointer[tls.Certificate]
}

func (f *certificateFiles) load() error {
	pair, err := tls.LoadX509KeyPair(f.cert, f.key)
	if err != nil {
		return fmt.Errorf("read the certificate %s with the key %s: %w", f.cert, f.key, err)
	}
	f.current.Store(&pair)
	f.warnExpired()
	return nil
}

// warnExpired logs once that the certificate in use has expired.
func (f *certificateFiles) warnExpired() {
	expired := f.current.Load().Leaf.NotAfter
	if time.Now().After(expired) && !expired.Equal(f.warned) {
		f.warned = expired
		f.log.Error("the TLS certificate has expired", "file", f.cert, "on", expired)
	}
}

// stamp returns what changes when one of the files does.
func (f *certificateFiles) stamp() string {
	var stamp strings.Builder
	for _, name := range []string{f.cert, f.key} {
		info, err := os.Stat(name) // of what a link leads to
		if err != nil {
			fmt.Fprintln(&stamp, err)
			continue
		}
		fmt.Fprintln(&stamp, info.ModTime().UnixNano(), info.Size())
	}
	return stamp.String()
}

func (f *certificateFiles) watch(ctx context.Context) {
	tick := time.NewTicker(reloadInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.reload()
			f.warnExpired()
		case <-ctx.Done():
			return
		}
	}
}

// reload reads the files if one of them has changed.
func (f *certificateFiles) reload() {
	stamp := f.stamp()
	if stamp == f.seen {
		return
	}
	f.seen = stamp
	if err := f.load(); err != nil {
		f.log.Warn("the TLS certificate was not reloaded, and the former one stays in use", "err", err)
		return
	}
	f.log.Info("the TLS certificate was reloaded", "file", f.cert, "expires", f.current.Load().Leaf.NotAfter)
}

// SelfSigned makes a certificate for development, and returns its SHA-256
// fingerprint. It is valid for localhost, the loopback addresses and the hosts of the
// given addresses, HOST:PORT. It is not stored.
func SelfSigned(addresses []string) (*Certificates, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("make a key: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), // browsers refuse the same one with another key
		Subject:      pkix.Name{CommonName: "chatroom, self-signed for development"},
		NotBefore:    time.Now().Add(-time.Hour), // for clients whose clocks are behind
		NotAfter:     time.Now().Add(selfSignedValidity),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	for _, address := range addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, "", fmt.Errorf("make a certificate: %w", err)
		}
		ip := net.ParseIP(host)
		switch {
		case ip == nil && host != "" && !slices.Contains(template.DNSNames, host):
			template.DNSNames = append(template.DNSNames, host)
		case ip != nil && !ip.IsUnspecified() && !slices.ContainsFunc(template.IPAddresses, ip.Equal):
			template.IPAddresses = append(template.IPAddresses, ip)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, "", fmt.Errorf("make a certificate: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, "", fmt.Errorf("make a certificate: %w", err)
	}
	pair := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	return &Certificates{
		get:     func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair, nil },
		serves:  func(host string) bool { return leaf.VerifyHostname(host) == nil },
		expires: func() time.Time { return leaf.NotAfter },
	}, fingerprint(der), nil
}

// fingerprint returns what browsers and openssl show of a certificate.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	parts := make([]string, len(sum))
	for i, b := range sum {
		parts[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(parts, ":")
}

// ACMEConfig says where certificates come from that are obtained automatically.
type ACMEConfig struct {
	// Hosts are the names to obtain certificates for.
	Hosts []string
	// Cache is the directory that keeps the account's and the certificates' keys.
	Cache string
	// Directory is the URL of the ACME server. Empty means Let's Encrypt.
	Directory string
	// Client calls it. Nil means http.DefaultClient.
	Client *http.Client
}

// CheckACMEHosts returns an error for hosts that ACME would refuse.
func CheckACMEHosts(hosts []string) error {
	if len(hosts) == 0 {
		return errors.New("must name a host")
	}
	for _, host := range hosts {
		if net.ParseIP(host) != nil || !strings.Contains(strings.Trim(host, "."), ".") || strings.ContainsAny(host, ":/ *") {
			return fmt.Errorf("%q must be the full name of a host, such as chat.example.com", host)
		}
	}
	return nil
}

// ACME obtains a certificate for each host when it is first asked for, and renews it
// 30 days before it expires. The ACME server checks the hosts by the challenge
// TLS-ALPN-01: it connects to port 443 of each. Using it accepts its terms of service.
func ACME(c ACMEConfig) (*Certificates, error) {
	if err := CheckACMEHosts(c.Hosts); err != nil {
		return nil, err
	}
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(c.Cache),
		HostPolicy: autocert.HostWhitelist(c.Hosts...),
		Client:     &acme.Client{DirectoryURL: c.Directory, HTTPClient: c.Client},
	}
	if c.Directory == "" {
		m.Client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	served := &servedCertificates{get: m.GetCertificate, expiries: make(map[string]time.Time)}
	return &Certificates{
		get:       served.forHandshake,
		protocols: []string{acme.ALPNProto},
		serves:    func(host string) bool { return m.HostPolicy(context.Background(), strings.ToLower(host)) == nil },
		expires:   served.first,
		hsts:      true,
	}, nil
}
