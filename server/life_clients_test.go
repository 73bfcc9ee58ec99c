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
	"chatroom/server/internal/service"
)

// firstClients are the ways in which the client of the first contract takes part.
var firstClients = [][]string{
	{"-method", "chat", "-protocol", "connect"},
	{"-method", "chat", "-protocol", "connect", "-json"},
	{"-method", "chat", "-protocol", "grpc"},
	{"-method", "chat", "-protocol", "grpcweb", "-json"},
	{"-method", "subscribe", "-protocol", "connect", "-http", "1"},
	{"-method", "subscribe", "-protocol", "connect", "-http", "1", "-json"},
	{"-method", "subscribe", "-protocol", "grpc", "-json"},
	{"-method", "subscribe", "-protocol", "grpcweb", "-http", "1"},
	{"-method", "poll", "-protocol", "connect", "-http", "1"},
	{"-method", "poll", "-protocol", "connect", "-http", "1", "-json"},
	{"-method", "poll", "-protocol", "grpc"},
}

// runFirst starts a program that was compiled from the first version of the
// contract, and waits until it has caught up with the lobby. When the test ends it
// must still be there, and end well.
func runFirst(t *testing.T, s *testService, binary string, args []string) oldClient {
	t.Helper()
	ctx, kill := context.WithTimeout(context.Background(), 2*time.Minute)
	client := exec.CommandContext(ctx, binary, append(args, s.URL, "lobby")...)
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
		more, _ := io.ReadAll(stdout)
		rest, _ := io.ReadAll(complaints)
		if err := client.Wait(); err != nil || len(more) > 0 {
			t.Errorf("%v ended with %v, after it printed %q more\n%s", client, err, more, rest)
		}
	})
	if line, err := complaints.ReadString('\n'); line != "ready\n" {
		t.Fatalf("%v said %q, %v, want that it is ready", client, line, err)
	}
	heard := bufio.NewReader(stdout)
	return oldClient{
		say: func(text string) error {
			_, err := fmt.Fprintln(stdin, text)
			return err
		},
		hear: func() (string, error) {
			line, err := heard.ReadString('\n')
			return line[:max(0, len(line)-1)], err
		},
	}
}

// A room may be full of kinds of events that came later: clients of 2019, and of the
// first version of this contract, have the messages, once each and in order, skip
// the rest, and are heard.
func TestLifeWithOldClients(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.CommandContext(bounded(t), requireTool(t, "go"), "build", "-o", dir, "./testdata/chat2026")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	binary := filepath.Join(dir, "chat2026")
	s, r := serve(t, func(c *service.Config) { c.Schema = gameSchema }), readRules(t)
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	n := s.settle(ctx, t, doors[7], byChat, "lobby")
	c := &crowdOfOld{neighbours: n, rules: r}

	// Those who come later find a life that is over; the text of a message that was
	// edited is its newest only in pages.
	c.live(ctx, t)
	for _, args := range firstClients {
		client := runFirst(t, s, binary, args)
		first := "Hello"
		if args[1] == "poll" {
			first = "Hello, everybody"
		}
		for _, text := range []string{first, "Hi", "So it was", "To stay"} {
			hears(t, client, text)
		}
		c.clients = append(c.clients, client)
	}
	c.clients = append(c.clients, newOldStub(t, s), newOldProcess(t, s))
	// Those who poll are in nobody's way, and in no room.
	s.awaitMembers(ctx, t, "lobby", 2+len(c.clients)-3)

	// Those who are there hear each message before the next thing happens.
	c.live(ctx, t)
	for i, client := range c.clients {
		text := fmt.Sprintf("from client %d", i)
		must(t, client.say(text))
		c.heard(t, text)
	}
}

// crowdOfOld is who is in a room with two members of today.
type crowdOfOld struct {
	*neighbours
	rules   *rules
	clients []oldClient
}

func (c *crowdOfOld) heard(t *testing.T, text string) {
	t.Helper()
	for i, client := range c.clients {
		if got, err := client.hear(); got != text || err != nil {
			t.Fatalf("client %d heard %q, %v, want %q", i, got, err, text)
		}
	}
}

func (c *crowdOfOld) says(t *testing.T, a *actor, m *chatv1.Message) uint64 {
	t.Helper()
	sequence := c.neighbours.says(t, a, m)
	c.heard(t, m.GetText())
	return sequence
}

// live does everything that the first contract has no words for.
func (c *crowdOfOld) live(ctx context.Context, t *testing.T) {
	t.Helper()
	n, ada, ben := c.neighbours, c.ada, c.ben
	mark := len(ben.heard)
	first := c.says(t, ada, &chatv1.Message{Text: "Hello"})
	ada.do(t, typing(n.room, n.id(), false))
	ada.do(t, typing(n.room, n.id(), true))
	c.says(t, ben, &chatv1.Message{Text: "Hi", ReplyTo: first})
	n.does(t, ada, editing(n.room, n.id(), first, "Hello, all"))
	n.does(t, ben, reacting(n.room, n.id(), first, "👍", false))
	n.does(t, ben, reacting(n.room, n.id(), first, "👍", true))
	n.does(t, ada, custom(n.room, n.id(), &chatv1.Custom{Payload: c.rules.pack(t, "king", square{4, 0})}))
	ada.do(t, custom(n.room, n.id(), &chatv1.Custom{Payload: c.rules.pack(t, "rook", square{1, 2}), Ephemeral: true, Key: "position"}))
	slip := c.says(t, ben, &chatv1.Message{Text: "A slip"})
	n.does(t, ben, editing(n.room, n.id(), slip, "A slip of the tongue"))
	n.does(t, ben, deleting(n.room, n.id(), slip))
	c.says(t, ada, &chatv1.Message{Text: "So it was"})

	_, err := ada.SetRoom(ctx, &chatv1.SetRoomRequest{Room: n.room, DisplayName: "The lobby", Topic: n.id()})
	must(t, err)
	token, _ := n.s.enter(t, "cleo")
	cleo := n.s.moveAs(ctx, t, doors[7], byChat, token, &chatv1.Subscription{Room: n.room})
	renewal := chatv1connect.NewChatRoomClient(bearer{h2cClient(t), token}, n.s.URL)
	renewed, err := renewal.SignIn(ctx, &chatv1.SignInRequest{Name: "Cleopatra"})
	must(t, err)
	again := n.s.moveAs(ctx, t, doors[7], byChat, renewed.GetToken(), &chatv1.Subscription{Room: n.room})
	must(t, cleo.chat.send(leaveRequest(n.room)))
	must(t, again.chat.send(leaveRequest(n.room)))
	n.does(t, ada, editing(n.room, n.id(), first, "Hello, everybody"))
	for _, kind := range []func(*chatv1.Event) bool{
		func(e *chatv1.Event) bool { return e.GetTyping() != nil },
		func(e *chatv1.Event) bool { return e.GetCustom().GetEphemeral() },
		func(e *chatv1.Event) bool { return e.GetRoomChanged() != nil },
		func(e *chatv1.Event) bool { return e.GetMemberJoined() != nil },
		func(e *chatv1.Event) bool { return e.GetMemberRenamed() != nil },
		func(e *chatv1.Event) bool { return e.GetMemberLeft() != nil },
	} {
		ben.until(t, mark, kind)
	}
	c.says(t, ben, &chatv1.Message{Text: "To stay"})
}
