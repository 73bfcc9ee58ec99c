package sqlite

import (
	"context"
	"fmt"

	"chatroom/server/internal/chat"
)

// Head implements chat.Journal.
func (s *Store) Head(ctx context.Context, room string) (chat.Head, error) {
	if err := s.usable(ctx); err != nil {
		return chat.Head{}, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	h := chat.Head{}
	if r := s.rooms[room]; r != nil {
		h = r.head()
	}
	h.Epoch = s.epoch
	return h, nil
}

// Rooms implements chat.Journal.
func (s *Store) Rooms(ctx context.Context, after string, limit int) ([]chat.RoomHead, error) {
	var heads []chat.RoomHead
	limit = min(limit, maxRows)
	err := s.read(ctx, func(r *reader) error {
		for len(heads) < limit {
			names, err := r.names(after, limit-len(heads))
			if err != nil || len(names) == 0 {
				return err
			}
			heads = s.appendHeads(heads, names)
			after = names[len(names)-1]
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("sqlite: list the rooms: %w", damagedError(err))
	}
	return heads, nil
}

// names returns the names of rooms, some of which may hold no events.
func (r *reader) names(after string, limit int) (names []string, err error) {
	if err := r.rooms.BindText(1, after); err != nil {
		return nil, err
	}
	if err := r.rooms.BindInt(2, limit); err != nil {
		return nil, err
	}
	err = each(r.rooms, func() error {
		names = append(names, r.rooms.ColumnText(0))
		return nil
	})
	return names, err
}

func (s *Store) appendHeads(heads []chat.RoomHead, names []string) []chat.RoomHead {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, name := range names {
		if r := s.rooms[name]; r != nil && r.events > 0 {
			heads = append(heads, r.roomHead())
		}
	}
	return heads
}
