package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

var eraseTests = []test{
	{"HidesTheTarget", testErase},
	{"HidesWhatRevisesTheTarget", testEraseRevised},
	{"TheOldest", testEraseOldest},
	{"KeysStayTaken", testErasedKeys},
	{"InFlight", testEraseInFlight},
	{"Many", testEraseMany},
	{"OneTargetAtOnce", testEraseAtOnce},
	{"EditAndDeletionAtOnce", testEditAndDeletion},
	{"UnderLoad", testEraseUnderLoad},
	{"LateTail", testEraseBeforeTail},
}

func testErase(t *testing.T, s Store) {
	w := newWriter(t, s)
	for _, tt := range []struct {
		name string
		gone []int // in the order in which they are erased
	}{
		{"one", []int{3}},
		{"the-oldest", []int{0}},
		{"the-newest", []int{7}},
		{"oldest-first", []int{2, 3, 4}},
		{"newest-first", []int{4, 3, 2}},
		{"from-both-sides", []int{2, 4, 3}},
		{"apart", []int{5, 1, 3}},
		{"the-oldest-ones", []int{1, 0, 2}},
		{"all", []int{6, 0, 5, 1, 4, 2, 3, 7}},
	} {
		for _, listened := range []bool{false, true} {
			room := fmt.Sprintf("%s.%t", tt.name, listened)
			events := interleaved(w, room, 8)
			if listened {
				tail(t, s, room)
			}
			for _, i := range tt.gone {
				w.erase(room, events[i].sequence)
				w.checkRoom(room)
			}
			w.addAll(room, 3)
			w.checkPlaces(room, w.targets(room)...)
		}
	}
	w.checkRooms()
}

func testEraseRevised(t *testing.T, s Store) {
	w := newWriter(t, s)
	a := w.append(chat.Entry{Room: "room", Counted: true})
	b := w.append(chat.Entry{Room: "room", Counted: true})
	for range 3 {
		w.relate("room", chat.Revises, a.sequence)
		w.relate("room", chat.Revises, b.sequence)
		w.relate("room", chat.Annotates, a.sequence)
	}
	edit := w.append(chat.Entry{Room: "room", Relation: chat.Revises, Target: b.sequence, Counted: true})
	w.checkRoom("room")
	w.erase("room", a.sequence)
	w.checkRoom("room")
	w.erase("room", edit.sequence) // an edit on its own, which leaves its target
	w.checkRoom("room")
	w.erase("room", b.sequence)
	w.checkPlaces("room", w.targets("room")...)
}

// testEraseOldest erases what is before the oldest event: a reader who has read up
// to there has missed nothing.
func testEraseOldest(t *testing.T, s Store) {
	w := newWriter(t, s)
	events := interleaved(w, "room", 4)
	for i := range 4 {
		deletion := w.erase("room", events[i].sequence)
		want := deletion.sequence
		if i == 0 {
			want = events[1].sequence
		}
		if i > 0 {
			want = w.room("room").events[0].sequence
		}
		if head := headOf(t, s, "room"); head.First != want || head.Evicted != 0 {
			t.Errorf("Head = %+v, want First %d and nothing evicted", head, want)
		}
	}
	w.check()
}

func testErasedKeys(t *testing.T, s Store) {
	w := newWriter(t, s)
	events := w.addAll("room", 3)
	edit := w.relate("room", chat.Revises, events[1].sequence)
	note := w.relate("room", chat.Annotates, events[1].sequence)
	deletion := w.erase("room", events[1].sequence)
	// A retry is a duplicate before its target is looked for.
	for _, e := range []event{events[1], edit, note, deletion} {
		wantDuplicate(t, s, e.Entry, e.sequence)
	}
	w.check()
}

// testEraseInFlight submits without waiting what depends on the order.
func testEraseInFlight(t *testing.T, s Store) {
	w := newWriter(t, s)
	for i := range 20 {
		target := w.add("room").sequence
		entry := func(name string, relation chat.Relation) chat.Entry {
			return chat.Entry{Room: "room", Key: fmt.Sprint(i, name), Payload: []byte(name), Relation: relation, Target: target}
		}
		entries := []chat.Entry{
			entry("edit", chat.Revises), entry("note", chat.Annotates), entry("deletion", chat.Erases),
			entry("late edit", chat.Revises), entry("late note", chat.Annotates), entry("late deletion", chat.Erases),
			entry("edit", chat.Revises), entry("deletion", chat.Erases),
		}
		got := submitAll(t, s, entries)
		for k, a := range got {
			switch {
			case k < 3 && (a.Err != nil || a.Duplicate):
				t.Fatalf("Submit(%q) = %+v, want a new event", entries[k].Key, a)
			case k < 3:
				w.room("room").store(event{entries[k], a.At.Sequence})
				w.last = a.At.Sequence
			case k < 6 && !errors.Is(a.Err, chat.ErrTargetGone):
				t.Fatalf("Submit(%q) after the deletion = %+v, want %v", entries[k].Key, a, chat.ErrTargetGone)
			case k == 6 && (a.Err != nil || !a.Duplicate || a.At != got[0].At),
				k == 7 && (a.Err != nil || !a.Duplicate || a.At != got[2].At):
				t.Fatalf("Submit(%q) again = %+v, want a duplicate", entries[k].Key, a)
			}
		}
	}
	w.check()
}

