package rpc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"go.uber.org/goleak"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/h2"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipes is a network in memory: it works in bubbles, where sockets don't.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

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
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// world is a server with clients over HTTP/2, in memory.
type world struct {
	chat    *hub.Hub
	api     *Server
	handler http.Handler
	client  chatv1connect.ChatRoomClient
	http    *http.Client
	sent    int
	log     lockedBuffer
	fails   bool // errors may be logged
}

const testOrigin = "http://chat.test"

// newWorld starts a server. The end of the test stops it in main's order, and
// fails if anything was logged as an error.
func newWorld(t testing.TB, c Config) *world {
	t.Helper()
	return newWorldOn(t, c, memory.Open(memory.Config{}))
}

// store is what keeps events and records.
type store interface {
	chat.Journal
	chat.State
}

// newWorldOn is newWorld on a store of the test's own.
func newWorldOn(t testing.TB, c Config, store store) *world {
	t.Helper()
	w := &world{}
	c.Log = slog.New(slog.NewTextHandler(&w.log, nil))
	w.chat = hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}, Rooms: []string{"lobby"}, Log: c.Log})
	c.Hub = w.chat
	if c.Guests == nil {
		c.Guests = identity.NewGuests()
	}
	w.api = New(c)
	network := newPipes()
	mux := http.NewServeMux()
	for pattern, handler := range w.api.Handlers() {
		mux.Handle(pattern, handler)
	}
	w.handler = mux
	server := &h2.Server{Handler: mux}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := network.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { _ = server.ServeConn(conn) }) // the client decides when it ends
		}
	})
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols, DialContext: network.dial}
	w.http = &http.Client{Transport: transport}
	w.client = chatv1connect.NewChatRoomClient(w.http, testOrigin)
	t.Cleanup(func() {
		_ = network.Close()
		w.api.Stop(context.WithoutCancel(t.Context()))
		w.chat.Close()
		if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("Shutdown = %v, want nil", err)
		}
		transport.CloseIdleConnections()
		serving.Wait()
		if n := w.api.Streams(); n != 0 {
			t.Errorf("Streams() = %d at the end, want 0", n)
		}
		if log := w.log.String(); !w.fails && strings.Contains(log, "level=ERROR") {
			t.Errorf("the server logged an error:\n%s", log)
		}
	})
	return w
}

// inBubble runs a test with a world whose clock is the bubble's.
func inBubble(t *testing.T, c Config, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newWorld(t, c)) })
}

var gopher = chat.Member{ID: "G", Name: "gopher", Guest: true}

// say has a message sent, past the wire.
func (w *world) say(t *testing.T, room, text string) {
	t.Helper()
	w.sent++
	post := chat.Post{Room: room, ID: fmt.Sprint(w.sent), Body: chat.Message{Text: text}}
	if _, err := w.chat.Send(t.Context(), gopher, post); err != nil {
		t.Fatalf("Send(%q) = %v, want nil", room, err)
	}
}

// frames is a stream of either kind as its receiver sees it, without what is
// ephemeral.
type frames interface {
	next() (*chatv1.Frame, error)
}

type subscribed struct {
	*connect.ServerStreamForClient[chatv1.SubscribeResponse]
}

func (s subscribed) next() (*chatv1.Frame, error) {
	for s.Receive() {
		if f := s.Msg().GetFrame(); !ephemeral(f) {
			return f, nil
		}
	}
	return nil, s.Err()
}

func ephemeral(f *chatv1.Frame) bool { return f.GetEvent() != nil && f.GetEvent().GetSequence() == 0 }

type chatting struct {
	*connect.BidiStreamForClientSimple[chatv1.ChatRequest, chatv1.ChatResponse]
}

func (c chatting) next() (*chatv1.Frame, error) {
	for {
		response, err := c.Receive()
		if err != nil || !ephemeral(response.GetFrame()) {
			return response.GetFrame(), err
		}
	}
}

