package fanout_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/fanout"
	"chatroom/server/internal/e2e/oldclients/testdata/hello2019/hello"
)

// The handlers of the examples are meant to be copied, so their error paths are tested,
// too.

// serveGRPC serves room and returns a stream on which the client has received its own
// first message. stop stops the server after all handlers have returned.
func serveGRPC(t *testing.T, ctx context.Context, room *grpcRoom) (stream hello.ChatRoom_ChatClient, stop func()) {
	t.Helper()
	server := grpc.NewServer(grpc.MaxRecvMsgSize(1000))
	hello.RegisterChatRoomServer(server, room)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	stream, err = hello.NewChatRoomClient(conn).Chat(ctx)
	if err == nil {
		err = stream.Send(&hello.ChatRequest{Message: "hello"})
	}
	if err != nil {
		t.Fatal(err)
	}
	wantMessage(t, stream, "hello")
	return stream, func() {
		server.GracefulStop()
		if err := <-served; err != nil {
			t.Errorf("Serve() = %v, want nil", err)
		}
		conn.Close()
		if got := room.topic.Subscribers(); got != 0 {
			t.Errorf("Subscribers() = %d after all streams have ended, want 0", got)
		}
	}
}

func wantMessage(t *testing.T, stream hello.ChatRoom_ChatClient, want string) {
	t.Helper()
	response, err := stream.Recv()
	if err != nil || response.GetMessage() != want {
		t.Fatalf("Recv() = %v, %v, want %q", response, err, want)
	}
}

func wantEnd(t *testing.T, stream hello.ChatRoom_ChatClient, code codes.Code, text string) {
	t.Helper()
	response, err := stream.Recv()
	if status.Code(err) != code || !strings.Contains(err.Error(), text) {
		t.Errorf("Recv() = %v, %v, want %v: %s", response, err, code, text)
	}
}

func TestGRPCExample(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, room *grpcRoom, stream hello.ChatRoom_ChatClient, cancel func())
	}{
		{"the client goes", func(_ *testing.T, _ *grpcRoom, _ hello.ChatRoom_ChatClient, cancel func()) {
			cancel()
		}},
		{"the client half-closes and listens on", func(t *testing.T, room *grpcRoom, stream hello.ChatRoom_ChatClient, cancel func()) {
			if err := stream.CloseSend(); err != nil {
				t.Errorf("CloseSend() = %v, want nil", err)
			}
			_ = room.topic.Publish(&hello.ChatResponse{Message: "still there?"})
			wantMessage(t, stream, "still there?")
			cancel()
		}},
		{"the client sends too much", func(t *testing.T, _ *grpcRoom, stream hello.ChatRoom_ChatClient, _ func()) {
			_ = stream.Send(&hello.ChatRequest{Message: strings.Repeat("x", 1001)})
			wantEnd(t, stream, codes.ResourceExhausted, "larger than max")
		}},
		{"the client is too slow", func(t *testing.T, room *grpcRoom, stream hello.ChatRoom_ChatClient, _ func()) {
			_ = room.topic.Publish(make([]*hello.ChatResponse, 9)...)
			wantEnd(t, stream, codes.Unknown, fanout.ErrLagged.Error())
		}},
		{"the topic ends", func(t *testing.T, room *grpcRoom, stream hello.ChatRoom_ChatClient, _ func()) {
			room.topic.Close()
			wantEnd(t, stream, codes.Unknown, fanout.ErrClosed.Error())
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			room := &grpcRoom{topic: fanout.New(fanout.Config[*hello.ChatResponse]{Window: 8})}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			stream, stop := serveGRPC(t, ctx, room)
			tt.do(t, room, stream, cancel)
			stop()
		})
	}
}

func TestConnectExample(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(room *connectRoom, cancel func())
		want error
	}{
		{"the client goes", func(_ *connectRoom, cancel func()) { cancel() }, context.Canceled},
		{"the client is too slow", func(room *connectRoom, _ func()) {
			_ = room.topic.Publish(make([]*chatv1.SubscribeResponse, 9)...)
		}, fanout.ErrLagged},
		{"the topic ends", func(room *connectRoom, _ func()) { room.topic.Close() }, fanout.ErrClosed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			room := &connectRoom{topic: fanout.New(fanout.Config[*chatv1.SubscribeResponse]{Window: 8})}
			mux := http.NewServeMux()
			mux.Handle(chatv1connect.NewChatRoomHandler(room))
			server := httptest.NewServer(mux)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			stream, err := chatv1connect.NewChatRoomClient(server.Client(), server.URL).Subscribe(ctx, &chatv1.SubscribeRequest{})
			if err != nil {
				t.Fatal(err)
			}
			stream.ResponseHeader()
			tt.do(room, cancel)
			if stream.Receive() || stream.Err() == nil || !strings.Contains(stream.Err().Error(), tt.want.Error()) {
				t.Errorf("Receive() ends with %v, want %v", stream.Err(), tt.want)
			}
			_ = stream.Close()
			server.Close() // waits for the handlers
			if got := room.topic.Subscribers(); got != 0 {
				t.Errorf("Subscribers() = %d when all streams have ended, want 0", got)
			}
		})
	}
}
