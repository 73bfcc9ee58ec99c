package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
)

// RunRestart checks stores that keep everything in a directory: what open returns
// for one that was used before holds what was stored there. Keys must be
// remembered for as long as the tests take, and nothing may be dropped.
func RunRestart(t *testing.T, open func(t *testing.T, dir string) Store) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, d *durable)
	}{
		{"Events", testRestartEvents},
		{"Erasures", testRestartErasures},
		{"ErasedIsInNoFile", testErasedIsInNoFile},
		{"ScrubIsCompleted", testRestartScrub},
		{"State", testRestartState},
		{"EmptyStore", testRestartEmpty},
		{"RandomWork", testRestartRandom},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := &durable{t: t, dir: t.TempDir(), open: open}
			d.w = newWriter(t, open(t, d.dir))
			tt.test(t, d)
			d.close()
		})
	}
}

// durable is a store that is closed and opened again.
type durable struct {
	t    *testing.T
	dir  string
	open func(t *testing.T, dir string) Store
	w    *writer
}

func (d *durable) close() {
	d.t.Helper()
	if err := d.w.s.Close(); err != nil {
		d.t.Fatalf("Close() = %v, want nil", err)
	}
}

// restart closes and opens the store, and checks that it holds the same.
func (d *durable) restart() {
	d.t.Helper()
	var before []chat.Head
	names := []string{"unknown"}
	for name := range d.w.rooms {
		names = append(names, name)
	}
	for _, name := range names {
		before = append(before, headOf(d.t, d.w.s, name))
	}
	rooms := roomsOf(d.t, d.w.s, "", everything)
	records := list(d.t, d.w.s, "", "", everything)
	d.close()
	d.w.s = d.open(d.t, d.dir)
	for i, name := range names {
		if got := headOf(d.t, d.w.s, name); got != before[i] {
			d.t.Fatalf("Head(%q) after a restart = %+v, want %+v", name, got, before[i])
		}
	}
	if got := roomsOf(d.t, d.w.s, "", everything); !slices.EqualFunc(got, rooms, func(a, b chat.RoomHead) bool {
		return sameHead(a, b) && a.Time.Equal(b.Time)
	}) {
		d.t.Fatalf("Rooms after a restart = %+v, want %+v", got, rooms)
	}
	sameRecords(d.t, "List after a restart", list(d.t, d.w.s, "", "", everything), records)
	d.w.check()
}

func testRestartEvents(t *testing.T, d *durable) {
	var events []event
	for i := range 3 {
		fill(d.w, "room", 8)
		fill(d.w, fmt.Sprint("room-", i), 3)
		e := d.w.add("room")
		events = append(events, e)
		d.restart()
		for _, e := range events {
			wantDuplicate(t, d.w.s, e.Entry, e.sequence)
		}
		for _, room := range []string{"room", "room-0"} {
			d.w.checkPlaces(room, d.w.targets(room)...)
		}
		// A tail continues the chain.
		seen, stop := startTail(t, d.w.s, "room")
		d.w.add("room")
		stored := d.w.room("room").stored
		sameEvents(t, "Tail after a restart", seen.wait(t, 1), stored[len(stored)-1:])
		stop()
	}
	d.w.checkRooms()
}

func testRestartErasures(t *testing.T, d *durable) {
	w := d.w
	events := w.addAll("room", 12)
	var edits []event
	for i := range 6 {
		edits = append(edits, w.relate("room", chat.Revises, events[i].sequence))
	}
	var deletions []event
	for i := range 4 {
		deletions = append(deletions, w.erase("room", events[i*3].sequence))
		if i == 1 {
			scrub(t, w.s)
		}
	}
	check := func() {
		t.Helper()
		for i, deletion := range deletions {
			target := events[i*3]
			for _, e := range []event{target, edits[0], edits[3], deletion} {
				wantDuplicate(t, w.s, e.Entry, e.sequence)
			}
			for _, relation := range []chat.Relation{chat.Annotates, chat.Revises, chat.Erases} {
				wantTargetGone(t, w.s, "that was erased", chat.Entry{Room: "room", Key: "refused", Relation: relation, Target: target.sequence})
			}
		}
		w.checkPlaces("room", w.targets("room")...)
	}
	d.restart()
	check()
	scrub(t, w.s)
	check()
	d.restart()
	check()
	deletions = append(deletions, w.erase("room", events[1].sequence))
	deletions = deletions[:4]
	w.erase("room", deletions[0].sequence)
	d.restart()
	w.check()
}

