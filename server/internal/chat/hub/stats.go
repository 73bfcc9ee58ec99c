package hub

import (
	"sync/atomic"

	"chatroom/server/internal/chat/erasure"
)

// Stats are figures of a hub. Those without "now" are counts since it began.
type Stats struct {
	Erasure     erasure.Stats
	MemoryBytes int64 // charged to Config.MemoryBytes, now

	Rooms   int // that have readers on this node, now
	Listed  int // rooms on the list of all rooms, as far as it was read, now
	Members int // who are in a room on this node, now

	Resumed  uint64 // joins that began with events of the past
	Lagged   uint64 // readers that fell behind what memory holds
	Replayed uint64 // events that were read from the journal for both
}

// catchUps counts the readers that do not get events from memory. It is off the path of
// those that do.
type catchUps struct {
	resumed, lagged, replayed atomic.Uint64
}

// Stats returns figures as of now.
func (h *Hub) Stats() Stats {
	s := Stats{
		Erasure:     h.eraser.Stats(),
		MemoryBytes: h.memory.Used(),
		Listed:      h.directory.Listed(),
		Resumed:     h.catchUps.resumed.Load(),
		Lagged:      h.catchUps.lagged.Load(),
		Replayed:    h.catchUps.replayed.Load(),
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	s.Rooms, s.Members = len(h.rooms), len(h.present)
	return s
}

// Behind calls fn for each room that the feed has joined, with how many events the feed has
// not taken. Any goroutine may call it.
func (f *Feed) Behind(fn func(events uint64)) {
	f.mu.Lock()
	readers := f.readers
	f.mu.Unlock()
	for _, r := range readers {
		fn(r.sub.Behind())
	}
}
