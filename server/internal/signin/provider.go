package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"chatroom/server/internal/identity"
)

// The bounds of asking the provider.
const (
	requestTimeout = 10 * time.Second
	maxResponse    = 256 << 10 // bytes
	refreshAfter   = time.Hour // when its configuration is asked for again
	minBackoff     = time.Second
	maxBackoff     = time.Minute
	maxSubject     = 255 // bytes, as OpenID Connect has it
)

var (
	// errUnavailable is that the provider does not answer, or not now.
	errUnavailable = errors.New("signin: the provider is not available")
	// errInvalid is an answer of the provider that is not accepted.
	errInvalid = errors.New("signin: the answer of the provider is not valid")
)

// provider is the client's side of an OpenID Connect provider. Its configuration is fetched
// when it is first needed, so that the service starts without the provider.
type provider struct {
	config   ProviderConfig
	redirect string // the URL of the callback
	client   *http.Client
	ctx      context.Context // ends fetches
	stop     context.CancelFunc
	fetches  sync.WaitGroup

	mu       sync.Mutex // guards below
	party    *party     // nil before the first fetch that succeeds
	fetched  time.Time  // when party was fetched
	next     time.Time  // before which none is fetched after a failure
	backoff  time.Duration
	err      error         // of the last fetch
	fetching chan struct{} // closed when the fetch ends; nil without one
}

// party is what is known of the provider.
type party struct {
	oauth    oauth2.Config
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	names    bool // whether it names itself in its answers (RFC 9207)
}

func newProvider(c ProviderConfig, redirect string, transport http.RoundTripper) *provider {
	if transport == nil {
		own := http.DefaultTransport.(*http.Transport).Clone()
		own.MaxResponseHeaderBytes = 64 << 10
		transport = own
	}
	p := &provider{config: c, redirect: redirect, client: &http.Client{
		Transport:     boundedTransport{transport},
		Timeout:       requestTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	p.ctx, p.stop = context.WithCancel(oidc.ClientContext(context.Background(), p.client))
	return p
}

// close ends what runs.
func (p *provider) close() {
	p.stop()
	p.fetches.Wait()
	p.client.CloseIdleConnections()
}

// boundedTransport bounds the bodies of responses, which go-oidc reads to their ends.
type boundedTransport struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t boundedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(r)
	if err == nil {
		response.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(response.Body, maxResponse), response.Body}
	}
	return response, err
}

