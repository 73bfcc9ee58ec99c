package storetest

import (
	"fmt"
	"slices"
	"testing"

	"chatroom/server/internal/chat"
)

// RunRetention checks stores that keep the newest roomEvents events of each room,
// and nothing else that would drop any.
func RunRetention(t *testing.T, open func(t *testing.T, roomEvents int) Store) {
	for _, tt := range []struct {
		name string
		keep int
		test func(t *testing.T, s Store, keep int)
	}{
		{"OldestGoFirst", 3, testOldestGoFirst},
		{"OneEvent", 1, testOldestGoFirst},
		{"TailGetsWhatIsDroppedSoon", 2, testTailBeforeRetention},
		{"DroppedKeyIsADuplicate", 2, testDroppedKey},
		{"DroppedTargetIsGone", 3, testDroppedTarget},
		{"ReadersSeeAWholeChain", 5, testChainUnderRetention},
		{"Erase", 4, testEraseUnderRetention},
		{"StateIsKept", 2, testStateUnderRetention},
		{"Model", 3, checkModel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := opened(t, func(t *testing.T) Store { return open(t, tt.keep) })
			tt.test(t, s, tt.keep)
		})
	}
}

func testOldestGoFirst(t *testing.T, s Store, keep int) {
	w := newWriter(t, s)
	w.keep = keep
	for range keep {
		w.append(chat.Entry{Room: "others", Counted: true})
		w.append(chat.Entry{Room: "room", Counted: true})
	}
	w.check() // a full room has lost nothing
	for range 7 {
		e := w.append(chat.Entry{Room: "room", Counted: true})
		w.checkPlaces("room", e.sequence-1, e.sequence, w.room("room").evicted)
	}
	w.check()
	w.checkRooms() // with the number that was ever stored
}

func testTailBeforeRetention(t *testing.T, s Store, keep int) {
	seen := tail(t, s, "room")
	w := newWriter(t, s)
	w.keep = keep
	w.addAll("room", 50)
	got := seen.wait(t, 50)
	for i, st := range w.room("room").stored {
		if got[i].Sequence != st.Sequence || string(got[i].Payload) != string(st.Payload) {
			t.Fatalf("Tail = %s, want %s", describe(got), describe(w.room("room").stored))
		}
	}
	w.check()
}

func testDroppedKey(t *testing.T, s Store, keep int) {
	w := newWriter(t, s)
	w.keep = keep
	first := w.add("room")
	w.addAll("room", keep+1)
	wantDuplicate(t, s, first.Entry, first.sequence)
	w.check()
}

// testDroppedTarget has what changes an event outlive it.
func testDroppedTarget(t *testing.T, s Store, keep int) {
	w := newWriter(t, s)
	w.keep = keep
	first := w.add("room")
	edit := w.relate("room", chat.Revises, first.sequence)
	note := w.relate("room", chat.Annotates, first.sequence)
	w.add("room") // first is dropped
	w.check()
	for _, relation := range []chat.Relation{chat.Annotates, chat.Revises, chat.Erases} {
		wantTargetGone(t, s, "that is dropped", chat.Entry{Room: "room", Key: "refused", Relation: relation, Target: first.sequence})
	}
	for _, e := range []event{first, edit, note} {
		wantDuplicate(t, s, e.Entry, e.sequence)
	}
	w.add("room") // edit is dropped
	w.check()
}

// testChainUnderRetention reads while events come and go: each answer is what
// the room held at one moment.
func testChainUnderRetention(t *testing.T, s Store, keep int) {
	done := make(chan struct{})
	wait := load(t, s, "room", 3, 60)
	go func() {
		wait()
		close(done)
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		for call, got := range map[string][]chat.Stored{
			"Read":     read(t, s, "room", 0, everything),
			"ReadBack": readBack(t, s, "room", maxSequence, everything),
		} {
			previous := uint64(0)
			for _, e := range got {
				if e.Previous != previous {
					t.Fatalf("%s under retention = %s, want a chain that begins with 0", call, describe(got))
				}
				previous = e.Sequence
			}
			if len(got) > keep {
				t.Fatalf("%s under retention = %d events, want at most %d", call, len(got), keep)
			}
		}
		head := headOf(t, s, "room")
		if head.First > head.Last || head.First != 0 && head.Evicted >= head.First {
			t.Fatalf("Head under retention = %+v, want Evicted < First <= Last", head)
		}
	}
}

// testEraseUnderRetention has a room lose events to both. Whether what is erased
// counts for what a room keeps is not promised: what is left must be the newest of
// what is not erased, and Evicted must distinguish the two losses.
func testEraseUnderRetention(t *testing.T, s Store, keep int) {
	w := newWriter(t, s) // with nothing dropped
	r := w.room("room")
	w.addAll("room", keep)
	for i := range 40 {
		left := read(t, s, "room", 0, everything)
		target := left[len(left)/2].Sequence
		if i%3 == 0 {
			target = left[0].Sequence
		}
		w.erase("room", target)
		scrub(t, s)
		w.addAll("room", 1+i%2)
		got, all := read(t, s, "room", 0, everything), r.read(0, everything)
		if len(got) == 0 || len(got) > keep {
			t.Fatalf("Read = %s, want 1 to %d events", describe(got), keep)
		}
		dropped := all[:len(all)-min(len(got), len(all))]
		want := slices.Clone(all[len(dropped):])
		want[0].Previous = 0
		sameEvents(t, "Read", got, want)
		sameEvents(t, "ReadBack", readBack(t, s, "room", maxSequence, everything), want)
		head := headOf(t, s, "room")
		if head.First != want[0].Sequence || head.Last != r.last() || head.Evicted >= head.First {
			t.Fatalf("Head = %+v, want %d to %d, and Evicted before that", head, want[0].Sequence, r.last())
		}
		if len(dropped) > 0 && head.Evicted < dropped[len(dropped)-1].Sequence {
			t.Fatalf("Head = %+v, want Evicted of at least %d", head, dropped[len(dropped)-1].Sequence)
		}
	}
}

func testStateUnderRetention(t *testing.T, s Store, keep int) {
	var want []chat.Record
	for i := range 5 * keep {
		key := fmt.Sprint("room/", i)
		want = append(want, chat.Record{Key: key, Value: []byte(key), Revision: put(t, s, key, key, 0)})
		newWriter(t, s).append(chat.Entry{Room: "room", Key: key})
	}
	slices.SortFunc(want, func(a, b chat.Record) int { return slices.Compare([]byte(a.Key), []byte(b.Key)) })
	sameRecords(t, "List", list(t, s, "room/", "", everything), want)
}
