package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// add appends an event that must be new.
func add(t testing.TB, s *Store, e chat.Entry) chat.Cursor {
	t.Helper()
	at, duplicate, err := chat.Append(t.Context(), s, e)
	if err != nil || duplicate {
		t.Fatalf("Append(%+v) = %v, %t, %v, want a new event", e, at, duplicate, err)
	}
	return at
}

func message(room string, n int) chat.Entry {
	text := fmt.Sprintf("%s/%d", room, n)
	return chat.Entry{Room: room, Key: text, Payload: []byte(text), Counted: true, Author: "ann"}
}

func closed(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatalf("Close() = %v, want nil", err)
	}
}

// logged returns a Config whose errors are kept.
func logged(dir string) (Config, *bytes.Buffer) {
	var b bytes.Buffer
	return Config{Dir: dir, Log: slog.New(slog.NewTextHandler(&b, nil))}, &b
}

// filled returns the directory of a store with some events, and their epoch.
func filled(t *testing.T, n int) (dir, epoch string) {
	dir = t.TempDir()
	s := start(t, Config{Dir: dir})
	for i := range n {
		epoch = add(t, s, message("room", i)).Epoch
	}
	closed(t, s)
	return dir, epoch
}

// Others can't read the files of a store, also in a directory that they can read: the
// write-ahead log holds events.
func TestFilesArePrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files have no modes")
	}
	dir := t.TempDir()
	for n := range 2 {
		s := start(t, Config{Dir: dir})
		add(t, s, message("room", n))
		for _, suffix := range []string{"", "-wal", "-shm"} {
			info, err := os.Stat(filepath.Join(dir, fileName+suffix))
			if err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the mode of %s%s is %v, %v, want 0600", fileName, suffix, info.Mode(), err)
			}
		}
		closed(t, s)
	}
}

// A log that lost events is noticed, and its cursors are not mistaken for others.
func TestEpoch(t *testing.T) {
	remove := func(t *testing.T, dir string) {
		for _, name := range []string{fileName, fileName + "-wal", fileName + "-shm"} {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, dir string)
		lost   bool
	}{
		{"unchanged", func(*testing.T, string) {}, false},
		{"no mark", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, markName)); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"no database", remove, true},
		{"another database", func(t *testing.T, dir string) {
			other, _ := filled(t, 20)
			remove(t, dir)
			if err := os.Rename(filepath.Join(other, fileName), filepath.Join(dir, fileName)); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"an earlier copy", func(t *testing.T, dir string) {
			before := t.TempDir()
			copyFiles(t, dir, before)
			s := start(t, Config{Dir: dir})
			add(t, s, message("room", 100))
			closed(t, s)
			remove(t, dir)
			if err := os.Rename(filepath.Join(before, fileName), filepath.Join(dir, fileName)); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, epoch := filled(t, 10)
			tt.change(t, dir)
			c, log := logged(dir)
			s := start(t, c)
			at := add(t, s, message("room", 1000))
			closed(t, s)
			if (at.Epoch != epoch) != tt.lost || at.Sequence <= 10 {
				t.Errorf("an append after = %v, want another epoch than %q: %t", at, epoch, tt.lost)
			}
			if loud := strings.Contains(log.String(), "level=ERROR") && strings.Contains(log.String(), "events are lost"); loud != tt.lost {
				t.Errorf("log = %q, want an error: %t", log, tt.lost)
			}
			s = start(t, c)
			again := add(t, s, message("room", 1001))
			closed(t, s)
			if again.Epoch != at.Epoch || again.Sequence <= at.Sequence {
				t.Errorf("an append after opening again = %v, want one after %v", again, at)
			}
		})
	}
}