// subscribe joins rooms live on a stream that ends with the returned function.
func (w *world) subscribe(t *testing.T, rooms ...string) (subscribed, context.CancelFunc) {
	t.Helper()
	request := &chatv1.SubscribeRequest{}
	for _, room := range rooms {
		request.Rooms = append(request.Rooms, &chatv1.Subscription{Room: room})
	}
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := w.client.Subscribe(ctx, request)
	if err != nil {
		t.Fatalf("Subscribe = %v, want nil", err)
	}
	t.Cleanup(func() {
		cancel()
		_ = stream.Close()
	})
	return subscribed{stream}, cancel
}

// open opens a bidirectional stream and sends requests on it.
func (w *world) open(t *testing.T, requests ...*chatv1.ChatRequest) chatting {
	t.Helper()
	return w.openIn(t, t.Context(), requests...)
}

// openIn is open for a caller that ctx identifies.
func (w *world) openIn(t *testing.T, ctx context.Context, requests ...*chatv1.ChatRequest) chatting {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	t.Cleanup(cancel)
	stream, err := w.client.Chat(ctx)
	if err != nil {
		t.Fatalf("Chat = %v, want nil", err)
	}
	c := chatting{stream}
	if len(requests) == 0 {
		c.send(t, nil) // the headers alone
	}
	for _, request := range requests {
		c.send(t, request)
	}
	return c
}

// send is not told why a stream has ended: the next receive is.
func (c chatting) send(t *testing.T, request *chatv1.ChatRequest) {
	t.Helper()
	if err := c.Send(request); err != nil && !errors.Is(err, io.EOF) {
		t.Fatalf("Send on a stream = %v, want nil", err)
	}
}

func joinRequest(room string) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Join{Join: &chatv1.Subscription{Room: room}}}
}

func sendRequest(room, id, text string) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: &chatv1.SendRequest{
		Room: room, Id: id, Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}},
	}}}
}

func leaveRequest(room string) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Leave{Leave: &chatv1.Leave{Room: room}}}
}

// kind names what a frame is.
func kind(f *chatv1.Frame) string {
	return strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", f.GetKind()), "*chatv1.Frame_"))
}

// expect takes frames of these kinds, in this order, and returns the last.
func expect(t *testing.T, s frames, kinds ...string) *chatv1.Frame {
	t.Helper()
	var last *chatv1.Frame
	for i, want := range kinds {
		frame, err := s.next()
		if err != nil || kind(frame) != want {
			t.Fatalf("frame %d = %v, %v, want %s", i, frame, err, want)
		}
		last = frame
	}
	return last
}

// expectEnd reads to the end of a stream, which must have this code. A stream of
// nothing but heartbeats does not end.
func expectEnd(t *testing.T, s frames, code connect.Code) *connect.Error {
	t.Helper()
	heartbeats := 0
	for {
		frame, err := s.next()
		if err == nil && frame != nil {
			if frame.GetHeartbeat() != nil {
				heartbeats++
			}
			if heartbeats > 1000 {
				t.Fatalf("the stream lives on, want its end with code %v", code)
			}
			continue
		}
		ended, ok := errors.AsType[*connect.Error](err)
		if !ok || ended.Code() != code {
			t.Fatalf("end of the stream = %v, want code %v", err, code)
		}
		return ended
	}
}

// expectElapsed compares with how long ago start was, on the bubble's clock.
func expectElapsed(t *testing.T, what string, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got != want {
		t.Errorf("%s after %v, want %v", what, got, want)
	}
}

// expectSilence checks that a stream was silent for as long as it may be, or for up to
// a tick less.
func expectSilence(t *testing.T, what string, start time.Time, most, tick time.Duration) {
	t.Helper()
	if got := time.Since(start); got > most || got < most-tick {
		t.Errorf("%s after %v, want %v, or up to %v earlier", what, got, most, tick)
	}
}

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
