package memory

import (
	"container/heap"
	"context"
	"slices"

	"chatroom/server/internal/chat"
)

// Erase implements chat.Journal.
func (j *Journal) Erase(ctx context.Context, room string, sequence uint64) error {
	if err := j.lock(ctx); err != nil {
		return err
	}
	defer j.mu.Unlock()
	l := j.rooms[room]
	if l == nil {
		return nil
	}
	at, found := search(l.events, sequence)
	if !found {
		return nil
	}
	if at == len(l.events)-1 {
		return chat.ErrNewest
	}
	gone := l.events[at]
	// Payloads and the array are shared with readers: the event goes from here
	// when the last of them lets go of it.
	l.events = slices.Concat(l.events[:at], l.events[at+1:])
	l.events[at].Previous = gone.Previous
	j.bytes -= len(gone.Payload) + overhead
	if at == 0 {
		heap.Fix(&j.oldest, l.at)
	}
	l.undeliver(gone)
	return nil
}

// undeliver takes an event from what the tails have yet to be called with.
func (l *log) undeliver(gone chat.Stored) {
	at, found := search(l.undelivered, gone.Sequence)
	if !found {
		return
	}
	l.undelivered = slices.Delete(l.undelivered, at, at+1)
	if at < len(l.undelivered) {
		l.undelivered[at].Previous = gone.Previous
	}
}
