package sqlite

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"chatroom/server/internal/chat"
)

// subscribers are the functions that are called with what was committed. The writer calls
// them one after another, while it holds no lock of the store.
type subscribers struct {
	mu       sync.Mutex // guards below; taken after Store.mu
	closed   bool
	tails    map[string]map[*subscriber[chat.Stored]]bool // by room
	activity map[*subscriber[chat.RoomHead]]bool
	watches  map[*subscriber[chat.Record]]string // with their prefixes
}

func (s *subscribers) init() {
	s.tails = make(map[string]map[*subscriber[chat.Stored]]bool)
	s.activity = make(map[*subscriber[chat.RoomHead]]bool)
	s.watches = make(map[*subscriber[chat.Record]]string)
}

// subscriber is a function of a tail, an activity or a watch.
type subscriber[T any] struct {
	fn func([]T)

	mu      sync.Mutex // guards below; held while fn is called
	stopped bool
}

func (s *subscriber[T]) call(values []T) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.stopped {
		s.fn(values)
	}
}

// end waits for a call that is running, and prevents others.
func (s *subscriber[T]) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
}

// Tail implements chat.Journal.
func (s *Store) Tail(ctx context.Context, name string, fn func([]chat.Stored)) (stop func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := &subscriber[chat.Stored]{fn: fn}
	subs := &s.subscribers
	// publish takes Store.mu: the tail receives what is published after this.
	s.mu.RLock()
	defer s.mu.RUnlock()
	subs.mu.Lock()
	defer subs.mu.Unlock()
	if subs.closed {
		return nil, chat.ErrStoreClosed
	}
	if subs.tails[name] == nil {
		subs.tails[name] = make(map[*subscriber[chat.Stored]]bool)
	}
	subs.tails[name][t] = true
	return func() {
		subs.mu.Lock()
		delete(subs.tails[name], t)
		if len(subs.tails[name]) == 0 {
			delete(subs.tails, name)
		}
		subs.mu.Unlock()
		t.end()
	}, nil
}

// Activity implements chat.Journal.
func (s *Store) Activity(ctx context.Context, fn func([]chat.RoomHead)) (stop func(), err error) {
	return subscribe(ctx, &s.subscribers, s.subscribers.activity, fn, true)
}

// Watch implements chat.State.
func (s *Store) Watch(ctx context.Context, prefix string, fn func([]chat.Record)) (stop func(), err error) {
	if err := chat.CheckPrefix(prefix); err != nil {
		return nil, fmt.Errorf("sqlite: watch the records under %q: %w", prefix, err)
	}
	return subscribe(ctx, &s.subscribers, s.subscribers.watches, fn, prefix)
}

// subscribe adds a function to a set.
func subscribe[T, V any](ctx context.Context, subs *subscribers, set map[*subscriber[T]]V, fn func([]T), value V) (stop func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	one := &subscriber[T]{fn: fn}
	subs.mu.Lock()
	defer subs.mu.Unlock()
	if subs.closed {
		return nil, chat.ErrStoreClosed
	}
	set[one] = value
	return func() {
		subs.mu.Lock()
		delete(set, one)
		subs.mu.Unlock()
		one.end()
	}, nil
}

// deliveries are the events of a transaction that tails receive, by room.
type deliveries struct {
	rooms map[*room]*delivery
}

type delivery struct {
	tails  []*subscriber[chat.Stored]
	events []chat.Stored
}

// collect returns the tails of rooms. It needs Store.mu.
func (s *subscribers) collect(rooms []*room) *deliveries {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := new(deliveries)
	if len(s.tails) == 0 {
		return d
	}
	for _, r := range rooms {
		tails := s.tails[r.name]
		if len(tails) == 0 {
			continue
		}
		if d.rooms == nil {
			d.rooms = make(map[*room]*delivery)
		}
		one := new(delivery)
		for t := range tails {
			one.tails = append(one.tails, t)
		}
		d.rooms[r] = one
	}
	return d
}

func (d *deliveries) add(r *room, e chat.Stored) {
	if one := d.rooms[r]; one != nil {
		one.events = append(one.events, e)
	}
}

func (d *deliveries) call() {
	for _, one := range d.rooms {
		if len(one.events) == 0 {
			continue
		}
		for _, t := range one.tails {
			t.call(one.events)
		}
	}
}

// active calls the functions of activities with the heads of rooms. The rooms must not change
// meanwhile.
func (s *subscribers) active(rooms []*room) {
	s.mu.Lock()
	to := make([]*subscriber[chat.RoomHead], 0, len(s.activity))
	for one := range s.activity {
		to = append(to, one)
	}
	s.mu.Unlock()
	if len(to) == 0 {
		return
	}
	heads := make([]chat.RoomHead, 0, len(rooms))
	for _, r := range rooms {
		if r.events > 0 {
			heads = append(heads, r.roomHead())
		}
	}
	for _, one := range to {
		one.call(heads)
	}
}

// changed calls the functions of watches with records.
func (s *subscribers) changed(records []chat.Record) {
	if len(records) == 0 {
		return
	}
	s.mu.Lock()
	to := maps.Clone(s.watches)
	s.mu.Unlock()
	for one, prefix := range to {
		var under []chat.Record
		for _, r := range records {
			if strings.HasPrefix(r.Key, prefix) {
				under = append(under, r)
			}
		}
		if len(under) > 0 {
			one.call(under)
		}
	}
}

// end refuses new subscribers. The writer has ended: none is called any more.
func (s *subscribers) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	clear(s.tails)
	clear(s.activity)
	clear(s.watches)
}
