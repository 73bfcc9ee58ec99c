package migrate

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/migrate/formertest"
)

func openFormer(t *testing.T, dir string) *Former {
	t.Helper()
	f, err := OpenFormer(t.Context(), dir, eventpb.Encoding{})
	if err != nil {
		t.Fatalf("OpenFormer = %v, want nil", err)
	}
	return f
}

// events returns the events by room.
func events(t *testing.T, f *Former) map[string][]Event {
	t.Helper()
	rooms, last := make(map[string][]Event), uint64(0)
	for e, err := range f.Events(t.Context()) {
		if err != nil {
			t.Fatalf("Events = %v, want nil", err)
		}
		if e.Sequence <= last {
			t.Errorf("Events: %d comes after %d, want them in order", e.Sequence, last)
		}
		last = e.Sequence
		rooms[e.Room] = append(rooms[e.Room], e)
	}
	return rooms
}

// What was stored by the former code is what it has said itself about the same files:
// after a stop, and as a killed server leaves them.
func TestFormer(t *testing.T) {
	for _, name := range []string{"stopped", "killed"} {
		t.Run(name, func(t *testing.T) {
			dir, want := formertest.Load(t, name)
			f := openFormer(t, dir)
			if len(f.Findings) > 0 || f.Replaced || f.Unreadable > 0 || f.Epoch != want.Epoch {
				t.Errorf("Findings, Replaced, Unreadable, Epoch = %q, %t, %d, %q, want none, false, 0, %q", f.Findings, f.Replaced, f.Unreadable, f.Epoch, want.Epoch)
			}
			got := events(t, f)
			if names, wanted := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want.Rooms)); !slices.Equal(names, wanted) {
				t.Errorf("rooms = %q, want %q", names, wanted)
			}
			for _, room := range f.Rooms {
				checkRoom(t, room, got[room.Name], want.Rooms[room.Name], want.Deleted)
			}
			for _, r := range f.Records {
				room := r.Key[len("rooms/") : len(r.Key)-len("/profile")]
				if !bytes.Equal(r.Value, want.Profiles[room]) {
					t.Errorf("record %q = %q, want %q", r.Key, r.Value, want.Profiles[room])
				}
			}
			if len(f.Records) != len(want.Profiles) || len(want.Profiles) < 3 {
				t.Errorf("%d records, want those of %d rooms", len(f.Records), len(want.Profiles))
			}
		})
	}
}

func checkRoom(t *testing.T, room Room, got []Event, want formertest.Room, deleted []uint64) {
	t.Helper()
	if room.Evicted != want.Evicted {
		t.Errorf("room %q: Evicted = %d, want %d", room.Name, room.Evicted, want.Evicted)
	}
	var left []Event
	for _, e := range got {
		switch {
		case !e.Erased:
			left = append(left, e)
		case e.Payload != nil || len(e.KeyDigest) == 0 || e.Time.IsZero():
			t.Errorf("room %q: erased event %+v, want a key and a time, and no payload", room.Name, e)
		}
	}
	var stored int
	for _, w := range want.Events {
		if slices.Contains(deleted, w.Sequence) {
			continue
		}
		if stored >= len(left) || left[stored].Sequence != w.Sequence || !bytes.Equal(left[stored].Payload, w.Payload) {
			t.Fatalf("room %q: event %d of %d is not %d as it was stored", room.Name, stored, len(left), w.Sequence)
		}
		checkFields(t, left[stored])
		stored++
	}
	if stored != len(left) {
		t.Errorf("room %q: %d events, want %d", room.Name, len(left), stored)
	}
}

// checkFields checks what is derived from a payload.
func checkFields(t *testing.T, e Event) {
	t.Helper()
	content, err := eventpb.Encoding{}.Decode(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	want := Event{Author: content.Sender.ID}
	switch body := content.Body.(type) {
	case chat.Message:
		want.Counted = true
	case chat.Edit:
		want.Relation, want.Target = chat.Revises, body.Target
	case chat.Deletion:
		want.Relation, want.Target = chat.Erases, body.Target
	case chat.Reaction:
		want.Relation, want.Target = chat.Annotates, body.Target
	}
	if e.Relation != want.Relation || e.Target != want.Target || e.Counted != want.Counted || e.Author != want.Author {
		t.Errorf("event %d: %d, %d, %t, %q, want those of %+v", e.Sequence, e.Relation, e.Target, e.Counted, e.Author, content)
	}
	if late := e.Time.Sub(content.Time).Abs(); len(e.KeyDigest) != 18 || late > 10*time.Second && !content.Time.IsZero() {
		t.Errorf("event %d: key %x, time %s, want 18 bytes and about %s", e.Sequence, e.KeyDigest, e.Time, content.Time)
	}
}
