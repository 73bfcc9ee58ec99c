package identity

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/golang-jwt/jwt/v5"
)

var shopSecret = []byte(strings.Repeat("s", minSecret))

// keyPair is a key of an issuer, with what it publishes of it.
type keyPair struct {
	method  jwt.SigningMethod
	private crypto.Signer
	jwk     jose.JSONWebKey
}

func newKeyPair(id string, method jwt.SigningMethod, private crypto.Signer) *keyPair {
	return &keyPair{method, private, jose.JSONWebKey{Key: private.Public(), KeyID: id, Algorithm: method.Alg(), Use: "sig"}}
}

// newECKey returns a key pair that is made quickly.
func newECKey(t testing.TB, id string) *keyPair {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newKeyPair(id, jwt.SigningMethodES256, private)
}

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return private
})

// jwks returns what an issuer publishes.
func jwks(t testing.TB, pairs ...*keyPair) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, p := range pairs {
		set.Keys = append(set.Keys, p.jwk)
	}
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// userToken returns a token of the shop that is good but for what change does.
func userToken(t testing.TB, method jwt.SigningMethod, key any, header map[string]any, change func(jwt.MapClaims)) string {
	t.Helper()
	c := jwt.MapClaims{"iss": shopName, "aud": audience, "sub": "u1", "name": "Ada", "exp": time.Now().Add(time.Hour).Unix()}
	if change != nil {
		change(c)
	}
	token := jwt.NewWithClaims(method, c)
	maps.Copy(token.Header, header)
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatalf("SignedString = %v, want nil", err)
	}
	return signed
}

func (p *keyPair) token(t testing.TB, change func(jwt.MapClaims)) string {
	t.Helper()
	return userToken(t, p.method, p.private, map[string]any{"kid": p.jwk.KeyID}, change)
}

func openIssuers(t testing.TB, configs ...IssuerConfig) *Issuers {
	t.Helper()
	is, err := NewIssuers(configs...)
	if err != nil {
		t.Fatalf("NewIssuers = %v, want nil", err)
	}
	t.Cleanup(is.Close)
	return is
}

func secretIssuer() IssuerConfig {
	return IssuerConfig{Name: shopName, Audience: []string{"other", audience}, Secret: shopSecret}
}
