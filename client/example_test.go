package client_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"

	"chatroom/client"
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

// exampleServer is a server on a port, with rooms in memory.
type exampleServer struct {
	*fakeServer
	URL   string
	Close func()
}

func startServer() *exampleServer {
	s := newFakeServer()
	server := httptest.NewUnstartedServer(s.handler())
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	return &exampleServer{fakeServer: s, URL: server.URL, Close: server.Close}
}
