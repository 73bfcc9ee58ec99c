package client

import (
	"context"
	"fmt"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
)

// bearer is an interceptor that adds an Authorization header with a token to every call.
type bearer func(ctx context.Context) (token string, err error)

func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		token, err := b(ctx)
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		request.Header().Set("Authorization", "Bearer "+token)
		return next(ctx, request)
	}
}

func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		token, err := b(ctx)
		conn := next(ctx, spec)
		if err != nil {
			return &failedConn{conn, fmt.Errorf("token: %w", err)}
		}
		conn.RequestHeader().Set("Authorization", "Bearer "+token)
		return conn
	}
}

func (b bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// failedConn is a stream that was not begun.
type failedConn struct {
	connect.StreamingClientConn
	err error
}

func (c *failedConn) Send(any) error       { return c.err }
func (c *failedConn) Receive(any) error    { return c.err }
func (c *failedConn) CloseRequest() error  { return nil }
func (c *failedConn) CloseResponse() error { return nil }

// renew continues the stream of a follower with a new token. If that fails the server ends
// the stream when the token has expired, and the next stream has a new one.
func (f *follower) renew(ctx context.Context) {
	if !f.client.renews || f.streamID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, f.client.attemptTimeout)
	defer cancel()
	_, _ = f.client.rpc.RenewStream(ctx, &chatv1.RenewStreamRequest{StreamId: f.streamID})
}

// outlived reports whether a stream has ended because its token is no longer valid, so that
// another token may be.
func (f *follower) outlived(err error) bool {
	return f.client.renews && f.streamID != "" && connect.CodeOf(err) == connect.CodeUnauthenticated
}
