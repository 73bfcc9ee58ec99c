package crash

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// story is what happened when all went well: two rooms that share a log, with
// gaps between their sequences, and two events that were never acknowledged.
type story struct {
	log  []Event
	acks []Ack
	seen []Seen
}

func tell() *story {
	s := &story{}
	last := make(map[string]uint64)
	for i := range 20 {
		room := fmt.Sprintf("room-%d", i%2)
		e := Event{
			Room: room, Epoch: "E", Sequence: uint64(3*i + 1), Previous: last[room],
			ID: fmt.Sprintf("id-%d", i), Sender: "gopher", Text: fmt.Sprintf("text %d", i),
		}
		last[room] = e.Sequence
		s.log = append(s.log, e)
		if i != 4 && i != 5 {
			s.acks = append(s.acks, Ack{Room: room, Epoch: "E", Sequence: e.Sequence, ID: e.ID, Sender: e.Sender, Text: e.Text})
		}
	}
	slices.SortStableFunc(s.log, func(a, b Event) int { return strings.Compare(a.Room, b.Room) })
	for _, name := range []string{"ann", "bob"} {
		for _, room := range []string{"room-0", "room-1"} {
			s.seen = append(s.seen, Seen{Subscriber: name, Room: room, Events: s.logOf(room)})
		}
	}
	// A retry is acknowledged like the first attempt.
	s.acks = append(s.acks, s.acks[0])
	return s
}

func (s *story) logOf(room string) []Event {
	var log []Event
	for _, e := range s.log {
		if e.Room == room {
			log = append(log, e)
		}
	}
	return log
}

func TestVerifyAccepts(t *testing.T) {
	s := tell()
	if faults := Verify(s.log, s.acks, s.seen); faults != nil {
		t.Errorf("Verify(a story without faults) = %v, want nil", faults)
	}
	if faults := Verify(nil, nil, nil); faults != nil {
		t.Errorf("Verify(nothing) = %v, want nil", faults)
	}
}

// Each fault is planted alone, and must be caught under its name. The log of
// room-0 is at 0 to 9, and what ann saw of it is the first Seen.
func TestVerifyCatches(t *testing.T) {
	for _, tt := range []struct {
		name  string
		plant func(*story)
		want  Kind
		where string // in the detail
	}{
		{"acknowledged event not in the log", func(s *story) { s.log = slices.Delete(s.log, 9, 10) }, Lost, "id-18, acknowledged as 55"},
		{"whole log gone", func(s *story) { s.log = nil }, Lost, "id-0, acknowledged as 1"},
		{"event stored twice", func(s *story) { s.storeAgain(6) }, Duplicate, "id id-12 is in the log 2 times"},
		{"unacknowledged event stored twice", func(s *story) { s.storeAgain(2) }, Duplicate, "id id-4 is in the log 2 times"},
		{"event stored in the other room, too", func(s *story) { s.log[15].ID = s.log[3].ID }, Duplicate, "id id-6 is in the log 2 times"},
		{"page repeated", func(s *story) { s.log = slices.Insert(s.log, 4, s.log[3]) }, Duplicate, "sequence 19 twice"},
		{"log out of order", func(s *story) { s.log[3], s.log[4] = s.log[4], s.log[3] }, Reordered, "log of room-0 has 19 after 25"},
		{"text changed in the log", func(s *story) { s.log[3].Text += "!" }, Changed, "id-6 at 19"},
		{"sender changed in the log", func(s *story) { s.log[3].Sender = "mallory" }, Changed, "id-6 at 19"},
		{"previous skips an event", func(s *story) { s.log[3].Previous = s.log[1].Sequence }, Broken, "previous of 19 is 7"},
		{"previous of the first is not 0", func(s *story) { s.log[0].Previous = 1 }, Broken, "previous of 1 is 1"},
		{"chain goes on where an event is gone", func(s *story) { s.log = slices.Delete(s.log, 2, 3) }, Broken, "previous of 19 is 13"},
		{"acknowledged with another sequence", func(s *story) { s.acks[6].Sequence++ }, WrongAck, "id-8 was acknowledged as 26"},
		{"acknowledged in another room", func(s *story) { s.acks[6].Room = "room-1" }, WrongAck, "25 of room-1"},
		{"acknowledged with another epoch", func(s *story) { s.acks[6].Epoch = "F" }, NewEpoch, "acknowledgement of id-8"},
		{"epoch changes within the log", func(s *story) { s.log[9].Epoch = "F" }, NewEpoch, "event 55 of room-0"},

		{"event not seen", func(s *story) { s.look(func(e []Event) []Event { return slices.Delete(e, 3, 4) }) }, Lost, "ann did not see 19"},
		{"last event not seen", func(s *story) { s.look(func(e []Event) []Event { return e[:9] }) }, Lost, "ann did not see 55"},
		{"nothing seen", func(s *story) { s.look(func([]Event) []Event { return nil }) }, Lost, "ann did not see 1"},
		{"event seen twice", func(s *story) { s.look(func(e []Event) []Event { return slices.Insert(e, 4, e[3]) }) }, Duplicate, "ann saw 19 in room-0 again"},
		{"event seen again much later", func(s *story) { s.look(func(e []Event) []Event { return append(e, e[0]) }) }, Duplicate, "ann saw 1 in room-0 again"},
		{"events seen out of order", func(s *story) { s.look(func(e []Event) []Event { e[3], e[4] = e[4], e[3]; return e }) }, Reordered, "ann saw 19 in room-0 after 25"},
		{"other text seen", func(s *story) { s.look(func(e []Event) []Event { e[3].Text = ""; return e }) }, Changed, "ann saw 19"},
		{"other id seen", func(s *story) { s.look(func(e []Event) []Event { e[3].ID = "id-8"; return e }) }, Changed, "ann saw 19"},
		{"other previous seen", func(s *story) { s.look(func(e []Event) []Event { e[3].Previous = 7; return e }) }, Broken, "ann saw 19 in room-0 with previous 7"},
		{"other epoch seen", func(s *story) { s.look(func(e []Event) []Event { e[3].Epoch = "F"; return e }) }, NewEpoch, "ann saw 19"},
		{"event seen that is not in the log", func(s *story) {
			s.look(func(e []Event) []Event {
				return append(e, Event{Room: "room-0", Epoch: "E", Sequence: 99, Previous: 55})
			})
		}, Unknown, "ann saw 99"},
		{"event seen in another room", func(s *story) {
			s.look(func(e []Event) []Event { return append(e, s.log[19]) })
		}, Unknown, "ann saw 58"},
		{"told that the cursor is lost", func(s *story) { s.seen[0].Resets = 1 }, WasReset, "ann in room-0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := tell()
			tt.plant(s)
			faults := Verify(s.log, s.acks, s.seen)
			if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == tt.want && strings.Contains(f.Detail, tt.where) }) {
				t.Errorf("Verify = %v, want one of kind %q with %q", faults, tt.want, tt.where)
			}
		})
	}
}

// storeAgain adds an event to the end of its room's log once more, as a server
// would that does not know ids, and shows it to everybody.
func (s *story) storeAgain(i int) {
	again := s.log[i]
	again.Sequence, again.Previous = 100, s.log[9].Sequence
	s.log = slices.Insert(s.log, 10, again)
	for i := range s.seen {
		if s.seen[i].Room == again.Room {
			s.seen[i].Events = append(s.seen[i].Events, again)
		}
	}
}

// look changes what ann saw of room-0.
func (s *story) look(change func([]Event) []Event) { s.seen[0].Events = change(s.seen[0].Events) }