// testEraseMany has more erased events in a row than a page, or a chunk, is long.
func testEraseMany(t *testing.T, s Store) {
	const many = 600
	w := newWriter(t, s)
	whole := w.addAll("whole", many)
	for i := 100; i < many-1; i += 100 { // where a chunk may well end
		w.erase("whole", whole[i].sequence)
	}
	w.checkRoom("whole")
	events := w.addAll("room", many+4)
	var deletions []chat.Entry
	for _, i := range rand.Perm(many) {
		deletions = append(deletions, chat.Entry{Room: "room", Relation: chat.Erases, Target: events[i+2].sequence})
	}
	w.appendAll(deletions)
	w.checkPlaces("room", events[0].sequence, events[1].sequence, events[2].sequence, events[300].sequence, events[many+2].sequence, events[many+3].sequence)
}

// testEraseAtOnce erases neighbours, and the same event, at the same time: of the
// deletions of one event exactly one is stored.
func testEraseAtOnce(t *testing.T, s Store) {
	events := newWriter(t, s).addAll("room", 40)
	var stored [40][3]bool
	var wg sync.WaitGroup
	for i, e := range events {
		if i%10 == 0 {
			continue
		}
		for k := range 3 {
			wg.Go(func() {
				_, duplicate, err := chat.Append(t.Context(), s, chat.Entry{
					Room: "room", Key: fmt.Sprint("deletion ", i, k), Relation: chat.Erases, Target: e.sequence,
				})
				if duplicate || err != nil && !errors.Is(err, chat.ErrTargetGone) {
					t.Errorf("Append of a deletion of %d = %t, %v, want a new event or %v", e.sequence, duplicate, err, chat.ErrTargetGone)
				}
				stored[i][k] = err == nil
			})
		}
	}
	wg.Wait()
	left := read(t, s, "room", 0, everything)
	if len(left) != 4+36 {
		t.Errorf("the room holds %s, want 4 messages and 36 deletions", describe(left))
	}
	for i, e := range events {
		n := 0
		for _, was := range stored[i] {
			if was {
				n++
			}
		}
		if want := min(1, i%10); n != want {
			t.Errorf("%d deletions of %d were stored, want %d", n, e.sequence, want)
		}
		if got := slices.ContainsFunc(left, func(st chat.Stored) bool { return st.Sequence == e.sequence }); got != (i%10 == 0) {
			t.Errorf("event %d is there: %t, want %t", e.sequence, got, i%10 == 0)
		}
	}
}

// testEditAndDeletion edits and deletes a message at the same time. Whatever comes
// first: no edit is visible once both are answered.
func testEditAndDeletion(t *testing.T, s Store) {
	for i := range 40 {
		target := newWriter(t, s).append(chat.Entry{Room: "room", Key: fmt.Sprint("message ", i)}).sequence
		var wg sync.WaitGroup
		var edits []uint64
		var mu sync.Mutex
		for k := range 3 {
			wg.Go(func() {
				at, _, err := chat.Append(t.Context(), s, chat.Entry{
					Room: "room", Key: fmt.Sprint("edit ", i, k), Payload: []byte("edit"), Relation: chat.Revises, Target: target,
				})
				if err != nil && !errors.Is(err, chat.ErrTargetGone) {
					t.Errorf("Append of an edit = %v, want nil or %v", err, chat.ErrTargetGone)
				}
				mu.Lock()
				defer mu.Unlock()
				edits = append(edits, at.Sequence)
			})
		}
		wg.Go(func() {
			if _, _, err := chat.Append(t.Context(), s, chat.Entry{
				Room: "room", Key: fmt.Sprint("deletion ", i), Payload: []byte("deletion"), Relation: chat.Erases, Target: target,
			}); err != nil {
				t.Errorf("Append of a deletion = %v, want nil", err)
			}
		})
		wg.Wait()
		for call, got := range map[string][]chat.Stored{
			"Read":     read(t, s, "room", target-1, everything),
			"ReadBack": readBack(t, s, "room", maxSequence, 5),
			"Changes":  changes(t, s, "room", []uint64{target}, 0),
		} {
			for _, st := range got {
				if st.Sequence == target || slices.Contains(edits, st.Sequence) {
					t.Fatalf("%s = %s, with %d or an edit %d of it, want neither", call, describe(got), target, edits)
				}
			}
		}
	}
}