// What can't be read is refused with what to do about it, and left as it is.
func TestRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(t *testing.T, dir string)
		want   []string // parts of the error
	}{
		{"newer schema", func(t *testing.T, dir string) { execute(t, dir, `PRAGMA user_version = 99`) }, []string{fileName, "version 99", "newer release"}},
		{"other program", func(t *testing.T, dir string) { execute(t, dir, `PRAGMA application_id = 1`) }, []string{fileName, "another program"}},
		{"no database", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, fileName), bytes.Repeat([]byte("text "), 4096), 0o600); err != nil {
				t.Fatal(err)
			}
		}, []string{fileName, "restore", "out of reach"}},
		{"cut short", func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, fileName), 3*8192); err != nil {
				t.Fatal(err)
			}
		}, []string{fileName, "restore", "out of reach"}},
		{"page damaged", func(t *testing.T, dir string) {
			flip(t, filepath.Join(dir, fileName), 8192+100)
		}, []string{fileName, "checksum", "another program", "restore", "out of reach"}},
		{"log without database", func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, fileName), filepath.Join(dir, fileName+"-wal")); err != nil {
				t.Fatal(err)
			}
		}, []string{fileName, "-wal", "restore"}},
		{"damaged mark", func(t *testing.T, dir string) {
			flip(t, filepath.Join(dir, markName), 20)
		}, []string{markName, "remove it"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, _ := filled(t, 10)
			tt.change(t, dir)
			before := contents(t, dir)
			s, err := Open(t.Context(), Config{Dir: dir})
			if err == nil {
				s.Close()
				t.Fatal("Open() = nil, want an error")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("Open() = %v, want %q in it", err, part)
				}
			}
			if after := contents(t, dir); !maps.EqualFunc(before, after, bytes.Equal) {
				t.Errorf("Open() changed the directory: %v, want %v", slices.Collect(maps.Keys(after)), slices.Collect(maps.Keys(before)))
			}
		})
	}
}

