package memory

import (
	"container/heap"
	"time"
)

// emptiedLimit is how many rooms that lost all their events are remembered. The
// others count from 0 again, and have the greatest Evicted of any of them.
const emptiedLimit = 100_000

// makeSpaceLocked drops events until one of this size can be added: each time the oldest
// event of the largest room.
func (s *Store) makeSpaceLocked(size int) {
	for s.bytes+size > s.config.Bytes && s.largest.Len() > 0 {
		s.evictLocked(s.largest.logs[0])
	}
}

// expireLocked drops events that are older than Config.Age.
func (s *Store) expireLocked() {
	if s.config.Age <= 0 || s.oldest.Len() == 0 {
		return
	}
	limit := time.Now().Add(-s.config.Age).UnixMilli()
	for s.oldest.Len() > 0 && s.oldest.logs[0].events[0].time < limit {
		s.evictLocked(s.oldest.logs[0])
	}
}

// evictLocked drops a room's oldest event.
func (s *Store) evictLocked(l *log) {
	gone := l.events[0]
	l.remove(0)
	s.bytes -= gone.size()
	l.totals.evicted = gone.sequence
	if len(l.events) > 0 {
		s.oldest.fix(l)
		s.largest.fix(l)
		return
	}
	s.names.Delete(l.room)
	s.oldest.remove(l)
	s.largest.remove(l)
	s.forgetLocked(l)
}

func (s *Store) roomLocked(room string) *log {
	l := s.rooms[room]
	if l == nil {
		l = &log{room: room, totals: s.totalsLocked(room)}
		s.rooms[room] = l
		delete(s.emptied, room)
	}
	return l
}

// totalsLocked returns the totals of a room without a log.
func (s *Store) totalsLocked(room string) totals {
	if t, found := s.emptied[room]; found {
		return t
	}
	return totals{evicted: s.forgotten}
}

// forgetLocked drops the log of a room that holds nothing and has no tails.
func (s *Store) forgetLocked(l *log) {
	if len(l.events) > 0 || l.tails.used() || s.rooms[l.room] != l {
		return
	}
	delete(s.rooms, l.room)
	if l.totals == (totals{evicted: s.forgotten}) {
		return // as that of any unknown room
	}
	s.emptied[l.room] = l.totals
	if len(s.emptied) <= s.emptiedLimit {
		return
	}
	for room, t := range s.emptied {
		s.forgotten = max(s.forgotten, t.evicted)
		delete(s.emptied, room)
		return
	}
}

// roomHeap orders rooms and knows each one's place.
type roomHeap struct {
	logs  []*log
	less  func(a, b *log) bool
	place func(*log) *int
}

func holdsOlder(a, b *log) bool { return a.events[0].sequence < b.events[0].sequence }

func usesMore(a, b *log) bool {
	return a.bytes > b.bytes || a.bytes == b.bytes && holdsOlder(a, b)
}

func (h *roomHeap) push(l *log)   { heap.Push(h, l) }
func (h *roomHeap) fix(l *log)    { heap.Fix(h, *h.place(l)) }
func (h *roomHeap) remove(l *log) { heap.Remove(h, *h.place(l)) }

// Len implements heap.Interface.
func (h *roomHeap) Len() int { return len(h.logs) }

// Less implements heap.Interface.
func (h *roomHeap) Less(i, k int) bool { return h.less(h.logs[i], h.logs[k]) }

// Swap implements heap.Interface.
func (h *roomHeap) Swap(i, k int) {
	h.logs[i], h.logs[k] = h.logs[k], h.logs[i]
	*h.place(h.logs[i]), *h.place(h.logs[k]) = i, k
}

// Push implements heap.Interface.
func (h *roomHeap) Push(x any) {
	l := x.(*log)
	*h.place(l) = len(h.logs)
	h.logs = append(h.logs, l)
}

// Pop implements heap.Interface.
func (h *roomHeap) Pop() any {
	last := len(h.logs) - 1
	l := h.logs[last]
	h.logs[last] = nil
	h.logs = h.logs[:last]
	return l
}
