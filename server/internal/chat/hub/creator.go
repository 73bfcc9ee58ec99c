package hub

import (
	"cmp"
	"context"
	"sync"

	"chatroom/server/internal/chat"
)

// maxSettled is how many names of rooms a settledRooms holds.
const maxSettled = 10_000

// settledRooms are rooms whose creator can't change any more, so that a send to a room
// that is in use costs no look-up. The zero value is ready to use.
type settledRooms struct {
	mu    sync.RWMutex // guards below
	names map[string]struct{}
}

func (s *settledRooms) has(room string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, found := s.names[room]
	return found
}

func (s *settledRooms) add(room string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names == nil || len(s.names) >= maxSettled {
		s.names = make(map[string]struct{})
	}
	s.names[room] = struct{}{}
}

// Creator returns the id of the member who has made a room: the one that is stored or, for
// a room that has nothing stored yet, the first member that has come to it. It is empty if
// that is not known: for rooms that are configured, whose first event an anonymous caller
// has sent while no member was there, or that are older than this record.
func (h *Hub) Creator(ctx context.Context, room string) (string, error) {
	creator, err := h.directory.Creator(ctx, room)
	if creator != "" || err != nil || h.settled.has(room) {
		return creator, err
	}
	founder := h.founder(room)
	if founder == "" {
		return "", nil
	}
	stored, err := h.hasStored(ctx, room)
	if stored {
		founder = ""
	}
	return founder, err
}

// CreatorOf is Creator for a room of the list: it asks no store.
func (h *Hub) CreatorOf(ctx context.Context, r chat.RoomInfo) (string, error) {
	creator, err := h.directory.Creator(ctx, r.Name)
	if creator != "" || err != nil || r.Head > 0 {
		return creator, err
	}
	if exists, err := h.directory.Exists(ctx, r.Name); exists || err != nil {
		return "", err
	}
	return h.founder(r.Name), nil
}

// recordCreator stores who makes a room, before the first event or profile of it is stored
// for m. It does nothing for a room that has one.
func (h *Hub) recordCreator(ctx context.Context, m chat.Member, room string) error {
	if h.settled.has(room) {
		return nil
	}
	creator, err := h.directory.Creator(ctx, room)
	if err != nil {
		return err
	}
	if creator == "" {
		stored, err := h.hasStored(ctx, room)
		if err != nil {
			return err
		}
		creator = cmp.Or(h.founder(room), m.ID)
		if !stored && creator != "" {
			if err := h.directory.SetCreator(ctx, room, creator); err != nil {
				return err
			}
		}
		if !stored && creator == "" {
			return nil // a member may still come before the first event is stored
		}
	}
	h.settled.add(room)
	return nil
}

// hasStored reports whether a room is configured, or has an event or a profile.
func (h *Hub) hasStored(ctx context.Context, room string) (bool, error) {
	if exists, err := h.directory.Exists(ctx, room); exists || err != nil {
		return exists, err
	}
	head, err := h.head(ctx, room)
	return head.Last > 0, err
}

// founder returns the id of the first member, of those with one, that has come to a room
// since it was empty. It is empty if there is none.
func (h *Hub) founder(room string) string {
	h.mu.Lock()
	p := h.presences[room]
	h.mu.Unlock()
	if p == nil {
		return ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.founder
}
