package durability

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/e2e/harness"
)

// The files of a data directory.
const (
	database  = datadir.DatabaseName
	wal       = database + "-wal"
	highwater = "highwater"
)

// damage is what happens to the data of a service that is not running.
type damage struct {
	name   string
	killed bool // the service was killed: the newest events are in the write-ahead log
	do     func(t *testing.T, data string)
}

// stopped returns the data of a service that had a room with some events, and was
// stopped or killed.
func stopped(ctx context.Context, t *testing.T, killed bool) (*harness.SeededRoom, string) {
	t.Helper()
	data := t.TempDir()
	s := harness.Start(t, harness.InDir(data))
	h := harness.SeedRoom(ctx, t, s, "lost")
	if !killed {
		s.Stop(t)
		return h, data
	}
	last := h.Sequences[len(h.Sequences)-1]
	waitUntil(ctx, t, "the mark covers all events", func() bool { return markOf(t, data) > last })
	image := t.TempDir() // what is there now is what SIGKILL leaves
	files := contents(t, data)
	delete(files, database+"-shm")
	copyInto(t, image, files)
	if len(files[wal]) == 0 {
		t.Fatal("nothing is in the write-ahead log")
	}
	s.Stop(t)
	return h, image
}

// markOf returns the sequence of the high-water mark.
func markOf(t *testing.T, data string) uint64 {
	t.Helper()
	var mark struct {
		Next uint64 `json:"next,string"`
	}
	text, err := os.ReadFile(filepath.Join(data, highwater))
	harness.Must(t, err)
	harness.Must(t, json.Unmarshal(text, &mark))
	return mark.Next
}

// waitUntil asks until something holds.
func waitUntil(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %v", what, context.Cause(ctx))
		}
	}
}

// contents returns the files of a directory, without those of its lock and its socket.
func contents(t *testing.T, data string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	harness.Must(t, filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), "lock") || e.Type() == fs.ModeSocket {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was replaced meanwhile
		}
		files[e.Name()] = text
		return err
	}))
	return files
}

func copyInto(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		harness.Must(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
}

// removed removes files.
func removed(names ...string) func(*testing.T, string) {
	return func(t *testing.T, data string) {
		t.Helper()
		for _, name := range names {
			harness.Must(t, os.RemoveAll(filepath.Join(data, name)))
		}
	}
}

// cut keeps a part of a file, if there is one.
func cut(name string, keep float64) func(*testing.T, string) {
	return changed(name, func(text []byte) []byte { return text[:int(keep*float64(len(text)))] })
}

// flipped flips one bit at a place between 0 and 1.
func flipped(name string, where float64) func(*testing.T, string) {
	return changed(name, func(text []byte) []byte {
		if len(text) > 0 {
			text[int(where*float64(len(text)))] ^= 4
		}
		return text
	})
}

// overwritten puts something else into a file.
func overwritten(name string) func(*testing.T, string) {
	return changed(name, func([]byte) []byte { return bytes.Repeat([]byte("something else\n"), 2000) })
}

func changed(name string, change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, data string) {
		t.Helper()
		path := filepath.Join(data, name)
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		harness.Must(t, err)
		harness.Must(t, os.WriteFile(path, change(text), 0o600))
	}
}
