package identity

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newKeyServer serves a body over a real connection.
func newKeyServer(t testing.TB, body string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, body)
	}))
	t.Cleanup(server.Close)
	return server
}

// keyTransport answers fetches without a network, for bubbles.
type keyTransport struct {
	fetches atomic.Int64

	mu   sync.Mutex // guards below
	body string
	err  error
	wait time.Duration
}

func (k *keyTransport) set(body string, err error, wait time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.body, k.err, k.wait = body, err, wait
}

func (k *keyTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	k.fetches.Add(1)
	k.mu.Lock()
	body, err, wait := k.body, k.err, k.wait
	k.mu.Unlock()
	select {
	case <-time.After(wait):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func keyedIssuer(transport *keyTransport) IssuerConfig {
	return IssuerConfig{Name: shopName, Audience: []string{audience}, Keys: "https://shop.example/keys", Transport: transport}
}

// wantVerify checks the outcome of Verify: nil, ErrInvalidToken or ErrKeysUnavailable.
func wantVerify(t *testing.T, is *Issuers, when, token string, want error) {
	t.Helper()
	if _, err := is.Verify(t.Context(), token); !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("Verify %s = %v, want %v", when, err, want)
	}
}

func long(c jwt.MapClaims) { c["exp"] = time.Now().Add(1000 * time.Hour).Unix() }

func TestKeysRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newECKey(t, "k1"), newECKey(t, "k2")
		transport := &keyTransport{body: jwks(t, first)}
		is := openIssuers(t, keyedIssuer(transport))
		byFirst, bySecond := first.token(t, long), second.token(t, long)
		wantVerify(t, is, "with the key", byFirst, nil)
		transport.set(jwks(t, first, second), nil, 0)
		wantVerify(t, is, "with a new key at once", bySecond, ErrInvalidToken)
		<-time.After(fetchInterval)
		wantVerify(t, is, "with a new key after the interval", bySecond, nil)
		wantVerify(t, is, "with the former key beside it", byFirst, nil)
		transport.set(jwks(t, second), nil, 0)
		<-time.After(refreshAfter)
		wantVerify(t, is, "while the keys are fetched again", bySecond, nil)
		synctest.Wait()
		wantVerify(t, is, "with the key that was left out", byFirst, ErrInvalidToken)
		wantVerify(t, is, "with the key that is left", bySecond, nil)
		if n := transport.fetches.Load(); n > 4 {
			t.Errorf("there were %d fetches, want at most 4", n)
		}
	})
}

// Tokens with kids that do not exist cause one fetch in an interval, and keep nobody out.
func TestFloodOfUnknownKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pair, other := newECKey(t, "k1"), newECKey(t, "")
		transport := &keyTransport{body: jwks(t, pair), wait: time.Second}
		is := openIssuers(t, keyedIssuer(transport))
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				for n := range 120 {
					token := userToken(t, other.method, other.private, map[string]any{"kid": fmt.Sprint(i, n)}, nil)
					if _, err := is.Verify(t.Context(), token); !errors.Is(err, ErrInvalidToken) {
						t.Errorf("Verify with an unknown kid = %v, want %v", err, ErrInvalidToken)
					}
					<-time.After(time.Second)
				}
			})
		}
		wg.Go(func() {
			for range 120 {
				wantVerify(t, is, "during the flood", pair.token(t, nil), nil)
				<-time.After(time.Second)
			}
		})
		wg.Wait()
		if n, most := transport.fetches.Load(), int64(time.Since(begin)/fetchInterval)+1; n > most || n < 2 {
			t.Errorf("6,000 unknown kids in %s caused %d fetches, want at most %d", time.Since(begin), n, most)
		}
	})
}

// While keys can't be fetched the former ones are used for a day.
func TestKeysThatCannotBeFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pair := newECKey(t, "k1")
		transport := &keyTransport{err: errors.New("refused")}
		config, failed := keyedIssuer(transport), new(atomic.Int32)
		config.FetchFailed = func(error) { failed.Add(1) }
		is := openIssuers(t, config)
		token := pair.token(t, long)
		wantVerify(t, is, "before keys were fetched", token, ErrKeysUnavailable)
		transport.set(jwks(t, pair), nil, 0)
		wantVerify(t, is, "within the interval", token, ErrKeysUnavailable)
		if n := transport.fetches.Load(); n != 1 {
			t.Errorf("%d fetches within an interval, want 1", n)
		}
		<-time.After(fetchInterval)
		wantVerify(t, is, "once keys can be fetched", token, nil)
		if n := failed.Load(); n != 1 {
			t.Errorf("%d fetches have failed, want 1", n)
		}
		for _, bad := range []string{"", "{}", `{"keys":[]}`, `{"keys":[{"kty":"oct","k":"AAAA"}]}`, "<html>", `{"keys":[` + strings.Repeat(" ", maxResponse) + `]}`} {
			transport.set(bad, nil, 0)
			<-time.After(refreshAfter)
			wantVerify(t, is, "while the keys are fetched again", token, nil)
			synctest.Wait()
			wantVerify(t, is, fmt.Sprintf("after a response of %.20q", bad), token, nil)
		}
		if n := failed.Load(); n != 7 {
			t.Errorf("%d fetches have failed, want 7, also while the former keys are used", n)
		}
		transport.set("", nil, time.Hour) // an answer that does not come
		<-time.After(refreshAfter)
		wantVerify(t, is, "while a fetch hangs", token, nil)
		<-time.After(staleAfter)
		wantVerify(t, is, "a day later", token, ErrKeysUnavailable)
		transport.set(jwks(t, pair), nil, 0)
		<-time.After(fetchInterval)
		wantVerify(t, is, "once keys can be fetched again", token, nil)
	})
}

