package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"chatroom/client"
	"chatroom/server/internal/conformance/kit"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/testenv"
)

// root is the root of the repository.
const root = "../../.."

// runProcess runs all scenarios with a driver that is a program.
func runProcess(t *testing.T, name string, arguments ...string) []kit.Result {
	t.Helper()
	// There are two processors, and the drivers of other languages start slowly.
	return kit.Run(t.Context(), kit.Config{Client: kit.Command(name, arguments...), Parallel: 8})
}

// output runs a command in the root of the repository.
func output(t *testing.T, name string, arguments ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, arguments...)
	command.Dir = root
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", command, err, out)
	}
}

// The Go client passes as a process, over sockets, with the connections that it makes.
func TestGoClientPassesAsProcess(t *testing.T) {
	testenv.RequireFull(t, "it takes ten seconds")
	program := filepath.Join(t.TempDir(), "drivers")
	output(t, "go", "build", "-o", program, "./server/internal/conformance/drivers")
	for _, arguments := range [][]string{{"go"}, {"go", "-split", "-grpc"}, {"go", "-http1"}} {
		t.Run(strings.Join(arguments, " "), func(t *testing.T) { checkPasses(t, runProcess(t, program, arguments...)) })
	}
}

// python returns the Python that has the modules of the client, and the environment in
// which it finds the generated ones.
func python(t *testing.T) (program string, environment []string) {
	t.Helper()
	testenv.RequireFull(t, "it generates code, and starts many processes")
	harness.RequireTool(t, "protoc")
	harness.RequireTool(t, "grpc_python_plugin")
	program = harness.RequireTool(t, "python3")
	for _, candidate := range []string{"/usr/bin/python3", program} { // Debian's packages are for the first one
		if exec.CommandContext(t.Context(), candidate, "-c", "import grpc, google.protobuf").Run() == nil {
			program = candidate
		}
	}
	if out, err := exec.CommandContext(t.Context(), program, "-c", "import grpc, google.protobuf").CombinedOutput(); err != nil {
		if os.Getenv("CHATROOM_TEST_REQUIRE") == "1" {
			t.Fatalf("grpcio for %s is needed, as CHATROOM_TEST_REQUIRE=1: %s", program, out)
		}
		t.Skipf("grpcio for %s is not installed", program)
	}
	generated := t.TempDir()
	output(t, "go", "tool", "-modfile=tools/go.mod", "buf", "generate", "--template", "docs/clients/python/buf.gen.yaml", "-o", generated)
	return program, []string{"PYTHONPATH=" + generated, "PYTHONDONTWRITEBYTECODE=1", "GRPC_VERBOSITY=ERROR"}
}

func TestPythonClientPasses(t *testing.T) {
	program, environment := python(t)
	arguments := append(environment, program, root+"/docs/clients/python/driver.py")
	checkPasses(t, runProcess(t, "env", arguments...))
}

// The Python client and the Go client talk in a room of a real server, which restarts.
func TestPythonClientTalks(t *testing.T) {
	program, environment := python(t)
	ctx := harness.Context(t)
	data := harness.InDir(t.TempDir())
	service := harness.Start(t, data)
	gopher, err := client.New(client.Config{URL: service.URL})
	harness.Must(t, err)
	defer func() { harness.Must(t, gopher.Close(ctx)) }()
	received := make(chan string, 100)
	ready := make(chan struct{})
	isReady := sync.OnceFunc(func() { close(ready) }) // each stream catches up
	go func() {
		for u, err := range gopher.Follow(client.Live("lobby")).Updates(ctx) {
			switch u := u.(type) {
			case client.CaughtUp:
				isReady()
			case client.Event:
				if text := u.GetMessage().GetText(); text != "" {
					received <- text
				}
			}
			if err != nil {
				return // the test ends
			}
		}
	}()
	<-ready

	command := exec.CommandContext(ctx, program, root+"/docs/clients/python/chatroom.py", service.Addr, "lobby")
	command.Env = append(os.Environ(), environment...)
	input, err := command.StdinPipe()
	harness.Must(t, err)
	out, err := command.StdoutPipe()
	harness.Must(t, err)
	command.Stderr = os.Stderr
	harness.Must(t, command.Start())
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait() // it was killed
	}()
	printed := bufio.NewScanner(out)
	say := func(text string) {
		t.Helper()
		_, err := io.WriteString(input, text+"\n")
		harness.Must(t, err)
	}
	// expect checks what both have received next.
	expect := func(text string) {
		t.Helper()
		if !printed.Scan() || !strings.HasSuffix(printed.Text(), ": "+text) {
			t.Fatalf("the Python client printed %q, want a line that ends with %q", printed.Text(), ": "+text)
		}
		if got := <-received; got != text {
			t.Fatalf("the Go client received %q, want %q", got, text)
		}
	}
	service.AwaitMembers(ctx, t, "lobby", 2)
	for _, text := range []string{"one", "two", "three"} {
		_, err := gopher.Send(ctx, "lobby", client.Text(text))
		harness.Must(t, err)
		expect(text)
		say("Python: " + text)
		expect("Python: " + text)
		if text == "two" {
			service.Stop(t)
			service = harness.Start(t, data, harness.ListenOn(service.Addr))
		}
	}
}
