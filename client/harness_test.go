package client_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/durationpb"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is an in-memory network for synctest bubbles, in which sockets can't be used.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// script is a server whose behaviour a test defines. Calls are numbered from 0.
type script struct {
	chatv1connect.UnimplementedChatRoomHandler
	subscribe func(ctx context.Context, n int, to *connect.ServerStream[chatv1.SubscribeResponse]) error
	send      func(ctx context.Context, n int) (*chatv1.SendResponse, error)
	renew     func(id string) error

	started time.Time

	mu     sync.Mutex // guards below
	starts []*chatv1.Subscription
	sends  []*chatv1.SendRequest
	times  []time.Duration // of calls, since started
	tokens []string
}

func (s *script) record(ctx context.Context) {
	s.times = append(s.times, time.Since(s.started))
	info, _ := connect.CallInfoForHandlerContext(ctx)
	s.tokens = append(s.tokens, info.RequestHeader().Get("Authorization"))
}

func (s *script) Subscribe(ctx context.Context, request *chatv1.SubscribeRequest, to *connect.ServerStream[chatv1.SubscribeResponse]) error {
	s.mu.Lock()
	n := len(s.starts)
	s.starts = append(s.starts, request.GetRooms()...)
	s.record(ctx)
	s.mu.Unlock()
	return s.subscribe(ctx, n, to)
}

func (s *script) RenewStream(ctx context.Context, request *chatv1.RenewStreamRequest) (*chatv1.RenewStreamResponse, error) {
	s.mu.Lock()
	s.record(ctx)
	s.mu.Unlock()
	return &chatv1.RenewStreamResponse{}, s.renew(request.GetStreamId())
}

func (s *script) Send(ctx context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	s.mu.Lock()
	n := len(s.sends)
	s.sends = append(s.sends, request)
	s.record(ctx)
	s.mu.Unlock()
	return s.send(ctx, n)
}

// withServer runs a test in a synctest bubble, with a client of a scripted server.
func withServer(t *testing.T, s *script, config client.Config, test func(t *testing.T, c *client.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		protocols := new(http.Protocols)
		protocols.SetUnencryptedHTTP2(true)
		mux := http.NewServeMux()
		mux.Handle(chatv1connect.NewChatRoomHandler(s))
		server := &http.Server{Handler: mux, Protocols: protocols}
		var serving sync.WaitGroup
		serving.Go(func() {
			if err := server.Serve(network); !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("Serve = %v, want %v", err, http.ErrServerClosed)
			}
		})
		transport := &http.Transport{Protocols: protocols, DialContext: network.dial}
		config.URL, config.HTTP = "http://chat.test", &http.Client{Transport: transport}
		c, err := client.New(config)
		if err != nil {
			t.Fatalf("New = %v, want nil", err)
		}
		s.started = time.Now()
		test(t, c)
		transport.CloseIdleConnections()
		if err := server.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
		serving.Wait()
	})
}

// The following functions return frames for scripts. The room is lobby, the epoch E.

func joined(head uint64, heartbeat time.Duration) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Joined{Joined: &chatv1.Joined{
		Rooms:             []*chatv1.RoomState{{Room: "lobby", Epoch: "E", Head: head}},
		HeartbeatInterval: durationpb.New(heartbeat),
	}}}
}

func event(previous, sequence uint64) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Event{Event: &chatv1.Event{Room: "lobby", Previous: previous, Sequence: sequence}}}
}

func caughtUp() *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_CaughtUp{CaughtUp: &chatv1.CaughtUp{Room: "lobby"}}}
}

func heartbeat() *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Heartbeat{Heartbeat: &chatv1.Heartbeat{}}}
}

func draining(after time.Duration) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Draining{Draining: &chatv1.Draining{ReconnectAfter: durationpb.New(after)}}}
}

func reset(epoch string, oldest, head uint64) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Reset_{Reset_: &chatv1.Reset{Room: "lobby", Epoch: epoch, Oldest: oldest, Head: head}}}
}

// sendFrames sends frames and returns the first error.
func sendFrames(to *connect.ServerStream[chatv1.SubscribeResponse], frames ...*chatv1.Frame) error {
	for _, f := range frames {
		if err := to.Send(&chatv1.SubscribeResponse{Frame: f}); err != nil {
			return err
		}
	}
	return nil
}

// untilCanceled waits until the client ends the call.
func untilCanceled(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func unavailable() error { return connect.NewError(connect.CodeUnavailable, errors.New("going away")) }
