package migrate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/migrate/formertest"
)

// jsonStore is a Destination and a Store that keeps everything in a file of JSON.
type jsonStore struct {
	Epoch   string
	Next    uint64
	Events  map[string][]chat.Stored // by room
	Evicted map[string]uint64        // by room
	Records map[string][]byte

	spoil func(*jsonStore)                            // changes what is stored
	hook  func(ctx context.Context, dir string) error // called after it was stored
}

func (s *jsonStore) Import(ctx context.Context, dir string, f *Former) error {
	out := jsonStore{Epoch: f.Epoch, Next: f.Next, Events: make(map[string][]chat.Stored), Evicted: make(map[string]uint64), Records: make(map[string][]byte)}
	for e, err := range f.Events(ctx) {
		if err != nil {
			return err
		}
		if e.Erased {
			continue
		}
		room := out.Events[e.Room]
		stored := chat.Stored{Sequence: e.Sequence, Payload: e.Payload}
		if len(room) > 0 {
			stored.Previous = room[len(room)-1].Sequence
		}
		out.Events[e.Room] = append(room, stored)
	}
	for _, r := range f.Rooms {
		out.Evicted[r.Name] = r.Evicted
	}
	for _, r := range f.Records {
		out.Records[r.Key] = r.Value
	}
	if s.spoil != nil {
		s.spoil(&out)
	}
	text, err := json.Marshal(out)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "beside"), nil, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, datadir.DatabaseName), text, 0o600)
	}
	if err == nil && s.hook != nil {
		err = s.hook(ctx, dir)
	}
	return err
}

func (s *jsonStore) Open(_ context.Context, dir string) (Store, error) {
	text, err := os.ReadFile(filepath.Join(dir, datadir.DatabaseName))
	if err != nil {
		return nil, err
	}
	var opened jsonStore
	return &opened, json.Unmarshal(text, &opened)
}

func (s *jsonStore) Head(_ context.Context, room string) (chat.Head, error) {
	h := chat.Head{Epoch: s.Epoch, Evicted: s.Evicted[room]}
	if all := s.Events[room]; len(all) > 0 {
		h.First, h.Last = all[0].Sequence, all[len(all)-1].Sequence
	}
	return h, nil
}

func (s *jsonStore) Rooms(_ context.Context, after string, limit int) (rooms []chat.RoomHead, err error) {
	for _, name := range slices.Sorted(maps.Keys(s.Events)) {
		if name > after && len(rooms) < limit {
			rooms = append(rooms, chat.RoomHead{Room: name})
		}
	}
	return rooms, nil
}

func (s *jsonStore) Read(_ context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	all := s.Events[room]
	i, found := slices.BinarySearchFunc(all, after, func(e chat.Stored, after uint64) int { return cmp.Compare(e.Sequence, after) })
	if found {
		i++
	}
	return slices.Clone(all[i:min(len(all), i+limit)]), nil
}

func (s *jsonStore) Get(_ context.Context, key string) (chat.Record, error) {
	return chat.Record{Key: key, Value: s.Records[key]}, nil
}

func (s *jsonStore) Close() error { return nil }

