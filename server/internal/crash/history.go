package crash

import (
	"fmt"
	"sync"

	chatv1 "chatroom/gen/chat/v1"
)

// History is what happened, as the clients know it. Its methods may be called by
// several goroutines.
type History struct {
	mu   sync.Mutex // guards below
	acks []Ack
	seen map[seat]*Seen
	odd  []Fault // what clients were told that the contract does not allow
}

// seat is a subscriber's in a room.
type seat struct{ subscriber, room string }

func newHistory() *History { return &History{seen: make(map[seat]*Seen)} }

func (h *History) acked(a Ack) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.acks = append(h.acks, a)
}

// oddity notes something that the contract does not allow.
func (h *History) oddity(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.odd = append(h.odd, Fault{Contract, fmt.Sprintf(format, args...)})
}

// ackedCount returns how many acknowledgements there are.
func (h *History) ackedCount() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.acks)
}

func (h *History) seatLocked(s seat) *Seen {
	if h.seen[s] == nil {
		h.seen[s] = &Seen{Subscriber: s.subscriber, Room: s.room}
	}
	return h.seen[s]
}

func (h *History) saw(s seat, e Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seatLocked(s)
	seen.Events = append(seen.Events, e)
}

func (h *History) wasReset(s seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seatLocked(s).Resets++
}

// reached says whether a subscriber has seen up to a sequence, or can't.
func (h *History) reached(s seat, sequence uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seatLocked(s)
	n := len(seen.Events)
	return sequence == 0 || seen.Resets > 0 || n > 0 && seen.Events[n-1].Sequence >= sequence
}

// judge compares the history with the log. Nobody may be recording any more.
func (h *History) judge(log []Event) []Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append(Verify(log, h.acks, h.sightingsLocked()), h.odd...)
}

func (h *History) sightingsLocked() []Seen {
	var seen []Seen
	for _, s := range h.seen {
		seen = append(seen, *s)
	}
	return seen
}

// sightings returns how many events were seen, over all subscribers.
func (h *History) sightings() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, s := range h.seen {
		n += len(s.Events)
	}
	return n
}

func toEvent(e *chatv1.Event, epoch string) Event {
	return Event{
		Room:     e.GetRoom(),
		Epoch:    epoch,
		Sequence: e.GetSequence(),
		Previous: e.GetPrevious(),
		ID:       e.GetId(),
		Sender:   e.GetSender().GetId(),
		Text:     e.GetMessage().GetText(),
	}
}
