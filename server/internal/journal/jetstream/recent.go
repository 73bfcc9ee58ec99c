package jetstream

import (
	"cmp"
	"context"
	"maps"
	"math"
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
	floor  uint64              // everything that was stored after it is in events, but what was erased
	newest uint64              // of what came, though it may be gone
	erased map[uint64]struct{} // what comes no more, and may be named by what comes
}

// newRecent returns one that has yet to be filled: nothing is found in it.
func newRecent() recent {
	return recent{floor: math.MaxUint64, erased: make(map[uint64]struct{})}
}

// add appends an event as the newest. It reports whether it did: an event that
// was erased on its way is left out.
func (r *recent) add(e chat.Stored) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, gone := r.erased[e.Sequence]; gone {
		return false
	}
	if _, gone := r.erased[e.Previous]; gone && len(r.events) > 0 {
		e.Previous = r.events[len(r.events)-1].Sequence
	}
	maps.DeleteFunc(r.erased, func(sequence uint64, _ struct{}) bool { return sequence < e.Sequence })
	r.newest = e.Sequence
	r.events = append(r.events, e)
	r.bytes += len(e.Payload)
	for len(r.events) > recentEvents || r.bytes > recentBytes && len(r.events) > 1 {
		r.floor = r.events[0].Sequence
		r.bytes -= len(r.events[0].Payload)
		r.events[0] = chat.Stored{} // lets go of the payload
		r.events = r.events[1:]
	}
	return true
}

// erase lets go of an event's payload, whether it is here or on its way.
func (r *recent) erase(sequence uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if sequence >= r.newest {
		r.erased[sequence] = struct{}{}
	}
	at, found := slices.BinarySearchFunc(r.events, sequence, bySequence)
	if !found {
		return
	}
	gone := r.events[at]
	r.events = slices.Delete(r.events, at, at+1)
	r.bytes -= len(gone.Payload)
	if at < len(r.events) {
		r.events[at].Previous = gone.Previous
	}
}

// reset forgets all up to a sequence.
func (r *recent) reset(floor uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events, r.bytes, r.floor = nil, 0, floor
	r.newest = max(r.newest, floor)
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
