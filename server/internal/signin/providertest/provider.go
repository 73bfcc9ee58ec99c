// Package providertest runs an OpenID Connect provider for tests: that of zitadel/oidc, with the
// users and the login page of its example. It can be made to fail, and to issue wrong ID tokens.
package providertest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// The client that is registered, and the users with their password.
const (
	ClientID     = "chatroom"
	ClientSecret = "chatroom-secret"

	User      = "test-user@localhost"
	UserName  = "Test User"
	OtherUser = "test-user2"
	OtherName = "Test User2"
	Password  = "verysecure"
)

// Provider is a provider that runs. Its issuer is http://localhost:PORT, so that for browsers it
// is another site than a service at 127.0.0.1.
type Provider struct {
	URL     string
	storage *storage.Storage
	op      http.Handler

	mu      sync.Mutex // guards below
	down    bool
	tamper  func(claims map[string]any)
	answers func(w http.ResponseWriter, r *http.Request) bool
}

// Start starts a provider, until the test's end, that sends people back to a URL.
func Start(t testing.TB, redirect string) *Provider {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{URL: "http://localhost:" + port}
	clients := map[string]*storage.Client{ClientID: storage.WebClient(ClientID, ClientSecret, redirect)}
	p.storage = storage.NewStorageWithClients(storage.NewUserStore(p.URL), clients)
	former := slog.Default() // which the provider replaces
	p.op = exampleop.SetupServer(p.URL, p.storage, slog.New(slog.DiscardHandler), false)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: p}}
	server.Start()
	t.Cleanup(func() {
		server.Close()
		slog.SetDefault(former)
	})
	return p
}

// SetDown makes the provider answer that it is unavailable, or no more.
func (p *Provider) SetDown(down bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = down
}

// Tamper makes the provider change the claims of ID tokens before it signs them. Nil changes
// nothing.
func (p *Provider) Tamper(change func(claims map[string]any)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tamper = change
}

// Answer has a function answer requests; those for which it returns false, the provider answers.
func (p *Provider) Answer(answers func(w http.ResponseWriter, r *http.Request) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers = answers
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	down, tamper, answers := p.down, p.tamper, p.answers
	p.mu.Unlock()
	switch {
	case down:
		http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
	case answers != nil && answers(w, r):
	case tamper != nil && strings.HasSuffix(r.URL.Path, "/token"):
		p.serveTampered(w, r, tamper)
	default:
		p.op.ServeHTTP(w, r)
	}
}

// serveTampered answers with an ID token that has other claims, signed by the provider's key.
func (p *Provider) serveTampered(w http.ResponseWriter, r *http.Request, change func(map[string]any)) {
	recorder := httptest.NewRecorder()
	p.op.ServeHTTP(recorder, r)
	body, err := p.changed(r.Context(), recorder.Body.Bytes(), change)
	if err != nil || recorder.Code != http.StatusOK {
		http.Error(w, fmt.Sprint(recorder.Code, err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = io.Copy(w, bytes.NewReader(body))
}

func (p *Provider) changed(ctx context.Context, body []byte, change func(map[string]any)) ([]byte, error) {
	var response map[string]any
	if err := json.Unmarshal(body, &response); err != nil {
		return nil, err
	}
	raw, _ := response["id_token"].(string)
	token, err := jwt.ParseSigned(raw, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		return nil, err
	}
	claims := make(map[string]any)
	if err := token.UnsafeClaimsWithoutVerification(&claims); err != nil {
		return nil, err
	}
	change(claims)
	key, err := p.storage.SigningKey(ctx)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: key.SignatureAlgorithm(), Key: jose.JSONWebKey{Key: key.Key(), KeyID: key.ID()}}, nil)
	if err != nil {
		return nil, err
	}
	if response["id_token"], err = jwt.Signed(signer).Claims(claims).Serialize(); err != nil {
		return nil, err
	}
	return json.Marshal(response)
}

// SignIn signs a user in as a browser would that was sent to start, and returns where the
// provider sends the browser then.
func (p *Provider) SignIn(ctx context.Context, start, user string) (callback *url.URL, err error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	client.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if "http://"+r.URL.Host == p.URL {
			return nil
		}
		callback = r.URL
		return http.ErrUseLastResponse
	}
	form, err := p.get(ctx, client, start)
	if err != nil || callback != nil { // an error of the provider
		return callback, err
	}
	values := url.Values{"id": {form.Query().Get("authRequestID")}, "username": {user}, "password": {Password}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/login/username", strings.NewReader(values.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if callback == nil {
		return nil, fmt.Errorf("the provider has answered %s, and sent the browser nowhere", response.Status)
	}
	return callback, nil
}

func (p *Provider) get(ctx context.Context, client *http.Client, address string) (*url.URL, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode >= http.StatusBadRequest {
		return nil, fmt.Errorf("get %s: %s", address, response.Status)
	}
	return response.Request.URL, nil
}

// FreeAddress returns an address of this machine at which nothing listens, for a service whose
// address the provider must know before it starts. Its port is outside the range that systems
// give to outgoing connections.
func FreeAddress(t testing.TB) string {
	t.Helper()
	var err error
	for range 100 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+rand.IntN(12_000)))
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			if err = l.Close(); err == nil {
				return address
			}
		}
	}
	t.Fatalf("find a free port: %v", err)
	return ""
}
