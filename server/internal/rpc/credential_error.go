package rpc

import (
	"errors"

	"connectrpc.com/connect"
	"google.golang.org/genproto/googleapis/rpc/errdetails"

	"chatroom/server/internal/identity"
)

// errNotAGuest refuses SignIn and SignOut to callers whose identity is not this service's to give: a
// token of a guest would outlive theirs.
var errNotAGuest = errors.New("only guests sign in and out: a user's token comes from its issuer, and an API key from the operator")

// refusals are what callers are told, by the cause.
var refusals = map[identity.Cause]string{
	identity.Malformed:     "the token is invalid: sign in again, without it",
	identity.UnknownIssuer: "the token is of an issuer that this server does not know: sign in again, without it",
	identity.WrongAudience: "the token is for another service: its aud must name this one",
	identity.BadSignature:  "the token is not signed by its issuer, or with a key that is not known: sign in again, without it",
	identity.Expired:       "the token has expired: renew it, or sign in again without it",
	identity.NotYetValid:   "the token is not valid yet: compare the clocks of its issuer and of this server",
	identity.BadClaims:     "the token has claims that are not allowed",
	identity.Revoked:       "the token was revoked: sign in again, without it",
	identity.BadKey:        "the API key is invalid, or was revoked",
}

// noBearerError is the error for a header of another form, such as a token alone.
func noBearerError() *connect.Error {
	return newError(connect.CodeUnauthenticated, `the header Authorization must be "Bearer", a space and the token`, invalidToken(identity.Malformed))
}

func invalidToken(cause identity.Cause) *errdetails.ErrorInfo {
	return &errdetails.ErrorInfo{
		Reason: "TOKEN_INVALID", Domain: errorDomain, Metadata: map[string]string{"header": "Authorization", "cause": string(cause)},
	}
}

// credentialError is the error for a credential that is not accepted.
func credentialError(err error) *connect.Error {
	cause := identity.CauseOf(err)
	message := refusals[cause]
	if claims, ok := errors.AsType[*identity.ClaimsError](err); ok {
		message += ": " + claims.Err.Error()
	}
	return newError(connect.CodeUnauthenticated, message, invalidToken(cause))
}
