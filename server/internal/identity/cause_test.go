package identity

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"chatroom/server/internal/chat"
)

func TestCauseOf(t *testing.T) {
	tokens := Tokens{Guests: NewGuests(), Issuers: openIssuers(t, secretIssuer())}
	user := func(change func(jwt.MapClaims)) string {
		return userToken(t, jwt.SigningMethodHS256, shopSecret, nil, change)
	}
	good := user(nil)
	stranger, _, _, err := NewGuests().SignIn("Ada", chat.Member{})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		token string
		want  Cause
	}{
		"no token":         {"token", Malformed},
		"empty":            {"", Malformed},
		"too long":         {strings.Repeat("a", MaxToken+1), Malformed},
		"another issuer":   {user(func(c jwt.MapClaims) { c["iss"] = "https://other.example" }), UnknownIssuer},
		"audience":         {user(func(c jwt.MapClaims) { c["aud"] = "billing" }), WrongAudience},
		"signature":        {good[:len(good)-4] + "AAAA", BadSignature},
		"a key of another": {stranger, BadSignature},
		"expired":          {user(func(c jwt.MapClaims) { c["exp"] = time.Now().Add(-time.Hour).Unix() }), Expired},
		"not yet":          {user(func(c jwt.MapClaims) { c["nbf"] = time.Now().Add(time.Hour).Unix() }), NotYetValid},
		"issued later":     {user(func(c jwt.MapClaims) { c["iat"] = time.Now().Add(time.Hour).Unix() }), NotYetValid},
		"unknown right":    {user(func(c jwt.MapClaims) { c["rooms"] = []any{map[string]any{"pattern": "a", "can": []string{"fly"}}} }), BadClaims},
	} {
		c, err := tokens.Identify(t.Context(), tt.token)
		if c != nil || !errors.Is(err, ErrInvalidToken) || CauseOf(err) != tt.want {
			t.Errorf("Identify, %s = %v, %v with the cause %q, want %q", name, c, err, CauseOf(err), tt.want)
		}
	}
	for err, want := range map[error]Cause{ErrRevoked: Revoked, ErrExpired: Expired, ErrInvalidKey: BadKey} {
		if wrapped := fmt.Errorf("wrapped: %w", err); CauseOf(wrapped) != want || !errors.Is(wrapped, ErrInvalidToken) {
			t.Errorf("CauseOf(%v) = %q, want %q, and ErrInvalidToken", err, CauseOf(wrapped), want)
		}
	}
}

// What is wrong with the claims of a token that its issuer has signed is named.
func TestClaimsErrorNamesTheClaim(t *testing.T) {
	issuers := openIssuers(t, secretIssuer())
	for claim, tt := range map[string]struct {
		value any // nil for none
		want  string
	}{
		"sub":     {nil, "it has no sub"},
		"exp":     {nil, "it has no exp"},
		"aud":     {nil, "it has no aud"},
		"iat":     {"today", "iat must be a number of seconds since 1970"},
		"nbf":     {"2026-01-01", "nbf must be a number of seconds since 1970"},
		"name":    {7, "name must be text"},
		"rooms":   {[]string{"order-*"}, `rooms must be a list of {"pattern": "order-*", "can": ["read"]}, without other fields`},
		"limits":  {"20/s:100", `limits must be rates by kind, such as {"send": "20/s:100"}`},
		"picture": {[]string{}, "picture must be text"},
	} {
		change := func(c jwt.MapClaims) {
			if delete(c, claim); tt.value != nil {
				c[claim] = tt.value
			}
		}
		_, err := issuers.Verify(t.Context(), userToken(t, jwt.SigningMethodHS256, shopSecret, nil, change))
		named, ok := errors.AsType[*ClaimsError](err)
		if !ok || named.Err.Error() != tt.want || CauseOf(err) != BadClaims {
			t.Errorf("Verify with %s = %v is %v, want a ClaimsError %q", claim, tt.value, err, tt.want)
		}
		forged := userToken(t, jwt.SigningMethodHS256, []byte("another secret of thirty-two bytes"), nil, change)
		if _, err := issuers.Verify(t.Context(), forged); CauseOf(err) != BadSignature {
			t.Errorf("Verify with %s = %v, not signed by the issuer, is %v, want %s", claim, tt.value, err, BadSignature)
		}
	}
}

// The tokens of guests and those of issuers are told apart, also by those that claim to be
// the others'.
func TestTokens(t *testing.T) {
	guests := NewGuests()
	tokens := Tokens{Guests: guests, Issuers: openIssuers(t, secretIssuer())}
	token, m, expires, err := guests.SignIn("Ada", chat.Member{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second one is cached
		c, err := tokens.Identify(t.Context(), token)
		if err != nil || c.Member != m || !c.Expires.Equal(expires) || c.Issued.IsZero() || c.Issuer != issuer {
			t.Errorf("Identify of a guest = %+v, %v, want %+v until %v", c, err, m, expires)
		}
		c, err = tokens.Identify(t.Context(), userToken(t, jwt.SigningMethodHS256, shopSecret, nil, nil))
		if err != nil || c.Member.Guest || c.Issuer != shopName {
			t.Errorf("Identify of a user = %+v, %v, want a user of %q", c, err, shopName)
		}
	}
	forged := userToken(t, jwt.SigningMethodHS256, shopSecret, nil, func(c jwt.MapClaims) { c["iss"] = issuer })
	if c, err := tokens.Identify(t.Context(), forged); !errors.Is(err, ErrInvalidToken) {
		t.Errorf("Identify of a guest's token that an issuer has signed = %+v, %v, want %v", c, err, ErrInvalidToken)
	}
}
