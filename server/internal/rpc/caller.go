package rpc

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"chatroom/server/internal/apikey"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/policy"
)

// callerKey is the context key of the caller, a *callerState.
type callerKey struct{}

// callerState is what is known of the caller of a request. On a stream the credential is
// replaced when the client renews it.
type callerState struct {
	latest   atomic.Pointer[identity.Credential]
	streamID string // for RenewStream; empty if the credential does not expire
}

func (c *callerState) current() *identity.Credential { return c.latest.Load() }

// anonymous is the state of all callers without a credential.
var anonymous = func() *callerState {
	c := new(callerState)
	c.latest.Store(&identity.Credential{Member: chat.Anonymous})
	return c
}()

func callerStateOf(ctx context.Context) *callerState {
	if c, ok := ctx.Value(callerKey{}).(*callerState); ok {
		return c
	}
	return anonymous
}

// identified returns the credential of the request's caller, which is shared and must not
// be changed. It never depends on the request's body. On a stream it is the one that the
// client has renewed last.
func identified(ctx context.Context) *identity.Credential {
	return callerStateOf(ctx).current()
}

// caller returns the member that the request's credential names.
func caller(ctx context.Context) chat.Member { return identified(ctx).Member }

// identify authenticates the caller before the request is read. A caller without a
// credential is anonymous. An invalid one is an error, and not anonymous, so that a client
// never acts under an identity that it does not expect.
func (s *Server) identify(ctx context.Context, _ connect.Spec, _ connect.Peer, header http.Header) (context.Context, error) {
	credentials := header.Get("Authorization")
	several := len(header.Values("Authorization")) > 1
	if !several && (credentials == "" || isForProxy(credentials)) {
		return ctx, nil
	}
	sent, found := bearer(credentials)
	if several { // a proxy may have looked at another one
		return nil, toError(ctx, s.config.Log, identity.ErrInvalidToken)
	}
	if !found {
		return nil, noBearerError()
	}
	credential, err := s.Authenticate(ctx, sent)
	if err != nil {
		return nil, toError(ctx, s.config.Log, err)
	}
	c := new(callerState)
	c.latest.Store(credential)
	return context.WithValue(ctx, callerKey{}, c), nil
}

// Authenticate returns the credential of a token or an API key.
func (s *Server) Authenticate(ctx context.Context, sent string) (*identity.Credential, error) {
	credential, err := s.verify(ctx, sent)
	if err != nil {
		if errors.Is(err, identity.ErrInvalidToken) {
			s.config.Log.DebugContext(ctx, "credential refused", "err", err)
		}
		return nil, err
	}
	if err := s.checkCredential(credential, time.Now()); err != nil {
		return nil, err
	}
	return credential, nil
}

func (s *Server) verify(ctx context.Context, sent string) (*identity.Credential, error) {
	if !apikey.Is(sent) {
		return s.tokens.Identify(ctx, sent)
	}
	if s.config.Keys == nil {
		return nil, identity.ErrInvalidKey
	}
	key, err := s.config.Keys.Verify(sent)
	if err != nil {
		return nil, identity.ErrInvalidKey
	}
	credential := key.Credential()
	return &credential, nil
}

// checkCredential returns the error of a credential that was valid once, and may be
// expired or revoked by now.
func (s *Server) checkCredential(c *identity.Credential, now time.Time) error {
	switch {
	case c.Expired(now):
		return identity.ErrExpired
	case s.config.Revocations != nil && s.config.Revocations.Revoked(c):
		return identity.ErrRevoked
	case c.Kind == policy.Guest && s.config.Guests.SignedOut(c):
		return identity.ErrRevoked
	case s.config.Accounts != nil && s.config.Accounts.Ended(c):
		return identity.ErrRevoked
	case c.Kind == policy.Key && !s.config.Keys.Has(c.TokenID):
		return identity.ErrInvalidKey
	}
	return nil
}

// isForProxy reports whether credentials are a user's name and password. Nothing here asks for
// them: a proxy in front does, has checked them, and has passed them on.
func isForProxy(credentials string) bool {
	scheme, _, _ := strings.Cut(credentials, " ")
	return strings.EqualFold(scheme, "Basic")
}

// bearer returns the token in a header "Authorization: Bearer TOKEN".
func bearer(credentials string) (token string, found bool) {
	scheme, token, _ := strings.Cut(credentials, " ")
	return token, strings.EqualFold(scheme, "Bearer")
}
