package identity

import (
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// ErrRevoked is returned for a credential that was revoked.
var ErrRevoked = newInvalid("it is revoked")

// ErrExpired is returned for a credential that has expired while it was used.
var ErrExpired = newInvalid("it has expired")

// ErrInvalidKey is returned for an API key that is not valid.
var ErrInvalidKey = newInvalid("there is no such API key")

// invalidError is an error that wraps ErrInvalidToken.
type invalidError struct{ text string }

func newInvalid(text string) error { return &invalidError{text} }

func (e *invalidError) Error() string { return ErrInvalidToken.Error() + ": " + e.text }
func (e *invalidError) Unwrap() error { return ErrInvalidToken }

// ClaimsError is returned for a token that its issuer has signed, with claims that are not
// allowed. It wraps ErrInvalidToken. Its text is for the issuer's developers: it quotes
// nothing but the token.
type ClaimsError struct{ Err error }

func (e *ClaimsError) Error() string   { return ErrInvalidToken.Error() + ": " + e.Err.Error() }
func (e *ClaimsError) Unwrap() []error { return []error{ErrInvalidToken, e.Err} }

// Cause is why a credential is refused, in a word that callers may be told.
type Cause string

// The causes.
const (
	Malformed     Cause = "malformed"      // it is no token, or of a form that is not accepted
	UnknownIssuer Cause = "unknown_issuer" // no issuer that is configured has made it
	WrongAudience Cause = "audience"       // it is for another service
	BadSignature  Cause = "signature"      // the issuer has not signed it, or with a key that is not known
	Expired       Cause = "expired"
	NotYetValid   Cause = "not_yet_valid" // by nbf or iat
	BadClaims     Cause = "claims"        // see ClaimsError
	Revoked       Cause = "revoked"
	BadKey        Cause = "key" // it is an API key that does not exist, or not any more
)

// CauseOf returns the cause of an error that wraps ErrInvalidToken.
func CauseOf(err error) Cause {
	switch {
	case errors.Is(err, ErrRevoked):
		return Revoked
	case errors.Is(err, ErrInvalidKey):
		return BadKey
	case errors.Is(err, ErrExpired), errors.Is(err, jwt.ErrTokenExpired):
		return Expired
	case errors.Is(err, ErrNotVouched):
		return UnknownIssuer
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return BadSignature
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return WrongAudience
	case errors.Is(err, jwt.ErrTokenNotValidYet), errors.Is(err, jwt.ErrTokenUsedBeforeIssued):
		return NotYetValid
	case errors.Is(err, jwt.ErrTokenInvalidIssuer):
		return UnknownIssuer
	case errors.Is(err, jwt.ErrTokenMalformed):
		return Malformed
	}
	if _, ok := errors.AsType[*ClaimsError](err); ok || errors.Is(err, jwt.ErrTokenRequiredClaimMissing) {
		return BadClaims
	}
	return Malformed
}
