package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"chatroom/server/internal/e2e/oldclients/testdata/hello2019/hello"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: hello2019 ADDR")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := chat(ctx, os.Args[1]); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "hello2019:", err)
		os.Exit(1)
	}
}

// chat returns nil when the server ends the stream.
func chat(ctx context.Context, addr string) error {
	conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	stream, err := hello.NewChatRoomClient(conn).Chat(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "ready")

	// A read of standard input can't be interrupted: this goroutine ends with
	// the process.
	go say(stream)

	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		fmt.Println(response.GetMessage())
	}
}

// say sends each line of standard input. An error of Send is not reported here:
// Recv returns the stream's own.
func say(stream hello.ChatRoom_ChatClient) {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := stream.Send(&hello.ChatRequest{Message: lines.Text()}); err != nil {
			return
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "hello2019: standard input:", err)
		os.Exit(1)
	}
	_ = stream.CloseSend()
}
