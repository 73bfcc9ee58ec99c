package storetest

import (
	"fmt"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

var scrubTests = []test{
	{"Counts", testScrub},
	{"AtOnce", testScrubAtOnce},
}

func scrub(t testing.TB, s Store) int {
	t.Helper()
	n, err := s.Scrub(t.Context())
	if err != nil {
		t.Fatalf("Scrub() = %d, %v, want nil", n, err)
	}
	return n
}

func testScrub(t *testing.T, s Store) {
	w := newWriter(t, s)
	if n := scrub(t, s); n != 0 {
		t.Errorf("Scrub of an empty journal = %d, want 0", n)
	}
	for round := range 3 {
		room := fmt.Sprint("room-", round)
		events := w.addAll(room, 10)
		for i := range 3 {
			w.relate(room, chat.Revises, events[i].sequence)
		}
		w.erase(room, events[1].sequence)
		w.erase(room, events[5].sequence)
		wantTargetGone(t, s, "that is erased", chat.Entry{Room: room, Key: "again", Relation: chat.Erases, Target: events[5].sequence})
		for i, want := range []int{3, 0} { // two messages and an edit
			if n := scrub(t, s); n != want {
				t.Errorf("Scrub %d after erasing 3 events = %d, want %d", i, n, want)
			}
			w.check()
		}
		wantDuplicate(t, s, events[1].Entry, events[1].sequence)
		w.addAll(room, 3)
		w.check()
	}
	w.checkRooms()
}

// testScrubAtOnce scrubs from several goroutines while others erase and append.
func testScrubAtOnce(t *testing.T, s Store) {
	w := newWriter(t, s)
	wait := load(t, s, "loaded", 2, 40)
	var scrubbers sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		scrubbers.Go(func() {
			for running := true; running; {
				select {
				case <-done:
					running = false
				default:
				}
				if n, err := s.Scrub(t.Context()); err != nil || n > 60 {
					t.Errorf("Scrub() = %d, %v, want at most the 60 erased events", n, err)
					return
				}
			}
		})
	}
	events := w.addAll("room", 80)
	for _, e := range events[10:70] {
		w.erase("room", e.sequence)
	}
	close(done)
	scrubbers.Wait()
	wait()
	if n := scrub(t, s); n != 0 {
		t.Errorf("Scrub after a Scrub that began after the last deletion = %d, want 0", n)
	}
	w.check()
}
