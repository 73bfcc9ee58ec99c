package client

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"connectrpc.com/connect"
)

// TokenSource gives the credential of the calls of a Client: the token of a guest, a JWT
// of an application's own user, or an API key. It is safe for concurrent use.
type TokenSource interface {
	// Token returns the credential to use, empty for none. stale is empty, or a
	// credential that the server has refused, or that expires within a minute: the
	// source then returns another one, or the same one if there is no other. An error
	// is temporary: what needs the credential is retried.
	//
	// It is called for each call and each stream, so a source keeps its token.
	Token(ctx context.Context, stale string) (string, error)
}

// StaticToken is a TokenSource that always gives the same credential, such as an API
// key.
type StaticToken string

// Token implements TokenSource.
func (s StaticToken) Token(context.Context, string) (string, error) { return string(s), nil }

// TokenFunc is a function as a TokenSource. The Client keeps the token that it returns,
// and calls it again only when that is stale.
func TokenFunc(fetch func(ctx context.Context) (string, error)) TokenSource {
	return &cachedToken{fetch: fetch}
}

// cachedToken keeps a token until it is stale.
type cachedToken struct {
	fetch func(ctx context.Context) (string, error)

	mu     sync.Mutex // guards below; held while fetching, so that many callers fetch once
	token  string
	cached bool
}

func (c *cachedToken) Token(ctx context.Context, stale string) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cached && (stale == "" || stale != c.token) {
		return c.token, nil
	}
	token, err := c.fetch(ctx)
	if err != nil {
		return "", err
	}
	c.token, c.cached = token, true
	return token, nil
}

// tokenError is an error of a TokenSource. It is temporary.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return fmt.Sprintf("token: %v", e.err) }
func (e *tokenError) Unwrap() error { return e.err }

// tokenOf returns the token of the source, and another one than stale if there is one.
func (c *Client) tokenOf(ctx context.Context, stale string) (string, error) {
	if c.tokens == nil {
		return "", nil
	}
	token, err := c.tokens.Token(ctx, stale)
	if err != nil {
		return "", &tokenError{err}
	}
	return token, nil
}

// withToken returns a context for one call with a token.
func withToken(ctx context.Context, token string) context.Context {
	ctx, call := connect.NewClientContext(ctx)
	if token != "" {
		call.RequestHeader().Set("Authorization", "Bearer "+token)
	}
	return ctx
}

// refusesToken reports whether a server refuses the token of a call, so that another one
// may be accepted.
func refusesToken(err error) bool {
	if !connect.IsWireError(err) || connect.CodeOf(err) != connect.CodeUnauthenticated {
		return false
	}
	reason, _ := errorInfo(err)
	return reason != "TOKEN_REQUIRED" // which is for callers without one
}

// bearer is an interceptor of unary calls that adds the token of the source, and calls
// again with another one if the server refuses it.
func (c *Client) bearer(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		stale := ""
		for {
			token, err := c.tokenOf(ctx, stale)
			if err != nil {
				return nil, err
			}
			if token != "" {
				request.Header().Set("Authorization", "Bearer "+token)
			}
			response, err := next(ctx, request)
			if stale != "" || token == "" || !refusesToken(err) {
				return response, err
			}
			other, otherErr := c.tokenOf(ctx, token)
			if otherErr != nil {
				return nil, errors.Join(otherErr, err)
			}
			if other == token {
				return response, err
			}
			stale = token
		}
	}
}