// A caller that gives up neither waits for the fetch nor ends it.
func TestCallerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pair := newECKey(t, "k1")
		transport := &keyTransport{body: jwks(t, pair), wait: 3 * time.Second}
		is := openIssuers(t, keyedIssuer(transport))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := is.Verify(ctx, pair.token(t, nil)); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrInvalidToken) {
			t.Errorf("Verify until its deadline = %v, want %v and not an invalid token", err, context.DeadlineExceeded)
		}
		wantVerify(t, is, "of another caller", pair.token(t, nil), nil)
		if n := transport.fetches.Load(); n != 1 {
			t.Errorf("there were %d fetches, want 1", n)
		}
	})
}

func TestFetchEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &keyTransport{wait: time.Hour}
		is, err := NewIssuers(keyedIssuer(transport))
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		wantVerify(t, is, "with a server that does not answer", newECKey(t, "k").token(t, nil), ErrKeysUnavailable)
		if took := time.Since(begin); took != fetchTimeout {
			t.Errorf("Verify took %s, want %s", took, fetchTimeout)
		}
		<-time.After(fetchInterval)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := is.Verify(ctx, newECKey(t, "k").token(t, nil)); !errors.Is(err, context.Canceled) {
			t.Errorf("Verify of a caller that is gone = %v, want %v", err, context.Canceled)
		}
		begin = time.Now()
		is.Close()
		if took := time.Since(begin); took != 0 {
			t.Errorf("Close took %s, want it to end the fetch", took)
		}
	})
}

// discoveryServer is an issuer with a real server.
type discoveryServer struct {
	*httptest.Server
	document, keys func(w http.ResponseWriter, r *http.Request)
	requests       atomic.Int64
}

func newDiscoveryServer(t *testing.T, keys string) *discoveryServer {
	d := &discoveryServer{}
	mux := http.NewServeMux()
	mux.HandleFunc("/tenant/.well-known/openid-configuration", func(w http.ResponseWriter, r *http.Request) { d.requests.Add(1); d.document(w, r) })
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) { d.requests.Add(1); d.keys(w, r) })
	d.Server = httptest.NewServer(mux)
	t.Cleanup(d.Close)
	d.document = func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, d.URL+"/tenant", d.URL+"/keys")
	}
	d.keys = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, keys) }
	return d
}

