package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

// The bounds of fetching keys.
const (
	// fetchInterval is the least time between the beginnings of two fetches, whatever
	// tokens come: also between one that failed and the next.
	fetchInterval = 10 * time.Second
	// refreshAfter is when keys are fetched again though all are known.
	refreshAfter = 15 * time.Minute
	// staleAfter is when keys that can't be fetched again are not used any more.
	staleAfter = 24 * time.Hour

	fetchTimeout = 5 * time.Second
	maxResponse  = 256 << 10 // bytes
	maxKeys      = 100
	maxKID       = 256  // bytes
	minRSA       = 2048 // bits
)

// keySet is the public keys of an issuer, as it publishes them.
type keySet struct {
	ctx       context.Context // ends fetches
	issuer    string
	discovery bool
	client    *http.Client
	failed    func(error)
	fetches   sync.WaitGroup

	mu      sync.Mutex // guards below
	url     string     // of the keys; empty until discovery has found it
	keys    []publicKey
	fetched time.Time     // when keys were fetched
	begun   time.Time     // when the last fetch began
	running chan struct{} // closed when the fetch ends; nil without one
	err     error         // of the last fetch
}

type publicKey struct {
	id        string
	algorithm string // empty if the key may be used with any that fits it
	key       jwt.VerificationKey
}

func newKeySet(ctx context.Context, c *IssuerConfig) *keySet {
	transport := c.Transport
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.DisableKeepAlives = true // fetches are minutes apart
		own.MaxResponseHeaderBytes = 64 << 10
		transport = own
	}
	return &keySet{
		ctx: ctx, issuer: c.Name, discovery: c.Discovery, url: c.Keys, failed: c.FetchFailed,
		client: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("redirects are not followed") },
		},
	}
}

var errUnknownKey = errors.New("its key is not among those of the issuer")