// CloseIdleConnections closes those of the transport within, for http.Client.
func (t boundedTransport) CloseIdleConnections() {
	if c, ok := t.RoundTripper.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

// get returns what is known of the provider. Callers share fetches, which no caller's end
// ends, and the pause after a failed one. It returns an error that wraps errUnavailable.
func (p *provider) get(ctx context.Context) (*party, error) {
	for {
		p.mu.Lock()
		now := time.Now()
		due := p.party == nil || now.Sub(p.fetched) >= refreshAfter
		if due && p.fetching == nil && !now.Before(p.next) {
			p.fetchLocked()
		}
		found, fetching, err := p.party, p.fetching, p.err
		p.mu.Unlock()
		switch {
		case found != nil: // an old one may still be right
			return found, nil
		case fetching == nil:
			return nil, fmt.Errorf("%w: %w", errUnavailable, err)
		}
		select {
		case <-fetching:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (p *provider) fetchLocked() {
	p.fetching = make(chan struct{})
	p.fetches.Go(func() {
		found, err := p.discover()
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.err = err; err == nil {
			p.party, p.fetched, p.backoff = found, time.Now(), 0
		} else {
			p.backoff = min(max(2*p.backoff, minBackoff), maxBackoff)
			p.next = time.Now().Add(p.backoff)
		}
		close(p.fetching)
		p.fetching = nil
	})
}

func (p *provider) discover() (*party, error) {
	ctx, cancel := context.WithTimeout(p.ctx, requestTimeout)
	defer cancel()
	found, err := oidc.NewProvider(ctx, p.config.Issuer)
	if err != nil {
		return nil, err
	}
	var document struct {
		Authorization string   `json:"authorization_endpoint"`
		Token         string   `json:"token_endpoint"`
		Keys          string   `json:"jwks_uri"`
		UserInfo      string   `json:"userinfo_endpoint"`
		Methods       []string `json:"token_endpoint_auth_methods_supported"`
		Names         bool     `json:"authorization_response_iss_parameter_supported"`
	}
	if err := found.Claims(&document); err != nil {
		return nil, fmt.Errorf("discovery of %q: %w", p.config.Issuer, err)
	}
	urls := map[string]string{"authorization_endpoint": document.Authorization, "token_endpoint": document.Token, "jwks_uri": document.Keys}
	if document.UserInfo != "" {
		urls["userinfo_endpoint"] = document.UserInfo
	}
	for name, address := range urls {
		if err := identity.CheckURL(address); err != nil {
			return nil, fmt.Errorf("discovery of %q: %s %w", p.config.Issuer, name, err)
		}
	}
	endpoint := found.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInHeader // the default of OpenID Connect
	basic := len(document.Methods) == 0 || slices.Contains(document.Methods, "client_secret_basic")
	if p.config.ClientSecret == "" || !basic {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &party{
		oauth: oauth2.Config{
			ClientID: p.config.ClientID, ClientSecret: p.config.ClientSecret, Endpoint: endpoint,
			RedirectURL: p.redirect, Scopes: p.config.scopes(),
		},
		provider: found,
		verifier: found.Verifier(&oidc.Config{ClientID: p.config.ClientID}),
		names:    document.Names,
	}, nil
}

// start returns where a person signs in.
func (p *party) start(s *pending) string {
	return p.oauth.AuthCodeURL(s.State, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier))
}

// finish returns who has signed in, by the code that the provider has given. The error wraps
// errUnavailable or errInvalid, and contains no token.
func (p *provider) finish(ctx context.Context, found *party, code string, s *pending) (identity.Profile, error) {
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := found.oauth.Exchange(ctx, code, oauth2.VerifierOption(s.Verifier))
	if err != nil {
		return identity.Profile{}, exchangeError(err)
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return identity.Profile{}, fmt.Errorf("%w: it has no ID token", errInvalid)
	}
	id, err := found.verifier.Verify(ctx, raw)
	if err != nil {
		return identity.Profile{}, fmt.Errorf("%w: %w", errInvalid, err)
	}
	var claims profileClaims
	if err := id.Claims(&claims); err != nil {
		return identity.Profile{}, fmt.Errorf("%w: %w", errInvalid, err)
	}
	switch {
	case !equal(id.Nonce, s.Nonce):
		err = errors.New("the ID token is of another sign-in: its nonce differs")
	case claims.Party != "" && claims.Party != p.config.ClientID, claims.Party == "" && len(id.Audience) > 1:
		err = errors.New("the ID token was issued to another client: its azp differs")
	case id.Subject == "" || len(id.Subject) > maxSubject:
		err = fmt.Errorf("the subject must have 1 to %d bytes", maxSubject)
	case id.AccessTokenHash != "":
		err = id.VerifyAccessToken(token.AccessToken)
	}
	if err != nil {
		return identity.Profile{}, fmt.Errorf("%w: %w", errInvalid, err)
	}
	if claims.name() == "" {
		// Most providers give the profile there alone.
		if more, err := found.userInfo(ctx, token, id.Subject); err == nil {
			claims = more
		}
	}
	return identity.Profile{Issuer: id.Issuer, Subject: id.Subject, Name: claims.name(), Picture: claims.Picture}, nil
}

// profileClaims are what a provider says about a person, if the scopes allow it.
type profileClaims struct {
	Party     string `json:"azp"`
	Name      string `json:"name"`
	Nickname  string `json:"nickname"`
	Preferred string `json:"preferred_username"`
	Given     string `json:"given_name"`
	Picture   string `json:"picture"`
}

// name returns the name to show, empty if there is none.
func (c *profileClaims) name() string {
	for _, name := range []string{c.Name, c.Nickname, c.Preferred, c.Given} {
		if name != "" {
			return name
		}
	}
	return ""
}

// userInfo returns the profile of the person who has signed in. Without it the person has a
// name that is made up, so an error is no reason to refuse the sign-in.
func (p *party) userInfo(ctx context.Context, token *oauth2.Token, subject string) (claims profileClaims, err error) {
	if p.provider.UserInfoEndpoint() == "" {
		return claims, errors.New("there is no userinfo_endpoint")
	}
	info, err := p.provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return claims, err
	}
	if info.Subject != subject {
		return claims, errors.New("it is about another subject")
	}
	err = info.Claims(&claims)
	return claims, err
}

// exchangeError returns the error of a code that was not exchanged. Only the provider's code of
// an error is kept of what it has answered.
func exchangeError(err error) error {
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok:
		return fmt.Errorf("%w: %w", errUnavailable, err)
	case refusal.Response != nil && refusal.Response.StatusCode >= 500:
		return fmt.Errorf("%w: status %d", errUnavailable, refusal.Response.StatusCode)
	default:
		return fmt.Errorf("%w: it has refused the code: %.40q", errInvalid, refusal.ErrorCode)
	}
}
