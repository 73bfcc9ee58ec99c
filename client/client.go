package client

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"connectrpc.com/connect"

	"chatroom/gen/chat/v1/chatv1connect"
)

// Config says which service to speak to, and how. URL is required; the zero
// value of everything else works.
type Config struct {
	// URL is where the service is: "https://chat.example", or "http://host:8080".
	URL string
	// HTTP carries the calls. Nil means a client of its own: HTTP/2 with TLS, or
	// HTTP/1.1 if the server has no more, for https; unencrypted HTTP/2 for http.
	// It must not have a Timeout, which would cut streams.
	HTTP *http.Client
	// Token is that of SignIn. Without one the caller is an anonymous guest.
	Token string
	// Options choose a protocol or codec, such as connect.WithGRPC. None means
	// Connect with binary messages.
	Options []connect.ClientOption
	// AttemptTimeout is how long one attempt of Send may take before it is given
	// up and made again. Zero means 10 s.
	AttemptTimeout time.Duration
	// MaxBackoff bounds the pause between attempts. Zero means 10 s; less than
	// 0.1 s means 0.1 s.
	MaxBackoff time.Duration
}

// Client speaks to one service. Create it with New.
type Client struct {
	rpc            chatv1connect.ChatRoomClient
	attemptTimeout time.Duration
	maxBackoff     time.Duration
	owned          *http.Transport // nil if the caller gave one
}

// New returns a client. It connects when it is first used; the error is about
// the config.
func New(c Config) (*Client, error) {
	at, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("client: URL: %w", err)
	}
	if at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return nil, fmt.Errorf("client: URL %q: must be http://HOST or https://HOST", c.URL)
	}
	client := &Client{
		attemptTimeout: cmp.Or(c.AttemptTimeout, 10*time.Second),
		maxBackoff:     max(cmp.Or(c.MaxBackoff, 10*time.Second), minBackoff),
	}
	if c.HTTP == nil {
		client.owned = newTransport(at.Scheme)
		c.HTTP = &http.Client{Transport: client.owned}
	}
	options := c.Options
	if c.Token != "" {
		options = append([]connect.ClientOption{connect.WithInterceptors(bearer("Bearer " + c.Token))}, options...)
	}
	client.rpc = chatv1connect.NewChatRoomClient(c.HTTP, c.URL, options...)
	return client, nil
}

// Close lets go of idle connections, unless Config.HTTP was given. Calls that
// are under way go on.
func (c *Client) Close() {
	if c.owned != nil {
		c.owned.CloseIdleConnections()
	}
}

func newTransport(scheme string) *http.Transport {
	protocols := new(http.Protocols)
	if scheme == "https" {
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(true)
	} else {
		protocols.SetUnencryptedHTTP2(true)
	}
	return &http.Transport{
		Proxy:     http.ProxyFromEnvironment,
		Protocols: protocols,
		// Without pings, a server that is gone without a word is noticed by
		// streams, thanks to heartbeats, but each Send would wait for its timeout.
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     90 * time.Second,
	}
}

// bearer adds a token to every call.
type bearer string

func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		request.Header().Set("Authorization", string(b))
		return next(ctx, request)
	}
}

func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", string(b))
		return conn
	}
}

func (b bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}
