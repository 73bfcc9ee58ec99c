package lifecycle

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

// A second service on a directory is refused with the holder's process and address.
func TestSecondServiceIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := harness.Start(t, harness.InDir(dir))
	before := harness.Snapshot(t, dir)
	err := harness.StartRefused(t, harness.InDir(dir))
	for _, part := range []string{"-data: " + dir + " is in use by process", "listening on " + s.Addr} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("second server = %q, want %q in it", err, part)
		}
	}
	if after := harness.Snapshot(t, dir); after != before {
		t.Errorf("a refused server has changed the directory:\n%s\nwant\n%s", after, before)
	}
	s.Stop(t)
	harness.Start(t, harness.InDir(dir)).Stop(t)
}

// A server that can't have its port touches nothing in the data directory, whether that
// is in use or does not exist.
func TestTakenPortLeavesDataAlone(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	used := t.TempDir()
	harness.Start(t, harness.InDir(used))
	fresh := filepath.Join(t.TempDir(), "data")
	for range 5 {
		before := harness.Snapshot(t, used)
		if err := harness.StartRefused(t, harness.InDir(used), harness.ListenOn(taken.Addr().String())); !strings.Contains(err.Error(), "-listen") {
			t.Errorf("server on a taken port = %v, want an error of -listen", err)
		}
		if after := harness.Snapshot(t, used); after != before {
			t.Errorf("a server on a taken port has changed the directory:\n%s\nwant\n%s", after, before)
		}
		_ = harness.StartRefused(t, harness.InDir(fresh), harness.ListenOn(taken.Addr().String()))
		if _, err := os.Stat(fresh); err == nil {
			t.Error("a server on a taken port has made its directory")
		}
	}
}
