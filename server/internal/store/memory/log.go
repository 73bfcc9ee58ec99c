package memory

import (
	"cmp"
	"slices"
	"time"

	"chatroom/server/internal/chat"
)

// overhead is what an event counts against Config.Bytes beside its payload and author, in
// bytes.
const overhead = 192

type event struct {
	sequence uint64
	payload  []byte
	relation chat.Relation
	target   uint64
	author   string
	counted  bool
	time     int64 // Unix milliseconds
}

func (e *event) size() int { return overhead + len(e.payload) + len(e.author) }

// log is one room. All of it but tails.delivering is guarded by Store.mu.
type log struct {
	room      string
	events    []*event            // retained, in order
	counted   []*event            // those of events that are counted
	changes   map[uint64][]*event // those of events that have a target, by target
	bytes     int
	totals    totals
	tails     feed[chat.Stored]
	inOldest  int // the indexes in Store.oldest and Store.largest while there are events
	inLargest int
}

// totals are what is known of a room's events, including dropped ones.
type totals struct {
	counted uint64 // how many counted events were ever stored
	evicted uint64 // the newest event that retention has dropped
}

func (l *log) push(e *event) {
	l.events = append(l.events, e)
	l.bytes += e.size()
	if e.counted {
		l.counted = append(l.counted, e)
		l.totals.counted++
	}
	if e.target != 0 {
		if l.changes == nil {
			l.changes = make(map[uint64][]*event)
		}
		l.changes[e.target] = append(l.changes[e.target], e)
	}
}

// remove removes an event.
func (l *log) remove(at int) {
	gone := l.events[at]
	l.bytes -= gone.size()
	l.events = drop(l.events, at)
	if gone.counted {
		l.counted = dropSequence(l.counted, gone.sequence)
	}
	if gone.target == 0 {
		return
	}
	if left := dropSequence(l.changes[gone.target], gone.sequence); len(left) > 0 {
		l.changes[gone.target] = left
	} else {
		delete(l.changes, gone.target)
	}
}

// removePending removes an event that the tails were not called with yet, and corrects the
// Previous of the next one.
func (l *log) removePending(at int) {
	pending := l.tails.pending
	i, found := slices.BinarySearchFunc(pending, l.events[at].sequence, func(e chat.Stored, sequence uint64) int {
		return cmp.Compare(e.Sequence, sequence)
	})
	if !found {
		return
	}
	if i+1 < len(pending) {
		pending[i+1].Previous = pending[i].Previous
	}
	l.tails.pending = slices.Delete(pending, i, i+1)
}

// search returns the index of the first event that is not before a sequence.
func (l *log) search(sequence uint64) (at int, found bool) { return search(l.events, sequence) }

// searchAfter returns the index of the first event after a sequence.
func searchAfter(events []*event, sequence uint64) int {
	at, found := search(events, sequence)
	if found {
		at++
	}
	return at
}

func search(events []*event, sequence uint64) (int, bool) {
	return slices.BinarySearchFunc(events, sequence, func(e *event, sequence uint64) int {
		return cmp.Compare(e.sequence, sequence)
	})
}

func drop(events []*event, at int) []*event {
	if at > 0 {
		return slices.Delete(events, at, at+1)
	}
	events[0] = nil // release the event: the array stays in use
	return events[1:]
}

func dropSequence(events []*event, sequence uint64) []*event {
	at, _ := search(events, sequence)
	return drop(events, at)
}

func (l *log) stored(at int) chat.Stored {
	e := l.events[at]
	st := chat.Stored{Sequence: e.sequence, Payload: e.payload}
	if at > 0 {
		st.Previous = l.events[at-1].sequence
	}
	return st
}

func (l *log) page(from, to int) []chat.Stored {
	page := make([]chat.Stored, 0, to-from)
	for at := from; at < to; at++ {
		page = append(page, l.stored(at))
	}
	return page
}

// head describes a room that holds events.
func (l *log) head() chat.RoomHead {
	newest := l.events[len(l.events)-1]
	return chat.RoomHead{
		Room:    l.room,
		Last:    newest.sequence,
		Time:    time.UnixMilli(newest.time),
		Counted: l.totals.counted,
	}
}
