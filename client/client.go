package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
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
	// Token gives the credential. Nil means that the caller is an anonymous guest.
	Token TokenSource
	// Transport is how to talk to the service. Zero means Auto.
	Transport Transport
	// HTTP1 makes the client use HTTP/1.1 alone, and Split if Transport is Auto: for
	// unencrypted ways to the service that do not carry HTTP/2. It has no effect on
	// HTTP.
	HTTP1 bool
	// HTTP makes the requests. Nil means a client of its own: for https, HTTP/2 over
	// TLS or, if the server does not support it, HTTP/1.1; for http, unencrypted
	// HTTP/2. It must not have a Timeout, which would end streams. For HTTP/2 it should
	// have an http.HTTP2Config with a SendPingTimeout, by which calls notice a dead
	// connection while there is no stream on it.
	HTTP *http.Client
	// Options select a protocol or codec, such as connect.WithGRPC. Empty means the
	// Connect protocol with binary messages.
	Options []connect.ClientOption
	// Cursors keeps how far rooms were handled, for Resume. Nil means that Resume starts
	// as if nothing was kept.
	Cursors CursorStore
	// OutboxSize bounds how many sends wait for their answers. Zero means 256.
	OutboxSize int
	// DedupWindow is how long the server remembers the ids of sends (-dedup-window). A
	// send whose outcome is unknown for so long is not repeated, which could store it
	// twice: it ends with ErrUnknownOutcome. Zero means 10 min, the server's default.
	DedupWindow time.Duration
	// AttemptTimeout is how long one attempt of a call may take before it is abandoned
	// and retried, and how long a stream may take to begin. Zero means 10 s.
	AttemptTimeout time.Duration
	// MaxBackoff bounds the pause between attempts. Zero means 10 s; less than
	// 0.1 s means 0.1 s.
	MaxBackoff time.Duration
}

// ErrClosed is the error of calls on a Client that is closed.
var ErrClosed = errors.New("client: closed")

// Client calls one service. Create it with New. It is safe for concurrent use.
type Client struct {
	config     Config
	rpc        chatv1connect.ChatRoomClient // with tokens for unary calls
	renewal    chatv1connect.ChatRoomClient // without
	moderation chatv1connect.ModerationClient
	tokens     TokenSource
	owned      *http.Transport // nil if Config.HTTP was set
	outbox     *outbox

	lifetime context.Context // ends with Close
	end      context.CancelCauseFunc
	sessions sync.WaitGroup

	mu        sync.Mutex // guards below
	closed    bool
	links     map[*link]struct{} // the Chat streams that take sends
	transport Transport          // Auto until it is known what works
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
	if c.Transport < Auto || c.Transport > Split {
		return nil, fmt.Errorf("client: Transport %d: must be Auto, Bidi or Split", c.Transport)
	}
	if c.HTTP1 && c.Transport == Bidi {
		return nil, errors.New("client: Transport: Bidi needs HTTP/2, and HTTP1 excludes it")
	}
	c.OutboxSize = max(cmp.Or(c.OutboxSize, 256), 1)
	c.DedupWindow = cmp.Or(c.DedupWindow, 10*time.Minute)
	c.AttemptTimeout = cmp.Or(c.AttemptTimeout, 10*time.Second)
	c.MaxBackoff = max(cmp.Or(c.MaxBackoff, 10*time.Second), minBackoff)
	client := &Client{tokens: c.Token, transport: c.Transport, links: make(map[*link]struct{})}
	if c.HTTP == nil {
		client.owned = newTransport(target.Scheme, c.HTTP1)
		c.HTTP = &http.Client{Transport: client.owned}
		if c.HTTP1 {
			client.transport = Split
		}
	}
	client.config = c
	client.lifetime, client.end = context.WithCancelCause(context.Background())
	plain := chatv1connect.NewChatRoomClient(c.HTTP, c.URL, c.Options...)
	client.renewal = plain
	if g, ok := c.Token.(*Guest); ok {
		g.bind(plain)
	}
	options := append([]connect.ClientOption{connect.WithInterceptors(connect.UnaryInterceptorFunc(client.bearer))}, c.Options...)
	client.rpc = chatv1connect.NewChatRoomClient(c.HTTP, c.URL, options...)
	client.moderation = chatv1connect.NewModerationClient(c.HTTP, c.URL, options...)
	client.outbox = newOutbox(client)
	return client, nil
}

// Close stops the client. It takes no more sends, and waits until those in the outbox
// are answered or ctx ends; then it ends all feeds, with ErrClosed. It returns a
// *UnsentError if sends were left. A context that has ended already makes it not wait.
//
// When Close returns, no goroutine of the client is left, and its connections are closed,
// unless Config.HTTP was set.
func (c *Client) Close(ctx context.Context) error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	unsent := c.outbox.close(ctx)
	c.end(ErrClosed)
	c.outbox.wait()
	c.sessions.Wait()
	if c.owned != nil {
		c.owned.CloseIdleConnections()
	}
	if left := unsent(); len(left) > 0 {
		return &UnsentError{Unsent: left}
	}
	return nil
}

// RPC returns the generated client of the service, for calls that this package has no
// method for. Unary calls have the client's token, and are not retried.
func (c *Client) RPC() chatv1connect.ChatRoomClient { return c.rpc }

// Moderation returns the generated client for moderators, with the client's token. Its
// calls are not retried.
func (c *Client) Moderation() chatv1connect.ModerationClient { return c.moderation }

// begin registers a goroutine that Close waits for. It returns false if the client is
// closed.
func (c *Client) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.sessions.Add(1)
	return true
}

// addLink makes a Chat stream take sends, and removeLink ends that.
func (c *Client) addLink(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.links[l] = struct{}{}
}

func (c *Client) removeLink(l *link) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.links, l)
}

// anyLink returns a Chat stream that takes sends, nil if there is none.
func (c *Client) anyLink() *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	for l := range c.links {
		if !l.behind.Load() {
			return l
		}
	}
	return nil
}

// bidi reports whether the next stream is to be a Chat stream.
func (c *Client) bidi() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.transport != Split
}

// learned notes whether a Chat stream has begun, and reports whether that was not known: if
// none has, Split is used from now on.
func (c *Client) learned(works bool) (isNew bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.transport != Auto:
		return false
	case works:
		c.transport = Bidi
	default:
		c.transport = Split
	}
	return true
}
