package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// RunNodes checks stores that nodes share: a and b are two handles of one empty
// store. What one writes reaches the other within a bounded time. The suite closes
// both.
func RunNodes(t *testing.T, open func(t *testing.T) (a, b Store)) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, a, b Store)
	}{
		{"Appends", testNodesAppend},
		{"TailsHaveOneOrder", testNodesTail},
		{"Keys", testNodesKeys},
		{"Activity", testNodesActivity},
		{"Erase", testNodesErase},
		{"EditAndDeletionAtOnce", testNodesEditAndDeletion},
		{"State", testNodesState},
		{"OneOfSeveralWritersWins", testNodesConflict},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a, b := open(t)
			t.Cleanup(func() {
				for _, s := range []Store{a, b} {
					if err := s.Close(); err != nil {
						t.Errorf("Close() = %v, want nil", err)
					}
				}
			})
			tt.test(t, a, b)
		})
	}
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// settle waits until another node has all that a writer has stored, and checks it.
func settle(t testing.TB, w *writer, other Store) {
	t.Helper()
	for name, r := range w.rooms {
		eventually(t, fmt.Sprintf("the other node reads %q as the first does", name), func() bool {
			return slices.EqualFunc(read(t, other, name, 0, everything), r.read(0, everything), same) &&
				headOf(t, other, name).Last == r.last()
		})
	}
	seen := *w
	seen.s = other
	seen.check()
}

func testNodesAppend(t *testing.T, a, b Store) {
	if first, second := headOf(t, a, "room").Epoch, headOf(t, b, "room").Epoch; first != second {
		t.Errorf("epochs of two nodes = %q and %q, want one", first, second)
	}
	w := newWriter(t, a)
	fill(w, "room", 8)
	settle(t, w, b)
	w.s = b
	fill(w, "room", 8)
	fill(w, "others", 4)
	settle(t, w, a)
	w.checkRooms()
}

func testNodesTail(t *testing.T, a, b Store) {
	tails := []*tailed{tail(t, a, "room"), tail(t, b, "room")}
	var wg sync.WaitGroup
	for i, s := range []Store{a, b, a, b} {
		wg.Go(func() {
			for k := range 40 {
				text := fmt.Sprintf("%d/%d", i, k)
				if _, _, err := chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: text, Payload: []byte(text)}); err != nil {
					t.Errorf("Append(%q) = %v, want nil", text, err)
				}
			}
		})
	}
	wg.Wait()
	want := read(t, a, "room", 0, everything)
	if len(want) != 160 {
		t.Errorf("Read = %d events, want 160", len(want))
	}
	for i, r := range tails {
		sameEvents(t, fmt.Sprintf("Tail of node %d", i), r.wait(t, len(want)), want)
		r.check(t)
	}
}

func testNodesKeys(t *testing.T, a, b Store) {
	w := newWriter(t, a)
	for i := range 6 {
		w.s = []Store{a, b}[i%2]
		e := w.add("room")
		wantDuplicate(t, a, e.Entry, e.sequence)
		wantDuplicate(t, b, e.Entry, e.sequence)
	}
	for i := range 20 {
		e := chat.Entry{Room: "others", Key: fmt.Sprint(i)}
		var sequences [2]chat.Cursor
		var duplicates [2]bool
		var wg sync.WaitGroup
		for k, s := range []Store{a, b} {
			wg.Go(func() {
				var err error
				if sequences[k], duplicates[k], err = chat.Append(t.Context(), s, e); err != nil {
					t.Errorf("Append(%q) = %v, want nil", e.Key, err)
				}
			})
		}
		wg.Wait()
		if sequences[0] != sequences[1] || duplicates[0] == duplicates[1] {
			t.Errorf("Append(%q) on two nodes at once = %v, %v, want one sequence and one duplicate", e.Key, sequences, duplicates)
		}
	}
}

func testNodesActivity(t *testing.T, a, b Store) {
	seen := activity(t, b)
	w := newWriter(t, a)
	for i := range 12 {
		w.append(chat.Entry{Room: fmt.Sprint("room-", i%3), Counted: i%2 == 0})
	}
	waitForHeads(t, seen, w.roomHeads())
	eventually(t, "the other node lists the rooms", func() bool {
		return slices.EqualFunc(roomsOf(t, b, "", everything), w.roomHeads(), sameHead)
	})
}

