package harness

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

	hellopb "chatroom/gen/hello"
)

// OldClient is a client of the 2019 contract, with an open stream. It may not be
// in the room yet: the server sends nothing before the first message.
type OldClient struct {
	Send    func(text string) error
	Receive func() (text string, err error)
}

// StartHelloStub calls the method of 2019 from this process.
func StartHelloStub(t *testing.T, s *Service) OldClient {
	t.Helper()
	stream, err := NewGRPCStream[hellopb.ChatRequest, hellopb.ChatResponse](Context(t), DialGRPC(t, s), BidiStream, "/hello.ChatRoom/Chat")
	if err != nil {
		t.Fatalf("hello.ChatRoom/Chat: %v", err)
	}
	return OldClient{
		Send: func(text string) error { return stream.Send(&hellopb.ChatRequest{Message: text}) },
		Receive: func() (string, error) {
			response, err := stream.Recv()
			return response.GetMessage(), err
		},
	}
}

// StartHelloProcess starts a program that was compiled from its own copy of the
// contract.
func StartHelloProcess(t *testing.T, s *Service) OldClient {
	t.Helper()
	dir := t.TempDir()
	build := exec.CommandContext(Context(t), RequireTool(t, "go"), "build", "-o", dir, "chatroom/server/internal/e2e/oldclients/testdata/hello2019")
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
		t.Fatalf("%v printed %q, %v, want that it is ready", client, line, err)
	}
	heard := bufio.NewScanner(stdout)
	return OldClient{
		Send: func(text string) error {
			_, err := fmt.Fprintln(stdin, text)
			return err
		},
		Receive: func() (string, error) {
			if !heard.Scan() {
				return "", errors.Join(io.EOF, heard.Err())
			}
			return heard.Text(), nil
		},
	}
}

// OldClientKind is a kind of client of the 2019 contract.
type OldClientKind struct {
	Name string
	Open func(*testing.T, *Service) OldClient
}

// OldClients are all kinds.
var OldClients = []OldClientKind{
	{"2019 stub", StartHelloStub},
	{"2019 process", StartHelloProcess},
}

func ExpectText(t *testing.T, client OldClient, want string) {
	t.Helper()
	if got, err := client.Receive(); got != want || err != nil {
		t.Fatalf("hear() = %q, %v, want %q", got, err, want)
	}
}
