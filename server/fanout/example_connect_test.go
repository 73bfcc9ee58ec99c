package fanout_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/fanout"
)

// connectRoom broadcasts each message that is sent to it to all subscribers.
type connectRoom struct {
	chatv1connect.UnimplementedChatRoomHandler
	topic *fanout.Topic[*chatv1.SubscribeResponse]
}

// Subscribe serves one client until it disconnects or falls behind.
func (r *connectRoom) Subscribe(ctx context.Context, _ *chatv1.SubscribeRequest, stream *connect.ServerStream[chatv1.SubscribeResponse]) error {
	sub := r.topic.Subscribe()
	defer sub.Close()
	if err := stream.Send(nil); err != nil { // sends the headers: the client then knows that it is subscribed
		return err
	}
	for response, err := range sub.All(ctx) {
		if err != nil {
			return err
		}
		if err := stream.Send(response); err != nil {
			return err
		}
	}
	return nil
}

func (r *connectRoom) Send(_ context.Context, request *chatv1.SendRequest) (*chatv1.SendResponse, error) {
	event := &chatv1.Event{Body: &chatv1.Event_Message{Message: request.GetMessage()}}
	frame := &chatv1.Frame{Kind: &chatv1.Frame_Event{Event: event}}
	if err := r.topic.Publish(&chatv1.SubscribeResponse{Frame: frame}); err != nil {
		return nil, connect.NewError(connect.CodeUnavailable, err)
	}
	return &chatv1.SendResponse{}, nil
}

// Example_connect broadcasts over Connect, gRPC and gRPC-Web with one handler.
func Example_connect() {
	mux := http.NewServeMux()
	mux.Handle(chatv1connect.NewChatRoomHandler(&connectRoom{topic: fanout.New(fanout.Config[*chatv1.SubscribeResponse]{})}))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	defer server.Close()

	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: protocols}
	defer transport.CloseIdleConnections()
	client := func(options ...connect.ClientOption) chatv1connect.ChatRoomClient {
		return chatv1connect.NewChatRoomClient(&http.Client{Transport: transport}, server.URL, options...)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	subscribe := func(c chatv1connect.ChatRoomClient) *connect.ServerStreamForClient[chatv1.SubscribeResponse] {
		stream, err := c.Subscribe(ctx, &chatv1.SubscribeRequest{})
		if err != nil {
			log.Fatal(err)
		}
		stream.ResponseHeader() // waits for the headers
		return stream
	}

	alice := subscribe(client())
	defer alice.Close()
	bob := subscribe(client(connect.WithGRPC()))
	defer bob.Close()
	if _, err := client().Send(ctx, &chatv1.SendRequest{
		Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: "hello"}},
	}); err != nil {
		log.Fatal(err)
	}
	alice.Receive()
	fmt.Println("alice receives:", alice.Msg().GetFrame().GetEvent().GetMessage().GetText())
	bob.Receive()
	fmt.Println("bob receives:", bob.Msg().GetFrame().GetEvent().GetMessage().GetText())
	// Output:
	// alice receives: hello
	// bob receives: hello
}