// testErasedIsInNoFile looks for erased texts in all files, after a Scrub and after
// a Close. Old and new messages are erased at random sequences, and others are added in
// between, so that pages of files split and merge.
func testErasedIsInNoFile(t *testing.T, d *durable) {
	random := rand.New(rand.NewPCG(1, 2))
	n := 0
	text := func() []byte { // known by its first 13 bytes
		n++
		return fmt.Appendf(nil, "secret-%06d-%s", n, strings.Repeat("y", random.IntN(400)))
	}
	var gone []string
	var messages []event
	for round := range 6 {
		var entries []chat.Entry
		for range 120 {
			entries = append(entries, chat.Entry{Room: fmt.Sprint("room-", random.IntN(3)), Payload: text()})
		}
		messages = append(messages, d.w.appendAll(entries)...)
		entries = entries[:0]
		for _, e := range messages {
			if random.IntN(8) == 0 {
				entries = append(entries, chat.Entry{Room: e.Room, Relation: chat.Revises, Target: e.sequence, Payload: text()})
			}
		}
		d.w.appendAll(entries)
		entries = entries[:0]
		var left []event
		for _, e := range messages {
			if random.IntN(3) > 0 {
				left = append(left, e)
				continue
			}
			entries = append(entries, chat.Entry{Room: e.Room, Relation: chat.Erases, Target: e.sequence})
			for _, other := range d.w.room(e.Room).events {
				if other.sequence == e.sequence || other.Relation == chat.Revises && other.Target == e.sequence {
					gone = append(gone, string(other.Payload[:13]))
				}
			}
		}
		messages = left
		d.w.appendAll(entries)
		scrub(t, d.w.s)
		inNoFile(t, d.dir, gone)
		d.w.check()
		if round%2 == 1 {
			d.restart()
			inNoFile(t, d.dir, gone)
		}
	}
}

// inNoFile fails the test if a text is in a file below dir.
func inNoFile(t testing.TB, dir string, texts []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was renamed meanwhile
		}
		if err != nil {
			return err
		}
		for _, text := range texts {
			if at := bytes.Index(content, []byte(text)); at >= 0 {
				t.Fatalf("%s holds %q at byte %d, which was erased and scrubbed", filepath.Base(path), text, at)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("looking for erased texts: %v", err)
	}
}

// testRestartScrub closes between the deletions and the Scrub.
func testRestartScrub(t *testing.T, d *durable) {
	w := d.w
	var gone []string
	for range 3 {
		events := w.appendAll([]chat.Entry{
			{Room: "room", Payload: fmt.Appendf(nil, "unscrubbed-%d", w.keys)},
			{Room: "room"},
		})
		gone = append(gone, string(events[0].Payload))
		w.erase("room", events[0].sequence)
		d.restart()
	}
	if n := scrub(t, w.s); n > len(gone) {
		t.Errorf("Scrub after restarts = %d, want at most %d", n, len(gone))
	}
	inNoFile(t, d.dir, gone)
	if n := scrub(t, w.s); n != 0 {
		t.Errorf("Scrub again = %d, want 0", n)
	}
	w.check()
}

func testRestartState(t *testing.T, d *durable) {
	last := uint64(0)
	for i := range 4 {
		if old := put(t, d.w.s, fmt.Sprint("a/", i), "old", 0); old <= last {
			t.Errorf("Put after a restart = revision %d, want more than %d", old, last)
		} else {
			put(t, d.w.s, fmt.Sprint("a/", i), "new", old)
		}
		put(t, d.w.s, fmt.Sprint("empty/", i), "", 0)
		// The newest revision is that of a record that is no more.
		last = put(t, d.w.s, "gone", "gone", 0)
		if err := d.w.s.Delete(t.Context(), "gone", last); err != nil {
			t.Fatalf("Delete = %v, want nil", err)
		}
		d.restart()
		wantNoRecord(t, d.w.s, "gone")
		if _, err := d.w.s.Put(t.Context(), "gone", nil, last); err == nil {
			t.Errorf("Put at the revision of a deleted record after a restart = nil, want %v", chat.ErrRevision)
		}
	}
	seen, stop := startWatch(t, d.w.s, "a/")
	defer stop()
	records := list(t, d.w.s, "a/", "", everything)
	records[0].Revision = put(t, d.w.s, records[0].Key, "new", records[0].Revision)
	waitForRecords(t, seen, records[0])
	if got := seen.all(); len(got) != 1 {
		t.Errorf("Watch after a restart = %+v, want one change", got)
	}
}

func testRestartEmpty(_ *testing.T, d *durable) {
	d.restart()
	d.restart()
	d.w.add("room")
	d.restart()
}

// testRestartRandom restarts between random writes.
func testRestartRandom(t *testing.T, d *durable) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var all []event
	for range 6 {
		for range 60 {
			e := chat.Entry{Room: fmt.Sprint("room-", random.IntN(3)), Counted: random.IntN(2) == 0, Author: []string{"", "ann", "bob"}[random.IntN(3)]}
			r := d.w.room(e.Room)
			if len(r.events) > 0 && random.IntN(2) == 0 {
				target := r.events[random.IntN(len(r.events))]
				e.Target = target.sequence
				e.Relation = []chat.Relation{chat.Annotates, chat.Revises, chat.Erases}[random.IntN(3)]
				if target.Relation == chat.Revises && e.Relation == chat.Revises {
					e.Relation = chat.Annotates
				}
			}
			all = append(all, d.w.append(e))
		}
		if random.IntN(2) == 0 {
			scrub(t, d.w.s)
		}
		d.restart()
		for range 10 {
			e := all[random.IntN(len(all))]
			wantDuplicate(t, d.w.s, e.Entry, e.sequence)
		}
	}
}
