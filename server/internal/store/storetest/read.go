package storetest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

var readTests = []test{
	{"Read", testRead},
	{"ReadBack", testReadBack},
	{"InPages", testReadInPages},
	{"FromEveryPosition", testReadEverywhere},
	{"Head", testHead},
	{"Rooms", testRooms},
}

// interleaved fills two rooms in turn, so that the sequences of each have gaps,
// and returns the events of the first.
func interleaved(w *writer, room string, n int) []event {
	w.t.Helper()
	var entries []chat.Entry
	for range n {
		entries = append(entries, chat.Entry{Room: room}, chat.Entry{Room: "others"})
	}
	var events []event
	for i, e := range w.appendAll(entries) {
		if i%2 == 0 {
			events = append(events, e)
		}
	}
	return events
}

func testRead(t *testing.T, s Store) {
	events := interleaved(newWriter(t, s), "room", 10)
	all := chain(events)
	for _, tt := range []struct {
		name  string
		after uint64
		limit int
		want  []chat.Stored
	}{
		{"all", 0, everything, all},
		{"exactly all", 0, 10, all},
		{"one less than all", 0, 9, all[:9]},
		{"one", 0, 1, all[:1]},
		{"none asked for", 0, 0, nil},
		{"before the first", events[0].sequence - 1, 2, all[:2]},
		{"after the first", events[0].sequence, 2, all[1:3]},
		{"between sequences", events[0].sequence + 1, 2, all[1:3]},
		{"the rest", events[6].sequence, everything, all[7:]},
		{"the rest exactly", events[6].sequence, 3, all[7:]},
		{"before the last", events[9].sequence - 1, 5, all[9:]},
		{"after the last", events[9].sequence, 5, nil},
		{"beyond the end", events[9].sequence + 1000, 5, nil},
		{"far beyond the end", maxSequence, 5, nil},
		{"the largest limit", events[0].sequence, maxInt, all[1:]},
	} {
		sameEvents(t, fmt.Sprintf("Read of %s, after %d, limit %d", tt.name, tt.after, tt.limit), read(t, s, "room", tt.after, tt.limit), tt.want)
	}
	sameEvents(t, "Read of an unknown room", read(t, s, "unknown", 0, 5), nil)
}

func testReadBack(t *testing.T, s Store) {
	events := interleaved(newWriter(t, s), "room", 10)
	all := chain(events)
	for _, tt := range []struct {
		name   string
		before uint64
		limit  int
		want   []chat.Stored
	}{
		{"all", maxSequence, everything, all},
		{"exactly all", maxSequence, 10, all},
		{"one less than all", maxSequence, 9, all[1:]},
		{"the newest", maxSequence, 1, all[9:]},
		{"none asked for", maxSequence, 0, nil},
		{"beyond the end", events[9].sequence + 1000, 2, all[8:]},
		{"after the last", events[9].sequence + 1, 2, all[8:]},
		{"before the last", events[9].sequence, 2, all[7:9]},
		{"between sequences", events[8].sequence + 1, 2, all[7:9]},
		{"the rest", events[3].sequence, everything, all[:3]},
		{"the rest exactly", events[3].sequence, 3, all[:3]},
		{"after the first", events[0].sequence + 1, 5, all[:1]},
		{"before the first", events[0].sequence, 5, nil},
		{"before everything", 0, 5, nil},
		{"the largest limit", events[9].sequence, maxInt, all[:9]},
	} {
		sameEvents(t, fmt.Sprintf("ReadBack of %s, before %d, limit %d", tt.name, tt.before, tt.limit), readBack(t, s, "room", tt.before, tt.limit), tt.want)
	}
	sameEvents(t, "ReadBack of an unknown room", readBack(t, s, "unknown", maxSequence, 5), nil)
}

// testReadInPages pages through a room in both directions with each page size:
// a page shorter than its limit is the last one.
func testReadInPages(t *testing.T, s Store) {
	all := chain(interleaved(newWriter(t, s), "room", 23))
	for limit := 1; limit <= 24; limit++ {
		var forward, backward []chat.Stored
		for after, more := uint64(0), true; more && len(forward) <= len(all); {
			page := read(t, s, "room", after, limit)
			if more = len(page) == limit; len(page) > 0 {
				after = page[len(page)-1].Sequence
			}
			forward = append(forward, page...)
		}
		for before, more := maxSequence, true; more && len(backward) <= len(all); {
			page := readBack(t, s, "room", before, limit)
			if more = len(page) == limit; len(page) > 0 {
				before = page[0].Sequence
			}
			backward = slices.Concat(page, backward)
		}
		sameEvents(t, fmt.Sprintf("Read in pages of %d", limit), forward, all)
		sameEvents(t, fmt.Sprintf("ReadBack in pages of %d", limit), backward, all)
	}
}

