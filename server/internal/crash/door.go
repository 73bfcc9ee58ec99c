package crash

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	"chatroom/gen/chat/v1/chatv1connect"
)

// door is a protocol over a version of HTTP.
type door struct {
	name    string
	http1   bool
	options []connect.ClientOption
}

var doors = []door{
	{"connect-h2", false, nil},
	{"connect-h1", true, nil},
	{"grpc", false, []connect.ClientOption{connect.WithGRPC()}},
	{"grpcweb-h1", true, []connect.ClientOption{connect.WithGRPCWeb()}},
}

// visitor is one client with connections of its own.
type visitor struct {
	*client.Client
	rpc     chatv1connect.ChatRoomClient // for what the client has no call for
	streams *atomic.Int64                // how many were opened
	idle    func()
}

// open makes a client. Its pauses are short: the server is never away for long,
// and what is to be proven is that nobody misses anything in a hurry.
func (d door) open(address, token string) (*visitor, error) {
	protocols := new(http.Protocols)
	if d.http1 {
		protocols.SetHTTP1(true)
	} else {
		protocols.SetUnencryptedHTTP2(true)
	}
	transport := &http.Transport{
		Protocols:           protocols,
		DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
		MaxIdleConnsPerHost: burst,
	}
	v := &visitor{streams: new(atomic.Int64), idle: transport.CloseIdleConnections}
	options := append([]connect.ClientOption{connect.WithInterceptors(counter{v.streams})}, d.options...)
	h := &http.Client{Transport: transport}
	var err error
	v.Client, err = client.New(client.Config{
		URL:            "http://" + address,
		HTTP:           h,
		Token:          token,
		Options:        options,
		AttemptTimeout: 5 * time.Second,
		MaxBackoff:     300 * time.Millisecond,
	})
	v.rpc = chatv1connect.NewChatRoomClient(h, "http://"+address, options...)
	return v, err
}

// counter counts streams.
type counter struct{ n *atomic.Int64 }

func (c counter) WrapUnary(next connect.UnaryFunc) connect.UnaryFunc { return next }

func (c counter) WrapStreamingClient(next connect.StreamingClientFunc) connect.StreamingClientFunc {
	return func(ctx context.Context, spec connect.Spec) connect.StreamingClientConn {
		c.n.Add(1)
		return next(ctx, spec)
	}
}

func (c counter) WrapStreamingHandler(next connect.StreamingHandlerFunc) connect.StreamingHandlerFunc {
	return next
}

// pause waits for d, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
