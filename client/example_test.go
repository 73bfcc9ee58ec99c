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
	*httptest.Server
}

func startServer() *exampleServer {
	s := newFakeServer()
	return &exampleServer{fakeServer: s, Server: serveH2C(s.handler())}
}

// wrap puts a handler before that of the server.
func (s *exampleServer) wrap(handler func(http.Handler) http.Handler) {
	s.Config.Handler = handler(s.Config.Handler)
}

// serveH2C serves HTTP/1.1 and unencrypted HTTP/2 on a port.
func serveH2C(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	return server
}
