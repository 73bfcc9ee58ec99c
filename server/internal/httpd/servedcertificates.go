package httpd

import (
	"crypto/tls"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
)

// servedCertificates remembers when the certificates expire that handshakes were given last, by
// host. get must refuse all hosts but a few.
type servedCertificates struct {
	get func(*tls.ClientHelloInfo) (*tls.Certificate, error)

	mu       sync.Mutex // guards below
	expiries map[string]time.Time
}

// forHandshake returns the certificate for a handshake.
func (s *servedCertificates) forHandshake(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	c, err := s.get(hello)
	if err != nil || c.Leaf == nil || slices.Contains(hello.SupportedProtos, acme.ALPNProto) { // for a challenge
		return c, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expiries[strings.ToLower(hello.ServerName)] = c.Leaf.NotAfter
	return c, nil
}

// first returns when the first of the certificates expires, zero without one.
func (s *servedCertificates) first() (expires time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range s.expiries {
		if expires.IsZero() || one.Before(expires) {
			expires = one
		}
	}
	return expires
}
