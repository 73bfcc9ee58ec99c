package crash

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"

	chatv1 "chatroom/gen/chat/v1"
)

// History is what happened, as the clients know it. Its methods may be called by
// several goroutines.
type History struct {
	clock    atomic.Uint64
	refusals atomic.Int64  // of connections, as nothing listened
	bursts   chan struct{} // has a value when a burst of sends has begun; capacity 1

	mu       sync.Mutex // guards below
	sent     map[string]bool
	record   Record // without Log and Seen
	seen     map[subscription]*Seen
	faults   []Fault         // answers that the contract does not allow
	recent   []position      // messages that were acknowledged, of all publishers
	deleting map[string]bool // the words of messages of which a deletion was sent
	words    map[position][]string
}

// subscription is one of a reader to a room.
type subscription struct{ subscriber, room string }

// maxRecent is how many messages publishers choose from for their reactions.
const maxRecent = 32

func newHistory() *History {
	return &History{
		bursts:   make(chan struct{}, 1),
		sent:     make(map[string]bool),
		seen:     make(map[subscription]*Seen),
		deleting: make(map[string]bool),
		words:    make(map[position][]string),
	}
}

// now returns the current tick, later than every one before.
func (h *History) now() Tick { return Tick(h.clock.Add(1)) }

// burst notes that many sends begin at once.
func (h *History) burst() {
	select {
	case h.bursts <- struct{}{}:
	default:
	}
}

// sending notes what is about to be sent. A retry changes nothing.
func (h *History) sending(s Send) {
	s.At = h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sent[s.ID] {
		return
	}
	h.sent[s.ID] = true
	h.record.Sends = append(h.record.Sends, s)
	target := position{s.Room, s.Body.Target}
	switch s.Body.Kind {
	case Edit:
		words := append(h.words[target], s.Body.word())
		h.words[target] = words
		if h.deleting[words[0]] {
			h.deleting[s.Body.word()] = true
		}
	case Deletion:
		for _, word := range h.words[target] {
			h.deleting[word] = true
		}
	}
}

// acked notes an answer.
func (h *History) acked(s Send, a Ack) {
	a.ID, a.Room, a.At = s.ID, s.Room, h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.record.Acks = append(h.record.Acks, a)
	if at := (position{s.Room, a.Sequence}); s.Body.Kind == Message && h.words[at] == nil {
		h.words[at] = []string{s.Body.word()}
		h.recent = append(h.recent, position{s.Room, a.Sequence})
		if len(h.recent) > maxRecent {
			h.recent = h.recent[1:]
		}
	}
}

// anyMessage returns one of the newest messages.
func (h *History) anyMessage(random *rand.Rand) (position, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.recent) == 0 {
		return position{}, false
	}
	return h.recent[random.IntN(len(h.recent))], true
}

// refused notes that a send was refused for good.
func (h *History) refused(s Send, code string) {
	r := Refusal{ID: s.ID, Code: code, At: h.now()}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.record.Refusals = append(h.record.Refusals, r)
}

// oddity notes something that the contract does not allow.
func (h *History) contractFault(format string, args ...any) {
	h.addFault(Fault{Contract, fmt.Sprintf(format, args...)})
}

func (h *History) addFault(f Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faults = append(h.faults, f)
}

// ackedCount returns how many acknowledgements there are.
func (h *History) ackedCount() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.record.Acks)
}

func (h *History) seenLocked(s subscription) *Seen {
	if h.seen[s] == nil {
		h.seen[s] = &Seen{Subscriber: s.subscriber, Room: s.room}
	}
	return h.seen[s]
}

// saw notes an event that came from what began at a moment.
func (h *History) recordSighting(s subscription, folded bool, e Event, began Tick) {
	at := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seenLocked(s)
	seen.Folded = folded
	seen.Events = append(seen.Events, Sighting{e, began, at})
}

// viewed notes a part of a room.
func (h *History) viewed(v View) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.record.Views = append(h.record.Views, v)
}

func (h *History) wasReset(s subscription) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seenLocked(s).Resets++
}

// reached reports whether a subscriber has seen up to a sequence, or never will.
func (h *History) reached(s subscription, sequence uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seenLocked(s)
	n := len(seen.Events)
	return sequence == 0 || seen.Resets > 0 || n > 0 && seen.Events[n-1].Sequence >= sequence
}

// judge compares the history with the log. Recording must have ended.
func (h *History) judge(log []Event) []Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.record
	r.Log = log
	for _, s := range h.seen {
		r.Seen = append(r.Seen, *s)
	}
	faults := append(Verify(r), h.faults...)
	h.faults = nil
	return faults
}

// takeFaults returns what was noted since the history was judged.
func (h *History) takeFaults() []Fault {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.faults
}

// count fills in the figures of a report that the history has.
func (h *History) count(r *Report) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r.Acks, r.Scans = len(h.record.Acks), len(h.record.Scans)
	kinds := make(map[string]BodyKind, len(h.record.Sends))
	for _, s := range h.record.Sends {
		kinds[s.ID] = s.Body.Kind
	}
	for _, a := range h.record.Acks {
		switch kinds[a.ID] {
		case Edit:
			r.Edits++
		case Deletion:
			r.Deletions++
		}
	}
	for _, s := range h.seen {
		r.Sightings += len(s.Events)
	}
	for _, v := range h.record.Views {
		r.Sightings += len(v.Events)
	}
}

func toEvent(e *chatv1.Event, epoch string) Event {
	event := Event{
		Room:     e.GetRoom(),
		Epoch:    epoch,
		Sequence: e.GetSequence(),
		Previous: e.GetPrevious(),
		ID:       e.GetId(),
		Sender:   e.GetSender().GetId(),
	}
	switch body := e.GetBody().(type) {
	case *chatv1.Event_Message:
		event.Body = Body{Kind: Message, Text: body.Message.GetText()}
	case *chatv1.Event_Edit:
		event.Body = Body{Kind: Edit, Target: body.Edit.GetTarget(), Text: body.Edit.GetText()}
	case *chatv1.Event_Deletion:
		event.Body = Body{Kind: Deletion, Target: body.Deletion.GetTarget()}
	case *chatv1.Event_Reaction:
		event.Body = Body{Kind: Reaction, Target: body.Reaction.GetTarget(), Text: body.Reaction.GetEmoji(), Removed: body.Reaction.GetRemoved()}
	}
	var reactions strings.Builder
	for _, r := range e.GetChanges().GetReactions() {
		writeReactions(&reactions, r.GetEmoji(), r.GetMemberIds())
	}
	event.Reactions = reactions.String()
	return event
}
