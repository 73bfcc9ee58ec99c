package crash

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// protocol is a protocol over a version of HTTP.
type protocol struct {
	name    string
	http1   bool
	by      client.Transport
	options []connect.ClientOption
}

var protocols = []protocol{
	{"connect-h2", false, client.Split, nil},
	{"connect-h1", true, client.Split, nil},
	{"grpc", false, client.Bidi, []connect.ClientOption{connect.WithGRPC()}},
	{"grpcweb-h1", true, client.Split, []connect.ClientOption{connect.WithGRPCWeb()}},
}

// protocolClient is one client with connections of its own.
type protocolClient struct {
	*client.Client
	rpc     chatv1connect.ChatRoomClient // for what the client has no call for
	streams *streams
	idle    func()
}

// open returns a client. It retries quickly: the server is never down for long, and
// readers that resume at once are the ones that could miss events.
func (d protocol) open(h *History, address, token string) (*protocolClient, error) {
	protocols := new(http.Protocols)
	if d.http1 {
		protocols.SetHTTP1(true)
	} else {
		protocols.SetUnencryptedHTTP2(true)
	}
	transport := &http.Transport{
		Protocols:           protocols,
		DialContext:         h.dial,
		MaxIdleConnsPerHost: burst,
	}
	v := &protocolClient{streams: &streams{history: h}, idle: transport.CloseIdleConnections}
	options := append([]connect.ClientOption{connect.WithInterceptors(v.streams, bearer(token))}, d.options...)
	caller := &http.Client{Transport: transport}
	var err error
	v.Client, err = client.New(client.Config{
		URL:            "http://" + address,
		HTTP:           caller,
		Transport:      d.by,
		Options:        options,
		AttemptTimeout: attemptTimeout,
		MaxBackoff:     300 * time.Millisecond,
	})
	v.rpc = chatv1connect.NewChatRoomClient(caller, "http://"+address, options...)
	return v, err
}

// dial connects over TCP, and notes if nothing listens.
func (h *History) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 2 * time.Second}).DialContext(ctx, network, address)
	if errors.Is(err, syscall.ECONNREFUSED) {
		h.refusals.Add(1)
	}
	return conn, err
}

// streams notes the streams of one client, and which of them brought each event: a client may pass on
// what it has received before, when the next stream has begun.
type streams struct {
	history *History
	opened  atomic.Int64 // how many
	brought sync.Map     // the Tick before the stream was opened that brought an event, by its position
}

// began returns the Tick before the stream was opened that brought an event.
func (s *streams) began(e *chatv1.Event) Tick {
	tick, found := s.brought.Load(position{e.GetRoom(), e.GetSequence()})
	if !found {
		s.history.contractFault("event %d of %s came with no stream", e.GetSequence(), e.GetRoom())
		return 0
	}
	return tick.(Tick)
}

// notingConn notes the events that a stream brings.
type notingConn struct {
	connect.StreamingClientConn

	streams *streams
	began   Tick
}

func (c notingConn) Receive(message any) error {
	err := c.StreamingClientConn.Receive(message)
	if m, ok := message.(interface{ GetFrame() *chatv1.Frame }); ok && err == nil {
		if e := m.GetFrame().GetEvent(); e.GetSequence() > 0 {
			c.streams.brought.Store(position{e.GetRoom(), e.GetSequence()}, c.began)
		}
	}
	return err
}

func (s *streams) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

func (s *streams) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		s.opened.Add(1)
		began := s.history.now()
		return notingConn{next(ctx, spec), s, began}
	}
}

func (s *streams) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// bearer adds a token to every call, unless it is empty.
type bearer string

func (b bearer) add(h http.Header) {
	if b != "" {
		h.Set("Authorization", "Bearer "+string(b))
	}
}

func (b bearer) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc {
	return func(ctx context.Context, request connect.AnyRequest) (connect.AnyResponse, error) {
		b.add(request.Header())
		return next(ctx, request)
	}
}

func (b bearer) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		conn := next(ctx, spec)
		b.add(conn.RequestHeader())
		return conn
	}
}

func (b bearer) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// pause waits for d, or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
