package main

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// runRefused runs a command that is to fail, and returns its error.
func runRefused(t *testing.T, args ...string) error {
	t.Helper()
	var out syncBuffer
	err := run(t.Context(), args, environment(nil), &out, &out)
	if err == nil {
		t.Fatalf("run(%q) = nil, want an error; it said:\n%s", args, out.String())
	}
	return err
}

func TestUnknownCommand(t *testing.T) {
	err := runRefused(t, "serv", "-data", "memory")
	for _, part := range []string{`"serv"`, "\n  serve "} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("run(serv) = %q, want %q in it", err, part)
		}
	}
}

// A second server on a directory is refused, and says who has it.
func TestSecondServer(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, inDir(dir))
	before := snapshot(t, dir)
	err := startRefused(t, inDir(dir))
	for _, part := range []string{"-data " + dir + " is in use by process", "listening on " + s.Addr} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("second server = %q, want %q in it", err, part)
		}
	}
	if after := snapshot(t, dir); after != before {
		t.Errorf("a refused server has changed the directory:\n%s\nwant\n%s", after, before)
	}
	s.Stop(t)
	serve(t, inDir(dir)).Stop(t)
}

// A server that can't have its port touches nothing in the data directory, whether that
// is in use or does not exist.
func TestTakenPort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	used := t.TempDir()
	serve(t, inDir(used))
	fresh := filepath.Join(t.TempDir(), "data")
	for range 5 {
		before := snapshot(t, used)
		if err := startRefused(t, inDir(used), at(taken.Addr().String())); !strings.Contains(err.Error(), "-listen") {
			t.Errorf("server on a taken port = %v, want an error of -listen", err)
		}
		if after := snapshot(t, used); after != before {
			t.Errorf("a server on a taken port has changed the directory:\n%s\nwant\n%s", after, before)
		}
		startRefused(t, inDir(fresh), at(taken.Addr().String()))
		if _, err := os.Stat(fresh); err == nil {
			t.Error("a server on a taken port has made its directory")
		}
	}
}

// snapshot returns the names, sizes and times of the files in a directory.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
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
