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
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/types/known/anypb"
	"google.golang.org/protobuf/types/known/durationpb"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

func TestMain(m *testing.M) {
	if runBridge() {
		return
	}
	goleak.VerifyTestMain(m)
}

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
	subscribe func(ctx context.Context, n int, to *stream) error // also for Chat
	send      func(ctx context.Context, n int) (*chatv1.SendResponse, error)
	renew     func(id string) error // also for Chat, with the id "S"

	started time.Time

	mu      sync.Mutex // guards below
	streams int
	starts  []*chatv1.Subscription
	sends   []*chatv1.SendRequest
	times   []time.Duration // of calls, since started
	tokens  []string
}

// stream is what a script sends frames on: a call of Subscribe or Chat.
type stream struct {
	mu   sync.Mutex // held while sending
	send func(*chatv1.Frame) error
	over bool // the handler is about to return
}

func (s *stream) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
}

func (s *stream) frames(frames ...*chatv1.Frame) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range frames {
		if s.over {
			return context.Canceled
		}
		if err := s.send(f); err != nil {
			return err
		}
	}
	return nil
}

// startKey is the key of the sequence that a stream begins after, for lastStart.
type startKey struct{}

func lastStart(ctx context.Context) uint64 { return ctx.Value(startKey{}).(uint64) }

func (s *script) recordLocked(token string) {
	s.times = append(s.times, time.Since(s.started))
	s.tokens = append(s.tokens, token)
}

func tokenOf(ctx context.Context) string {
	info, _ := connect.CallInfoForHandlerContext(ctx)
	return info.RequestHeader().Get("Authorization")
}

// begin records a stream and returns its number.
func (s *script) begin(ctx context.Context, rooms ...*chatv1.Subscription) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.starts = append(s.starts, rooms...)
	s.recordLocked(tokenOf(ctx))
	s.streams++
	return s.streams - 1
}

func (s *script) Subscribe(ctx context.Context, request *chatv1.SubscribeRequest, to *connect.ServerStream[chatv1.SubscribeResponse]) error {
	n := s.begin(ctx, request.GetRooms()...)
	ctx = context.WithValue(ctx, startKey{}, request.GetRooms()[0].GetAfter().GetSequence())
	return s.subscribe(ctx, n, &stream{send: func(f *chatv1.Frame) error { return to.Send(&chatv1.SubscribeResponse{Frame: f}) }})
}

// Chat is for scripts with one room: the join of that begins the stream.
func (s *script) Chat(ctx context.Context, bidi *connect.BidiStream[chatv1.ChatRequest, chatv1.ChatResponse]) error {
	first, err := bidi.Receive()
	if err != nil {
		return err
	}
	to := &stream{send: func(f *chatv1.Frame) error { return bidi.Send(&chatv1.ChatResponse{Frame: f}) }}
	defer to.end()
	n := s.begin(ctx, first.GetJoin())
	ctx, cancel := context.WithCancel(context.WithValue(ctx, startKey{}, first.GetJoin().GetAfter().GetSequence()))
	defer cancel()
	go func() { // until the handler returns
		defer cancel()
		for {
			request, err := bidi.Receive()
			if err != nil || s.do(ctx, request, to) != nil {
				return
			}
		}
	}()
	return s.subscribe(ctx, n, to)
}

func (s *script) do(ctx context.Context, request *chatv1.ChatRequest, to *stream) error {
	switch action := request.GetAction().(type) {
	case *chatv1.ChatRequest_Renew:
		s.mu.Lock()
		s.recordLocked("Bearer " + action.Renew.GetToken())
		s.mu.Unlock()
		return s.renew("S")
	case *chatv1.ChatRequest_Send:
		response, err := s.Send(ctx, action.Send)
		if err != nil {
			return to.frames(rejected(action.Send, err))
		}
		return to.frames(&chatv1.Frame{Kind: &chatv1.Frame_Accepted{Accepted: &chatv1.Accepted{
			Id: action.Send.GetId(), Room: action.Send.GetRoom(), Epoch: response.GetEpoch(), Sequence: response.GetSequence(),
			Duplicate: response.GetDuplicate(), Time: response.GetTime(),
		}}})
	}
	return nil
}

