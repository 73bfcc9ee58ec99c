package jetstream

import (
	"strconv"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// A tail whose function is slower than the room loses messages on their way to
// it, and reads them from the stream: it gets everything, in order.
func TestSlowTailMissesNothing(t *testing.T) {
	t.Parallel()
	const events = 300
	j := open(t, Config{NoFsync: true})
	held := make(chan struct{})
	got := make(chan uint64, events)
	stop, err := j.Tail(t.Context(), "room", func(events []chat.Stored) {
		<-held
		for _, e := range events {
			got <- e.Sequence
		}
	})
	if err != nil {
		t.Fatalf("Tail: %v", err)
	}
	defer stop()
	var sub *tail
	for sub = range j.tails["room"] {
		if err := sub.sub.SetPendingLimits(4, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	var want []uint64
	for i := range events {
		at, _, err := j.Append(t.Context(), "room", strconv.Itoa(i), []byte("x"))
		if err != nil {
			t.Fatalf("Append %d: %v", i, err)
		}
		want = append(want, at.Sequence)
	}
	if dropped, err := sub.sub.Dropped(); err != nil || dropped == 0 {
		t.Fatalf("Dropped() = %d, %v, want some: else nothing is proven", dropped, err)
	}
	close(held)
	for i, sequence := range want {
		select {
		case s := <-got:
			if s != sequence {
				t.Fatalf("call %d was with %d, want %d", i, s, sequence)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("call %d never came, want it with %d", i, sequence)
		}
	}
}