// testReadEverywhere resumes from each event, and from between them, in a room with
// all kinds of relations, some of them erased.
func testReadEverywhere(t *testing.T, s Store) {
	w := newWriter(t, s)
	fill(w, "room", 12)
	w.checkPlaces("room", slices.Concat(w.targets("room"), nextTo(w.targets("room")))...)
}

func nextTo(sequences []uint64) []uint64 {
	var near []uint64
	for _, s := range sequences {
		near = append(near, s-1, s+1)
	}
	return near
}

// fill puts messages with edits, reactions and deletions into a room.
func fill(w *writer, room string, messages int) {
	w.t.Helper()
	authors := []string{"ann", "bob", ""}
	for i := range messages {
		m := w.append(chat.Entry{Room: room, Counted: true, Author: authors[i%3]})
		if i%2 == 0 {
			w.append(chat.Entry{Room: room, Relation: chat.Annotates, Target: m.sequence, Author: authors[(i+1)%3]})
		}
		if i%3 == 0 {
			w.relate(room, chat.Revises, m.sequence)
			w.relate(room, chat.Revises, m.sequence)
		}
		if i%4 == 3 {
			w.erase(room, m.sequence)
		}
	}
}

func testHead(t *testing.T, s Store) {
	w := newWriter(t, s)
	unknown := headOf(t, s, "room")
	if unknown.Epoch == "" || unknown != (chat.Head{Epoch: unknown.Epoch}) {
		t.Errorf("Head of an unknown room = %+v, want an epoch and nothing else", unknown)
	}
	w.add("others")
	want := chat.Head{Epoch: unknown.Epoch}
	for i := range 5 {
		e := w.add("room")
		if want.Last = e.sequence; i == 0 {
			want.First = e.sequence
		}
		if got := headOf(t, s, "room"); got != want {
			t.Errorf("Head after %d events = %+v, want %+v", i+1, got, want)
		}
	}
	if got := headOf(t, s, "others").Epoch; got != unknown.Epoch {
		t.Errorf("epoch of another room = %q, want %q", got, unknown.Epoch)
	}
}

func testRooms(t *testing.T, s Store) {
	names := []string{"-", ".", "0", "_", "a", "a-b", "a.b", "aa", "b", "lobby"}
	slices.Sort(names)
	w := newWriter(t, s)
	before := time.Now()
	for i := range names {
		name := names[(i*7)%len(names)]
		for k := range i + 1 {
			w.append(chat.Entry{Room: name, Counted: k%2 == 0})
		}
	}
	tail(t, s, "listened-to")
	headOf(t, s, "asked-for")
	read(t, s, "read", 0, 1)
	want := w.roomHeads()
	for _, tt := range []struct {
		after string
		limit int
		want  []chat.RoomHead
	}{
		{"", everything, want},
		{"", len(want), want},
		{"", 3, want[:3]},
		{"", 0, nil},
		{names[0], 2, want[1:3]},
		{"a", 2, want[5:7]},
		{"a-a", 2, want[5:7]}, // a name that there is no room of
		{names[8], everything, want[9:]},
		{names[9], 5, nil},
		{"zzz", 5, nil},
	} {
		got := roomsOf(t, s, tt.after, tt.limit)
		if !slices.EqualFunc(got, tt.want, sameHead) {
			t.Errorf("Rooms(%q, %d) = %v, want %v", tt.after, tt.limit, got, tt.want)
		}
		for _, h := range got {
			checkTime(t, h, before)
		}
	}
}

// checkTime fails the test unless a room's newest event was stored since. Clocks
// may differ by a minute.
func checkTime(t testing.TB, h chat.RoomHead, since time.Time) {
	t.Helper()
	if h.Time.Before(since.Add(-time.Minute)) || h.Time.After(time.Now().Add(time.Minute)) || h.Time.Nanosecond()%int(time.Millisecond) != 0 {
		t.Errorf("time of the newest event of %q = %v, want one since %v, in milliseconds", h.Room, h.Time, since)
	}
}
