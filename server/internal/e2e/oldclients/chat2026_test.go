package oldclients

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
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// chat2026Clients are the flags of the client of the first contract, for each way to
// take part.
var chat2026Clients = [][]string{
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

// startChat2026 starts a program that was compiled from the first version of the
// contract, and waits until it has caught up with the lobby. When the test ends it
// must still be there, and end well.
func startChat2026(t *testing.T, s *harness.Service, binary string, args []string) harness.OldClient {
	t.Helper()
	ctx, kill := context.WithTimeout(context.Background(), 6*time.Minute)
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
		t.Fatalf("%v printed %q, %v, want that it is ready", client, line, err)
	}
	heard := bufio.NewReader(stdout)
	return harness.OldClient{
		Send: func(text string) error {
			_, err := fmt.Fprintln(stdin, text)
			return err
		},
		Receive: func() (string, error) {
			line, err := heard.ReadString('\n')
			return line[:max(0, len(line)-1)], err
		},
	}
}

// Clients of 2019, and of the first version of this contract, receive every message
// once, in order, from a room full of newer kinds of event, and can send.
func TestOldClientsAmongNewerEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	build := exec.CommandContext(harness.Context(t), harness.RequireTool(t, "go"), "build", "-o", dir, "./testdata/chat2026")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	binary := filepath.Join(dir, "chat2026")
	s, r := harness.Start(t, harness.WithPolicy(t, harness.GuestsManage), func(c *service.Config) { c.Schema = harness.GameSchema }), harness.ReadGameRules(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	n := s.JoinPair(ctx, t, harness.GRPCGo, harness.ViaChat, "lobby")
	c := &mixedRoom{Pair: n, rules: r}

	// Clients that join now receive events that are over; the text of an edited message
	// is its newest in pages only.
	c.sendEveryKind(ctx, t)
	for _, args := range chat2026Clients {
		client := startChat2026(t, s, binary, args)
		first := "Hello"
		if args[1] == "poll" {
			first = "Hello, everybody"
		}
		for _, text := range []string{first, "Hi", "So it was", "To stay"} {
			harness.ExpectText(t, client, text)
		}
		c.clients = append(c.clients, client)
	}
	c.clients = append(c.clients, harness.StartHelloStub(t, s), harness.StartHelloProcess(t, s))
	// Clients that poll are no members.
	s.AwaitMembers(ctx, t, "lobby", 2+len(c.clients)-3)

	// Clients that have joined receive each message before the next request is sent.
	c.sendEveryKind(ctx, t)
	for i, client := range c.clients {
		text := fmt.Sprintf("from client %d", i)
		harness.Must(t, client.Send(text))
		c.expectHeard(t, text)
	}
}

// mixedRoom is a room with two members of today and old clients.
type mixedRoom struct {
	*harness.Pair
	rules   *harness.GameRules
	clients []harness.OldClient
}

func (c *mixedRoom) expectHeard(t *testing.T, text string) {
	t.Helper()
	for i, client := range c.clients {
		if got, err := client.Receive(); got != text || err != nil {
			t.Fatalf("client %d received %q, %v, want %q", i, got, err, text)
		}
	}
}

func (c *mixedRoom) says(t *testing.T, a *harness.Participant, m *chatv1.Message) uint64 {
	t.Helper()
	sequence := c.Pair.SendMessage(t, a, m)
	c.expectHeard(t, m.GetText())
	return sequence
}

// sendEveryKind does everything that the first contract has no words for.
func (c *mixedRoom) sendEveryKind(ctx context.Context, t *testing.T) {
	t.Helper()
	n, ada, ben := c.Pair, c.Ada, c.Ben
	mark := len(ben.Events)
	first := c.says(t, ada, &chatv1.Message{Text: "Hello"})
	ada.MustSend(t, harness.TypingRequest(n.Room, n.NewID(), false))
	ada.MustSend(t, harness.TypingRequest(n.Room, n.NewID(), true))
	c.says(t, ben, &chatv1.Message{Text: "Hi", ReplyTo: first})
	n.SendAndReceive(t, ada, harness.EditRequest(n.Room, n.NewID(), first, "Hello, all"))
	n.SendAndReceive(t, ben, harness.ReactionRequest(n.Room, n.NewID(), first, "👍", false))
	n.SendAndReceive(t, ben, harness.ReactionRequest(n.Room, n.NewID(), first, "👍", true))
	n.SendAndReceive(t, ada, harness.CustomRequest(n.Room, n.NewID(), &chatv1.Custom{Payload: c.rules.Pack(t, "king", harness.Square{X: 4, Y: 0})}))
	ada.MustSend(t, harness.CustomRequest(n.Room, n.NewID(), &chatv1.Custom{Payload: c.rules.Pack(t, "rook", harness.Square{X: 1, Y: 2}), Ephemeral: true, Key: "position"}))
	slip := c.says(t, ben, &chatv1.Message{Text: "A slip"})
	n.SendAndReceive(t, ben, harness.EditRequest(n.Room, n.NewID(), slip, "A slip of the tongue"))
	n.SendAndReceive(t, ben, harness.DeletionRequest(n.Room, n.NewID(), slip))
	c.says(t, ada, &chatv1.Message{Text: "So it was"})

	_, err := ada.SetRoom(ctx, &chatv1.SetRoomRequest{Room: n.Room, DisplayName: "The lobby", Topic: n.NewID()})
	harness.Must(t, err)
	token, _ := n.Service.SignIn(t, "cleo")
	cleo := n.Service.JoinWithToken(ctx, t, harness.GRPCGo, harness.ViaChat, token, &chatv1.Subscription{Room: n.Room})
	renewal := chatv1connect.NewChatRoomClient(harness.BearerClient{Client: harness.H2CClient(t), Token: token}, n.Service.URL)
	renewed, err := renewal.SignIn(ctx, &chatv1.SignInRequest{Name: "Cleopatra"})
	harness.Must(t, err)
	again := n.Service.JoinWithToken(ctx, t, harness.GRPCGo, harness.ViaChat, renewed.GetToken(), &chatv1.Subscription{Room: n.Room})
	harness.Must(t, cleo.Stream.Send(harness.LeaveAction(n.Room)))
	harness.Must(t, again.Stream.Send(harness.LeaveAction(n.Room)))
	n.SendAndReceive(t, ada, harness.EditRequest(n.Room, n.NewID(), first, "Hello, everybody"))
	for _, kind := range []func(*chatv1.Event) bool{
		func(e *chatv1.Event) bool { return e.GetTyping() != nil },
		func(e *chatv1.Event) bool { return e.GetCustom().GetEphemeral() },
		func(e *chatv1.Event) bool { return e.GetRoomChanged() != nil },
		func(e *chatv1.Event) bool { return e.GetMemberJoined() != nil },
		func(e *chatv1.Event) bool { return e.GetMemberRenamed() != nil },
		func(e *chatv1.Event) bool { return e.GetMemberLeft() != nil },
	} {
		ben.AwaitEvent(t, mark, kind)
	}
	c.says(t, ben, &chatv1.Message{Text: "To stay"})
}
