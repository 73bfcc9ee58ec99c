package signin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/identity"
	"chatroom/server/internal/signin/providertest"
)

var identityProfile = identity.Profile{Issuer: "https://login.example", Subject: "1", Name: "Ada"}

func TestCheck(t *testing.T) {
	valid := ProviderConfig{Issuer: "https://login.example/tenant", ClientID: "chat", PublicURL: "https://chat.example.com"}
	for name, tt := range map[string]struct {
		change func(*ProviderConfig)
		want   string // begins the error; empty for none
	}{
		"valid":                       {func(*ProviderConfig) {}, ""},
		"nothing":                     {func(c *ProviderConfig) { *c = ProviderConfig{} }, ""},
		"a public URL alone":          {func(c *ProviderConfig) { *c = ProviderConfig{PublicURL: "https://chat.example.com"} }, ""},
		"on this machine":             {func(c *ProviderConfig) { c.Issuer, c.PublicURL = "http://localhost:9", "http://127.0.0.1:8080/" }, ""},
		"no issuer":                   {func(c *ProviderConfig) { c.Issuer = "" }, "-oidc-client-id: "},
		"an issuer without TLS":       {func(c *ProviderConfig) { c.Issuer = "http://login.example" }, "-oidc-issuer: "},
		"an issuer that is no URL":    {func(c *ProviderConfig) { c.Issuer = "login.example" }, "-oidc-issuer: "},
		"an issuer with a query":      {func(c *ProviderConfig) { c.Issuer += "?a=b" }, "-oidc-issuer: "},
		"no client":                   {func(c *ProviderConfig) { c.ClientID = "" }, "-oidc-client-id: "},
		"no public URL":               {func(c *ProviderConfig) { c.PublicURL = "" }, "-public-url: "},
		"a public URL without TLS":    {func(c *ProviderConfig) { c.PublicURL = "http://chat.example.com" }, "-public-url: "},
		"a public URL with a path":    {func(c *ProviderConfig) { c.PublicURL += "/apps/chat-2/" }, ""},
		"a path with two dots":        {func(c *ProviderConfig) { c.PublicURL += "/a/../chat" }, "-public-url: "},
		"a path with two slashes":     {func(c *ProviderConfig) { c.PublicURL += "//chat" }, "-public-url: "},
		"a path with an escape":       {func(c *ProviderConfig) { c.PublicURL += "/ch%61t" }, "-public-url: "},
		"a path with a semicolon":     {func(c *ProviderConfig) { c.PublicURL += "/chat;a" }, "-public-url: "},
		"a public URL with a query":   {func(c *ProviderConfig) { c.PublicURL += "?a" }, "-public-url: "},
		"a public URL with a user":    {func(c *ProviderConfig) { c.PublicURL = "https://a@chat.example.com" }, "-public-url: "},
		"a public URL with a port":    {func(c *ProviderConfig) { c.PublicURL += ":8443" }, ""},
		"a public URL with its port":  {func(c *ProviderConfig) { c.PublicURL += ":443" }, "-public-url: "},
		"a scope with a space":        {func(c *ProviderConfig) { c.Scopes = []string{"a b"} }, "-oidc-scopes: "},
		"a scope with a quote":        {func(c *ProviderConfig) { c.Scopes = []string{`a"`} }, "-oidc-scopes: "},
		"a secret without a provider": {func(c *ProviderConfig) { *c = ProviderConfig{ClientSecret: "x"} }, "-oidc-client-secret-file: "},
	} {
		c := valid
		tt.change(&c)
		err := c.Check()
		if (err != nil) != (tt.want != "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: Check = %v, want an error that begins with %q", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: Check = %v, want one line", name, err)
		}
	}
}

func TestScopes(t *testing.T) {
	for want, scopes := range map[string][]string{"openid profile": nil, "openid": {}, "openid email": {"email"}, "email openid": {"email", "openid"}} {
		c := ProviderConfig{Scopes: scopes}
		if got := strings.Join(c.scopes(), " "); got != want {
			t.Errorf("scopes of %q = %q, want %q", scopes, got, want)
		}
	}
}

// The service starts without the provider, tells people so, and works once it is there.
func TestProviderIsDown(t *testing.T) {
	w := newWorld(t, nil)
	w.provider.SetDown(true)
	b := w.browser(t)
	a := b.do(http.MethodPost, "/signin/start", `{}`, nil)
	if a.status != http.StatusServiceUnavailable || !strings.Contains(a.message(), "can’t be reached") {
		t.Errorf("start while the provider is down = %d %s, want %d", a.status, a.message(), http.StatusServiceUnavailable)
	}
	w.provider.SetDown(false)
	w.Handler.provider.mu.Lock()
	w.Handler.provider.next = time.Time{} // the pause is over
	w.Handler.provider.mu.Unlock()
	callback := b.atProvider(b.start("", "lobby"), providertest.User)
	w.provider.SetDown(true)
	b.expectRefused("down when the person comes back", b.do(http.MethodGet, callback.String(), "", nil), http.StatusBadGateway, "can’t be reached")
	w.provider.SetDown(false)
	b.signIn("", providertest.User)
}

