package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"chatroom/server/internal/service"
)

// Certificate is a self-signed certificate for 127.0.0.1, in files.
type Certificate struct {
	CertFile, KeyFile string
	Roots             *x509.CertPool // what trusts it
}

// NewCertificate makes a certificate, in place of one that is in the directory.
func NewCertificate(t *testing.T, dir string) Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	Must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	Must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	Must(t, err)
	c := Certificate{filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"), x509.NewCertPool()}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	c.Roots.AppendCertsFromPEM(cert)
	Must(t, os.WriteFile(c.CertFile, cert, 0o600))
	Must(t, os.WriteFile(c.KeyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return c
}

// Option makes a service use the certificate.
func (c Certificate) Option(s *service.Config) { s.TLS.Cert, s.TLS.Key = c.CertFile, c.KeyFile }

// Trust returns a configuration of clients that trusts the certificate.
func (c Certificate) Trust() *tls.Config {
	return &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
}

// HTTPClient returns a client that trusts the certificate, on connections of its own.
func (c Certificate) HTTPClient(t *testing.T, speak func(*http.Protocols, bool)) *http.Client {
	client := NewHTTPClient(t, speak)
	client.Transport.(*http.Transport).TLSClientConfig = c.Trust()
	return client
}

// OpenGRPCGo returns a client of grpc-go that trusts the certificate.
func (c Certificate) OpenGRPCGo(t *testing.T, s *Service, token string) Client {
	t.Helper()
	conn, err := grpc.NewClient(s.Addr, grpc.WithTransportCredentials(credentials.NewTLS(c.Trust())))
	Must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return GRPCClient{ClientConn: conn, Token: token}
}
