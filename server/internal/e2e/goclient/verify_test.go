package goclient

import (
	"fmt"
	"slices"
	"testing"
)

// entry is an event of a log, or one that a follower has handled.
type entry struct {
	Sequence uint64
	Text     string
}

// sent is a message that a client was to send. Its text is unique.
type sent struct {
	Client   int
	Number   int // counts the messages of the client, in the order in which it sent them
	Room     string
	Sequence uint64 // that was acknowledged, 0 if none was
}

// textOf identifies a message.
func textOf(client, number int) string { return fmt.Sprintf("client %d, message %d", client, number) }

// record is all that is known about a run.
type record struct {
	Logs map[string][]entry            // by room, complete
	Sent []sent                        // in the order of each client
	Seen map[string]map[string][]entry // by follower and room, what it handled in its order
}

// verify returns what is lost, doubled or out of order.
func verify(r record) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	stored := make(map[string]map[string]uint64) // by room and text
	for room, log := range r.Logs {
		stored[room] = make(map[string]uint64)
		for _, e := range log {
			if at, twice := stored[room][e.Text]; twice {
				fault("%q is in %s at %d and at %d", e.Text, room, at, e.Sequence)
			}
			stored[room][e.Text] = e.Sequence
		}
	}
	type author struct {
		client int
		room   string
	}
	last := make(map[author]sent)
	for _, s := range r.Sent {
		text, at := textOf(s.Client, s.Number), author{s.Client, s.Room}
		switch position, ok := stored[s.Room][text]; {
		case s.Sequence == 0:
			fault("%q was not acknowledged", text)
		case !ok:
			fault("%q was acknowledged, and is not in %s", text, s.Room)
		case position != s.Sequence:
			fault("%q was acknowledged at %d, and is in %s at %d", text, s.Sequence, s.Room, position)
		case position < last[at].Sequence:
			fault("%q is in %s before message %d", text, s.Room, last[at].Number)
		}
		last[at] = s
	}
	for follower, rooms := range r.Seen {
		for room, seen := range rooms {
			if !slices.Equal(seen, r.Logs[room]) {
				fault("%s has handled %s: %s", follower, room, difference(seen, r.Logs[room]))
			}
		}
	}
	return faults
}

// difference describes where two sequences of events differ first.
func difference(got, want []entry) string {
	i := 0
	for i < len(got) && i < len(want) && got[i] == want[i] {
		i++
	}
	return fmt.Sprintf("%d events, want %d; they differ from the %d. on: %v, want %v", len(got), len(want), i+1,
		got[i:min(i+3, len(got))], want[i:min(i+3, len(want))])
}

// verify finds each kind of fault.
func TestVerify(t *testing.T) {
	good := func() record {
		log := []entry{{1, textOf(0, 0)}, {2, textOf(1, 0)}, {4, textOf(0, 1)}}
		return record{
			Logs: map[string][]entry{"a": slices.Clone(log)},
			Sent: []sent{{0, 0, "a", 1}, {0, 1, "a", 4}, {1, 0, "a", 2}},
			Seen: map[string]map[string][]entry{"f": {"a": slices.Clone(log)}},
		}
	}
	for name, change := range map[string]func(*record){
		"a message is stored twice": func(r *record) { r.Logs["a"] = append(r.Logs["a"], entry{5, textOf(0, 0)}); r.Seen = nil },
		"a message is lost":         func(r *record) { r.Logs["a"] = r.Logs["a"][:2]; r.Seen = nil },
		"a message is not sent":     func(r *record) { r.Sent[1].Sequence = 0 },
		"a receipt is wrong":        func(r *record) { r.Sent[1].Sequence = 3 },
		"messages are stored reversed": func(r *record) {
			r.Logs["a"][0].Text, r.Logs["a"][2].Text = textOf(0, 1), textOf(0, 0)
			r.Sent[0].Sequence, r.Sent[1].Sequence = 4, 1
			r.Seen = nil
		},
		"an event is missed":          func(r *record) { r.Seen["f"]["a"] = slices.Delete(r.Seen["f"]["a"], 1, 2) },
		"an event is handled twice":   func(r *record) { r.Seen["f"]["a"] = append(r.Seen["f"]["a"], r.Logs["a"][2]) },
		"events are handled reversed": func(r *record) { slices.Reverse(r.Seen["f"]["a"]) },
	} {
		r := good()
		if faults := verify(r); len(faults) > 0 {
			t.Fatalf("verify of a good record = %q, want none", faults)
		}
		change(&r)
		if len(verify(r)) == 0 {
			t.Errorf("verify finds nothing, although %s", name)
		}
	}
}
