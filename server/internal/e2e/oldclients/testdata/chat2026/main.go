package main

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"connectrpc.com/connect"

	chatv1 "chatroom/server/internal/e2e/oldclients/testdata/chat2026/chat/v1"
	"chatroom/server/internal/e2e/oldclients/testdata/chat2026/chat/v1/chatv1connect"
)

func main() {
	protocol := flag.String("protocol", "connect", "connect, grpc or grpcweb")
	json := flag.Bool("json", false, "messages are JSON")
	version := flag.Int("http", 2, "the version of HTTP: 1 or 2")
	method := flag.String("method", "chat", "chat, subscribe or poll")
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r := &reader{
		client: chatv1connect.NewChatRoomClient(httpClient(*version), flag.Arg(0), options(*protocol, *json)...),
		room:   flag.Arg(1),
	}
	err := map[string]func(context.Context) error{"chat": r.chat, "subscribe": r.subscribe, "poll": r.poll}[*method](ctx)
	if err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "chat2026:", err)
		os.Exit(1)
	}
}

func httpClient(version int) *http.Client {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(version == 1)
	protocols.SetUnencryptedHTTP2(version == 2)
	return &http.Client{Transport: &http.Transport{Protocols: protocols}}
}

func options(protocol string, json bool) []connect.ClientOption {
	var options []connect.ClientOption
	switch protocol {
	case "grpc":
		options = append(options, connect.WithGRPC())
	case "grpcweb":
		options = append(options, connect.WithGRPCWeb())
	}
	if json {
		options = append(options, connect.WithProtoJSON())
	}
	return options
}

// say hands each line of standard input to send. A read of standard input can't be
// interrupted: it ends with the process.
func say(room string, send func(*chatv1.SendRequest) error) {
	lines := bufio.NewScanner(os.Stdin)
	for id := 1; lines.Scan(); id++ {
		message := &chatv1.Message{Text: lines.Text()}
		err := send(&chatv1.SendRequest{Room: room, Id: strconv.Itoa(id), Body: &chatv1.SendRequest_Message{Message: message}})
		if err != nil {
			fmt.Fprintln(os.Stderr, "chat2026: send:", err)
			os.Exit(1)
		}
	}
}