func TestDiscovery(t *testing.T) {
	pair := newECKey(t, "k1")
	for name, tt := range map[string]struct {
		change func(d *discoveryServer)
		want   string // in the error; empty for none
	}{
		"good": {func(*discoveryServer) {}, ""},
		"of another issuer": {func(d *discoveryServer) {
			d.document = func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"issuer":"https://evil.example","jwks_uri":%q}`, d.URL+"/keys")
			}
		}, `the document is of "https://evil.example"`},
		"keys over http": {func(d *discoveryServer) {
			d.document = func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"http://192.0.2.1/keys"}`, d.URL+"/tenant")
			}
		}, "must be a URL of https"},
		"keys in a file": {func(d *discoveryServer) {
			d.document = func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"file:///etc/passwd"}`, d.URL+"/tenant")
			}
		}, "must be a URL with a host"},
		"no JSON": {func(d *discoveryServer) {
			d.document = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }
		}, "invalid character"},
		"not found": {func(d *discoveryServer) { d.document = http.NotFound }, "status 404"},
		"redirected": {func(d *discoveryServer) {
			d.keys = func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) }
		}, "redirects are not followed"},
		"too large": {func(d *discoveryServer) {
			d.keys = func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat(" ", maxResponse+1)) }
		}, "more than 262144 bytes"},
		"endless": {func(d *discoveryServer) {
			d.keys = func(w http.ResponseWriter, _ *http.Request) {
				for block := bytes.Repeat([]byte(" "), 64<<10); ; {
					if _, err := w.Write(block); err != nil {
						return
					}
				}
			}
		}, "more than 262144 bytes"},
	} {
		d := newDiscoveryServer(t, jwks(t, pair))
		tt.change(d)
		is := openIssuers(t, IssuerConfig{Name: d.URL + "/tenant", Audience: []string{audience}, Discovery: true})
		token := pair.token(t, func(c jwt.MapClaims) { c["iss"] = d.URL + "/tenant" })
		for range 3 {
			_, err := is.Verify(t.Context(), token)
			if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, ErrKeysUnavailable) || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Verify, %s = %v, want an error with %q", name, err, tt.want)
			}
		}
		if n := d.requests.Load(); n > 2 {
			t.Errorf("Verify, %s, made %d requests, want one for each document", name, n)
		}
	}
}

// After a failure the keys are looked for by discovery again: they may have moved.
func TestKeysMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pair := newECKey(t, "k1")
		transport := &movingTransport{at: "https://shop.example/a", keys: jwks(t, pair)}
		is := openIssuers(t, IssuerConfig{Name: shopName, Audience: []string{audience}, Discovery: true, Transport: transport})
		wantVerify(t, is, "at first", pair.token(t, long), nil)
		next := newECKey(t, "k2")
		transport.at, transport.keys = "https://shop.example/b", jwks(t, next)
		token := next.token(t, long)
		<-time.After(fetchInterval)
		wantVerify(t, is, "when the former place is empty", token, ErrKeysUnavailable)
		<-time.After(fetchInterval)
		wantVerify(t, is, "after discovery", token, nil)
	})
}

type movingTransport struct{ at, keys string }

func (m *movingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	response := &http.Response{StatusCode: http.StatusNotFound, Body: http.NoBody, Request: r}
	switch r.URL.String() {
	case shopName + "/.well-known/openid-configuration":
		response.StatusCode, response.Body = http.StatusOK, io.NopCloser(strings.NewReader(fmt.Sprintf(`{"issuer":%q,"jwks_uri":%q}`, shopName, m.at)))
	case m.at:
		response.StatusCode, response.Body = http.StatusOK, io.NopCloser(strings.NewReader(m.keys))
	}
	return response, nil
}

func TestParseKeys(t *testing.T) {
	good := newECKey(t, "good")
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*jose.JSONWebKey)) *keyPair {
		p := *good
		p.jwk.KeyID = "bad"
		f(&p.jwk)
		return &p
	}
	for name, bad := range map[string]*keyPair{
		"for encryption": change(func(k *jose.JSONWebKey) { k.Use = "enc" }),
		"a secret":       change(func(k *jose.JSONWebKey) { k.Key = shopSecret }),
		"a private key":  change(func(k *jose.JSONWebKey) { k.Key = good.private }),
		"a small key":    change(func(k *jose.JSONWebKey) { k.Key = small.Public() }),
		"a long kid":     change(func(k *jose.JSONWebKey) { k.KeyID = strings.Repeat("k", maxKID+1) }),
	} {
		keys, err := parseKeys([]byte(jwks(t, bad, good)))
		if err != nil || len(keys) != 1 || keys[0].id != "good" {
			t.Errorf("parseKeys with %s = %+v, %v, want it left out", name, keys, err)
		}
		if keys, err := parseKeys([]byte(jwks(t, bad))); err == nil || keys != nil {
			t.Errorf("parseKeys of %s alone = %+v, %v, want an error", name, keys, err)
		}
	}
	for _, raw := range []string{`{"kty":"OKP","crv":"Ed448","x":"AA"}`, `{"kty":"EC"}`, `7`, `{"kty":"EC","key_ops":"verify"}`,
		strings.Replace(strings.TrimSuffix(strings.TrimPrefix(jwks(t, good), `{"keys":[`), `]}`), `{`, `{"key_ops":["sign"],`, 1)} {
		with := strings.Replace(jwks(t, good), `{"keys":[`, `{"keys":[`+raw+`,`, 1)
		if keys, err := parseKeys([]byte(with)); err != nil || len(keys) != 1 {
			t.Errorf("parseKeys with %s = %+v, %v, want it left out", raw, keys, err)
		}
	}
	if _, err := parseKeys([]byte(`{"keys":[` + strings.Repeat("7,", maxKeys) + `7]}`)); err == nil || !strings.Contains(err.Error(), "more than 100") {
		t.Errorf("parseKeys of too many = %v, want an error", err)
	}
}

func FuzzParseKeys(f *testing.F) {
	f.Add([]byte(jwks(f, newECKey(f, "a"), newKeyPair("b", jwt.SigningMethodRS256, rsaKey()))))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB","x5c":["AA"]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseKeys(data)
		if (len(keys) == 0) == (err == nil) {
			t.Fatalf("parseKeys(%q) = %v, %v, want keys or an error", data, keys, err)
		}
		for _, k := range keys {
			for _, method := range publicKeyMethods {
				if fits(k.key, method) {
					_ = jwt.GetSigningMethod(method).Verify("a.b", []byte("signature"), k.key) // must not panic
				}
			}
		}
	})
}
