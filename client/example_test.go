package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

func Example() {
	server := startServer()
	defer server.Close()
	ctx := context.Background()

	c, err := client.New(client.Config{URL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close(ctx)

	receipt, err := c.Send(ctx, "lobby", client.Text("Hello!")) // stored once, however often it is retried
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored at", receipt.Sequence)

	for event, err := range c.Follow(client.Recent("lobby", 10)).Events(ctx) { // until ctx ends: then err is its error
		if err != nil {
			log.Fatal(err)
		}
		if m := event.GetMessage(); m != nil {
			fmt.Println(event.GetSender().GetName()+":", m.GetText())
			break
		}
	}
	// Output:
	// stored at 1
	// gopher: Hello!
}

// startServer starts a scripted server that stores nothing.
func startServer() *httptest.Server {
	s := &script{
		send: func(context.Context, int) (*chatv1.SendResponse, error) {
			return &chatv1.SendResponse{Epoch: "E", Sequence: 1}, nil
		},
		subscribe: func(ctx context.Context, _ int, to *stream) error {
			e := event(0, 1)
			e.GetEvent().Sender = &chatv1.Member{Name: "gopher"}
			e.GetEvent().Body = &chatv1.Event_Message{Message: &chatv1.Message{Text: "Hello!"}}
			return errors.Join(to.frames(joined(1, 0), e, caughtUp()), untilCanceled(ctx))
		},
	}
	mux := http.NewServeMux()
	mux.Handle(chatv1connect.NewChatRoomHandler(s))
	server := httptest.NewUnstartedServer(mux)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	return server
}
