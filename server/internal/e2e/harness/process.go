package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"chatroom/server/internal/service"
)

// processVariable is the environment variable that makes the tests' program a service:
// the configuration, in JSON.
const processVariable = "CHATROOM_TEST_SERVICE"

// processMain runs the service, and returns the status of the process.
func processMain(config string) int {
	var c service.Config
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		fmt.Fprintln(os.Stderr, processVariable, err)
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	c.Ready = func(addresses []string) { fmt.Println(addresses[0]) }
	if err := service.Run(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// processCommand returns a command that runs the service.
func processCommand(ctx context.Context, t *testing.T, options ...Option) *exec.Cmd {
	t.Helper()
	config, err := json.Marshal(newConfig(options...))
	Must(t, err)
	program, err := os.Executable()
	Must(t, err)
	command := exec.CommandContext(ctx, program)
	command.Env = append(os.Environ(), processVariable+"="+string(config))
	return command
}

// Process is a service that runs in a process of its own: the tests' program, run again.
type Process struct {
	Service // of which only URL, Addr and log are used
	command *exec.Cmd
	rest    sync.WaitGroup
}

// StartProcess starts a service as a process on a free port, and waits until it serves. The
// test's end kills it.
func StartProcess(t *testing.T, options ...Option) *Process {
	t.Helper()
	c := &Process{command: processCommand(context.Background(), t, options...)}
	c.command.Stderr = &c.Log
	stdout, err := c.command.StdoutPipe()
	Must(t, err)
	Must(t, c.command.Start())
	t.Cleanup(c.Kill)
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatalf("the process ended before it printed its address:\n%s", c.Log.String())
	}
	c.Addr = lines.Text()
	c.URL = "http://" + c.Addr
	c.rest.Go(func() { _, _ = io.Copy(io.Discard, stdout) })
	return c
}

// Terminate sends SIGTERM.
func (c *Process) Terminate(t *testing.T) {
	t.Helper()
	Must(t, c.command.Process.Signal(syscall.SIGTERM))
}

// AwaitExit waits until the process has ended, and fails unless it does in time and with
// status 0.
func (c *Process) AwaitExit(t *testing.T, limit time.Duration) {
	t.Helper()
	ended := make(chan error, 1)
	go func() {
		c.rest.Wait() // before Wait, which closes stdout
		ended <- c.command.Wait()
	}()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the process ended with %v, want status 0:\n%s", err, c.Log.String())
		}
	case <-timeout.C:
		t.Errorf("the process still runs after %v:\n%s", limit, c.Log.String())
		c.Kill()
		if err := <-ended; err == nil {
			t.Error("a process that was killed ended with status 0")
		}
	}
}

// Kill ends the process with SIGKILL.
func (c *Process) Kill() {
	_ = c.command.Process.Kill() // it may be gone
	c.rest.Wait()
	_ = c.command.Wait()
}

// RunRefusedProcess runs a service as a process that must end with an error, and returns what it
// printed.
func RunRefusedProcess(ctx context.Context, t *testing.T, options ...Option) string {
	t.Helper()
	command := processCommand(ctx, t, options...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err == nil {
		t.Errorf("the process ended without an error:\n%s", out.String())
	}
	return out.String()
}

// PID returns the id of the process.
func (c *Process) PID() int { return c.command.Process.Pid }
