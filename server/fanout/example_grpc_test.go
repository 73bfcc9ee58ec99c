package fanout_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"chatroom/server/fanout"
	"chatroom/server/internal/e2e/oldclients/testdata/hello2019/hello"
)

// grpcRoom broadcasts what any of its clients says to all of them.
type grpcRoom struct {
	hello.UnimplementedChatRoomServer
	topic *fanout.Topic[*hello.ChatResponse]
}

// Chat serves one client. Only the loop sends, and only the goroutine receives.
// The end of the handler makes Recv fail, and so ends the goroutine.
func (r *grpcRoom) Chat(stream hello.ChatRoom_ChatServer) error {
	sub := r.topic.Subscribe()
	defer sub.Close()
	ctx, stop := context.WithCancelCause(stream.Context())
	defer stop(nil)
	go func() {
		if err := r.receive(stream); err != nil {
			stop(err)
		}
	}()
	for response, err := range sub.All(ctx) {
		if err != nil { // the client has gone, or is too slow, or sent what can't be read
			return cmp.Or(context.Cause(ctx), err)
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	return nil
}

// receive returns nil when the client has no more to say. It may listen on.
func (r *grpcRoom) receive(stream hello.ChatRoom_ChatServer) error {
	for {
		request, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := r.topic.Publish(&hello.ChatResponse{Message: request.GetMessage()}); err != nil {
			return err
		}
	}
}

// How to broadcast over gRPC: one topic for a room, and one subscription for each
// stream.
func Example_grpc() {
	room := &grpcRoom{topic: fanout.New(fanout.Config[*hello.ChatResponse]{})}
	server := grpc.NewServer(grpc.WaitForHandlers(true))
	hello.RegisterChatRoomServer(server, room)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	defer server.Stop()

	conn, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	join := func() hello.ChatRoom_ChatClient {
		stream, err := hello.NewChatRoomClient(conn).Chat(context.Background())
		if err != nil {
			log.Fatal(err)
		}
		return stream
	}
	say := func(stream hello.ChatRoom_ChatClient, text string) {
		if err := stream.Send(&hello.ChatRequest{Message: text}); err != nil {
			log.Fatal(err)
		}
	}
	hear := func(name string, stream hello.ChatRoom_ChatClient) {
		response, err := stream.Recv()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s hears: %s\n", name, response.GetMessage())
	}

	alice := join()
	say(alice, "hello, I am Alice")
	hear("alice", alice)
	bob := join()
	say(bob, "hello, I am Bob")
	hear("bob", bob)
	hear("alice", alice)
	// Output:
	// alice hears: hello, I am Alice
	// bob hears: hello, I am Bob
	// alice hears: hello, I am Bob
}
