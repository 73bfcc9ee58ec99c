package storetest

import (
	"fmt"
	"slices"
	"testing"

	"chatroom/server/internal/chat"
)

func read(t testing.TB, s Store, room string, after uint64, limit int) []chat.Stored {
	t.Helper()
	got, err := s.Read(t.Context(), room, after, limit)
	if err != nil {
		t.Fatalf("Read(%q, %d, %d) = %v, want nil", room, after, limit, err)
	}
	return got
}

func readBack(t testing.TB, s Store, room string, before uint64, limit int) []chat.Stored {
	t.Helper()
	got, err := s.ReadBack(t.Context(), room, before, limit)
	if err != nil {
		t.Fatalf("ReadBack(%q, %d, %d) = %v, want nil", room, before, limit, err)
	}
	return got
}

func changes(t testing.TB, s Store, room string, targets []uint64, after uint64) []chat.Stored {
	t.Helper()
	got, err := s.Changes(t.Context(), room, targets, after)
	if err != nil {
		t.Fatalf("Changes(%q, %d, %d) = %v, want nil", room, targets, after, err)
	}
	for _, e := range got {
		if e.Previous != 0 {
			t.Fatalf("Changes(%q, %d, %d) = %s, want no Previous", room, targets, after, describe(got))
		}
	}
	return got
}

func headOf(t testing.TB, s Store, room string) chat.Head {
	t.Helper()
	head, err := s.Head(t.Context(), room)
	if err != nil {
		t.Fatalf("Head(%q) = %v, want nil", room, err)
	}
	return head
}

func roomsOf(t testing.TB, s Store, after string, limit int) []chat.RoomHead {
	t.Helper()
	rooms, err := s.Rooms(t.Context(), after, limit)
	if err != nil {
		t.Fatalf("Rooms(%q, %d) = %v, want nil", after, limit, err)
	}
	return rooms
}

func same(a, b chat.Stored) bool {
	return a.Sequence == b.Sequence && a.Previous == b.Previous && string(a.Payload) == string(b.Payload)
}

// sameEvents fails the test unless got is want.
func sameEvents(t testing.TB, call string, got, want []chat.Stored) {
	t.Helper()
	if !slices.EqualFunc(got, want, same) {
		t.Fatalf("%s = %s, want %s", call, describe(got), describe(want))
	}
}

func describe(events []chat.Stored) string {
	text := "["
	for i, e := range events {
		if i == 20 {
			return fmt.Sprintf("%s … %d in all]", text, len(events))
		}
		text += fmt.Sprintf(" %d(after %d)=%.20q", e.Sequence, e.Previous, e.Payload)
	}
	return text + " ]"
}

// check fails the test unless all rooms are what they should be.
func (w *writer) check() {
	w.t.Helper()
	for name := range w.rooms {
		w.checkRoom(name)
	}
}

// checkRoom reads a room in all ways.
func (w *writer) checkRoom(name string) {
	w.t.Helper()
	r := w.room(name)
	sameEvents(w.t, fmt.Sprintf("Read(%q)", name), read(w.t, w.s, name, 0, everything), r.read(0, everything))
	sameEvents(w.t, fmt.Sprintf("ReadBack(%q)", name), readBack(w.t, w.s, name, maxSequence, everything), r.readBack(maxSequence, everything))
	w.checkHead(name)
	w.checkChanges(name, w.targets(name), 0)
	for _, except := range []string{"", "ann"} {
		w.checkCount(name, 0, except, 1000)
	}
}

// targets returns all that is, or was, in a room.
func (w *writer) targets(name string) []uint64 {
	var all []uint64
	for _, st := range w.room(name).stored {
		all = append(all, st.Sequence)
	}
	return all
}

// checkPlaces reads a room from sequences, in pages of any size.
func (w *writer) checkPlaces(name string, sequences ...uint64) {
	w.t.Helper()
	r := w.room(name)
	for _, sequence := range append(sequences, 0, maxSequence) {
		for _, limit := range []int{1, 2, everything} {
			sameEvents(w.t, fmt.Sprintf("Read(%q, %d, %d)", name, sequence, limit),
				read(w.t, w.s, name, sequence, limit), r.read(sequence, limit))
			sameEvents(w.t, fmt.Sprintf("ReadBack(%q, %d, %d)", name, sequence, limit),
				readBack(w.t, w.s, name, sequence, limit), r.readBack(sequence, limit))
		}
		w.checkCount(name, sequence, "ann", 2)
	}
	w.checkRoom(name)
}

func (w *writer) checkHead(name string) {
	w.t.Helper()
	r := w.room(name)
	got := headOf(w.t, w.s, name)
	want := chat.Head{Epoch: got.Epoch, Last: r.last(), Evicted: got.Evicted}
	if len(r.events) > 0 {
		want.First = r.events[0].sequence
	}
	if got.Epoch == "" || got != want {
		w.t.Fatalf("Head(%q) = %+v, want %+v", name, got, want)
	}
	// What is retained, and what was erased of that, comes after Evicted: a reader
	// who has seen that has missed nothing.
	below := maxSequence
	for _, st := range r.read(0, 1) {
		below = st.Sequence
	}
	for _, erased := range r.erased {
		if erased > r.evicted {
			below = min(below, erased)
		}
	}
	if got.Evicted < r.evicted || len(r.stored) > 0 && got.Evicted >= below || r.evicted == 0 && got.Evicted != 0 {
		w.t.Fatalf("Head(%q) = %+v, want Evicted from %d to below %d, and 0 when nothing was dropped", name, got, r.evicted, below)
	}
}

func (w *writer) checkChanges(name string, targets []uint64, after uint64) {
	w.t.Helper()
	sameEvents(w.t, fmt.Sprintf("Changes(%q, %d, %d)", name, targets, after),
		changes(w.t, w.s, name, targets, after), w.room(name).changes(targets, after))
}

func (w *writer) checkCount(name string, after uint64, except string, limit int) {
	w.t.Helper()
	want, excepted := w.room(name).count(after, except)
	want = min(want, limit)
	got, err := w.s.Count(w.t.Context(), name, after, except, limit)
	if err != nil || got != want && !(got == limit && excepted > 3*limit) {
		w.t.Fatalf("Count(%q, %d, %q, %d) = %d, %v, want %d", name, after, except, limit, got, err, want)
	}
}

// roomHeads returns what Rooms should return, but for the times.
func (w *writer) roomHeads() []chat.RoomHead {
	var heads []chat.RoomHead
	for name, r := range w.rooms {
		if len(r.events) > 0 {
			heads = append(heads, chat.RoomHead{Room: name, Last: r.last(), Counted: r.counted})
		}
	}
	slices.SortFunc(heads, func(a, b chat.RoomHead) int { return slices.Compare([]byte(a.Room), []byte(b.Room)) })
	return heads
}

// sameHead compares all but the times.
func sameHead(a, b chat.RoomHead) bool {
	return a.Room == b.Room && a.Last == b.Last && a.Counted == b.Counted
}

func (w *writer) checkRooms() {
	w.t.Helper()
	got, want := roomsOf(w.t, w.s, "", everything), w.roomHeads()
	if !slices.EqualFunc(got, want, sameHead) {
		w.t.Fatalf("Rooms() = %+v, want %+v", got, want)
	}
}
