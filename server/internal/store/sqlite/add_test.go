package sqlite

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// shifted are events as AddedRoom.Events returns them.
func shifted(events ...SourceEvent) func(uint64) iter.Seq2[SourceEvent, error] {
	return func(shift uint64) iter.Seq2[SourceEvent, error] {
		events := slices.Clone(events)
		for i := range events {
			e := &events[i]
			e.Sequence += shift
			if e.Target != 0 {
				e.Target += shift
			}
		}
		return values(events)
	}
}

func source(sequence uint64, text string) SourceEvent {
	return SourceEvent{Sequence: sequence, Key: text, Payload: []byte(text), Counted: true, Time: time.UnixMilli(int64(sequence))}
}

func addedRoom(name string, events ...SourceEvent) AddedRoom {
	for i := range events {
		events[i].Room = name
	}
	prefix := "rooms/" + name + "/"
	return AddedRoom{
		Name: name, RecordPrefix: prefix, Records: []chat.Record{{Key: prefix + "profile", Value: []byte(name)}},
		Events: shifted(events...),
	}
}

// In a new store the first room keeps its sequences, and the second one comes after it.
func TestAddRoomsToNone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	reaction := SourceEvent{Sequence: 9, Key: "r", Payload: []byte("r"), Relation: chat.Annotates, Target: 7}
	rooms := []AddedRoom{addedRoom("a", source(7, "a7"), reaction), addedRoom("b", source(3, "b3")), addedRoom("empty")}
	if err := AddRooms(t.Context(), dir, values(rooms)); err != nil {
		t.Fatalf("AddRooms = %v, want nil", err)
	}
	if r, err := Verify(t.Context(), dir); err != nil || len(r.Findings) > 0 {
		t.Errorf("Verify = %q, %v, want no findings", r.Findings, err)
	}
	s := start(t, Config{Dir: dir})
	defer closed(t, s)
	if got, err := s.Read(t.Context(), "a", 0, 10); err != nil || len(got) != 2 || got[0].Sequence != 7 || got[1].Previous != 7 {
		t.Errorf("Read(a) = %v, %v, want 7 and 9", got, err)
	}
	if got, err := s.Changes(t.Context(), "a", []uint64{7}, 0); err != nil || len(got) != 1 || got[0].Sequence != 9 {
		t.Errorf("Changes(a, 7) = %v, %v, want 9", got, err)
	}
	if got, err := s.Read(t.Context(), "b", 0, 10); err != nil || len(got) != 1 || got[0].Sequence != 12 || string(got[0].Payload) != "b3" {
		t.Errorf("Read(b) = %v, %v, want 3, shifted by 9", got, err)
	}
	if r, err := s.Get(t.Context(), "rooms/empty/profile"); err != nil || string(r.Value) != "empty" {
		t.Errorf("Get = %v, %v, want the profile of a room without events", r, err)
	}
	if head, err := s.Head(t.Context(), "a"); err != nil || len(head.Epoch) < 20 {
		t.Errorf("Head = %+v, %v, want an epoch", head, err)
	}
}

// Rooms that are added to a store that a server was killed on change nothing of the others.
func TestAddRoomsToBusyStore(t *testing.T) {
	t.Parallel()
	s := busyStore(t)
	before := contentOf(t, s)
	dir := copyOf(t, s.config.Dir) // with the write-ahead log of a store that is open
	last := lastSequence(t, dir)
	if err := AddRooms(t.Context(), dir, values([]AddedRoom{addedRoom("added", source(5, "five"), source(6, "six"))})); err != nil {
		t.Fatalf("AddRooms = %v, want nil", err)
	}
	if r, err := Verify(t.Context(), dir); err != nil || len(r.Findings) > 0 {
		t.Errorf("Verify = %q, %v, want no findings", r.Findings, err)
	}
	added := start(t, Config{Dir: dir})
	got, err := added.Read(t.Context(), "added", 0, 10)
	if err != nil || len(got) != 2 || got[0].Sequence != last+5 || got[1].Sequence != last+6 {
		t.Errorf("Read = %v, %v, want 5 and 6, shifted by %d", got, err, last)
	}
	after := contentOf(t, added)
	delete(after, "added")
	for room, want := range before {
		if after[room] != want {
			t.Errorf("room %q has changed: %.300s, want %.300s", room, after[room], want)
		}
	}
	closed(t, added)
	closed(t, s)
}

