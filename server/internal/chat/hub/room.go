package hub

import (
	"cmp"
	"context"
	"fmt"
	"sync/atomic"

	"chatroom/server/fanout"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/ephemeral"
)

// room is a room with listeners on this node: feeds, and callers who wait for events. It
// ends with the last listener; the journal keeps the events.
type room struct {
	name      string
	topic     *fanout.Topic[*chat.Event]
	ephemeral *ephemeral.Topic // publishes to topic
	deletions deletions

	opened chan struct{} // closed when stop and err are set
	stop   func()        // ends the journal's tail
	err    error

	listeners     int          // guarded by Hub.mu
	listenerCount atomic.Int64 // a copy of listeners that is read without the lock
}

// largeRoom is the number of listeners above which the deliveries of a room are interleaved
// with those of smaller rooms.
const largeRoom = 256

func (r *room) large() bool { return r.listenerCount.Load() > largeRoom }

// acquire returns the room with its tail running. Each acquire is matched by a release.
func (h *Hub) acquire(ctx context.Context, name string) (*room, error) {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return nil, chat.ErrClosed
	}
	r, found := h.rooms[name]
	if !found {
		topic := fanout.New(h.topics)
		r = &room{
			name:      name,
			topic:     topic,
			ephemeral: ephemeral.New(topic),
			deletions: deletions{window: cmp.Or(h.topics.Window, fanout.DefaultWindow)},
			opened:    make(chan struct{}),
		}
		h.rooms[name] = r
	}
	r.listeners++
	r.listenerCount.Store(int64(r.listeners))
	h.mu.Unlock()

	if !found {
		// The tail outlives the caller that happens to be the first.
		r.stop, r.err = h.journal.Tail(context.WithoutCancel(ctx), name, func(stored []chat.Stored) { h.publish(r, stored) })
		close(r.opened)
	}
	select {
	case <-r.opened:
	case <-ctx.Done():
		h.release(r)
		return nil, ctx.Err()
	}
	if r.err != nil {
		h.release(r)
		return nil, fmt.Errorf("tail room %q: %w", name, r.err)
	}
	return r, nil
}

// publish delivers stored events to the listeners of a room.
func (h *Hub) publish(r *room, stored []chat.Stored) {
	events := make([]*chat.Event, len(stored))
	for i, st := range stored {
		events[i] = h.history.Decode(r.name, st)
		if deletion, ok := events[i].Body.(chat.Deletion); ok {
			h.history.Forget(deletion.Target)
		}
		if h.publishing != nil {
			h.publishing(events[i])
		}
	}
	r.deletions.publish(events)
	_ = r.topic.Publish(events...) // fails after the last listener has left
}

// publishEphemeral delivers an ephemeral event to the listeners of its room on this node.
func (h *Hub) publishEphemeral(e *chat.Event) {
	if r := h.openRoom(e.Room); r != nil {
		r.ephemeral.Publish(e)
	}
}

// hideDeleted hides the target of a stored deletion from the readers on this node that
// take from a topic: the journal does not return it any more.
func (h *Hub) hideDeleted(room string, target, sequence uint64) {
	if r := h.openRoom(room); r != nil {
		r.deletions.hide(target, sequence)
	}
	h.history.Forget(target)
}

// openRoom returns a room that has listeners, or nil.
func (h *Hub) openRoom(name string) *room {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.rooms[name]
}

// release gives back what acquire returned. The last release ends the room on this node; a
// later acquire opens it anew.
func (h *Hub) release(r *room) {
	h.mu.Lock()
	r.listeners--
	r.listenerCount.Store(int64(r.listeners))
	last := r.listeners == 0
	if (last || r.failed()) && h.rooms[r.name] == r {
		delete(h.rooms, r.name)
	}
	h.mu.Unlock()
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
