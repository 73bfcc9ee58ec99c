package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"
)

// Tokens identifies callers by the tokens of guests, of accounts and of other issuers.
type Tokens struct {
	Guests   *Guests
	Issuers  *Issuers  // nil for none
	Accounts *Accounts // nil for none
}

// Identify returns the credential of a token, which is shared and must not be changed. Its
// errors are those of Issuers.Verify.
func (t Tokens) Identify(ctx context.Context, token string) (*Credential, error) {
	if t.Issuers == nil && t.Accounts == nil {
		return t.Guests.Identify(ctx, token)
	}
	if c := t.recent(token, time.Now()); c != nil {
		return c, nil
	}
	by := issuerOf(token)
	switch {
	case by == AccountIssuer && t.Accounts != nil:
		return t.Accounts.Identify(ctx, token)
	case by == issuer, t.Issuers == nil:
		return t.Guests.Identify(ctx, token)
	}
	return t.Issuers.Verify(ctx, token)
}

// recent returns the credential of a token that was verified before, nil if there is none: most
// calls need not look into the token.
func (t Tokens) recent(token string, now time.Time) *Credential {
	if found, ok := t.Guests.verified.find(token, now); ok {
		return found.credential
	}
	if t.Accounts != nil {
		if found, ok := t.Accounts.verified.find(token, now); ok {
			return found.credential
		}
	}
	if t.Issuers != nil {
		return t.Issuers.recent.find(token, now)
	}
	return nil
}

// issuerOf returns the issuer that a token claims to be of. The claim is not verified.
func issuerOf(token string) string {
	if len(token) > MaxToken {
		return ""
	}
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	decoded, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		return ""
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(decoded, &c) != nil {
		return ""
	}
	return c.Issuer
}
