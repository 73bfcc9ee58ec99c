// Package terminal tests chat in the terminal, the program client/chat: in a terminal and in
// pipes, on a service that runs.
package terminal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"

	"chatroom/server/internal/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// build builds the program beside that of the tests, which is in a temporary directory.
var build = sync.OnceValues(func() (path string, err error) {
	tests, err := os.Executable()
	if err != nil {
		return "", err
	}
	path = filepath.Join(filepath.Dir(tests), "chat")
	command := exec.Command("go", "build", "-o", path, "chatroom/client/chat")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", command, err, out)
	}
	return path, nil
})

// program returns the path of the program, which is built once.
func program(t *testing.T) string {
	t.Helper()
	harness.RequireTool(t, "go")
	path, err := build()
	harness.Must(t, err)
	return path
}

// command returns a command that runs the program for a user of its own, on a service.
func command(t *testing.T, url, name string, args ...string) *exec.Cmd {
	t.Helper()
	return commandIn(t, t.TempDir(), url, name, args...)
}

// commandIn is command for a user with a home directory.
func commandIn(t *testing.T, home, url, name string, args ...string) *exec.Cmd {
	t.Helper()
	c := exec.CommandContext(harness.Context(t), program(t), append([]string{"-server", url, "-name", name}, args...)...)
	c.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, "config"), "TERM=xterm-256color", "TZ=UTC",
		"CHATROOM_ROOM=", "CHATROOM_TOKEN=", "CHATROOM_NAME=", "CHATROOM_SERVER=", "NO_COLOR=")
	return c
}

// run runs a command with an input, and returns its output and its exit code.
func run(t *testing.T, c *exec.Cmd, input string) (stdout, stderr string, code int) {
	t.Helper()
	var out, complaints bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(input), &out, &complaints
	err := c.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Fatalf("%v: %v", c, err)
	} else if ok {
		code = exit.ExitCode()
	}
	return out.String(), complaints.String(), code
}

// terminal is the program in a terminal.
type terminal struct {
	t       *testing.T
	command *exec.Cmd
	tty     *os.File
	rest    sync.WaitGroup

	mu      sync.Mutex // guards below
	screen  *vt.Emulator
	written bytes.Buffer
	changed chan struct{} // closed when the screen has changed
	ended   bool
}

// open starts the program in a terminal of a size.
func open(t *testing.T, c *exec.Cmd, width, height int) *terminal {
	t.Helper()
	term := &terminal{t: t, command: c, screen: vt.NewEmulator(width, height), changed: make(chan struct{})}
	tty, err := pty.StartWithSize(c, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)})
	harness.Must(t, err)
	term.tty = tty
	term.rest.Go(term.draw)
	term.rest.Go(term.respond)
	t.Cleanup(func() {
		_ = c.Process.Kill() // it may have ended
		term.wait()
	})
	return term
}

// draw draws what the program writes.
func (t *terminal) draw() {
	buffer := make([]byte, 4096)
	for {
		n, err := t.tty.Read(buffer)
		t.mu.Lock()
		_, _ = t.screen.Write(buffer[:n])
		t.written.Write(buffer[:n])
		t.ended = err != nil
		close(t.changed)
		t.changed = make(chan struct{})
		t.mu.Unlock()
		if err != nil {
			_ = t.screen.InputPipe().(interface{ Close() error }).Close()
			return
		}
	}
}

// respond gives the program what the terminal answers to its questions.
func (t *terminal) respond() {
	buffer := make([]byte, 256)
	for {
		n, err := t.screen.Read(buffer)
		if err != nil {
			return
		}
		if _, err := t.tty.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// wait waits until the program has ended, and returns its exit code.
func (t *terminal) wait() int {
	_ = t.command.Wait()
	t.rest.Wait()
	_ = t.tty.Close()
	return t.command.ProcessState.ExitCode()
}

// press types.
func (t *terminal) press(keys string) {
	t.t.Helper()
	_, err := t.tty.WriteString(keys)
	harness.Must(t.t, err)
}

// await waits until the screen is as a test wants it.
func (t *terminal) await(what string, want func(screen string) bool) {
	t.t.Helper()
	ctx, cancel := context.WithTimeout(t.t.Context(), time.Minute)
	defer cancel()
	for {
		t.mu.Lock()
		screen, changed, ended := t.screen.String(), t.changed, t.ended
		t.mu.Unlock()
		if want(screen) {
			return
		}
		if ended {
			t.t.Fatalf("the program has ended, and the screen lacks %s:\n%s", what, screen)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			t.t.Fatalf("the screen lacks %s:\n%s", what, screen)
		}
	}
}

func (t *terminal) shows(texts ...string) {
	t.t.Helper()
	for _, text := range texts {
		t.await(text, func(screen string) bool { return strings.Contains(screen, text) })
	}
}

func (t *terminal) resize(width, height int) {
	t.t.Helper()
	t.mu.Lock()
	t.screen.Resize(width, height)
	t.mu.Unlock()
	harness.Must(t.t, pty.Setsize(t.tty, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}))
}

// interrupt sends a signal to a program.
func interrupt(t *testing.T, c *exec.Cmd, s syscall.Signal) {
	t.Helper()
	harness.Must(t, c.Process.Signal(s))
}
