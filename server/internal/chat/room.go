package chat

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"

	"chatroom/server/fanout"
)

// room is a room with listeners on this node. It ends with the last listener; the
// journal keeps the events.
type room struct {
	name      string
	topic     *fanout.Topic[*Event]
	ephemeral ephemeral
	deletions deletions

	opened chan struct{} // closed when stop and err are set
	stop   func()        // ends the journal's tail
	err    error

	// Guarded by Service.mu.
	listeners int

	audience atomic.Int64 // listeners, for readers without the lock
}

// largeRoom is how many listeners a room has whose events are delivered in turns with
// those of smaller rooms.
const largeRoom = 256

func (r *room) large() bool { return r.audience.Load() > largeRoom }

// acquire returns the room with its tail running. Each acquire is matched by a
// release.
func (s *Service) acquire(ctx context.Context, name string) (*room, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	r, found := s.rooms[name]
	if !found {
		r = &room{
			name:      name,
			topic:     fanout.New(s.topics),
			deletions: deletions{window: cmp.Or(s.topics.Window, fanout.DefaultWindow)},
			opened:    make(chan struct{}),
		}
		s.rooms[name] = r
	}
	r.listeners++
	r.audience.Store(int64(r.listeners))
	s.mu.Unlock()

	if !found {
		// The tail outlives the caller that happened to come first.
		r.stop, r.err = s.journal.Tail(context.WithoutCancel(ctx), name, func(stored []Stored) { s.publish(r, stored) })
		close(r.opened)
	}
	select {
	case <-r.opened:
	case <-ctx.Done():
		s.release(r)
		return nil, ctx.Err()
	}
	if r.err != nil {
		s.release(r)
		return nil, fmt.Errorf("tail room %q: %w", name, r.err)
	}
	return r, nil
}

// publish gives stored events to the listeners of a room.
func (s *Service) publish(r *room, stored []Stored) {
	events := make([]*Event, len(stored))
	for i, st := range stored {
		events[i] = s.read(r.name, st)
		if deletion, ok := events[i].Body.(Deletion); ok {
			s.forgetDeleted(deletion.Target)
		}
	}
	r.deletions.publish(events)
	_ = r.topic.Publish(events...) // fails once the last listener has gone
}

// release gives back what acquire returned. The last one ends the room here; a
// later acquire starts afresh.
func (s *Service) release(r *room) {
	s.mu.Lock()
	r.listeners--
	r.audience.Store(int64(r.listeners))
	last := r.listeners == 0
	if (last || r.failed()) && s.rooms[r.name] == r {
		delete(s.rooms, r.name)
	}
	s.mu.Unlock()
	if !last {
		return
	}
	<-r.opened
	if r.err == nil {
		r.stop()
	}
	r.topic.Close()
}

func (r *room) failed() bool {
	select {
	case <-r.opened:
		return r.err != nil
	default:
		return false
	}
}
