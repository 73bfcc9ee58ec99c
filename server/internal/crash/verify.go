package crash

import (
	"cmp"
	"fmt"
	"slices"
)

// Event is an event as somebody got it.
type Event struct {
	Room     string
	Epoch    string
	Sequence uint64
	Previous uint64
	ID       string
	Sender   string // the member's id, empty for anonymous ones
	Text     string
}

// Ack is what a publisher was told about one of its sends.
type Ack struct {
	Room     string
	Epoch    string
	Sequence uint64
	ID       string
	Sender   string
	Text     string
}

// Seen is what a subscriber got of a room, in the order it came, over all its
// connections. It began before the first event.
type Seen struct {
	Subscriber string
	Room       string
	Events     []Event
	Resets     int // how often it was told that its cursor can't be honoured
}

// Kind names what is wrong.
type Kind string

// What can be wrong. Where it is seen is in the fault's detail.
const (
	Lost      Kind = "lost"       // an event is not there
	Duplicate Kind = "duplicate"  // an event, or an id, is there twice
	Reordered Kind = "reordered"  // an event came after a later one
	Changed   Kind = "changed"    // an event is not what was sent, or not what is in the log
	Broken    Kind = "chain"      // previous does not name the event before
	WrongAck  Kind = "wrong ack"  // an event is not where its sender was told
	NewEpoch  Kind = "epoch"      // the log took another name
	Unknown   Kind = "not in log" // an event was seen that is not in the log
	Contract  Kind = "contract"   // a client was told what the contract does not allow
	WasReset  Kind = "reset"      // a subscriber was told that events can't be delivered
)

// Fault is one thing that is wrong.
type Fault struct {
	Kind   Kind
	Detail string
}

func (f Fault) String() string { return string(f.Kind) + ": " + f.Detail }

// place is where an event is.
type place struct {
	room     string
	sequence uint64
}

// judge collects faults.
type judge struct {
	log    map[string][]Event // by room
	at     map[place]Event
	byID   map[string][]Event
	epoch  string
	faults []Fault
}

// Verify compares the logs of all rooms, each complete and in the order in which
// the server gives it, with what was acknowledged and what was seen. Ids must be
// unique over all senders and rooms. It returns nil when
//   - every acknowledged event is in the log once, with the sequence and the
//     content that were acknowledged,
//   - no other id is there more than once,
//   - previous chains each log from its first event to its last,
//   - every subscriber of a room saw its log: each event once, in order, with
//     the same content, and
//   - all of it is of one epoch.
func Verify(log []Event, acks []Ack, seen []Seen) []Fault {
	j := &judge{log: make(map[string][]Event), at: make(map[place]Event), byID: make(map[string][]Event)}
	if len(log) > 0 {
		j.epoch = log[0].Epoch
	}
	for _, e := range log {
		j.log[e.Room] = append(j.log[e.Room], e)
	}
	for _, room := range sortedKeys(j.log) {
		j.checkLog(room, j.log[room])
	}
	for _, id := range sortedKeys(j.byID) {
		if n := len(j.byID[id]); n > 1 {
			j.fault(Duplicate, "id %s is in the log %d times: %v", id, n, sequences(j.byID[id]))
		}
	}
	for _, a := range acks {
		j.checkAck(a)
	}
	for _, s := range seen {
		j.checkSeen(s)
	}
	return j.faults
}

func (j *judge) fault(kind Kind, format string, args ...any) {
	j.faults = append(j.faults, Fault{kind, fmt.Sprintf(format, args...)})
}

func (j *judge) checkEpoch(epoch, format string, args ...any) {
	if epoch != j.epoch {
		j.fault(NewEpoch, "%s has epoch %q, the log %q", fmt.Sprintf(format, args...), epoch, j.epoch)
	}
}

// checkLog checks one room's log on its own.
func (j *judge) checkLog(room string, log []Event) {
	var last uint64
	for _, e := range log {
		at := place{room, e.Sequence}
		_, twice := j.at[at]
		switch {
		case twice:
			j.fault(Duplicate, "log of %s has sequence %d twice", room, e.Sequence)
			continue
		case e.Sequence < last:
			j.fault(Reordered, "log of %s has %d after %d", room, e.Sequence, last)
		case e.Previous != last:
			j.fault(Broken, "log of %s: previous of %d is %d, and the event before it %d", room, e.Sequence, e.Previous, last)
		}
		last = max(last, e.Sequence)
		j.at[at] = e
		j.byID[e.ID] = append(j.byID[e.ID], e)
		j.checkEpoch(e.Epoch, "event %d of %s", e.Sequence, room)
	}
}

// checkAck looks for what a sender was promised.
func (j *judge) checkAck(a Ack) {
	j.checkEpoch(a.Epoch, "the acknowledgement of %s in %s", a.ID, a.Room)
	stored := j.byID[a.ID]
	if len(stored) == 0 {
		j.fault(Lost, "log of %s lacks %s, acknowledged as %d", a.Room, a.ID, a.Sequence)
		return
	}
	i := slices.IndexFunc(stored, func(e Event) bool { return e.Room == a.Room && e.Sequence == a.Sequence })
	if i < 0 {
		j.fault(WrongAck, "%s was acknowledged as %d of %s and is %v of %s", a.ID, a.Sequence, a.Room, sequences(stored), stored[0].Room)
		i = 0
	}
	if e := stored[i]; e.Text != a.Text || e.Sender != a.Sender {
		j.fault(Changed, "log of %s has %s at %d with other content than was sent", a.Room, a.ID, e.Sequence)
	}
}

// checkSeen compares what a subscriber saw with the log.
func (j *judge) checkSeen(s Seen) {
	if s.Resets > 0 {
		j.fault(WasReset, "%s in %s was told %d times that its cursor can't be honoured", s.Subscriber, s.Room, s.Resets)
	}
	saw := make(map[uint64]bool, len(s.Events))
	var last uint64
	for _, e := range s.Events {
		logged, found := j.at[place{s.Room, e.Sequence}]
		switch {
		case !found:
			j.fault(Unknown, "%s saw %d (%s) in %s", s.Subscriber, e.Sequence, e.ID, s.Room)
		case saw[e.Sequence]:
			j.fault(Duplicate, "%s saw %d in %s again", s.Subscriber, e.Sequence, s.Room)
		case e.Sequence < last:
			j.fault(Reordered, "%s saw %d in %s after %d", s.Subscriber, e.Sequence, s.Room, last)
		case e.Epoch != logged.Epoch:
			j.fault(NewEpoch, "%s saw %d in %s with epoch %q, the log has %q", s.Subscriber, e.Sequence, s.Room, e.Epoch, logged.Epoch)
		case e.Previous != logged.Previous:
			j.fault(Broken, "%s saw %d in %s with previous %d, the log has %d", s.Subscriber, e.Sequence, s.Room, e.Previous, logged.Previous)
		case e != logged:
			j.fault(Changed, "%s saw %d in %s with other content than the log has", s.Subscriber, e.Sequence, s.Room)
		}
		saw[e.Sequence] = true
		last = max(last, e.Sequence)
	}
	for _, e := range j.log[s.Room] {
		if !saw[e.Sequence] {
			j.fault(Lost, "%s did not see %d (%s) in %s", s.Subscriber, e.Sequence, e.ID, s.Room)
		}
	}
}

func sequences(events []Event) []uint64 {
	var s []uint64
	for _, e := range events {
		s = append(s, e.Sequence)
	}
	return s
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
