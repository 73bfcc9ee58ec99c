package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	hellopb "chatroom/gen/hello"
)

// oldClient is a client of the 2019 contract, with an open stream. It may not be
// in the room yet: the server sends nothing before the first message.
type oldClient struct {
	say  func(text string) error
	hear func() (text string, err error)
}

// newOldStub calls the method of 2019 from this process.
func newOldStub(t *testing.T, s *testService) oldClient {
	t.Helper()
	stream, err := grpcStream[hellopb.ChatRequest, hellopb.ChatResponse](bounded(t), dialGRPC(t, s), bidiStream, "/hello.ChatRoom/Chat")
	if err != nil {
		t.Fatalf("hello.ChatRoom/Chat: %v", err)
	}
	return oldClient{
		say: func(text string) error { return stream.Send(&hellopb.ChatRequest{Message: text}) },
		hear: func() (string, error) {
			response, err := stream.Recv()
			return response.GetMessage(), err
		},
	}
}

// newOldProcess starts a program that was compiled from its own copy of the
// contract.
func newOldProcess(t *testing.T, s *testService) oldClient {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(bounded(t), requireTool(t, "go"), "build", "-o", dir, "./testdata/hello2019")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	// Not the test's context: that ends before the cleanup which asks nicely.
	ctx, kill := context.WithTimeout(context.Background(), time.Minute)
	client := exec.CommandContext(ctx, filepath.Join(dir, "hello2019"), s.Addr)
	stdin, err1 := client.StdinPipe()
	stdout, err2 := client.StdoutPipe()
	stderr, err3 := client.StderrPipe()
	if err := errors.Join(err1, err2, err3, client.Start()); err != nil {
		kill()
		t.Fatalf("%v: %v", client, err)
	}
	complaints := bufio.NewReader(stderr)
	t.Cleanup(func() {
		defer kill()
		_ = client.Process.Signal(syscall.SIGTERM)
		rest, _ := io.ReadAll(complaints)
		if err := client.Wait(); err != nil {
			t.Errorf("%v: %v\n%s", client, err, rest)
		}
	})
	if line, err := complaints.ReadString('\n'); line != "ready\n" {
		t.Fatalf("%v said %q, %v, want that it is ready", client, line, err)
	}
	heard := bufio.NewScanner(stdout)
	return oldClient{
		say: func(text string) error {
			_, err := fmt.Fprintln(stdin, text)
			return err
		},
		hear: func() (string, error) {
			if !heard.Scan() {
				return "", errors.Join(io.EOF, heard.Err())
			}
			return heard.Text(), nil
		},
	}
}

var oldClients = []struct {
	name string
	open func(*testing.T, *testService) oldClient
}{
	{"2019 stub", newOldStub},
	{"2019 process", newOldProcess},
}

// A client of 2019 hears what is said in the lobby from now on, itself included,
// and is heard there.
func TestOldClients(t *testing.T) {
	t.Parallel()
	for _, old := range oldClients {
		t.Run(old.name, func(t *testing.T) {
			t.Parallel()
			s, ctx := serve(t), bounded(t)
			token, gopher := s.enter(t, "gopher")
			v := grpcDoor(t, s, token)
			before := say(ctx, t, v, "lobby", 0, 1)[0]
			receive, err := v.subscribe(ctx, only(&chatv1.Subscription{Room: "lobby"}))
			if err != nil {
				t.Fatalf("Subscribe: %v", err)
			}
			receive.joined(t)
			client := old.open(t, s)
			s.awaitMembers(ctx, t, "lobby", 2)

			say(ctx, t, v, "elsewhere", 1, 1)
			say(ctx, t, v, "lobby", 2, 1)
			hears(t, client, "2")
			const said = "grüße aus 2019"
			if err := client.say(said); err != nil {
				t.Fatalf("say: %v", err)
			}
			hears(t, client, said)
			events := receive.events(t, before.GetSequence(), 2)
			if from := events[0].GetSender(); from.GetId() != gopher.GetId() {
				t.Errorf("sender of %v, want %v", events[0], gopher)
			}
			from := events[1].GetSender()
			if events[1].GetMessage().GetText() != said || from.GetName() != "anonymous" || from.GetId() != "" || !from.GetGuest() {
				t.Errorf("event = %v, want %q of an anonymous guest", events[1], said)
			}
		})
	}
}

func hears(t *testing.T, client oldClient, want string) {
	t.Helper()
	if got, err := client.hear(); got != want || err != nil {
		t.Fatalf("hear() = %q, %v, want %q", got, err, want)
	}
}

// awaitMembers waits until a room has n members.
func (s *testService) awaitMembers(ctx context.Context, t *testing.T, room string, n int) {
	t.Helper()
	client := chatv1connect.NewChatRoomClient(http1Client(t), s.URL)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		list, err := client.ListRooms(ctx, &chatv1.ListRoomsRequest{})
		if err != nil {
			t.Fatalf("ListRooms while waiting for %d members of %q, last %v: %v", n, room, list, err)
		}
		for _, r := range list.GetRooms() {
			if r.GetName() == room && int(r.GetMembers()) == n {
				return
			}
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("%v, want %d members of %q", list, n, room)
		}
	}
}
