package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/crash"
)

// program builds the server once for all tests that run it as a process.
var program = sync.OnceValues(func() (string, error) {
	var err error
	if programDir, err = os.MkdirTemp("", "chatroom-server-"); err != nil {
		return "", err
	}
	return crash.Build(context.Background(), programDir)
})

// programDir is where program has put it, for TestMain to remove.
var programDir string

func built(t *testing.T) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// child is a server that runs as a process.
type child struct {
	testService // of which only URL, Addr and log are used
	command     *exec.Cmd
	rest        sync.WaitGroup
}

// spawn starts the server as a process on a free port, and waits until it serves. The
// test's end kills it.
func spawn(t *testing.T, args ...string) *child {
	t.Helper()
	c := &child{command: exec.Command(built(t), append([]string{"-listen", "127.0.0.1:0", "-drain", "100ms"}, args...)...)}
	c.command.Stderr = &c.log
	stdout, err := c.command.StdoutPipe()
	try(t, err)
	try(t, c.command.Start())
	t.Cleanup(c.kill)
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatalf("%v ended before it said where it listens:\n%s", c.command, c.log.String())
	}
	c.URL = strings.TrimSuffix(strings.TrimPrefix(lines.Text(), "chatroom: open "), "/")
	c.Addr = strings.TrimPrefix(c.URL, "http://")
	c.rest.Go(func() { _, _ = io.Copy(io.Discard, stdout) })
	return c
}

// kill ends the process with SIGKILL.
func (c *child) kill() {
	_ = c.command.Process.Kill() // it may be gone
	c.rest.Wait()
	_ = c.command.Wait()
}

// refuse runs the server as a process that must end with an error, which it returns.
func refuse(ctx context.Context, t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(ctx, built(t), args...).CombinedOutput()
	if err == nil {
		t.Errorf("server %q ended without an error:\n%s", args, out)
	}
	return string(out)
}

// A second process on the directory of a running one is refused and says who has it,
// and one on its port touches nothing, while events come. After a kill and another
// start, every event is there, and the log is the same.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	ctx, data := bounded(t), t.TempDir()
	c := spawn(t, "-data", data)
	h := newHistory(ctx, t, &c.testService, "kept")
	for i := range 5 {
		for _, response := range say(ctx, t, h.v, h.room, 10+10*i, 10) {
			h.at = append(h.at, response.GetSequence())
		}
		said := refuse(ctx, t, "-listen", "127.0.0.1:0", "-data", data)
		for _, part := range []string{"-data " + data + " is in use", fmt.Sprint("process ", c.command.Process.Pid), "listening on " + c.Addr, "stop that process"} {
			if !strings.Contains(said, part) {
				t.Errorf("second process on the directory said %q, want %q in it", said, part)
			}
		}
		if said := refuse(ctx, t, "-listen", c.Addr, "-data", data); !strings.Contains(said, "-listen") || !strings.Contains(said, c.Addr) {
			t.Errorf("second process on the port said %q, want the flag and the address in it", said)
		}
		fresh := filepath.Join(t.TempDir(), "data")
		refuse(ctx, t, "-listen", c.Addr, "-data", fresh)
		if _, err := os.Stat(fresh); err == nil {
			t.Errorf("a process on a taken port has made %s", fresh)
		}
	}
	c.kill()

	c = spawn(t, "-data", data)
	h.v = h.signedIn(t, &c.testService, "")
	receive, err := h.v.subscribe(ctx, only(h.after(h.epoch, 0)))
	if err != nil {
		t.Fatalf("Subscribe after a kill: %v", err)
	}
	expect(t, receive, (*chatv1.Frame).GetJoined)
	for i, e := range receive.events(t, 0, len(h.at)) {
		if e.GetSequence() != h.at[i] {
			t.Errorf("event %d after a kill has sequence %d, want %d", i, e.GetSequence(), h.at[i])
		}
	}
	if log := c.log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the server logged an error:\n%s", log)
	}
}

// A process on a taken port leaves the data of a killed one as they are: the next one
// recovers them.
func TestTakenPortAfterKill(t *testing.T) {
	t.Parallel()
	ctx, data := bounded(t), t.TempDir()
	c := spawn(t, "-data", data)
	newHistory(ctx, t, &c.testService, "kept")
	c.kill()
	listener, err := net.Listen("tcp", c.Addr)
	try(t, err)
	before := snapshot(t, data)
	refuse(ctx, t, "-listen", c.Addr, "-data", data)
	if after := snapshot(t, data); after != before {
		t.Errorf("a process on a taken port has changed the directory of a killed one:\n%s\nwant\n%s", after, before)
	}
	try(t, listener.Close())
}
