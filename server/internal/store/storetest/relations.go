package storetest

import (
	"errors"
	"slices"
	"testing"

	"chatroom/server/internal/chat"
)

var relationTests = []test{
	{"Changes", testChanges},
	{"ChangesOfManyTargets", testChangesOfMany},
	{"TargetMustBeInTheRoom", testTargets},
	{"Count", testCount},
	{"CountUpToALimit", testCountLimit},
}

func testChanges(t *testing.T, s Store) {
	w := newWriter(t, s)
	a, b, c := w.add("room"), w.add("room"), w.add("room")
	w.add("others")
	w.relate("room", chat.Annotates, a.sequence)
	edit := w.relate("room", chat.Revises, b.sequence)
	w.relate("room", chat.Revises, a.sequence)
	w.relate("room", chat.Annotates, b.sequence)
	w.relate("room", chat.Annotates, edit.sequence)
	mark := w.relate("room", chat.Annotates, a.sequence)
	deletion := w.erase("room", b.sequence) // takes edit along
	w.relate("room", chat.Annotates, deletion.sequence)
	for _, targets := range [][]uint64{
		nil, {}, {0}, {a.sequence}, {b.sequence}, {c.sequence}, {edit.sequence}, {deletion.sequence},
		{a.sequence, b.sequence}, {b.sequence, a.sequence}, {a.sequence, a.sequence}, {edit.sequence, c.sequence, b.sequence},
		{maxSequence, a.sequence}, w.targets("room"),
	} {
		for _, after := range append([]uint64{0, maxSequence}, w.targets("room")...) {
			w.checkChanges("room", targets, after)
		}
	}
	sameEvents(t, "Changes in an unknown room", changes(t, s, "unknown", []uint64{a.sequence}, 0), nil)
	sameEvents(t, "Changes in another room", changes(t, s, "others", []uint64{a.sequence}, 0), nil)
	w.erase("room", mark.sequence) // erasing what annotates
	w.checkRoom("room")
}

// testChangesOfMany asks for more targets than a statement may have parameters, or
// a page has events.
func testChangesOfMany(t *testing.T, s Store) {
	const messages = 1200
	w := newWriter(t, s)
	targets := w.addAll("room", messages)
	var related []chat.Entry
	for i := 0; i < messages; i += 7 {
		for _, relation := range []chat.Relation{chat.Revises, chat.Annotates, chat.Annotates} {
			related = append(related, chat.Entry{Room: "room", Relation: relation, Target: targets[(i*31)%messages].sequence})
		}
	}
	// Many at one target, too.
	for range 300 {
		related = append(related, chat.Entry{Room: "room", Relation: chat.Annotates, Target: targets[5].sequence})
	}
	w.appendAll(related)
	all := w.targets("room")
	w.checkChanges("room", all, 0)
	slices.Reverse(all)
	w.checkChanges("room", all, targets[messages-1].sequence+200)
	w.checkChanges("room", []uint64{targets[5].sequence}, 0)
}

func testTargets(t *testing.T, s Store) {
	w := newWriter(t, s)
	message := w.add("room")
	foreign := w.add("others")
	gone := w.add("room")
	edit := w.relate("room", chat.Revises, gone.sequence)
	note := w.relate("room", chat.Annotates, gone.sequence)
	deletion := w.erase("room", gone.sequence)
	for _, relation := range []chat.Relation{chat.Annotates, chat.Revises, chat.Erases} {
		for name, target := range map[string]uint64{
			"of another room":     foreign.sequence,
			"that is erased":      gone.sequence,
			"that went with that": edit.sequence,
			"beyond the end":      deletion.sequence + 1000,
			"far beyond the end":  maxSequence,
			"between events":      message.sequence + 1, // of another room, or a gap
		} {
			wantTargetGone(t, s, name, chat.Entry{Room: "room", Key: "refused", Relation: relation, Target: target})
		}
		wantTargetGone(t, s, "in an unknown room", chat.Entry{Room: "unknown", Key: "refused", Relation: relation, Target: message.sequence})
	}
	w.check()
	if got := headOf(t, s, "unknown"); got.Last != 0 {
		t.Errorf("Head of a room that nothing was stored in = %+v, want no events", got)
	}
	// Each of these is still there.
	for _, target := range []event{message, note, deletion} {
		for _, relation := range []chat.Relation{chat.Annotates, chat.Revises, chat.Erases} {
			w.relate("room", relation, target.sequence)
		}
	}
	w.check()
}

func wantTargetGone(t testing.TB, s Store, name string, e chat.Entry) {
	t.Helper()
	at, duplicate, err := chat.Append(t.Context(), s, e)
	if !errors.Is(err, chat.ErrTargetGone) || duplicate || at != (chat.Cursor{}) {
		t.Fatalf("Append of relation %d to %d, a target %s, = %v, %t, %v, want %v", e.Relation, e.Target, name, at, duplicate, err, chat.ErrTargetGone)
	}
}

func testCount(t *testing.T, s Store) {
	w := newWriter(t, s)
	fill(w, "room", 24)
	fill(w, "others", 5)
	sequences := append(w.targets("room"), 0, maxSequence)
	for _, sequence := range slices.Concat(sequences, nextTo(w.targets("room"))) {
		for _, except := range []string{"", "ann", "bob", "nobody"} {
			for _, limit := range []int{1, 2, 1000} {
				w.checkCount("room", sequence, except, limit)
			}
		}
	}
	w.checkCount("unknown", 0, "ann", 5)
}

// testCountLimit has many events of one author. What is answered for them is exact
// as long as they are few against the limit.
func testCountLimit(t *testing.T, s Store) {
	w := newWriter(t, s)
	var entries []chat.Entry
	for i := range 1300 {
		author := "ann"
		if i%10 == 0 {
			author = "bob"
		}
		entries = append(entries, chat.Entry{Room: "room", Counted: true, Author: author})
	}
	events := w.appendAll(entries)
	for _, sequence := range []uint64{0, events[100].sequence, events[1000].sequence, events[1299].sequence} {
		for _, except := range []string{"", "ann", "bob"} {
			for _, limit := range []int{1, 10, 99, 100, 999, 1000} {
				w.checkCount("room", sequence, except, limit)
			}
		}
	}
}