// lock opens a data directory for the test.
func lock(t *testing.T, path string) *datadir.Dir {
	t.Helper()
	d, err := datadir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

func migrateTo(t *testing.T, d *datadir.Dir, to *jsonStore, force bool) (Report, error) {
	t.Helper()
	return Run(t.Context(), Config{
		Dir: d, Encoding: eventpb.Encoding{}, Destination: to, Force: force, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
}

// formerFiles returns the contents and times of the former files.
func formerFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	for _, path := range filesOf(t, dir) {
		name, err := filepath.Rel(dir, path)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(name, datadir.FormerEventsName) && name != datadir.FormerMarkName {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = info.ModTime().String() + string(text)
	}
	return files
}

func format(t *testing.T, d *datadir.Dir) datadir.Format {
	t.Helper()
	f, err := d.Format()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestRun(t *testing.T) {
	dir, want := formertest.Load(t, "killed")
	before := formerFiles(t, dir)
	d := lock(t, dir)
	report, err := migrateTo(t, d, &jsonStore{}, false)
	if err != nil {
		t.Fatalf("Run = %v, want nil", err)
	}
	if report.NewEpoch || report.Epoch != want.Epoch || report.Rooms != len(want.Rooms) || report.Records != len(want.Profiles) || report.Erased < len(want.Deleted) {
		t.Errorf("Run = %+v, want the epoch %q, %d rooms, %d records, and what was deleted", report, want.Epoch, len(want.Rooms), len(want.Profiles))
	}
	total := 0
	for _, r := range want.Rooms {
		total += len(r.Events)
	}
	if left := report.Events - report.Erased; left != total-len(want.Deleted) {
		t.Errorf("Run has moved %d events that were not deleted, want %d", left, total-len(want.Deleted))
	}
	if format(t, d) != datadir.Current || !maps.Equal(formerFiles(t, dir), before) {
		t.Error("after Run the format is not the current one, or the former files have changed")
	}
	if _, err := os.Stat(filepath.Join(dir, "beside")); err != nil {
		t.Errorf("the file beside the database: %v, want it moved, too", err)
	}
	if _, err := os.Stat(filepath.Join(dir, stagingName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the staging directory: %v, want it removed", err)
	}
	text, err := os.ReadFile(filepath.Join(d.Path(), datadir.DatabaseName))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"deleted, and still in the files", "an edit, and still in the files"} {
		if strings.Contains(string(text), part) {
			t.Errorf("%q is in the new store, want the deletion completed", part)
		}
	}
}

// A store of which something is missing is not moved, unless that is wanted.
func TestRunRefusesDamage(t *testing.T) {
	dir, want := formertest.Load(t, "stopped")
	all := want.Rooms["lobby"].Events
	missing := all[len(all)/2].Sequence
	for _, path := range filesOf(t, filepath.Join(dir, datadir.FormerEventsName)) {
		change(t, path, func(text []byte) []byte { return cutRecord(text, missing) })
	}
	d := lock(t, dir)
	before := formerFiles(t, dir)
	_, err := migrateTo(t, d, &jsonStore{}, false)
	damage, ok := errors.AsType[*DamageError](err)
	if !ok || len(damage.Findings) == 0 || !strings.Contains(err.Error(), "chatroom migrate -force -data "+dir) {
		t.Fatalf("Run = %v, want a DamageError with the remedy", err)
	}
	if format(t, d) != datadir.Former || !maps.Equal(formerFiles(t, dir), before) {
		t.Error("a refused Run has changed the directory")
	}
	report, err := migrateTo(t, d, &jsonStore{}, true)
	if err != nil || !report.NewEpoch || report.Epoch == want.Epoch || len(report.Findings) == 0 {
		t.Errorf("Run with Force = %+v, %v, want a new epoch and the findings", report, err)
	}
	if format(t, d) != datadir.Current {
		t.Error("after Run with Force the format is not the current one")
	}
}

// What differs in the new store is noticed before that takes the place of the former.
func TestRunCompares(t *testing.T) {
	for want, spoil := range map[string]func(*jsonStore){
		"has another payload": func(s *jsonStore) { s.Events["lobby"][3].Payload[7] ^= 1 },
		"is in the place of": func(s *jsonStore) {
			s.Events["lobby"][3].Sequence++
			s.Events["lobby"][4].Previous++
		},
		"comes after": func(s *jsonStore) { s.Events["lobby"][3].Previous-- },
		"is missing": func(s *jsonStore) {
			all := s.Events["lobby"]
			s.Events["lobby"] = all[:len(all)-1]
		},
		"it has more events": func(s *jsonStore) {
			all := s.Events["lobby"]
			s.Events["lobby"] = append(all, chat.Stored{Sequence: 1 << 40, Previous: all[len(all)-1].Sequence})
		},
		`room "busy_1": event`:             func(s *jsonStore) { delete(s.Events, "busy_1") },
		`room "other" was not`:             func(s *jsonStore) { s.Events["other"] = s.Events["lobby"] },
		"its head is {Epoch:other":         func(s *jsonStore) { s.Epoch = "other" },
		`room "busy_1": its head`:          func(s *jsonStore) { s.Evicted["busy_1"]-- },
		`record "rooms/lobby/profile" has`: func(s *jsonStore) { s.Records["rooms/lobby/profile"] = nil },
	} {
		t.Run(want, func(t *testing.T) {
			dir, _ := formertest.Load(t, "stopped")
			d := lock(t, dir)
			if _, err := migrateTo(t, d, &jsonStore{spoil: spoil}, false); err == nil || !strings.Contains(err.Error(), "compare the new store") || !strings.Contains(err.Error(), want) {
				t.Errorf("Run = %v, want %q in it", err, want)
			}
			if format(t, d) != datadir.Former {
				t.Error("the new store has taken the place of the former")
			}
		})
	}
}

// A Run that does not come to its end leaves nothing that the next one minds.
func TestRunAgainAfterFailure(t *testing.T) {
	dir, _ := formertest.Load(t, "stopped")
	d := lock(t, dir)
	full := errors.New("the disk is full")
	if _, err := migrateTo(t, d, &jsonStore{hook: func(context.Context, string) error { return full }}, false); !errors.Is(err, full) {
		t.Errorf("Run = %v, want %v", err, full)
	}
	if _, err := os.Stat(filepath.Join(dir, stagingName)); !errors.Is(err, os.ErrNotExist) || format(t, d) != datadir.Former {
		t.Errorf("after a failed Run: %v, want nothing left", err)
	}
	// What a Run leaves that was killed: just before its last step, or earlier.
	for _, path := range []string{"beside", filepath.Join(stagingName, datadir.DatabaseName)} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), []byte("from a killed process"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := migrateTo(t, d, &jsonStore{}, false); err != nil {
		t.Fatalf("Run after a failure = %v, want nil", err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, "beside")); len(text) > 0 || err != nil {
		t.Errorf("beside = %q, %v, want the new store's", text, err)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	dir, _ := formertest.Load(t, "stopped")
	d := lock(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	to := &jsonStore{hook: func(context.Context, string) error { cancel(); return nil }}
	_, err := Run(ctx, Config{Dir: d, Encoding: eventpb.Encoding{}, Destination: to, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if !errors.Is(err, context.Canceled) || format(t, d) != datadir.Former {
		t.Errorf("Run = %v, want %v", err, context.Canceled)
	}
}

// A former server that still runs does not know the lock, and is noticed all the same.
func TestRunNoticesARunningServer(t *testing.T) {
	dir, _ := formertest.Load(t, "stopped")
	d := lock(t, dir)
	to := &jsonStore{hook: func(context.Context, string) error {
		blocks := openFormer(t, dir).blocks
		return os.Chtimes(filesOf(t, blocks)[0], time.Time{}, time.Now())
	}}
	if _, err := migrateTo(t, d, to, false); err == nil || !strings.Contains(err.Error(), "stop the former server") {
		t.Errorf("Run = %v, want that the former store has changed", err)
	}
}

// A former server that is started once more stores events that are in no other store.
func TestUsedSince(t *testing.T) {
	dir, _ := formertest.Load(t, "stopped")
	check := func(when string, want bool) {
		t.Helper()
		if got, err := UsedSince(dir); got != want || err != nil {
			t.Errorf("UsedSince %s = %t, %v, want %t", when, got, err, want)
		}
	}
	check("before it was moved", false)
	if _, err := migrateTo(t, lock(t, dir), &jsonStore{}, false); err != nil {
		t.Fatal(err)
	}
	check("after it was moved", false)
	if err := os.WriteFile(filepath.Join(blocksOf(dir), "10.blk"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check("with another block", true)
	if err := os.RemoveAll(filepath.Join(dir, datadir.FormerEventsName)); err != nil {
		t.Fatal(err)
	}
	check("once it is removed", false)
}

// The log of a database that was removed is not left to the new one.
func TestRunRefusesALogWithoutDatabase(t *testing.T) {
	dir, _ := formertest.Load(t, "stopped")
	path := filepath.Join(dir, datadir.DatabaseName+"-wal")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := lock(t, dir)
	if _, err := migrateTo(t, d, &jsonStore{}, false); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("Run = %v, want an error that names %s", err, path)
	}
	if format(t, d) != datadir.Former {
		t.Error("the store was moved")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := migrateTo(t, d, &jsonStore{}, false); err != nil {
		t.Errorf("Run without it = %v, want nil", err)
	}
}