func testNodesErase(t *testing.T, a, b Store) {
	w := newWriter(t, a)
	events := w.addAll("room", 8)
	for i := range 4 {
		w.relate("room", chat.Revises, events[i].sequence)
	}
	settle(t, w, b)
	for i, s := range []Store{a, b, a, b} {
		w.s = s
		e := w.erase("room", events[i*2].sequence)
		w.checkRoom("room") // at once on the node that erased
		wantDuplicate(t, []Store{b, a}[i%2], e.Entry, e.sequence)
		settle(t, w, []Store{b, a}[i%2])
		for _, s := range []Store{a, b} {
			wantTargetGone(t, s, "that is erased", chat.Entry{Room: "room", Key: "refused", Relation: chat.Revises, Target: events[i*2].sequence})
		}
	}
	scrub(t, b)
	scrub(t, a)
	settle(t, w, a)
	settle(t, w, b)
}

// testNodesEditAndDeletion edits on one node what another deletes at that moment.
func testNodesEditAndDeletion(t *testing.T, a, b Store) {
	for i := range 20 {
		message := newWriter(t, a).append(chat.Entry{Room: "room", Key: fmt.Sprint("message ", i)})
		target := message.sequence
		var wg sync.WaitGroup
		var edit chat.Cursor
		wg.Go(func() {
			var err error
			edit, _, err = chat.Append(t.Context(), a, chat.Entry{
				Room: "room", Key: fmt.Sprint("edit ", i), Payload: []byte("edit"), Relation: chat.Revises, Target: target,
			})
			if err != nil && !errors.Is(err, chat.ErrTargetGone) {
				t.Errorf("Append of an edit = %v, want nil or %v", err, chat.ErrTargetGone)
			}
		})
		wg.Go(func() {
			if _, _, err := chat.Append(t.Context(), b, chat.Entry{
				Room: "room", Key: fmt.Sprint("deletion ", i), Relation: chat.Erases, Target: target,
			}); err != nil {
				t.Errorf("Append of a deletion = %v, want nil", err)
			}
		})
		wg.Wait()
		for name, s := range map[string]Store{"first": a, "second": b} {
			eventually(t, fmt.Sprintf("the %s node has the deletion of %d, and not the edit %d", name, target, edit.Sequence), func() bool {
				got := read(t, s, "room", target-1, everything)
				return len(got) == 1 && got[0].Sequence != target && got[0].Sequence != edit.Sequence &&
					len(changes(t, s, "room", []uint64{target}, 0)) == 1
			})
		}
	}
}

func testNodesState(t *testing.T, a, b Store) {
	seen := map[Store]*watched{a: watch(t, a, "a/"), b: watch(t, b, "a/")}
	revision := put(t, a, "a/key", "first", 0)
	put(t, a, "other", "other", 0)
	for i := range 6 {
		s, other := a, b
		if i%2 == 1 {
			s, other = b, a
		}
		want := chat.Record{Key: "a/key", Value: fmt.Append(nil, i)}
		want.Revision = put(t, s, want.Key, string(want.Value), revision)
		wantRecord(t, s, want)
		waitForRecords(t, seen[s], want)
		waitForRecords(t, seen[other], want)
		eventually(t, "the other node has the record", func() bool {
			got, err := other.Get(t.Context(), want.Key)
			return err == nil && sameRecord(got, want)
		})
		revision = want.Revision
	}
	if err := b.Delete(t.Context(), "a/key", revision); err != nil {
		t.Fatalf("Delete = %v, want nil", err)
	}
	seen[a].waitFor(t, "the deletion", func(got []chat.Record) bool {
		last := newest(got)["a/key"]
		return last.Value == nil && last.Revision > revision
	})
	eventually(t, "the other node lists one record", func() bool { return len(list(t, a, "", "", everything)) == 1 })
}

func testNodesConflict(t *testing.T, a, b Store) {
	revision := uint64(0)
	for round := range 20 {
		value := func(i int) string { return fmt.Sprintf("round %d, writer %d", round, i) }
		winners := race(t, 6, func(i int) error {
			_, err := []Store{a, b}[i%2].Put(t.Context(), "key", []byte(value(i)), revision)
			return err
		})
		if len(winners) != 1 {
			t.Fatalf("round %d: writers %d won, want one", round, winners)
		}
		eventually(t, "both nodes have the winner's record", func() bool {
			x, errA := a.Get(t.Context(), "key")
			y, errB := b.Get(t.Context(), "key")
			revision = x.Revision
			return errA == nil && errB == nil && sameRecord(x, y) && string(x.Value) == value(winners[0])
		})
	}
}