// find returns the keys that a token may be verified with. A key that is not known is
// looked for in a new set, at most once in fetchInterval.
func (s *keySet) find(ctx context.Context, id, method string) ([]jwt.VerificationKey, error) {
	if len(id) > maxKID {
		return nil, errUnknownKey
	}
	for {
		s.mu.Lock()
		now := time.Now()
		found := s.foundLocked(id, method, now)
		due := now.Sub(s.fetched) >= refreshAfter
		mayFetch := s.begun.IsZero() || now.Sub(s.begun) >= fetchInterval
		if (len(found) == 0 || due) && mayFetch && s.running == nil {
			s.fetchLocked(now)
		}
		running, err := s.running, s.err
		s.mu.Unlock()
		switch {
		case len(found) > 0: // whatever the fetch brings
			return found, nil
		case running == nil && err != nil:
			return nil, fmt.Errorf("%w: %w", ErrKeysUnavailable, err)
		case running == nil:
			return nil, errUnknownKey
		}
		select {
		case <-running:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// foundLocked returns the keys that are known. A token without a kid may be of any.
func (s *keySet) foundLocked(id, method string, now time.Time) []jwt.VerificationKey {
	if now.Sub(s.fetched) >= staleAfter {
		return nil
	}
	var found []jwt.VerificationKey
	for _, k := range s.keys {
		if (id == "" || k.id == id) && (k.algorithm == "" || k.algorithm == method) && fits(k.key, method) {
			found = append(found, k.key)
		}
	}
	return found
}

// fits reports whether a key is of the type that an algorithm wants.
func fits(key jwt.VerificationKey, method string) bool {
	switch key := key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(method, "RS") || strings.HasPrefix(method, "PS")
	case *ecdsa.PublicKey:
		m, ok := jwt.GetSigningMethod(method).(*jwt.SigningMethodECDSA)
		return ok && m.CurveBits == key.Curve.Params().BitSize
	case ed25519.PublicKey:
		return method == "EdDSA"
	}
	return false
}

// fetchLocked begins a fetch. It is no caller's: one that gives up does not end it for
// the others.
func (s *keySet) fetchLocked(now time.Time) {
	s.begun, s.running = now, make(chan struct{})
	s.fetches.Go(func() {
		ctx, cancel := context.WithTimeout(s.ctx, fetchTimeout)
		defer cancel()
		s.mu.Lock()
		address := s.url
		s.mu.Unlock()
		keys, address, err := s.fetch(ctx, address)
		if err != nil && s.failed != nil && s.ctx.Err() == nil {
			s.failed(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.err = err
		switch {
		case err == nil:
			s.keys, s.fetched, s.url = keys, time.Now(), address
		case s.discovery:
			s.url = "" // it may have moved
		}
		close(s.running)
		s.running = nil
	})
}

func (s *keySet) wait() { s.fetches.Wait() }

// fetch returns the keys of the issuer, and where they were.
func (s *keySet) fetch(ctx context.Context, address string) ([]publicKey, string, error) {
	if s.discovery && address == "" {
		var document struct {
			Issuer string `json:"issuer"`
			Keys   string `json:"jwks_uri"`
		}
		data, err := s.get(ctx, strings.TrimSuffix(s.issuer, "/")+"/.well-known/openid-configuration")
		if err != nil {
			return nil, "", err
		}
		if err := json.Unmarshal(data, &document); err != nil {
			return nil, "", fmt.Errorf("discovery of %q: %w", s.issuer, err)
		}
		if document.Issuer != s.issuer {
			return nil, "", fmt.Errorf("discovery of %q: the document is of %.200q", s.issuer, document.Issuer)
		}
		if err := CheckURL(document.Keys); err != nil {
			return nil, "", fmt.Errorf("discovery of %q: jwks_uri %w", s.issuer, err)
		}
		address = document.Keys
	}
	data, err := s.get(ctx, address)
	if err != nil {
		return nil, "", err
	}
	keys, err := parseKeys(data)
	if err != nil {
		return nil, "", fmt.Errorf("keys at %s: %w", address, err)
	}
	return keys, address, nil
}

func (s *keySet) get(ctx context.Context, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("get %s: status %d", address, response.StatusCode)
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxResponse+1))
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", address, err)
	}
	if len(data) > maxResponse {
		return nil, fmt.Errorf("get %s: the response has more than %d bytes", address, maxResponse)
	}
	return data, nil
}

// parseKeys returns the keys of a JWKS that verify signatures. Others, and those of
// types that are not known, are left out, as RFC 7517 wants. A set without any is an
// error, so that the former one stays.
func parseKeys(data []byte) ([]publicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(data, &set); err != nil {
		return nil, err
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("there are %d, more than %d", len(set.Keys), maxKeys)
	}
	var keys []publicKey
	for _, raw := range set.Keys {
		if key, ok := parseKey(raw); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("none of the %d is a public key for signatures of RSA with %d bits or more, ECDSA or Ed25519", len(set.Keys), minRSA)
	}
	return keys, nil
}

func parseKey(raw json.RawMessage) (publicKey, bool) {
	var purpose struct {
		Operations []string `json:"key_ops"`
	}
	var jwk jose.JSONWebKey
	if json.Unmarshal(raw, &purpose) != nil || json.Unmarshal(raw, &jwk) != nil {
		return publicKey{}, false
	}
	signs := jwk.Use == "" || jwk.Use == "sig"
	verifies := len(purpose.Operations) == 0 || slices.Contains(purpose.Operations, "verify")
	if !signs || !verifies || !jwk.Valid() || len(jwk.KeyID) > maxKID {
		return publicKey{}, false
	}
	key := publicKey{jwk.KeyID, jwk.Algorithm, jwk.Key}
	switch k := jwk.Key.(type) {
	case *rsa.PublicKey:
		return key, k.N.BitLen() >= minRSA && k.N.BitLen() <= 4*minRSA
	case *ecdsa.PublicKey, ed25519.PublicKey:
		return key, true
	}
	return publicKey{}, false // a secret, or a private key, that must not be published
}
