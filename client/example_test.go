package client_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"chatroom/client"
)

func Example() {
	server := startServer()
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	server.whenAtLeast("lobby", 2, cancel)

	c, err := client.New(client.Config{URL: server.URL})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Send(ctx, "lobby", client.Text("Hello!")); err != nil { // stored once, however often it is retried
		log.Fatal(err)
	}
	for event, err := range c.Follow(client.Recent("lobby", 10)).Events(ctx) { // until ctx ends: then err is its error
		if err != nil {
			fmt.Println(err)
			return
		}
		if m := event.GetMessage(); m != nil {
			fmt.Println(event.GetSender().GetName()+":", m.GetText())
		}
		server.say("lobby", "The end.")
	}
	// Output:
	// gopher: Hello!
	// follow: context canceled
}

// The lines of Go in README.md are those of the example, but for what ends it.
func TestREADME(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(readme), "c, err := client.New(")
	code, _, _ = strings.Cut("c, err := client.New("+code, "```")
	code = strings.ReplaceAll(code, `"http://localhost:8080"`, "server.URL")
	lines, rest := 0, string(source)
	for line := range strings.Lines(code) {
		line = strings.TrimSpace(line)
		_, after, found := strings.Cut(rest, line+"\n")
		if !found {
			t.Errorf("%q is not in the example, after what precedes it", line)
			continue
		}
		lines, rest = lines+1, after
	}
	if lines < 10 {
		t.Errorf("README.md has %d lines of Go, want the example", lines)
	}
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
