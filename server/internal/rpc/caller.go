package rpc

import (
	"context"
	"net/http"
	"strings"

	"connectrpc.com/connect"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
)

// callerKey is the context key of the chat.Member who calls.
type callerKey struct{}

// caller returns who calls. Nothing in a request's body has a say in it.
func caller(ctx context.Context) chat.Member {
	if m, ok := ctx.Value(callerKey{}).(chat.Member); ok {
		return m
	}
	return chat.Anonymous
}

// identify is the gate before every method: it knows the caller before the
// request is read. No token makes an anonymous guest; a token that is not valid
// is an error, so that nobody speaks under another name than they think.
func (s *Server) identify(ctx context.Context, _ connect.Spec, _ connect.Peer, header http.Header) (context.Context, error) {
	credentials := header.Get("Authorization")
	if credentials == "" {
		return ctx, nil
	}
	scheme, token, _ := strings.Cut(credentials, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, toError(ctx, s.config.Log, identity.ErrInvalidToken)
	}
	m, err := s.config.Provider.Verify(ctx, token)
	if err != nil {
		return nil, toError(ctx, s.config.Log, err)
	}
	return context.WithValue(ctx, callerKey{}, m), nil
}
