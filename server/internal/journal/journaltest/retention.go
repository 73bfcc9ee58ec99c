package journaltest

import (
	"fmt"
	"testing"

	"chatroom/server/internal/chat"
)

// RunRetention checks journals that keep the newest roomEvents events of each
// room, and nothing else that would drop any.
func RunRetention(t *testing.T, open func(t *testing.T, roomEvents int) chat.Journal) {
	for _, tt := range []struct {
		name string
		keep int
		test func(t *testing.T, j chat.Journal, keep int)
	}{
		{"OldestGoFirst", 3, testOldestGoFirst},
		{"OneEvent", 1, testOldestGoFirst},
		{"TailGetsWhatIsDroppedSoon", 2, testTailBeforeRetention},
		{"DroppedKeyIsADuplicate", 2, testDroppedKey},
		{"ReadersSeeAWholeChain", 5, testChainUnderRetention},
		{"EraseUnderRetention", 4, testEraseUnderRetention},
		{"Model", 3, checkModel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := opened(t, func(t *testing.T) chat.Journal { return open(t, tt.keep) })
			tt.test(t, j, tt.keep)
		})
	}
}

func testOldestGoFirst(t *testing.T, j chat.Journal, keep int) {
	other := chain(0, addAll(t, j, "others", keep))
	events := addAll(t, j, "room", keep)
	if head := headOf(t, j, "room"); head.Evicted != 0 || head.First != events[0].sequence {
		t.Errorf("Head of a full room = %+v, want First %d and nothing evicted", head, events[0].sequence)
	}
	for i := range 7 {
		events = append(events, add(t, j, "room", fmt.Sprint("more/", i), fmt.Sprint(i)))
		gone, kept := events[len(events)-keep-1], events[len(events)-keep:]
		want := chain(0, kept)
		head := headOf(t, j, "room")
		if head.First != kept[0].sequence || head.Last != kept[keep-1].sequence {
			t.Errorf("Head = %+v, want %d to %d", head, kept[0].sequence, kept[keep-1].sequence)
		}
		if head.Evicted < gone.sequence || head.Evicted >= head.First {
			t.Errorf("Head = %+v, want Evicted from %d to below %d", head, gone.sequence, head.First)
		}
		sameEvents(t, "Read", read(t, j, "room", 0, everything), want)
		sameEvents(t, "Read after what is gone", read(t, j, "room", gone.sequence, 1), want[:1])
		sameEvents(t, "ReadBack", readBack(t, j, "room", ^uint64(0), everything), want)
		sameEvents(t, "ReadBack before the oldest", readBack(t, j, "room", kept[0].sequence, everything), nil)
	}
	sameEvents(t, "Read of another room", read(t, j, "others", 0, everything), other)
	if head := headOf(t, j, "others"); head.First != other[0].Sequence || head.Evicted >= head.First {
		t.Errorf("Head of another room = %+v, want First %d and nothing of it evicted", head, other[0].Sequence)
	}
}

func testTailBeforeRetention(t *testing.T, j chat.Journal, _ int) {
	seen := tail(t, j, "room")
	events := addAll(t, j, "room", 50)
	sameEvents(t, "Tail", seen.wait(t, len(events)), chain(0, events))
}

func testDroppedKey(t *testing.T, j chat.Journal, keep int) {
	first := add(t, j, "room", "first", "first")
	events := addAll(t, j, "room", keep+1)
	at, duplicate, err := j.Append(t.Context(), "room", "first", []byte("first"))
	if err != nil || !duplicate || at.Sequence != first.sequence {
		t.Errorf("Append of a key whose event is gone = %v, %t, %v, want the duplicate of %d", at, duplicate, err, first.sequence)
	}
	sameEvents(t, "Read", read(t, j, "room", 0, everything), chain(0, events[1:]))
}

// testChainUnderRetention reads while events come and go: each answer is what
// the room held at one moment.
func testChainUnderRetention(t *testing.T, j chat.Journal, keep int) {
	done := make(chan struct{})
	wait := load(t, j, "room", 3, 100)
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
			"Read":     read(t, j, "room", 0, everything),
			"ReadBack": readBack(t, j, "room", ^uint64(0), everything),
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
		head := headOf(t, j, "room")
		if head.First > head.Last || head.First != 0 && head.Evicted >= head.First {
			t.Fatalf("Head under retention = %+v, want Evicted < First <= Last", head)
		}
	}
}
