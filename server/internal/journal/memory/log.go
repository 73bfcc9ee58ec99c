package memory

import (
	"cmp"
	"slices"
	"sync"

	"chatroom/server/internal/chat"
)

// log is one room's events and those who wait for more.
type log struct {
	room string

	delivering sync.Mutex // held while the functions of tails run

	// Guarded by Journal.mu.
	events      []chat.Stored
	evicted     uint64
	at          int           // the index in Journal.oldest while there are events
	tails       []*tail       // replaced, never changed in place
	undelivered []chat.Stored // what the tails have yet to be called with
}

type tail struct {
	fn   func([]chat.Stored)
	from uint64 // fn is called for what comes after it
}

// deliver calls the tails of a room for what was stored in it: by the caller, or
// by those who stored while the tails ran. Holding delivering, and mu only to
// take a batch, keeps the room's order without holding up the other rooms.
func (j *Journal) deliver(l *log) {
	l.delivering.Lock()
	defer l.delivering.Unlock()
	j.mu.Lock()
	batch, tails := l.undelivered, l.tails
	l.undelivered = nil
	j.mu.Unlock()
	for _, t := range tails {
		from, found := search(batch, t.from)
		if found {
			from++
		}
		if from < len(batch) {
			t.fn(batch[from:])
		}
	}
}

// await returns when no tail's function is running.
func (l *log) await() {
	l.delivering.Lock()
	defer l.delivering.Unlock()
}

func (j *Journal) roomLocked(room string) *log {
	l := j.rooms[room]
	if l == nil {
		l = &log{room: room, evicted: j.forgotten}
		j.rooms[room] = l
	}
	return l
}

// forgetLocked drops a room that holds nothing and that nobody waits for. That it
// lost events is remembered for all such rooms together.
func (j *Journal) forgetLocked(l *log) {
	if len(l.events) == 0 && len(l.tails) == 0 && j.rooms[l.room] == l {
		j.forgotten = max(j.forgotten, l.evicted)
		delete(j.rooms, l.room)
	}
}

func (j *Journal) eventsLocked(room string) []chat.Stored {
	if l := j.rooms[room]; l != nil {
		return l.events
	}
	return nil
}

func search(events []chat.Stored, sequence uint64) (int, bool) {
	return slices.BinarySearchFunc(events, sequence, func(e chat.Stored, s uint64) int {
		return cmp.Compare(e.Sequence, s)
	})
}

// logHeap has the room with the oldest event first.
type logHeap []*log

func (h logHeap) Len() int           { return len(h) }
func (h logHeap) Less(i, k int) bool { return h[i].events[0].Sequence < h[k].events[0].Sequence }

func (h logHeap) Swap(i, k int) {
	h[i], h[k] = h[k], h[i]
	h[i].at, h[k].at = i, k
}

func (h *logHeap) Push(x any) {
	l := x.(*log)
	l.at = len(*h)
	*h = append(*h, l)
}

func (h *logHeap) Pop() any {
	last := len(*h) - 1
	l := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return l
}
