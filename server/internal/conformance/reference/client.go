// Package reference is a small client that follows all rules of docs/CLIENTS.md, and a
// driver of it for the conformance kit. It can be made to break one rule, which shows that
// the kit notices.
package reference

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"

	"connectrpc.com/connect"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/conformance/driver"
)

// Config configures Run. The zero value is a client without a fault, over Connect and
// HTTP/1.1.
type Config struct {
	Fault   Fault
	Options []connect.ClientOption // the protocol, such as connect.WithGRPC
	HTTP2   bool
	Dial    func(ctx context.Context, network, address string) (net.Conn, error) // nil for sockets
}

// client is a client. It follows rooms in one goroutine, and sends in another.
type client struct {
	config  Config
	report  *driver.Reporter
	rpc     chatv1connect.ChatRoomClient
	hangAt  uint64
	cursors *cursors
	queue   chan driver.Command // sends
	changed chan struct{}       // the rooms have changed
	running sync.WaitGroup

	mu    sync.Mutex // guards below
	token string
	used  string // the token of the last call, for KeepsToken
	rooms []string
}

// Run is the driver: it carries out the commands of in until it ends, and reports to out.
func Run(ctx context.Context, in io.Reader, out io.Writer, config Config) error {
	ctx, cancel := context.WithCancel(ctx)
	c := &client{
		config: config, report: driver.NewReporter(out),
		queue: make(chan driver.Command, 1000), changed: make(chan struct{}, 1),
	}
	transport := &http.Transport{DialContext: config.Dial, Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(!config.HTTP2)
	transport.Protocols.SetUnencryptedHTTP2(config.HTTP2)
	if config.HTTP2 {
		// A stream that is canceled leaves its connection open. Another one would be opened
		// on it, also if it is dead.
		transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout}
	}
	defer transport.CloseIdleConnections()
	defer c.running.Wait()
	defer cancel()
	c.report.Report(driver.Report{Report: driver.Ready, Client: "reference"})
	return driver.Commands(in, func(command driver.Command) error {
		switch command.Command {
		case driver.Connect:
			return c.connect(ctx, &http.Client{Transport: transport}, command)
		case driver.Join:
			c.mu.Lock()
			c.rooms = append(c.rooms, command.Room)
			c.mu.Unlock()
			if config.Fault == StreamPerRoom {
				c.running.Go(func() { c.follow(ctx, []string{command.Room}) })
				return nil
			}
			c.changed <- struct{}{}
		case driver.Send:
			c.queue <- command
		case driver.Token:
			c.mu.Lock()
			c.token = command.Token
			c.mu.Unlock()
			c.report.Report(driver.Report{Report: driver.NewToken, Token: command.Token})
		}
		return nil
	})
}

func (c *client) connect(ctx context.Context, http *http.Client, command driver.Command) (err error) {
	if c.cursors, err = openCursors(command.Store, c.config.Fault == SharedCursor); err != nil {
		return err
	}
	c.mu.Lock()
	c.token, c.rooms, c.hangAt = command.Token, command.Rooms, uint64(command.HangAt)
	c.mu.Unlock()
	options := append([]connect.ClientOption{connect.WithInterceptors(credential{c})}, c.config.Options...)
	c.rpc = chatv1connect.NewChatRoomClient(http, command.URL, options...)
	if c.config.Fault == StreamPerRoom {
		for _, room := range command.Rooms {
			c.running.Go(func() { c.follow(ctx, []string{room}) })
		}
	} else {
		c.running.Go(func() { c.follow(ctx, nil) })
	}
	c.running.Go(func() { c.sendAll(ctx) })
	return nil
}

// credential adds the application's token to each call.
type credential struct{ client *client }

func (c credential) header() string {
	c.client.mu.Lock()
	defer c.client.mu.Unlock()
	if c.client.used == "" || c.client.config.Fault != KeepsToken {
		c.client.used = c.client.token
	}
	return "Bearer " + c.client.used
}

func (c credential) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		request.Header().Set("Authorization", c.header())
		return next(ctx, request)
	}
}

func (c credential) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		conn.RequestHeader().Set("Authorization", c.header())
		return conn
	}
}

func (c credential) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// refused reports whether the server does not accept the credential.
func refused(err error) bool { return connect.CodeOf(err) == connect.CodeUnauthenticated }

// errRejoin ends a stream because the rooms have changed.
var errRejoin = errors.New("the rooms have changed")
