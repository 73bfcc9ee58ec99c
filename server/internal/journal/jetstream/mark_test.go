package jetstream

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// damages are what may happen to a closed log.
var damages = []struct {
	name string
	do   func(t *testing.T, dir string)
}{
	{"the newest block is cut", func(t *testing.T, dir string) { cutBlock(t, newest(t, dir), 0.5) }},
	{"the newest block is empty", func(t *testing.T, dir string) { cutBlock(t, newest(t, dir), 0) }},
	{"the newest block is gone", func(t *testing.T, dir string) { remove(t, newest(t, dir)) }},
	{"the oldest block is cut", func(t *testing.T, dir string) { cutBlock(t, blocksIn(t, dir)[0], 0.5) }},
	{"the oldest block is gone", func(t *testing.T, dir string) { remove(t, blocksIn(t, dir)[0]) }},
	{"all blocks are gone", func(t *testing.T, dir string) { remove(t, blocksIn(t, dir)...) }},
	{"a byte of the newest block is flipped", func(t *testing.T, dir string) { flip(t, newest(t, dir)) }},
	{"a byte of the oldest block is flipped", func(t *testing.T, dir string) { flip(t, blocksIn(t, dir)[0]) }},
	{"a byte is flipped, and the index gone", func(t *testing.T, dir string) {
		flip(t, blocksIn(t, dir)[0])
		remove(t, filepath.Join(blocksOf(dir), "index.db"))
	}},
	{"the newest block is cut, and the index gone", func(t *testing.T, dir string) {
		cutBlock(t, newest(t, dir), 0.5)
		remove(t, filepath.Join(blocksOf(dir), "index.db"))
	}},
	{"the index is gone", func(t *testing.T, dir string) { remove(t, filepath.Join(blocksOf(dir), "index.db")) }},
	{"the index is flipped", func(t *testing.T, dir string) { flip(t, filepath.Join(blocksOf(dir), "index.db")) }},
	{"the stream's configuration is gone", func(t *testing.T, dir string) { remove(t, filepath.Join(filepath.Dir(blocksOf(dir)), "meta.inf")) }},
	{"the store is gone", func(t *testing.T, dir string) { remove(t, dir) }},
}

// A log that has lost something has another epoch, and says so to operators.
func TestDamageChangesTheEpoch(t *testing.T) {
	t.Parallel()
	for _, damage := range damages {
		t.Run(damage.name, func(t *testing.T) {
			t.Parallel()
			var log logged
			c := Config{Dir: filepath.Join(t.TempDir(), "events"), NoFsync: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
			j := open(t, c)
			epoch := j.epoch
			big := make([]byte, 256<<10)
			var want []uint64
			for i := range 60 { // some blocks full
				at, _, err := j.Append(t.Context(), "room", fmt.Sprint(i), big)
				if err != nil {
					t.Fatalf("Append = %v, want nil", err)
				}
				want = append(want, at.Sequence)
			}
			closed(t, j)
			damage.do(t, c.Dir)

			j = open(t, c)
			events, err := j.Read(t.Context(), "room", 0, 1000)
			var got []uint64
			for _, e := range events {
				got = append(got, e.Sequence)
			}
			whole := err == nil && slices.Equal(got, want)
			t.Logf("%d of %d events, %v, same epoch: %t", len(got), len(want), err, j.epoch == epoch)
			if !whole && j.epoch == epoch {
				t.Errorf("Read = %d of %d events, %v, under the same epoch", len(got), len(want), err)
			}
			if shouted := strings.Contains(log.String(), "level=ERROR"); shouted != (j.epoch != epoch) {
				t.Errorf("the epoch has changed: %t; an error was logged: %t:\n%s", j.epoch != epoch, shouted, log.String())
			}
			at, duplicate, err := j.Append(t.Context(), "room", "new", payload)
			if err != nil || duplicate {
				t.Fatalf("Append after the damage = %v, %t, %v, want a new event", at, duplicate, err)
			}
			if at.Sequence <= want[len(want)-1] {
				t.Errorf("Append after the damage = %v, which was given before", at)
			}
			// It is the only loss that is told.
			second := j.epoch
			closed(t, j)
			if j = open(t, c); j.epoch != second {
				t.Errorf("the epoch after another restart = %q, want %q", j.epoch, second)
			}
		})
	}
}

// A mark that can't be read is not taken for one that was never made.
func TestUnreadableMark(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(path string) error{
		"cut":         func(path string) error { return os.Truncate(path, 5) },
		"empty":       func(path string) error { return os.Truncate(path, 0) },
		"a directory": func(path string) error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) },
	} {
		c := Config{Dir: filepath.Join(t.TempDir(), "events"), NoFsync: true}
		j := open(t, c)
		sayAll(t, j, "room", "before", 3)
		closed(t, j)
		path := filepath.Join(filepath.Dir(c.Dir), "highwater.json")
		if err := spoil(path); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: Open = %v, want an error that names %s", name, err, path)
		}
		// Whoever removes it knowingly goes on.
		remove(t, path)
		if got := sequences(t, open(t, c), "room"); len(got) != 3 {
			t.Errorf("%s: Read without the mark = %v, want 3 events", name, got)
		}
	}
}

func blocksIn(t *testing.T, dir string) []string {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(blocksOf(dir), "*.blk"))
	if err != nil || len(blocks) < 1 {
		t.Fatalf("blocks = %v, %v, want some", blocks, err)
	}
	slices.SortFunc(blocks, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return blocks
}

func newest(t *testing.T, dir string) string {
	blocks := blocksIn(t, dir)
	return blocks[len(blocks)-1]
}

func remove(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
}

func cutBlock(t *testing.T, path string, part float64) {
	t.Helper()
	info, err := os.Stat(path)
	if err == nil {
		err = os.Truncate(path, int64(float64(info.Size())*part))
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 0x10
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// logged is a log that a test reads.
type logged struct {
	mu   sync.Mutex // guards below
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