// A person signs in without a profile, under a name that is made up.
func TestUserInfoIsDown(t *testing.T) {
	w := newWorld(t, nil)
	w.provider.Answer(func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/userinfo") {
			return false
		}
		http.Error(rw, "no", http.StatusInternalServerError)
		return true
	})
	if s := w.browser(t).signIn("", providertest.User); !strings.HasPrefix(s.Member.Name, "member ") {
		t.Errorf("the account is %+v, want a name that is made up", s.Member)
	}
	w.provider.Answer(func(rw http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/userinfo") {
			return false
		}
		writeJSON(rw, http.StatusOK, map[string]string{"sub": "another", "name": "Mallory"})
		return true
	})
	if s := w.browser(t).signIn("", providertest.User); s.Member.Name == "Mallory" {
		t.Errorf("the account is %+v, want none with the profile of another person", s.Member)
	}
}

// fakeTransport answers requests to a provider in a bubble, where there are no sockets.
type fakeTransport func(*http.Request) (status int, body string, err error)

func (f fakeTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body, err := f(r)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), Request: r,
	}, nil
}

const discovery = `{"issuer":"https://login.example","authorization_endpoint":"https://login.example/auth",` +
	`"token_endpoint":"https://login.example/token","jwks_uri":"https://login.example/keys"}`

func testProvider(t *testing.T, transport fakeTransport) *provider {
	t.Helper()
	p := newProvider(ProviderConfig{Issuer: "https://login.example", ClientID: "chat"}, "https://chat.example.com/signin/callback", transport)
	t.Cleanup(p.close)
	return p
}

// However many people sign in, the provider is asked once, and again after a pause that grows.
func TestDiscoveryBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		var up atomic.Bool
		p := testProvider(t, func(*http.Request) (int, string, error) {
			asked.Add(1)
			if !up.Load() {
				return 0, "", errors.New("connection refused")
			}
			return http.StatusOK, discovery, nil
		})
		try := func(want bool) {
			t.Helper()
			for range 5 {
				if _, err := p.get(t.Context()); (err == nil) != want || err != nil && !errors.Is(err, errUnavailable) {
					t.Errorf("get = %v, want success = %t", err, want)
				}
			}
		}
		for n, seconds := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
			try(false)
			if got := asked.Load(); got != int64(n+1) {
				t.Fatalf("the provider was asked %d times, want %d", got, n+1)
			}
			<-time.After(time.Duration(seconds)*time.Second - time.Millisecond)
			try(false)
			<-time.After(time.Millisecond)
		}
		up.Store(true)
		before := asked.Load()
		try(true)
		<-time.After(refreshAfter - time.Second)
		try(true)
		if got := asked.Load(); got != before+1 {
			t.Errorf("the provider was asked %d times for its configuration, want once", got-before)
		}
		up.Store(false)
		<-time.After(time.Second)
		try(true) // the old one may still be right
		synctest.Wait()
		if got := asked.Load(); got != before+2 {
			t.Errorf("the provider was asked %d times after an hour, want twice", got-before)
		}
	})
}

func TestDiscoveryRefuses(t *testing.T) {
	for name, document := range map[string]string{
		"another issuer":          strings.Replace(discovery, "login.example", "evil.example", 1),
		"an address without TLS":  strings.Replace(discovery, "https://login.example/token", "http://login.example/token", 1),
		"a page of another kind":  strings.Replace(discovery, "https://login.example/auth", "javascript:alert(1)", 1),
		"userinfo without TLS":    strings.Replace(discovery, `"jwks_uri"`, `"userinfo_endpoint":"http://login.example/me","jwks_uri"`, 1),
		"no keys":                 strings.Replace(discovery, "jwks_uri", "keys", 1),
		"no JSON":                 "<html>",
		"more than is read of it": `{"a":"` + strings.Repeat("x", maxResponse) + `",` + discovery[1:],
	} {
		p := testProvider(t, func(*http.Request) (int, string, error) { return http.StatusOK, document, nil })
		if _, err := p.get(t.Context()); !errors.Is(err, errUnavailable) {
			t.Errorf("%s: get = %v, want %v", name, err, errUnavailable)
		}
	}
	p := testProvider(t, func(r *http.Request) (int, string, error) {
		if r.URL.Host != "login.example" || r.URL.Path != "/.well-known/openid-configuration" {
			t.Errorf("%s was asked for, want the configuration alone", r.URL)
		}
		return http.StatusFound, "", nil
	})
	if _, err := p.get(t.Context()); !errors.Is(err, errUnavailable) {
		t.Errorf("a redirect: get = %v, want %v", err, errUnavailable)
	}
}

// A caller that gives up does not end the fetch for the others.
func TestCallersShareAFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := testProvider(t, func(*http.Request) (int, string, error) {
			<-release
			return http.StatusOK, discovery, nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		gone, found := make(chan error, 1), make(chan error, 1)
		go func() { _, err := p.get(ctx); gone <- err }()
		go func() { _, err := p.get(t.Context()); found <- err }()
		synctest.Wait()
		cancel()
		if err := <-gone; !errors.Is(err, context.Canceled) {
			t.Errorf("get of the one that gives up = %v, want %v", err, context.Canceled)
		}
		close(release)
		if err := <-found; err != nil {
			t.Errorf("get of the other = %v, want nil", err)
		}
	})
}

// A provider that names itself in its answers must do so in each: without the name, the answer
// may be another provider's.
func TestAnswersMustNameTheProvider(t *testing.T) {
	w := newWorld(t, nil)
	b := w.browser(t)
	callback := b.atProvider(b.start("", "lobby"), providertest.User)
	w.Handler.provider.mu.Lock()
	w.Handler.provider.party.names = true
	w.Handler.provider.mu.Unlock()
	b.expectRefused("without a name", b.do(http.MethodGet, with(callback, map[string]any{"iss": nil}), "", nil), http.StatusBadRequest, "is not of")
}
