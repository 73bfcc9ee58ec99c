package revocation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"time"

	"chatroom/server/internal/identity"
)

// Revocation says which tokens are no longer valid: either one, or those of a member.
type Revocation struct {
	// Issuer and TokenID are the iss and the jti claim of a token.
	Issuer  string `json:"issuer,omitempty"`
	TokenID string `json:"token_id,omitempty"`
	// Member is the id of a member whose tokens are revoked that were issued up to Until,
	// or do not say when.
	Member string    `json:"member,omitempty"`
	Until  time.Time `json:"until,omitzero"`
	// Expires is from when all these tokens have expired. Zero means never.
	Expires time.Time `json:"expires,omitzero"`
}

// The bounds of what a Revocation names.
const (
	maxIssuer  = 512 // bytes
	maxTokenID = 128 // bytes
	maxMember  = 256 // bytes
)

// ErrInvalid is returned for a Revocation that names nothing, or too much.
var ErrInvalid = errors.New("revocation: must name either an issuer and the id of a token, or a member and a time")

func (r *Revocation) check() error {
	token := r.Issuer != "" && r.TokenID != "" && r.Member == ""
	member := r.Issuer == "" && r.TokenID == "" && r.Member != "" && !r.Until.IsZero()
	if !token && !member || len(r.Issuer) > maxIssuer || len(r.TokenID) > maxTokenID || len(r.Member) > maxMember {
		return ErrInvalid
	}
	return nil
}

// Covers reports whether a credential is revoked. The time at which it was issued is known
// to the second, so one of the last second that is revoked is revoked, too.
func (r *Revocation) Covers(c *identity.Credential) bool {
	if r.Member == "" {
		return c.TokenID != "" && r.TokenID == c.TokenID && r.Issuer == c.Issuer
	}
	return r.Member == c.Member.ID && (c.Issued.IsZero() || !c.Issued.After(r.Until))
}

// expired reports whether the revocation can be forgotten.
func (r *Revocation) expired(now time.Time) bool {
	return !r.Expires.IsZero() && !now.Before(r.Expires)
}

// with returns a revocation that covers what either does. Both have the same key.
func (r *Revocation) with(other *Revocation) Revocation {
	both := *r
	if other.Until.After(both.Until) {
		both.Until = other.Until
	}
	if other.Expires.IsZero() || !both.Expires.IsZero() && other.Expires.After(both.Expires) {
		both.Expires = other.Expires
	}
	return both
}

// The keys of records. What they are about may have characters that keys must not have.
const (
	prefix       = "revocations/"
	tokenPrefix  = prefix + "tokens/"
	memberPrefix = prefix + "members/"
)

func (r *Revocation) key() string {
	if r.Member != "" {
		return memberPrefix + digest(r.Member)
	}
	return tokenPrefix + digest(r.Issuer+"\x00"+r.TokenID)
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func decode(key string, value []byte) (Revocation, error) {
	var r Revocation
	if err := json.Unmarshal(value, &r); err != nil {
		return Revocation{}, err
	}
	if err := r.check(); err != nil {
		return Revocation{}, err
	}
	if r.key() != key {
		return Revocation{}, errors.New("the record is under the key of another")
	}
	return r, nil
}
