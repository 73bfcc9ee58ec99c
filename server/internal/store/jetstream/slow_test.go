package jetstream

import (
	"bytes"
	"strconv"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// A tail whose function is slower than its room gets everything, in order, from the
// stream. Other tails, and appends, don't wait for it.
func TestSlowTailMissesNothing(t *testing.T) {
	t.Parallel()
	const events = 3*tailEvents + 7
	s := open(t, Config{URL: startNATS(t).fresh(t)})
	held := make(chan struct{})
	got := make(chan chat.Stored, events)
	stop, err := s.Tail(t.Context(), "room", func(events []chat.Stored) {
		<-held
		for _, e := range events {
			e.Payload = bytes.Clone(e.Payload)
			got <- e
		}
	})
	if err != nil {
		t.Fatalf("Tail: %v", err)
	}
	defer stop()
	other := follow(t, s, "room")
	all := appendAll(t, s, "room", events)
	other.wait(t, all)
	s.mu.Lock()
	slow := s.rooms["room"].tails[0]
	s.mu.Unlock()
	slow.mu.Lock()
	lagging := slow.lagging
	slow.mu.Unlock()
	if !lagging {
		t.Fatal("the slow tail does not lag: nothing is shown")
	}
	close(held)
	previous := uint64(0)
	for i, sequence := range all {
		select {
		case e := <-got:
			if e.Sequence != sequence || e.Previous != previous || string(e.Payload) != strconv.Itoa(i) {
				t.Fatalf("event %d = %+v, want sequence %d after %d", i, e, sequence, previous)
			}
			previous = e.Sequence
		case <-time.After(patience):
			t.Fatalf("event %d has not come, want it with sequence %d", i, sequence)
		}
	}
}

// Messages that are dropped on their way to a node are read from the stream.
func TestFeedRepairsWhatIsDropped(t *testing.T) {
	t.Parallel()
	const events = feedQueue + 5000
	url := startNATS(t).fresh(t)
	s, other := open(t, Config{URL: url}), open(t, Config{URL: url})
	seen := follow(t, s, "room")
	s.mu.Lock() // the feed can't go on
	all := appendAll(t, other, "room", events)
	dropped, err := s.feed.sub.Dropped()
	s.mu.Unlock()
	if err != nil || dropped == 0 {
		t.Fatalf("Dropped() = %d, %v, want some: nothing is shown", dropped, err)
	}
	seen.wait(t, all)
}

// appendAll submits events with their numbers as payloads, and returns their
// sequences.
func appendAll(t testing.TB, s *Store, room string, n int) []uint64 {
	t.Helper()
	answers := make(chan chat.Appended, n)
	for i := range n {
		s.Submit(t.Context(), chat.Entry{Room: room, Key: strconv.Itoa(i), Payload: []byte(strconv.Itoa(i))}, func(a chat.Appended) { answers <- a })
	}
	var all []uint64
	for range n {
		a := <-answers
		if a.Err != nil || a.Duplicate {
			t.Fatalf("Submit = %+v, want a new event", a)
		}
		all = append(all, a.At.Sequence)
	}
	return all
}
