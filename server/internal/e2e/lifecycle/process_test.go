package lifecycle

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// A second process on the directory of a running one is refused with the holder's
// process and address, and one on its port changes no file, while events are stored.
// After a kill and a restart, every event is there, in the same log.
func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	ctx, data := harness.Context(t), t.TempDir()
	c := harness.StartProcess(t, harness.InDir(data))
	h := harness.SeedRoom(ctx, t, &c.Service, "kept")
	for i := range 5 {
		for _, response := range harness.SendTexts(ctx, t, h.Client, h.Room, 10+10*i, 10) {
			h.Sequences = append(h.Sequences, response.GetSequence())
		}
		said := harness.RunRefusedProcess(ctx, t, harness.InDir(data))
		for _, part := range []string{"-data: " + data + " is in use", fmt.Sprint("process ", c.PID()), "listening on " + c.Addr, "stop that process"} {
			if !strings.Contains(said, part) {
				t.Errorf("second process on the directory printed %q, want %q in it", said, part)
			}
		}
		if said := harness.RunRefusedProcess(ctx, t, harness.InDir(data), harness.ListenOn(c.Addr)); !strings.Contains(said, "-listen") || !strings.Contains(said, c.Addr) {
			t.Errorf("second process on the port printed %q, want the flag and the address in it", said)
		}
		fresh := filepath.Join(t.TempDir(), "data")
		harness.RunRefusedProcess(ctx, t, harness.InDir(fresh), harness.ListenOn(c.Addr))
		if _, err := os.Stat(fresh); err == nil {
			t.Errorf("a process on a taken port has made %s", fresh)
		}
	}
	c.Kill()

	c = harness.StartProcess(t, harness.InDir(data))
	h.Client = harness.ConnectOver(harness.H2CClient)(t, &c.Service, "")
	receive, err := h.Client.Subscribe(ctx, harness.SubscribeTo(h.After(h.Epoch, 0)))
	if err != nil {
		t.Fatalf("Subscribe after a kill: %v", err)
	}
	harness.Expect(t, receive, (*chatv1.Frame).GetJoined)
	for i, e := range receive.Events(t, 0, len(h.Sequences)) {
		if e.GetSequence() != h.Sequences[i] {
			t.Errorf("event %d after a kill has sequence %d, want %d", i, e.GetSequence(), h.Sequences[i])
		}
	}
	if log := c.Log.String(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the server logged an error:\n%s", log)
	}
}

// A process on a taken port leaves the data of a killed one as they are: the next one
// recovers them.
func TestTakenPortLeavesDataOfAKilledProcess(t *testing.T) {
	t.Parallel()
	ctx, data := harness.Context(t), t.TempDir()
	c := harness.StartProcess(t, harness.InDir(data))
	harness.SeedRoom(ctx, t, &c.Service, "kept")
	c.Kill()
	listener, err := net.Listen("tcp", c.Addr)
	harness.Must(t, err)
	before := harness.Snapshot(t, data)
	harness.RunRefusedProcess(ctx, t, harness.InDir(data), harness.ListenOn(c.Addr))
	if after := harness.Snapshot(t, data); after != before {
		t.Errorf("a process on a taken port has changed the directory of a killed one:\n%s\nwant\n%s", after, before)
	}
	harness.Must(t, listener.Close())
}
