package journaltest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

// load starts goroutines that append to a room, and to another one. The
// returned function waits for them.
func load(t *testing.T, j chat.Journal, room string, appenders, each int) (wait func()) {
	var wg sync.WaitGroup
	for a := range appenders {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("%d/%d", a, i)
				if _, _, err := j.Append(t.Context(), room, key, []byte(key)); err != nil {
					t.Errorf("Append(%q, %q) = %v, want nil", room, key, err)
					return
				}
				if _, _, err := j.Append(t.Context(), room+"-too", key, []byte("of another room")); err != nil {
					t.Errorf("Append(%q, %q) = %v, want nil", room+"-too", key, err)
					return
				}
			}
		})
	}
	return wg.Wait
}

func testTailInOrder(t *testing.T, j chat.Journal) {
	seen := tail(t, j, "room")
	load(t, j, "room", 8, 100)()
	want := read(t, j, "room", 0, everything)
	if len(want) != 800 {
		t.Fatalf("Read = %d events, want 800", len(want))
	}
	sameEvents(t, "Tail", seen.wait(t, len(want)), want)
	seen.check(t)
}

// testSeveralTails starts tails while others append: each gets all that comes
// after its beginning.
func testSeveralTails(t *testing.T, j chat.Journal) {
	add(t, j, "room", "before", "before")
	early := []*recorder{tail(t, j, "room"), tail(t, j, "room"), tail(t, j, "room")}
	wait := load(t, j, "room", 4, 50)
	late := []*recorder{tail(t, j, "room"), tail(t, j, "room")}
	wait()
	last := add(t, j, "room", "after", "after")
	want := read(t, j, "room", 0, everything)[1:]
	for i, r := range early {
		sameEvents(t, fmt.Sprintf("Tail %d of the early ones", i), r.wait(t, len(want)), want)
		r.check(t)
	}
	for i, r := range late {
		r.waitUntil(t, last.sequence)
		got := r.events()
		sameEvents(t, fmt.Sprintf("Tail %d of the late ones", i), got, want[len(want)-min(len(got), len(want)):])
		r.check(t)
	}
}

func testTailBeginsNow(t *testing.T, j chat.Journal) {
	before := addAll(t, j, "room", 3)
	seen := tail(t, j, "room")
	add(t, j, "others", "key", "of another room")
	if _, duplicate, err := j.Append(t.Context(), "room", "room/1", []byte("again")); err != nil || !duplicate {
		t.Fatalf("Append again = %t, %v, want a duplicate", duplicate, err)
	}
	after := add(t, j, "room", "after", "after")
	sameEvents(t, "Tail", seen.wait(t, 1), chain(before[2].sequence, []appended{after}))
}

func testTailStops(t *testing.T, j chat.Journal) {
	stopped, stop := startTail(t, j, "room")
	other := tail(t, j, "room")
	want := chain(0, []appended{add(t, j, "room", "before", "before")})
	sameEvents(t, "Tail", stopped.wait(t, 1), want)
	stop()
	stopped.stopped.Store(true)
	// Once another tail has seen them, this one would have, too.
	last := addAll(t, j, "room", 10)[9]
	other.waitUntil(t, last.sequence)
	sameEvents(t, "Tail after stop", stopped.events(), want)
	stopped.check(t)

	again := tail(t, j, "room")
	e := add(t, j, "room", "again", "again")
	sameEvents(t, "Tail after another's stop", again.wait(t, 1), chain(last.sequence, []appended{e}))
}

// testTailStopsUnderLoad stops tails at moments when events are on their way.
func testTailStopsUnderLoad(t *testing.T, j chat.Journal) {
	other := tail(t, j, "room")
	wait := load(t, j, "room", 4, 100)
	var stopped []*recorder
	for i := range 40 {
		r, stop := startTail(t, j, "room")
		if i%2 == 0 {
			e := add(t, j, "room", fmt.Sprint("between/", i), "between")
			r.waitUntil(t, e.sequence)
		}
		stop()
		r.stopped.Store(true)
		if n := r.calls.Load(); n != 0 {
			t.Errorf("stop returned during %d calls, want 0", n)
		}
		stopped = append(stopped, r)
	}
	wait()
	last := add(t, j, "room", "last", "last")
	other.waitUntil(t, last.sequence)
	for _, r := range stopped {
		r.check(t)
	}
}

// testAttachThenRead is how a feed joins: with a tail attached at any moment,
// everything that is read afterwards and everything that the tail gets are
// together the whole room, and what comes both ways has the same sequence.
func testAttachThenRead(t *testing.T, j chat.Journal) {
	type view struct {
		live   *recorder
		replay []chat.Stored
	}
	moments := tail(t, j, "room-too")
	wait := load(t, j, "room", 4, 100)
	var views []view
	for i := range 10 {
		moments.wait(t, i*30+rand.IntN(30))
		live := tail(t, j, "room")
		views = append(views, view{live, read(t, j, "room", 0, everything)})
	}
	wait()
	last := add(t, j, "room", "last", "last")
	want := read(t, j, "room", 0, everything)
	for i, v := range views {
		v.live.waitUntil(t, last.sequence)
		whole := slices.Clone(v.replay)
		for _, e := range v.live.events() {
			if len(whole) == 0 || e.Sequence > whole[len(whole)-1].Sequence {
				whole = append(whole, e)
			}
		}
		sameEvents(t, fmt.Sprintf("Tail and then Read, reader %d", i), whole, want)
		v.live.check(t)
	}
}
