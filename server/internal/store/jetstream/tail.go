package jetstream

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"chatroom/server/internal/chat"
)

const (
	// tailEvents and tailBytes bound the events that are queued for a tail's function.
	// Above that, the tail reads them from the stream.
	tailEvents = 1024
	tailBytes  = 4 << 20
	// tailBatch is how many events a tail's function is called with at most.
	tailBatch = 256
	// tailHistory is how many of the delivered events are remembered: the newest may be
	// erased before the next one is delivered.
	tailHistory = 32
)

// tail follows a room.
type tail struct {
	work
	store *Store
	room  string
	fn    func([]chat.Stored)

	mu      sync.Mutex // guards below
	waiting []message
	size    int    // of waiting, in bytes
	newest  uint64 // the newest event of the feed
	lagging bool   // waiting does not have all of them

	// Used by the work alone.
	at        uint64   // all up to here was delivered or erased, or is older than the tail
	delivered []uint64 // the newest events that were delivered, or are older than the tail, in order
}

// Tail implements chat.Journal.
func (s *Store) Tail(ctx context.Context, name string, fn func([]chat.Stored)) (func(), error) {
	t, err := s.tail(ctx, name, fn)
	if err != nil {
		return nil, s.failed(ctx, fmt.Sprintf("tail of room %q", name), err)
	}
	return func() {
		s.mu.Lock()
		r := s.roomLocked(name)
		r.tails = slices.DeleteFunc(r.tails, func(other *tail) bool { return other == t })
		s.mu.Unlock()
		t.stop()
	}, nil
}

func (s *Store) tail(ctx context.Context, name string, fn func([]chat.Stored)) (*tail, error) {
	if err := s.sync(ctx); err != nil {
		return nil, err
	}
	t := &tail{store: s, room: name, fn: fn}
	t.work = work{pool: s.pool, do: t.deliver}
	if err := s.withCounts(ctx, name, func(*room) {}); err != nil {
		return nil, err
	}
	// The newest event before the tail is in the index.
	enough := func(r *room) bool { return r.last() > 0 }
	err := s.cover(ctx, name, enough, func(r *room) {
		t.at, t.delivered = s.at, r.newestVisible(tailHistory)
		r.tails = append(r.tails, t)
	})
	return t, err
}

// add queues an event of the feed. It is called with Store.mu held.
func (t *tail) add(m message) {
	t.mu.Lock()
	t.newest = m.sequence
	if !t.lagging {
		t.waiting = append(t.waiting, m)
		t.size += len(m.data)
	}
	if len(t.waiting) > tailEvents || t.size > tailBytes {
		t.waiting, t.size, t.lagging = nil, 0, true
	}
	t.mu.Unlock()
	t.wake()
}

// deliver calls the function with queued events, or with events from the stream.
func (t *tail) deliver() {
	t.mu.Lock()
	batch, lagging, newest := t.waiting, t.lagging, t.newest
	more := len(batch) > tailBatch
	if more {
		batch, t.waiting = batch[:tailBatch:tailBatch], batch[tailBatch:]
	} else {
		t.waiting = nil
	}
	for _, m := range batch {
		t.size -= len(m.data)
	}
	t.mu.Unlock()
	if lagging {
		more = t.catchUp(newest)
	} else {
		t.call(batch)
	}
	if more {
		t.wake()
	}
}

