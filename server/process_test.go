package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
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
func processCommand(ctx context.Context, t *testing.T, options ...option) *exec.Cmd {
	t.Helper()
	config, err := json.Marshal(testConfig(options...))
	try(t, err)
	program, err := os.Executable()
	try(t, err)
	command := exec.CommandContext(ctx, program)
	command.Env = append(os.Environ(), processVariable+"="+string(config))
	return command
}

// child is a service that runs in a process of its own: the tests' program, run again.
type child struct {
	testService // of which only URL, Addr and log are used
	command     *exec.Cmd
	rest        sync.WaitGroup
}

// spawn starts a service as a process on a free port, and waits until it serves. The
// test's end kills it.
func spawn(t *testing.T, options ...option) *child {
	t.Helper()
	c := &child{command: processCommand(context.Background(), t, options...)}
	c.command.Stderr = &c.log
	stdout, err := c.command.StdoutPipe()
	try(t, err)
	try(t, c.command.Start())
	t.Cleanup(c.kill)
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatalf("the process ended before it said where it listens:\n%s", c.log.String())
	}
	c.Addr = lines.Text()
	c.URL = "http://" + c.Addr
	c.rest.Go(func() { _, _ = io.Copy(io.Discard, stdout) })
	return c
}

// kill ends the process with SIGKILL.
func (c *child) kill() {
	_ = c.command.Process.Kill() // it may be gone
	c.rest.Wait()
	_ = c.command.Wait()
}

// refuse runs a service as a process that must end with an error, and returns what it
// printed.
func refuse(ctx context.Context, t *testing.T, options ...option) string {
	t.Helper()
	command := processCommand(ctx, t, options...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err == nil {
		t.Errorf("the process ended without an error:\n%s", out.String())
	}
	return out.String()
}

// pid returns the id of the process.
func (c *child) pid() int { return c.command.Process.Pid }

// A second process on the directory of a running one is refused and says who has it,
// and one on its port touches nothing, while events come. After a kill and another
// start, every event is there, and the log is the same.
func TestSecondProcess(t *testing.T) {
	t.Parallel()
	ctx, data := bounded(t), t.TempDir()
	c := spawn(t, inDir(data))
	h := newHistory(ctx, t, &c.testService, "kept")
	for i := range 5 {
		for _, response := range say(ctx, t, h.v, h.room, 10+10*i, 10) {
			h.at = append(h.at, response.GetSequence())
		}
		said := refuse(ctx, t, inDir(data))
		for _, part := range []string{"-data " + data + " is in use", fmt.Sprint("process ", c.pid()), "listening on " + c.Addr, "stop that process"} {
			if !strings.Contains(said, part) {
				t.Errorf("second process on the directory said %q, want %q in it", said, part)
			}
		}
		if said := refuse(ctx, t, inDir(data), at(c.Addr)); !strings.Contains(said, "-listen") || !strings.Contains(said, c.Addr) {
			t.Errorf("second process on the port said %q, want the flag and the address in it", said)
		}
		fresh := filepath.Join(t.TempDir(), "data")
		refuse(ctx, t, inDir(fresh), at(c.Addr))
		if _, err := os.Stat(fresh); err == nil {
			t.Errorf("a process on a taken port has made %s", fresh)
		}
	}
	c.kill()

	c = spawn(t, inDir(data))
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
	c := spawn(t, inDir(data))
	newHistory(ctx, t, &c.testService, "kept")
	c.kill()
	listener, err := net.Listen("tcp", c.Addr)
	try(t, err)
	before := snapshot(t, data)
	refuse(ctx, t, inDir(data), at(c.Addr))
	if after := snapshot(t, data); after != before {
		t.Errorf("a process on a taken port has changed the directory of a killed one:\n%s\nwant\n%s", after, before)
	}
	try(t, listener.Close())
}
