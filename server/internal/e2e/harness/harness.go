package harness

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Snapshot returns the names, sizes and times of the files in a directory.
func Snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was renamed meanwhile
		}
		if err == nil {
			b.WriteString(path + " " + info.ModTime().String() + " " + info.Mode().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Dial connects, without TLS.
func Dial(t *testing.T, address string) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
	Must(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Must ends the test if there is an error.
func Must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Context returns a context for what ends by itself. Its timeout is only reached when
// something hangs, even on a slow machine.
func Context(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// RequireTool returns the path of a program. Without it the test is skipped, or fails if
// CHATROOM_TEST_REQUIRE=1, which forbids skipping.
func RequireTool(t *testing.T, name string) string {
	t.Helper()
	path, found := FindTool(t, name)
	if !found {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// FindTool is RequireTool for a test that has enough to do without the program.
func FindTool(t *testing.T, name string) (path string, found bool) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("CHATROOM_TEST_REQUIRE") == "1" {
		t.Fatalf("%s is needed, as CHATROOM_TEST_REQUIRE=1: %v", name, err)
	}
	return path, err == nil
}