// catchUp reads events from the stream that were not queued. It reports whether there are
// more.
func (t *tail) catchUp(newest uint64) (more bool) {
	missed, err := t.store.readTail(t.store.closing, t.room, t.at, newest)
	if err != nil {
		if t.store.closing.Err() == nil {
			t.store.log.Warn("a tail can't read what it missed, trying again", "room", t.room, "err", err)
			select {
			case <-time.After(repairEvery):
			case <-t.store.closing.Done():
			}
		}
		return true
	}
	t.call(missed)
	if len(missed) == 0 {
		t.at = max(t.at, newest)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.at < t.newest {
		return true
	}
	t.lagging = false
	return len(t.waiting) > 0
}

// readTail returns events of a room after a sequence, up to the newest one of the feed.
func (s *Store) readTail(ctx context.Context, name string, after, newest uint64) ([]message, error) {
	batch, err := s.events.batch(ctx, eventSubject(name), after+1, tailBatch)
	if err != nil {
		return nil, err
	}
	if len(batch) == 0 {
		// The server that has answered may be behind the leader.
		next, found, err := s.events.next(ctx, eventSubject(name), after+1)
		if err != nil || !found {
			return nil, err
		}
		batch = []message{next}
	}
	return slices.DeleteFunc(batch, func(m message) bool { return m.sequence > newest }), nil
}

// call calls the function with events, except for those that are erased by now.
func (t *tail) call(batch []message) {
	if len(batch) == 0 {
		return
	}
	events := make([]chat.Stored, 0, len(batch))
	s := t.store
	s.mu.Lock()
	r := s.roomLocked(t.room)
	for _, m := range batch {
		if _, deleted := s.deleted[m.sequence]; deleted || m.sequence <= t.at {
			continue
		}
		events = append(events, chat.Stored{Sequence: m.sequence, Previous: t.previousLocked(r, m.sequence), Payload: m.data})
		t.delivered = append(t.delivered, m.sequence)
	}
	t.delivered = slices.Delete(t.delivered, 0, max(0, len(t.delivered)-tailHistory))
	s.mu.Unlock()
	t.at = max(t.at, batch[len(batch)-1].sequence)
	if len(events) > 0 {
		t.fn(events)
	}
}

// previousLocked returns the event before one that is about to be delivered. The one that
// was delivered last may be erased by now. It is called with Store.mu held.
func (t *tail) previousLocked(r *room, sequence uint64) uint64 {
	for _, before := range slices.Backward(t.delivered) {
		if _, deleted := t.store.deleted[before]; !deleted {
			return before
		}
	}
	oldest := t.delivered[0]
	return min(oldest, r.previous(sequence, oldest))
}

// activity follows all rooms.
type activity struct {
	work
	store *Store
	fn    func([]chat.RoomHead)

	mu    sync.Mutex // guards below
	rooms map[string]struct{}
}

// Activity implements chat.Journal.
func (s *Store) Activity(ctx context.Context, fn func([]chat.RoomHead)) (func(), error) {
	if err := s.sync(ctx); err != nil {
		return nil, s.failed(ctx, "activity", err)
	}
	a := &activity{store: s, fn: fn, rooms: make(map[string]struct{})}
	a.work = work{pool: s.pool, do: a.deliver}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.activities = append(s.activities, a)
	return func() {
		s.mu.Lock()
		s.activities = slices.DeleteFunc(s.activities, func(other *activity) bool { return other == a })
		s.mu.Unlock()
		a.stop()
	}, nil
}

// add notes an append to a room. It is called with Store.mu held.
func (a *activity) add(room string) {
	a.mu.Lock()
	a.rooms[room] = struct{}{}
	a.mu.Unlock()
	a.wake()
}

// deliver calls the function with the heads of all rooms that were appended to
// since the last call.
func (a *activity) deliver() {
	a.mu.Lock()
	rooms := make([]string, 0, len(a.rooms))
	for room := range a.rooms {
		rooms = append(rooms, room)
	}
	clear(a.rooms)
	a.mu.Unlock()
	heads, err := a.store.roomHeads(a.store.closing, rooms)
	if err == nil {
		if len(heads) > 0 {
			a.fn(heads)
		}
		return
	}
	if a.store.closing.Err() != nil {
		return
	}
	a.store.log.Warn("the heads of rooms can't be read, trying again", "rooms", len(rooms), "err", err)
	select {
	case <-time.After(repairEvery):
	case <-a.store.closing.Done():
	}
	for _, room := range rooms {
		a.add(room)
	}
}
