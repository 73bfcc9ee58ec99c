package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// door is one way into the service: a client library, a protocol, a version of
// HTTP.
type door struct {
	name string
	bidi bool // it can do Chat
	open func(t *testing.T, s *testService, token string) visitor
}

// doors are those of chat.v1 that Go has clients for.
var doors = []door{
	{"Connect over HTTP/1.1", false, connectDoor(http1Client)},
	{"Connect over HTTP/2", true, connectDoor(h2cClient)},
	{"Connect JSON over HTTP/1.1", false, connectDoor(http1Client, connect.WithProtoJSON())},
	{"Connect JSON over HTTP/2", true, connectDoor(h2cClient, connect.WithProtoJSON())},
	{"gRPC-Web over HTTP/1.1", false, connectDoor(http1Client, connect.WithGRPCWeb())},
	{"gRPC-Web over HTTP/2", true, connectDoor(h2cClient, connect.WithGRPCWeb())},
	{"gRPC over HTTP/2", true, connectDoor(h2cClient, connect.WithGRPC())},
	{"grpc-go", true, grpcDoor},
}

// visitor is a client, whatever its library.
type visitor interface {
	Send(context.Context, *chatv1.SendRequest) (*chatv1.SendResponse, error)
	subscribe(context.Context, *chatv1.SubscribeRequest) (frames, error)
	chat(context.Context) (*chatStream, error)
}

// frames returns the next frame of a stream.
type frames func() (*chatv1.Frame, error)

// chatStream is a Chat stream, whatever its library.
type chatStream struct {
	send      func(*chatv1.ChatRequest) error
	halfClose func() error
	receive   frames
}

// connectVisitor is a client of connect-go.
type connectVisitor struct{ chatv1connect.ChatRoomClient }

func connectDoor(transport func(*testing.T) *http.Client, options ...connect.ClientOption) func(*testing.T, *testService, string) visitor {
	return func(t *testing.T, s *testService, token string) visitor {
		return connectVisitor{chatv1connect.NewChatRoomClient(bearer{transport(t), token}, s.URL, options...)}
	}
}

func (v connectVisitor) subscribe(ctx context.Context, request *chatv1.SubscribeRequest) (frames, error) {
	stream, err := v.Subscribe(ctx, request)
	if err != nil {
		return nil, err
	}
	return func() (*chatv1.Frame, error) {
		if !stream.Receive() {
			// Err is nil when the server ended the stream without an error.
			return nil, errors.Join(io.EOF, stream.Err())
		}
		return stream.Msg().GetFrame(), nil
	}, nil
}

func (v connectVisitor) chat(ctx context.Context) (*chatStream, error) {
	stream, err := v.Chat(ctx)
	if err != nil {
		return nil, err
	}
	return &chatStream{
		send:      stream.Send,
		halfClose: stream.CloseRequest,
		receive: func() (*chatv1.Frame, error) {
			response, err := stream.Receive()
			return response.GetFrame(), err
		},
	}, nil
}

// bearer adds a token, if there is one, to every call of a client.
type bearer struct {
	*http.Client
	token string
}

func (b bearer) Do(request *http.Request) (*http.Response, error) {
	if b.token != "" {
		request.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.Client.Do(request)
}

// grpcVisitor is a client of grpc-go, with what protoc-gen-go-grpc would
// generate written out.
type grpcVisitor struct {
	*grpc.ClientConn
	token string
}

func grpcDoor(t *testing.T, s *testService, token string) visitor {
	return grpcVisitor{dialGRPC(t, s), token}
}

// dialGRPC returns a connection of grpc-go, without TLS.
func dialGRPC(t *testing.T, s *testService) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatalf("grpc.NewClient(%q): %v", s.Addr, err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func (v grpcVisitor) identified(ctx context.Context) context.Context {
	if v.token == "" {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+v.token)
}

func (v grpcVisitor) Send(ctx context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	response := new(chatv1.SendResponse)
	return response, v.Invoke(v.identified(ctx), chatv1connect.ChatRoomSendProcedure, request, response)
}

func (v grpcVisitor) subscribe(ctx context.Context, request *chatv1.SubscribeRequest) (frames, error) {
	stream, err := grpcStream[chatv1.SubscribeRequest, chatv1.SubscribeResponse](v.identified(ctx), v.ClientConn, serverStream, chatv1connect.ChatRoomSubscribeProcedure)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(stream.Send(request), stream.CloseSend()); err != nil {
		return nil, err
	}
	return func() (*chatv1.Frame, error) {
		response, err := stream.Recv()
		return response.GetFrame(), err
	}, nil
}

func (v grpcVisitor) chat(ctx context.Context) (*chatStream, error) {
	stream, err := grpcStream[chatv1.ChatRequest, chatv1.ChatResponse](v.identified(ctx), v.ClientConn, bidiStream, chatv1connect.ChatRoomChatProcedure)
	if err != nil {
		return nil, err
	}
	return &chatStream{
		send:      stream.Send,
		halfClose: stream.CloseSend,
		receive: func() (*chatv1.Frame, error) {
			response, err := stream.Recv()
			return response.GetFrame(), err
		},
	}, nil
}

var (
	serverStream = &grpc.StreamDesc{ServerStreams: true}
	bidiStream   = &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}
)

func grpcStream[Req, Res any](ctx context.Context, conn *grpc.ClientConn, desc *grpc.StreamDesc, method string) (*grpc.GenericClientStream[Req, Res], error) {
	stream, err := conn.NewStream(ctx, desc, method)
	return &grpc.GenericClientStream[Req, Res]{ClientStream: stream}, err
}

// bounded returns a context for what must end by itself, long before that.
func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// requireTool returns the path of a program. Without it the test is skipped, or
// fails where CHATROOM_TEST_REQUIRE=1 says that nothing may be skipped.
func requireTool(t *testing.T, name string) string {
	t.Helper()
	path, found := findTool(t, name)
	if !found {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// findTool is requireTool for a test that has enough to do without the program.
func findTool(t *testing.T, name string) (path string, found bool) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CHATROOM_TEST_REQUIRE") == "1" {
		t.Fatalf("%s is needed, as CHATROOM_TEST_REQUIRE=1: %v", name, err)
	}
	return path, err == nil
}

// enter signs in as a guest.
func (s *testService) enter(t *testing.T, name string) (token string, m *chatv1.Member) {
	t.Helper()
	client := chatv1connect.NewChatRoomClient(http1Client(t), s.URL)
	identity, err := client.SignIn(bounded(t), &chatv1.SignInRequest{Name: name})
	if err != nil {
		t.Fatalf("SignIn(%q): %v", name, err)
	}
	return identity.GetToken(), identity.GetMember()
}

// codeOf returns the code that a client was given, whatever its library.
func codeOf(err error) connect.Code {
	if coded, ok := errors.AsType[*connect.Error](err); ok {
		return coded.Code()
	}
	return connect.Code(status.Code(err))
}
