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

// Config configures a Client. URL is required; the zero value of every other field
// is valid.
type Config struct {
	// URL is the address of the service: "https://chat.example" or
	// "http://host:8080".
	URL string
	// HTTP makes the requests. Nil means a client of its own: for https, HTTP/2 over
	// TLS or, if the server does not support it, HTTP/1.1; for http, unencrypted
	// HTTP/2. It must not have a Timeout, which would end streams.
	HTTP *http.Client
	// Token is the token from SignIn. Empty means that the caller is an anonymous
	// guest.
	Token string
	// TokenSource returns the token for a call, in place of Token: of an application's own
	// users, whose tokens live for minutes or hours. It is called for each call and should
	// keep a token until shortly before it expires: Follow asks for a new one when the
	// server says that the one of its stream expires within a minute, and continues the
	// stream with it. Its errors are temporary: calls are repeated. Nil means Token.
	TokenSource func(ctx context.Context) (string, error)
	// Options select a protocol or codec, such as connect.WithGRPC. Empty means the
	// Connect protocol with binary messages.
	Options []connect.ClientOption
	// AttemptTimeout is how long one attempt of Send may take before it is
	// abandoned and retried. Zero means 10 s.
	AttemptTimeout time.Duration
	// MaxBackoff bounds the pause between attempts. Zero means 10 s; less than
	// 0.1 s means 0.1 s.
	MaxBackoff time.Duration
}

// Client calls one service. Create it with New.
type Client struct {
	rpc            chatv1connect.ChatRoomClient
	attemptTimeout time.Duration
	maxBackoff     time.Duration
	renews         bool            // a later call may have another token
	owned          *http.Transport // nil if Config.HTTP was set
}

// New returns a client, which connects at its first call. It returns an error if the
// config is invalid.
func New(c Config) (*Client, error) {
	target, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("client: URL: %w", err)
	}
	if target.Scheme != "http" && target.Scheme != "https" || target.Host == "" {
		return nil, fmt.Errorf("client: URL %q: must be http://HOST or https://HOST", c.URL)
	}
	client := &Client{
		attemptTimeout: cmp.Or(c.AttemptTimeout, 10*time.Second),
		maxBackoff:     max(cmp.Or(c.MaxBackoff, 10*time.Second), minBackoff),
	}
	if c.HTTP == nil {
		client.owned = newTransport(target.Scheme)
		c.HTTP = &http.Client{Transport: client.owned}
	}
	options := c.Options
	source := c.TokenSource
	if source == nil && c.Token != "" {
		source = func(context.Context) (string, error) { return c.Token, nil }
	}
	if source != nil {
		options = append([]connect.ClientOption{connect.WithInterceptors(bearer(source))}, options...)
	}
	client.renews = c.TokenSource != nil
	client.rpc = chatv1connect.NewChatRoomClient(c.HTTP, c.URL, options...)
	return client, nil
}

// Close closes idle connections, unless Config.HTTP was set. Calls in flight are not
// affected.
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
		// Streams notice a dead server by missing heartbeats. Without pings, each Send
		// would wait for its timeout.
		HTTP2:               &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: 5 * time.Second},
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout: 10 * time.Second,
		IdleConnTimeout:     90 * time.Second,
	}
}
