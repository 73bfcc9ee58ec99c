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

// grpcRoom broadcasts each message of a client to all clients.
type grpcRoom struct {
	hello.UnimplementedChatRoomServer
	topic *fanout.Topic[*hello.ChatResponse]
}

// Chat serves one client. Only the loop sends, and only the goroutine receives. When
// the handler returns, Recv fails and the goroutine ends.
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
		if err != nil { // the client disconnected, fell behind, or sent an invalid message
			return cmp.Or(context.Cause(ctx), err)
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	return nil
}

// receive publishes the messages of a client. It returns nil when the client closes
// its side of the stream; the client may continue to receive.
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

// Example_grpc broadcasts over gRPC, with one topic for the room and one subscription
// for each stream.
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
	send := func(stream hello.ChatRoom_ChatClient, text string) {
		if err := stream.Send(&hello.ChatRequest{Message: text}); err != nil {
			log.Fatal(err)
		}
	}
	receive := func(name string, stream hello.ChatRoom_ChatClient) {
		response, err := stream.Recv()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s receives: %s\n", name, response.GetMessage())
	}

	alice := join()
	send(alice, "hello, I am Alice")
	receive("alice", alice)
	bob := join()
	send(bob, "hello, I am Bob")
	receive("bob", bob)
	receive("alice", alice)
	// Output:
	// alice receives: hello, I am Alice
	// bob receives: hello, I am Bob
	// alice receives: hello, I am Bob
}