// testEraseUnderLoad erases while others append, read and listen. No reader sees an
// event as missing: each comes after one that was there before.
func testEraseUnderLoad(t *testing.T, s Store) {
	seen := tail(t, s, "room")
	wait := load(t, s, "room", 4, 60)
	var gone []uint64
	w := newWriter(t, s)
	for len(gone) < 60 {
		seen.wait(t, 2*len(gone)+2)
		events := seen.all()
		e := events[rand.IntN(len(events))]
		entry := chat.Entry{Room: "room", Key: fmt.Sprint("deletion of ", e.Sequence), Relation: chat.Erases, Target: e.Sequence}
		if slices.Contains(gone, e.Sequence) {
			if _, duplicate, err := chat.Append(t.Context(), s, entry); err != nil || !duplicate {
				t.Fatalf("Append of the deletion of %d again = %t, %v, want a duplicate", e.Sequence, duplicate, err)
			}
			continue
		}
		w.append(entry)
		gone = append(gone, e.Sequence)
		for call, got := range map[string][]chat.Stored{
			"Read":     read(t, s, "room", 0, everything),
			"ReadBack": readBack(t, s, "room", maxSequence, everything),
		} {
			previous := uint64(0)
			for _, g := range got {
				if g.Previous != previous || slices.Contains(gone, g.Sequence) {
					t.Fatalf("%s = %d(after %d) behind %d, with %d erased, want a chain without those", call, g.Sequence, g.Previous, previous, gone)
				}
				previous = g.Sequence
			}
		}
	}
	wait()
	waitUntil(t, seen, addLast(t, s))
	got := seen.all()
	for i := range got[1:] {
		if got[i+1].Previous > got[i].Sequence || got[i+1].Sequence <= got[i].Sequence {
			t.Fatalf("Tail has %d(after %d) behind %d, want no gap", got[i+1].Sequence, got[i+1].Previous, got[i].Sequence)
		}
	}
	seen.check(t)
}

// testEraseBeforeTail erases an event while a tail's function keeps the store from
// calling it with that event. Where the deletion is stored meanwhile, the function
// must not be called with the event afterwards.
func testEraseBeforeTail(t *testing.T, s Store) {
	entered, release := make(chan struct{}, 1), make(chan struct{})
	seen := newRecorder[chat.Stored]()
	stop, err := s.Tail(t.Context(), "room", func(events []chat.Stored) {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-release
		seen.call(events)
	})
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	t.Cleanup(stop)
	var submitters sync.WaitGroup
	// submit reports whether the entry, whose payload is its key, is soon stored.
	submit := func(e chat.Entry) (sequence uint64, stored bool) {
		e.Room, e.Payload = "room", []byte(e.Key)
		submitters.Go(func() {
			if _, _, err := chat.Append(t.Context(), s, e); err != nil {
				t.Errorf("Append(%q) = %v, want nil", e.Key, err)
			}
		})
		return soon(t, s, e.Key)
	}
	submit(chat.Entry{Key: "first"})
	await(t, entered)
	var gone []uint64
	if target, stored := submit(chat.Entry{Key: "target"}); stored {
		edit, stored := submit(chat.Entry{Key: "edit", Relation: chat.Revises, Target: target})
		if _, between := submit(chat.Entry{Key: "between"}); stored && between {
			if _, stored := submit(chat.Entry{Key: "deletion", Relation: chat.Erases, Target: target}); stored {
				gone = []uint64{target, edit}
			}
		}
	}
	close(release)
	submitters.Wait()
	waitUntil(t, seen, addLast(t, s))
	got := seen.all()
	for i, e := range got {
		if slices.Contains(gone, e.Sequence) {
			t.Errorf("Tail = %s, with some of %d, which were erased before", describe(got), gone)
		}
		if i > 0 && e.Previous > got[i-1].Sequence {
			t.Errorf("Tail = %s, want no gap", describe(got))
		}
	}
}

// soon returns the sequence of the event with a payload, unless that is stored only
// after something that the caller does next.
func soon(t testing.TB, s Store, payload string) (uint64, bool) {
	t.Helper()
	hurry := time.NewTimer(100 * time.Millisecond)
	defer hurry.Stop()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		for _, e := range read(t, s, "room", 0, everything) {
			if string(e.Payload) == payload {
				return e.Sequence, true
			}
		}
		select {
		case <-again.C:
		case <-hurry.C:
			return 0, false
		}
	}
}
