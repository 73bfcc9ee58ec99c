package chat

import "sync/atomic"

const (
	// memoEvents is how many events are remembered, of all rooms together.
	memoEvents = 2048
	// memoPayload bounds the events that are remembered, in bytes as stored, and
	// with them the memo: to some 30 MiB.
	memoPayload = 4 << 10
)

// memo remembers events that were read from the journal not long ago. Readers who
// come back together read the same ones: so they share them, and their encodings.
// An event's place is given by its sequence, which is that of no other room's.
type memo struct {
	events [memoEvents]atomic.Pointer[Event]
}

// find returns the event that is stored there, or nil.
func (m *memo) find(room string, stored Stored) *Event {
	e := m.events[stored.Sequence%memoEvents].Load()
	if e == nil || e.Sequence != stored.Sequence || e.Previous != stored.Previous || e.Room != room {
		return nil
	}
	return e
}

func (m *memo) keep(e *Event, payload []byte) {
	if len(payload) <= memoPayload {
		m.events[e.Sequence%memoEvents].Store(e)
	}
}

// forget lets go of an event that was erased.
func (m *memo) forget(sequence uint64) {
	if e := m.events[sequence%memoEvents].Load(); e != nil && e.Sequence == sequence {
		m.events[sequence%memoEvents].CompareAndSwap(e, nil)
	}
}
