package memory

import (
	"cmp"
	"context"
	"slices"

	"chatroom/server/internal/chat"
)

// Read implements chat.Journal.
func (s *Store) Read(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	l := s.rooms[room]
	if l == nil {
		return nil, nil
	}
	from := searchAfter(l.events, after)
	return l.page(from, from+min(limit, len(l.events)-from)), nil
}

// ReadBack implements chat.Journal.
func (s *Store) ReadBack(ctx context.Context, room string, before uint64, limit int) ([]chat.Stored, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	l := s.rooms[room]
	if l == nil {
		return nil, nil
	}
	to, _ := l.search(before)
	return l.page(max(0, to-limit), to), nil
}

// Changes implements chat.Journal.
func (s *Store) Changes(ctx context.Context, room string, targets []uint64, after uint64) ([]chat.Stored, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	l := s.rooms[room]
	if l == nil {
		return nil, nil
	}
	var found []chat.Stored
	for _, target := range targets {
		changes := l.changes[target]
		for _, e := range changes[searchAfter(changes, after):] {
			found = append(found, chat.Stored{Sequence: e.sequence, Payload: e.payload})
		}
	}
	slices.SortFunc(found, func(a, b chat.Stored) int { return cmp.Compare(a.Sequence, b.Sequence) })
	// A target may be named twice.
	return slices.CompactFunc(found, func(a, b chat.Stored) bool { return a.Sequence == b.Sequence }), nil
}

// Count implements chat.Journal.
func (s *Store) Count(ctx context.Context, room string, after uint64, except string, limit int) (int, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	l := s.rooms[room]
	if l == nil {
		return 0, nil
	}
	count, excepted := 0, 0
	for _, e := range l.counted[searchAfter(l.counted, after):] {
		if except != "" && e.author == except {
			if excepted++; excepted > 3*limit {
				return limit, nil
			}
			continue
		}
		if count++; count == limit {
			break
		}
	}
	return count, nil
}

// Tail implements chat.Journal. Appenders call fn; those of other rooms don't wait
// for it.
func (s *Store) Tail(ctx context.Context, room string, fn func([]chat.Stored)) (func(), error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	l, from := s.roomLocked(room), s.last
	stop := l.tails.listen(&s.mu, fn, func(e chat.Stored) bool { return e.Sequence > from })
	return func() {
		stop()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.forgetLocked(l)
	}, nil
}

// Activity implements chat.Journal. Appenders call fn.
func (s *Store) Activity(ctx context.Context, fn func([]chat.RoomHead)) (func(), error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	from := s.last
	return s.activity.listen(&s.mu, fn, func(h chat.RoomHead) bool { return h.Last > from }), nil
}

// Head implements chat.Journal.
func (s *Store) Head(ctx context.Context, room string) (chat.Head, error) {
	if err := s.lock(ctx); err != nil {
		return chat.Head{}, err
	}
	defer s.mu.Unlock()
	l := s.rooms[room]
	if l == nil {
		return chat.Head{Epoch: s.epoch, Evicted: s.totalsLocked(room).evicted}, nil
	}
	h := chat.Head{Epoch: s.epoch, Evicted: l.totals.evicted}
	if n := len(l.events); n > 0 {
		h.First, h.Last = l.events[0].sequence, l.events[n-1].sequence
	}
	return h, nil
}

// Rooms implements chat.Journal.
func (s *Store) Rooms(ctx context.Context, after string, limit int) ([]chat.RoomHead, error) {
	if err := s.lock(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	heads := make([]chat.RoomHead, 0, min(limit, s.names.Len()))
	s.names.Ascend(after, func(name string) bool {
		switch {
		case name == after:
			return true
		case len(heads) == limit:
			return false
		}
		heads = append(heads, s.rooms[name].head())
		return true
	})
	return heads, nil
}

// holdsLocked reports whether a room has an event.
func (s *Store) holdsLocked(room string, sequence uint64) bool {
	l := s.rooms[room]
	if l == nil {
		return false
	}
	_, found := l.search(sequence)
	return found
}