// A flipped bit never changes what is read: every call returns what was stored,
// or an error.
func TestFlippedBits(t *testing.T) {
	dir, _ := filled(t, 300)
	info, err := os.Stat(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	for at := int64(100); at < info.Size(); at += info.Size() / 60 {
		copied := t.TempDir()
		copyFiles(t, dir, copied)
		flip(t, filepath.Join(copied, fileName), at)
		c, log := logged(copied)
		s, err := Open(t.Context(), c)
		if err != nil {
			continue
		}
		got, err := s.Read(t.Context(), "room", 0, 1000)
		if err == nil && len(got) != 300 && !strings.Contains(log.String(), "events are lost") {
			t.Errorf("with byte %d changed: Read = %d events, nil, want 300 or an error", at, len(got))
		}
		for i, e := range got {
			if want := fmt.Sprintf("room/%d", i); string(e.Payload) != want {
				t.Errorf("with byte %d changed: payload %d = %q, want %q", at, i, e.Payload, want)
			}
		}
		s.Close() // may fail
	}
}

// A payload that is not what was stored is an error that says where, even when
// the page's checksum is good.
func TestDamagedPayload(t *testing.T) {
	dir, _ := filled(t, 10)
	execute(t, dir, `UPDATE events SET payload = CAST('room/X' AS BLOB) WHERE pos = 5`)
	s := start(t, Config{Dir: dir})
	defer closed(t, s)
	_, err := s.Read(t.Context(), "room", 0, 10)
	if !errors.Is(err, chat.ErrDamaged) || !strings.Contains(err.Error(), `"room", sequence 5`) {
		t.Errorf("Read of a changed payload = %v, want ErrDamaged for sequence 5", err)
	}
	if got, err := s.Read(t.Context(), "room", 5, 10); err != nil || len(got) != 5 {
		t.Errorf("Read after it = %d events, %v, want 5", len(got), err)
	}
}

// Import keeps sequences, the epoch, keys, and what is erased.
func TestImport(t *testing.T) {
	dir := t.TempDir()
	base := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	digest := digestOf("b", "by digest")
	events := []SourceEvent{
		{Sequence: 10, Room: "a", Key: "1", Payload: []byte("one"), Counted: true, Author: "ann"},
		{Sequence: 12, Room: "b", KeyDigest: append(digest[:], 1, 2), Payload: []byte("two"), Counted: true},
		{Sequence: 13, Room: "a", Key: "3", Erased: true, Counted: true},
		{Sequence: 20, Room: "a", Key: "4", Payload: []byte("edit"), Relation: chat.Revises, Target: 10},
		{Sequence: 21, Room: "a", Key: "5", Payload: []byte("gone"), Relation: chat.Erases, Target: 13},
	}
	for i := range events {
		events[i].Time = base.Add(time.Duration(i) * time.Second)
	}
	from := Source{
		Epoch: "former", Next: 30, Events: values(events),
		Rooms:   values([]SourceRoom{{Name: "a", Evicted: 7, Counted: 3}}),
		Records: values([]chat.Record{{Key: "rooms/a", Value: []byte("profile")}}),
	}
	if err := Import(t.Context(), Config{Dir: dir}, from); err != nil {
		t.Fatalf("Import() = %v, want nil", err)
	}
	if err := Import(t.Context(), Config{Dir: dir}, from); !errors.Is(err, os.ErrExist) {
		t.Errorf("Import again = %v, want %v", err, os.ErrExist)
	}
	s := start(t, Config{Dir: dir})
	defer closed(t, s)
	head, err := s.Head(t.Context(), "a")
	if want := (chat.Head{Epoch: "former", First: 10, Last: 21, Evicted: 7}); err != nil || head != want {
		t.Errorf("Head(a) = %+v, %v, want %+v", head, err, want)
	}
	got, err := s.Read(t.Context(), "a", 0, 10)
	if err != nil || len(got) != 3 || got[0].Sequence != 10 || got[1].Previous != 10 || got[2].Sequence != 21 {
		t.Errorf("Read(a) = %v, %v, want 10, 20, 21", got, err)
	}
	heads, err := s.Rooms(t.Context(), "", 10)
	if err != nil || len(heads) != 2 || heads[0].Counted != 5 || !heads[0].Time.Equal(events[4].Time) {
		t.Errorf("Rooms() = %+v, %v, want a with 5 counted events, stored at %v", heads, err, events[4].Time)
	}
	for _, e := range []chat.Entry{{Room: "a", Key: "3"}, {Room: "b", Key: "by digest"}} {
		if _, duplicate, err := chat.Append(t.Context(), s, e); err != nil || !duplicate {
			t.Errorf("Append(%q) = %t, %v, want a duplicate", e.Key, duplicate, err)
		}
	}
	if r, err := s.Get(t.Context(), "rooms/a"); err != nil || string(r.Value) != "profile" {
		t.Errorf("Get(rooms/a) = %v, %v, want the profile", r, err)
	}
	if at := add(t, s, message("a", 1)); at.Sequence != 30 {
		t.Errorf("the next sequence = %d, want 30", at.Sequence)
	}
}

// An import that fails leaves nothing.
func TestImportFails(t *testing.T) {
	dir := t.TempDir()
	failed := errors.New("failed")
	err := Import(t.Context(), Config{Dir: dir}, Source{Epoch: "e", Next: 5, Events: func(yield func(SourceEvent, error) bool) {
		if yield(SourceEvent{Sequence: 1, Room: "a", Key: "1"}, nil) {
			yield(SourceEvent{}, failed)
		}
	}})
	if !errors.Is(err, failed) {
		t.Errorf("Import() = %v, want %v", err, failed)
	}
	if left := contents(t, dir); len(left) > 0 {
		t.Errorf("Import left %d files, want none", len(left))
	}
}

// values returns a sequence of values without errors.
func values[T any](all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for _, v := range all {
			if !yield(v, nil) {
				return
			}
		}
	}
}

// execute runs SQL on the database of a directory, which is not in use.
func execute(t *testing.T, dir, sql string) {
	t.Helper()
	c, err := dial(filepath.Join(dir, fileName), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Exec(sql), c.Close()); err != nil {
		t.Fatal(err)
	}
}

// flip changes a bit of a file.
func flip(t *testing.T, path string, at int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, at)
	b[0] ^= 4
	if err == nil {
		_, err = f.WriteAt(b, at)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// contents returns the files of a directory, but for what SQLite keeps there only
// while it is in use.
func contents(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "-shm") {
			continue
		}
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return files
}
