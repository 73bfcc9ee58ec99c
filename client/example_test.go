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

	c, err := client.New(client.Config{URL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	// Send retries. The id makes sure that the message is stored once.
	receipt, err := c.Send(context.Background(), "lobby", "my-first", "Hello!")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("stored at", receipt.Sequence)

	for event, err := range c.Follow(context.Background(), "lobby", client.Recent(10)) {
		if errors.Is(err, client.ErrReset) {
			fmt.Println("some events are no longer retained")
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(event.GetSender().GetName()+":", event.GetMessage().GetText())
		// Store event.Cursor() to resume here later, with client.After.
		break
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
		subscribe: func(ctx context.Context, _ int, to stream) error {
			e := event(0, 1)
			e.GetEvent().Sender = &chatv1.Member{Name: "gopher"}
			e.GetEvent().Body = &chatv1.Event_Message{Message: &chatv1.Message{Text: "Hello!"}}
			return errors.Join(sendFrames(to, joined(1, 0), e, caughtUp()), untilCanceled(ctx))
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