func rejected(request *chatv1.SendRequest, err error) *chatv1.Frame {
	r := &chatv1.Rejected{Id: request.GetId(), Room: request.GetRoom(), Code: int32(connect.CodeOf(err)), Message: err.Error()}
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		for _, d := range coded.Details() {
			r.Details = append(r.Details, &anypb.Any{TypeUrl: "type.googleapis.com/" + d.Type(), Value: d.Bytes()})
		}
	}
	return &chatv1.Frame{Kind: &chatv1.Frame_Rejected{Rejected: r}}
}

func (s *script) RenewStream(ctx context.Context, request *chatv1.RenewStreamRequest) (*chatv1.RenewStreamResponse, error) {
	s.mu.Lock()
	s.recordLocked(tokenOf(ctx))
	s.mu.Unlock()
	return &chatv1.RenewStreamResponse{}, s.renew(request.GetStreamId())
}

func (s *script) Send(ctx context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	s.mu.Lock()
	n := len(s.sends)
	s.sends = append(s.sends, request)
	s.recordLocked(tokenOf(ctx))
	s.mu.Unlock()
	return s.send(ctx, n)
}

// transports are those that tests run over.
var transports = map[string]client.Transport{"bidi": client.Bidi, "split": client.Split}

// withServer runs a test over each transport, in a synctest bubble, with a client of a
// scripted server. What the script has recorded is that of the current run.
func withServer(t *testing.T, s *script, config client.Config, test func(t *testing.T, c *client.Client)) {
	t.Helper()
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			s.streams, s.starts, s.sends, s.times, s.tokens = 0, nil, nil, nil, nil
			if source, ok := config.Token.(*tokens); ok {
				source.reset()
			}
			config := config
			config.Transport = transport
			withTransport(t, s, config, test)
		})
	}
}

func withTransport(t *testing.T, s *script, config client.Config, test func(t *testing.T, c *client.Client)) {
	t.Helper()
	withClosed(t, s, config, func(t *testing.T, c *client.Client) {
		test(t, c)
		if err := c.Close(t.Context()); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
}

// withClosed is withTransport for a test that closes the client.
func withClosed(t *testing.T, s *script, config client.Config, test func(t *testing.T, c *client.Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		handler := func() http.Handler {
			mux := http.NewServeMux()
			mux.Handle(chatv1connect.NewChatRoomHandler(s))
			return mux
		}
		inBubble(t, handler, config, func(t *testing.T, c *client.Client) {
			s.started = time.Now()
			test(t, c)
		})
	})
}

// inBubble runs a test with a client of a server, in the bubble of the caller.
func inBubble(t *testing.T, handler func() http.Handler, config client.Config, test func(t *testing.T, c *client.Client)) {
	t.Helper()
	network := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Handler: handler(), Protocols: protocols}
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := server.Serve(network); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve = %v, want %v", err, http.ErrServerClosed)
		}
	})
	transport := &http.Transport{Protocols: protocols, DialContext: network.dial}
	if config.HTTP != nil {
		wrap := config.HTTP.Transport.(wrapped)
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := network.dial(ctx, "", "")
			if err == nil {
				conn = wrap(conn)
			}
			return conn, err
		}
	}
	config.URL, config.HTTP = "http://chat.test", &http.Client{Transport: transport}
	c, err := client.New(config)
	if err != nil {
		t.Fatalf("New = %v, want nil", err)
	}
	test(t, c)
	transport.CloseIdleConnections()
	if err := server.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	serving.Wait()
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

// untilCanceled waits until the client ends the call.
func untilCanceled(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

func unavailable() error { return connect.NewError(connect.CodeUnavailable, errors.New("going away")) }

// withInfo is an error with the detail ErrorInfo.
func withInfo(code connect.Code, reason string, metadata map[string]string) error {
	err := connect.NewError(code, errors.New("refused"))
	if detail, detailErr := connect.NewErrorDetail(&errdetails.ErrorInfo{Reason: reason, Metadata: metadata}); detailErr == nil {
		err.AddDetail(detail)
	}
	return err
}
