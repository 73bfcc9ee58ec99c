package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Tokens identifies callers by the tokens of guests and by those of other issuers.
type Tokens struct {
	Guests  *Guests
	Issuers *Issuers // nil for none
}

// Identify returns the credential of a token, which is shared and must not be changed. Its
// errors are those of Issuers.Verify.
func (t Tokens) Identify(ctx context.Context, token string) (*Credential, error) {
	if t.Issuers == nil {
		return t.Guests.Identify(ctx, token)
	}
	if c := t.Issuers.recent.find(token, time.Now()); c != nil {
		return c, nil
	}
	if ofGuest(token) {
		return t.Guests.Identify(ctx, token)
	}
	return t.Issuers.Verify(ctx, token)
}

// ofGuest reports whether a token claims to be of this service. The claim is not verified.
func ofGuest(token string) bool {
	if len(token) > MaxToken {
		return false
	}
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return false
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	return json.Unmarshal(decoded, &c) == nil && c.Issuer == issuer
}
