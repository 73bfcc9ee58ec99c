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
	// tailEvents and tailBytes bound what waits for a tail's function. Past it, the
	// events are read from the stream once the function has caught up.
	tailEvents = 1024
	tailBytes  = 4 << 20
	// tailBatch bounds what a tail's function is called with at once.
	tailBatch = 256
	// tailHistory is how many of the events that were handed on are remembered: the
	// newest may be erased by the time at which the next one comes.
	tailHistory = 32
)

// tail follows a room.
type tail struct {
	caller
	store *Store
	room  string
	fn    func([]chat.Stored)

	mu      sync.Mutex // guards below
	waiting []message
	size    int    // of waiting, in bytes
	newest  uint64 // the newest event that has come
	lagging bool   // waiting has not all of it

	// The work's.
	at     uint64   // all up to here was handed on, erased, or came before the tail
	handed []uint64 // the newest of what was handed on, or came before the tail, in order
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
	t.caller = caller{calls: s.calls, work: t.deliver}
	if err := s.counted(ctx, name, func(*room) {}); err != nil {
		return nil, err
	}
	// The newest event before the tail is in the index.
	enough := func(r *room) bool { return r.last() > 0 }
	err := s.cover(ctx, name, enough, func(r *room) {
		t.at, t.handed = s.at, r.newestVisible(tailHistory)
		r.tails = append(r.tails, t)
	})
	return t, err
}

// add takes an event from the feed. It is called with Store.mu held.
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

// deliver calls the function with what is waiting, or with what the stream has.
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
		t.hand(batch)
	}
	if more {
		t.wake()
	}
}

// catchUp reads from the stream what was not kept for the tail. It reports whether
// there is more to do.
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
	t.hand(missed)
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

// readTail returns events of a room after a sequence, up to one that has come from
// the feed: none when there are no more.
func (s *Store) readTail(ctx context.Context, name string, after, newest uint64) ([]message, error) {
	batch, err := s.events.batch(ctx, eventSubject(name), after+1, tailBatch)
	if err != nil {
		return nil, err
	}
	if len(batch) == 0 {
		// The server that has answered may lag behind.
		next, found, err := s.events.next(ctx, eventSubject(name), after+1)
		if err != nil || !found {
			return nil, err
		}
		batch = []message{next}
	}
	return slices.DeleteFunc(batch, func(m message) bool { return m.sequence > newest }), nil
}

// hand calls the function with events, except for those erased on their way.
func (t *tail) hand(batch []message) {
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
		t.handed = append(t.handed, m.sequence)
	}
	t.handed = slices.Delete(t.handed, 0, max(0, len(t.handed)-tailHistory))
	s.mu.Unlock()
	t.at = max(t.at, batch[len(batch)-1].sequence)
	if len(events) > 0 {
		t.fn(events)
	}
}

// previousLocked returns the event before one that is about to be handed on: what
// was handed on last may be erased by now, as by that event. It is called with
// Store.mu held.
func (t *tail) previousLocked(r *room, sequence uint64) uint64 {
	for _, handed := range slices.Backward(t.handed) {
		if _, deleted := t.store.deleted[handed]; !deleted {
			return handed
		}
	}
	oldest := t.handed[0]
	return min(oldest, r.previous(sequence, oldest))
}

// activity follows all rooms.
type activity struct {
	caller
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
	a.caller = caller{calls: s.calls, work: a.deliver}
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

// add takes note of an event in a room. It is called with Store.mu held.
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
