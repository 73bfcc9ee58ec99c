package jetstream

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"chatroom/server/internal/chat"
)

const (
	// recentEvents and recentBytes bound what is kept in memory of a room that
	// is listened to. Who joins or comes back mostly asks for no more.
	recentEvents = 256
	recentBytes  = 128 << 10
)

// recent is the newest events of a room with a tail, in memory.
type recent struct {
	mu     sync.Mutex  // guards below
	first  chat.Stored // the room's oldest event, when that was last asked for
	events []chat.Stored
	bytes  int
	floor  uint64 // everything that was stored after it is in events
}

// add appends an event as the newest.
func (r *recent) add(e chat.Stored) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
	r.bytes += len(e.Payload)
	for len(r.events) > recentEvents || r.bytes > recentBytes && len(r.events) > 1 {
		r.floor = r.events[0].Sequence
		r.bytes -= len(r.events[0].Payload)
		r.events[0] = chat.Stored{} // lets go of the payload
		r.events = r.events[1:]
	}
}

// reset forgets all up to a sequence.
func (r *recent) reset(floor uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.bytes, r.floor = nil, 0, floor
}

// oldest returns what is remembered as the room's oldest event.
func (r *recent) oldest() chat.Stored {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.first
}

func (r *recent) setOldest(e chat.Stored) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.first = chat.Stored{Sequence: e.Sequence, Previous: e.Previous}
}

// after returns events after a sequence, if all that were stored since are here
// as far as the tail has come.
func (r *recent) after(sequence uint64, limit int) (events []chat.Stored, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sequence < r.floor {
		return nil, false
	}
	from, exact := slices.BinarySearchFunc(r.events, sequence, bySequence)
	if exact {
		from++
	}
	return slices.Clone(r.events[from:min(from+limit, len(r.events))]), true
}

// before returns the newest events before a sequence, if there are limit of them
// here and nothing newer than last.
func (r *recent) before(sequence, last uint64, limit int) (events []chat.Stored, found bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.events)
	to, _ := slices.BinarySearchFunc(r.events, sequence, bySequence)
	if to < limit || to == n && (n == 0 || r.events[n-1].Sequence < min(last, sequence-1)) {
		return nil, false
	}
	return slices.Clone(r.events[to-limit : to]), true
}

func bySequence(e chat.Stored, sequence uint64) int { return cmp.Compare(e.Sequence, sequence) }

// recentOf returns what is in memory of a room, nil for a room without a tail.
func (j *Journal) recentOf(room string) *recent {
	j.mu.Lock()
	defer j.mu.Unlock()
	for t := range j.tails[room] {
		return &t.recent
	}
	return nil
}

// seedLocked fills what is in memory with the newest events up to the tail's
// beginning.
func (t *tail) seedLocked(ctx context.Context) error {
	events, err := t.journal.readBack(ctx, t.room, t.last+1, recentEvents/2)
	if err != nil {
		return err
	}
	t.recent.reset(t.last)
	if len(events) > 0 {
		t.recent.reset(events[0].Previous)
	}
	for _, e := range events {
		t.recent.add(e)
	}
	return nil
}