// contentOf returns the heads and the events of all rooms.
func contentOf(t *testing.T, s *Store) map[string]string {
	t.Helper()
	rooms, err := s.Rooms(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for _, r := range rooms {
		head, err := s.Head(t.Context(), r.Room)
		events, err2 := s.Read(t.Context(), r.Room, 0, 1000)
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		all[r.Room] = fmt.Sprintf("%+v %+v %v", r, head, events)
	}
	return all
}

func lastSequence(t *testing.T, dir string) uint64 {
	t.Helper()
	r, err := Verify(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return r.Last
}

func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	for _, name := range names(t, dir) {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

// Whatever is wrong with what is added, the store is as it was, or there is none.
func TestAddRoomsIsAllOrNothing(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	add(t, s, chat.Entry{Room: "events", Key: "1"})
	if _, err := s.Put(t.Context(), "rooms/profile/profile", []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	before, dir := contentOf(t, s), s.config.Dir
	closed(t, s)
	failed := errors.New("failed")
	broken := addedRoom("broken")
	broken.Events = func(uint64) iter.Seq2[SourceEvent, error] {
		return func(yield func(SourceEvent, error) bool) { yield(SourceEvent{}, failed) }
	}
	good := addedRoom("good", source(5, "five"))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, tt := range map[string]struct {
		ctx  context.Context
		room AddedRoom
		want error
	}{
		"a room with events":    {t.Context(), addedRoom("events"), ErrRoomExists},
		"a room with a profile": {t.Context(), addedRoom("profile"), ErrRoomExists},
		"the room before":       {t.Context(), addedRoom("good"), ErrRoomExists},
		"out of order":          {t.Context(), addedRoom("other", source(2, "two"), source(1, "one")), ErrSequence},
		"twice":                 {t.Context(), addedRoom("other", source(2, "two"), source(2, "zwei")), ErrSequence},
		"zero":                  {t.Context(), addedRoom("other", source(0, "zero")), ErrSequence},
		"huge":                  {t.Context(), addedRoom("other", source(1<<62, "huge")), ErrSequence},
		"an error":              {t.Context(), broken, failed},
		"a context that ended":  {ended, good, context.Canceled},
	} {
		if err := AddRooms(tt.ctx, dir, values([]AddedRoom{good, tt.room})); !errors.Is(err, tt.want) {
			t.Errorf("%s: AddRooms = %v, want %v", name, err, tt.want)
		}
		empty := t.TempDir()
		if err := AddRooms(tt.ctx, empty, values([]AddedRoom{good, broken})); err == nil || len(names(t, empty)) > 0 {
			t.Errorf("%s: AddRooms to an empty directory = %v, which has %q, want an error and nothing", name, err, names(t, empty))
		}
	}
	s = start(t, Config{Dir: dir})
	if after := contentOf(t, s); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("the store has %v, want %v", after, before)
	}
	closed(t, s)
	if got := names(t, dir); slices.ContainsFunc(got, func(name string) bool { return strings.HasPrefix(name, ".chatroom-import-") }) {
		t.Errorf("the directory has %q, want no copy", got)
	}
}

// A copy that was left by a process that was killed does not stay: what is deleted later would
// be in it. Nothing else is removed, whatever the name of the directory is.
func TestOpenRemovesCopies(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data[1]")
	left, own := filepath.Join(dir, ".chatroom-import-123"), filepath.Join(dir, "add-notes")
	for _, path := range []string{left, own} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(path, fileName), []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, start(t, Config{Dir: dir}))
	if got := names(t, dir); slices.Contains(got, filepath.Base(left)) || !slices.Contains(got, filepath.Base(own)) {
		t.Errorf("the directory has %q, want no copy, and what is no copy", got)
	}
}

// A database whose mark alone is left is not taken for a new store.
func TestAddRoomsToLostStore(t *testing.T) {
	t.Parallel()
	s := busyStore(t)
	closed(t, s)
	if err := os.Remove(s.config.path()); err != nil {
		t.Fatal(err)
	}
	if err := AddRooms(t.Context(), s.config.Dir, values([]AddedRoom{addedRoom("a")})); err == nil || !strings.Contains(err.Error(), "restore a backup") {
		t.Errorf("AddRooms = %v, want an error with the remedy", err)
	}
}
