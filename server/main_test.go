package main

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatroom/server/internal/e2e/harness"
)

// programName is the name under which the tests' program is the server's.
const programName = "chatroom"

func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == programName {
		main()
		os.Exit(0)
	}
	harness.Main(m)
}

// programCommand returns a command that runs main in a process of its own.
func programCommand(ctx context.Context, t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := os.Executable()
	harness.Must(t, err)
	command := exec.CommandContext(ctx, path)
	command.Args = append([]string{programName}, args...)
	return command
}

// program is main in a process that serves.
type program struct {
	url     string
	stderr  harness.Buffer
	command *exec.Cmd
	ended   chan error // of Wait
}

// startProgram serves on a free port, and keeps nothing unless the arguments say so. The
// test's end kills it.
func startProgram(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{ended: make(chan error, 1)}
	p.command = programCommand(context.WithoutCancel(t.Context()), t, append([]string{"-listen", "127.0.0.1:0", "-data", "memory"}, args...)...)
	p.command.Stderr = &p.stderr
	stdout, err := p.command.StdoutPipe()
	harness.Must(t, err)
	harness.Must(t, p.command.Start())
	lines, done := bufio.NewScanner(stdout), make(chan struct{})
	t.Cleanup(func() {
		_ = p.command.Process.Kill() // it may have ended
		<-done
	})
	opened := lines.Scan()
	_, p.url, _ = strings.Cut(lines.Text(), " open ")
	go func() {
		defer close(done)
		for lines.Scan() { // to the end, before Wait closes it
		}
		p.ended <- p.command.Wait()
	}()
	if !opened {
		<-done
		t.Fatalf("the server does not start: %v\n%s", <-p.ended, p.stderr.String())
	}
	return p
}

func (p *program) signal(t *testing.T, s os.Signal) {
	t.Helper()
	harness.Must(t, p.command.Process.Signal(s))
}

// wait returns how the process has ended.
func (p *program) wait(t *testing.T) error {
	t.Helper()
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case err := <-p.ended:
		return err
	case <-timeout.C:
		t.Fatalf("the server still runs after a minute:\n%s", p.stderr.String())
		return nil
	}
}

// awaitLog waits until the process has logged a text.
func (p *program) awaitLog(t *testing.T, text string) {
	t.Helper()
	ctx, again := harness.Context(t), time.NewTicker(5*time.Millisecond)
	defer again.Stop()
	for !strings.Contains(p.stderr.String(), text) {
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("the server has logged %q, want %q in it", p.stderr.String(), text)
		}
	}
}

// The first signal begins a drain, which lasts while a client stays. The second one ends
// the process at once.
func TestSecondSignal(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			p := startProgram(t, "-drain", "1h")
			stay(t, p)
			p.signal(t, signal)
			p.awaitLog(t, "draining")
			p.signal(t, signal)
			_ = p.wait(t)
			status, ok := p.command.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || !status.Signaled() || status.Signal() != signal {
				t.Errorf("the process ended with %v, want by the signal", p.command.ProcessState)
			}
		})
	}
}

// A server without clients does not wait for the end of its drain. It logs what it does.
func TestStopWithoutClients(t *testing.T) {
	t.Parallel()
	p := startProgram(t, "-drain", "1h", "-log-format", "json")
	p.signal(t, syscall.SIGTERM)
	if err := p.wait(t); err != nil {
		t.Errorf("the server ended with %v, want status 0:\n%s", err, p.stderr.String())
	}
	messages := ""
	for text := range strings.Lines(p.stderr.String()) {
		var line struct {
			Message string `json:"msg"`
			AtMost  string `json:"at_most"`
			Took    string
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Errorf("the log has the line %q: %v, want JSON", text, err)
		}
		if _, err := time.ParseDuration(line.Took); line.Message == "stopped" && err != nil || line.Message == "draining" && line.AtMost != "1h0m0s" {
			t.Errorf("the log has the line %q, want how long the stop took, or at most takes", text)
		}
		messages += line.Message + " "
	}
	if want := "starting configuration ready draining stopped "; messages != want {
		t.Errorf("the log has %q, want %q", messages, want)
	}
}
