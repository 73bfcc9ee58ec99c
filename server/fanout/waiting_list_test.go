package fanout

import (
	"math/rand/v2"
	"testing"
)

// checkWaiting fails unless the waiting list contains exactly the subscriptions of
// the current generation, each at its slot.
func checkWaiting[T any](t *testing.T, topic *Topic[T], subs []*Subscription[T]) {
	t.Helper()
	waiting := 0
	for i, s := range subs {
		if s.generation != topic.generation {
			continue
		}
		waiting++
		if s.slot >= len(topic.waiting) || topic.waiting[s.slot] != s {
			t.Fatalf("subscription %d of %d is not at its slot %d of the waiting list", i, len(subs), s.slot)
		}
	}
	if waiting != len(topic.waiting) {
		t.Fatalf("len(waiting) = %d, want %d", len(topic.waiting), waiting)
	}
}

// The waiting list of a topic without values does not grow when subscriptions are
// opened and closed.
func TestWaitingListDoesNotGrow(t *testing.T) {
	topic := New(Config[int]{})
	permanent := topic.Subscribe()
	for range 1_000_000 {
		topic.Subscribe().Close()
	}
	checkWaiting(t, topic, []*Subscription[int]{permanent})
	permanent.Close()
	permanent.Rejoin()
	if len(topic.waiting) != 0 || cap(topic.waiting) > 16 || topic.subscribers != 0 {
		t.Errorf("waiting has length %d and capacity %d with %d subscribers, want 0, at most 16, 0",
			len(topic.waiting), cap(topic.waiting), topic.subscribers)
	}
}

// Removing a subscription from the waiting list, by Close or Publish, keeps the slots
// of the others valid.
func TestWaitingList(t *testing.T) {
	const most = 40
	random := rand.New(rand.NewPCG(1, 2))
	topic := New(Config[int]{Window: 4})
	var subs []*Subscription[int]
	var buf [2]int
	for range 20_000 {
		switch n := random.IntN(16); {
		case n < 6 && len(subs) < most:
			subs = append(subs, topic.Subscribe())
		case n < 11 && len(subs) > 0:
			i := random.IntN(len(subs))
			subs[i].Close()
			subs[i] = subs[len(subs)-1]
			subs = subs[:len(subs)-1]
		case n < 12:
			if err := topic.Publish(n); err != nil {
				t.Fatalf("Publish() = %v, want nil", err)
			}
			if len(topic.waiting) != 0 {
				t.Fatalf("len(waiting) after Publish = %d, want 0", len(topic.waiting))
			}
		case len(subs) > 0:
			s := subs[random.IntN(len(subs))]
			if _, err := s.Take(buf[:]); err != nil {
				s.Rejoin()
			}
		}
		checkWaiting(t, topic, subs)
	}
	for _, s := range subs {
		s.Close()
	}
	checkWaiting(t, topic, nil)

	// Neither list may keep a closed subscription reachable.
	for _, list := range [][]*Subscription[int]{topic.waiting, topic.spare} {
		for i, s := range list[:cap(list)] {
			if s != nil {
				t.Errorf("a closed subscription is left at %d of %d", i, cap(list))
			}
		}
	}
}
