package rpc

import (
	"context"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
)

// callerKey is the context key of the caller, a chat.Member.
type callerKey struct{}

// caller returns the member that the request's credentials name. It never depends on the
// request's body.
func caller(ctx context.Context) chat.Member {
	if m, ok := ctx.Value(callerKey{}).(chat.Member); ok {
		return m
	}
	return chat.Anonymous
}

// identify authenticates the caller before the request is read. A caller without a token is
// anonymous. An invalid token is an error, and not anonymous, so that a client never acts
// under an identity that it does not expect.
func (s *Server) identify(ctx context.Context, _ connect.Spec, _ connect.Peer, header http.Header) (context.Context, error) {
	credentials := header.Get("Authorization")
	if credentials == "" {
		return withRights(ctx, chat.Anonymous), nil
	}
	token, found := bearer(credentials)
	if !found {
		return nil, toError(ctx, s.config.Log, identity.ErrInvalidToken)
	}
	m, err := s.config.Provider.Verify(ctx, token)
	if err != nil {
		return nil, toError(ctx, s.config.Log, err)
	}
	return withRights(context.WithValue(ctx, callerKey{}, m), m), nil
}

// bearer returns the token in a header "Authorization: Bearer TOKEN".
func bearer(credentials string) (token string, found bool) {
	scheme, token, _ := strings.Cut(credentials, " ")
	return token, strings.EqualFold(scheme, "Bearer")
}
