package crash

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// story is what happened when all went well. Two rooms share a log, with gaps between
// their sequences, and have two events that were never acknowledged. In room-2, one
// message was edited and got a reaction, and another one was edited and deleted.
type story struct{ Record }

func newStory() *story {
	s := &story{}
	last := make(map[string]uint64)
	for i := range 20 {
		room := fmt.Sprintf("room-%d", i%2)
		e := Event{
			Room: room, Epoch: "E", Sequence: uint64(3*i + 1), Previous: last[room],
			ID: fmt.Sprintf("id-%d", i), Sender: "gopher", Body: Body{Kind: Message, Text: fmt.Sprintf("text %d", i)},
		}
		last[room] = e.Sequence
		s.Log = append(s.Log, e)
		s.sent(e, i != 4 && i != 5)
	}
	slices.SortStableFunc(s.Log, func(a, b Event) int { return strings.Compare(a.Room, b.Room) })
	for _, name := range []string{"ann", "bob"} {
		for _, room := range []string{"room-0", "room-1"} {
			s.Seen = append(s.Seen, Seen{Subscriber: name, Room: room, Events: sightings(1, s.logOf(room)...)})
		}
	}
	s.addChanges()
	// A retry is acknowledged like the first attempt.
	s.Acks = append(s.Acks, s.Acks[0])
	return s
}

// The moments of what happened in room-2.
const (
	early      Tick = 1  // ann begins
	before     Tick = 20 // a page is read, and the files are searched
	edited     Tick = 30 // the edits are acknowledged
	deleting   Tick = 40 // the deletion is sent
	seenGone   Tick = 45 // ann sees the deletion
	deleted    Tick = 50 // it is acknowledged
	late       Tick = 60 // bob begins, a page is read, and the files are searched
	afterwards Tick = 70
)

// event returns an event of room-2.
func event(sequence, previous uint64, id string, b Body) Event {
	return Event{Room: "room-2", Epoch: "E", Sequence: sequence, Previous: previous, ID: id, Sender: "gopher", Body: b}
}

// tellChanges tells of room-2.
func (s *story) addChanges() {
	stays := event(101, 0, "stays", Body{Kind: Message, Text: "one chat"})
	goes := event(103, 101, "goes", Body{Kind: Message, Text: "two chat"})
	goesEdited := event(104, 103, "goes-edited", Body{Kind: Edit, Target: 103, Text: "three chat"})
	staysEdited := event(106, 104, "stays-edited", Body{Kind: Edit, Target: 101, Text: "four chat"})
	deletion := event(108, 106, "deletion", Body{Kind: Deletion, Target: 103})
	reaction := event(110, 108, "reaction", Body{Kind: Reaction, Target: 101, Text: "👍"})
	for _, e := range []Event{stays, goes, goesEdited, staysEdited, deletion, reaction} {
		s.sent(e, true)
	}
	s.send("deletion").At = deleting
	s.ack("goes-edited").At, s.ack("stays-edited").At, s.ack("deletion").At = edited, edited, deleted

	folded, linked := stays, staysEdited
	folded.Body.Text, folded.Reactions, linked.Previous = staysEdited.Body.Text, "👍 of gopher; ", 101
	s.Log = append(s.Log, folded, linked, deletion, reaction)
	// ann sees it live; bob joins at the end.
	s.Seen = append(s.Seen,
		Seen{Subscriber: "ann", Room: "room-2", Events: sightings(early, stays, goes, goesEdited, staysEdited, deletion, reaction)},
		Seen{Subscriber: "bob", Room: "room-2", Events: sightings(late, stays, linked, deletion, reaction)})
	s.annSees()[4].At = seenGone
	s.Views = []View{
		{Reader: "cat", Room: "room-2", Folded: true, Began: before, Events: sightings(before, stays, goes, goesEdited)},
		{Reader: "cat", Room: "room-2", Folded: true, Began: late, Events: sightings(late, folded, linked, deletion)},
	}
	s.Scans = []Scan{
		{Began: before, Texts: 5, Found: map[string]string{"two": "a.db", "three": "a.db"}},
		{Began: late, Texts: 3, Found: map[string]string{}},
		{Began: afterwards, Texts: 3, Final: true, Found: map[string]string{}},
	}
	// An edit that came too late.
	tooLate := event(0, 0, "too-late", Body{Kind: Edit, Target: 103, Text: "five chat"})
	s.sent(tooLate, false)
	s.Refusals = []Refusal{{ID: "too-late", Code: notFound, At: late}}
}

// sent notes that an event was sent, and acknowledged.
func (s *story) sent(e Event, acked bool) {
	s.Sends = append(s.Sends, Send{Room: e.Room, ID: e.ID, Sender: e.Sender, Body: e.Body, At: early})
	if acked {
		s.Acks = append(s.Acks, Ack{ID: e.ID, Room: e.Room, Epoch: "E", Sequence: e.Sequence, At: early})
	}
}

func (s *story) send(id string) *Send {
	return &s.Sends[slices.IndexFunc(s.Sends, func(x Send) bool { return x.ID == id })]
}

func (s *story) ack(id string) *Ack {
	return &s.Acks[slices.IndexFunc(s.Acks, func(a Ack) bool { return a.ID == id })]
}

// unacked removes the acknowledgement of an id.
func (s *story) unacked(id string) {
	s.Acks = slices.DeleteFunc(s.Acks, func(a Ack) bool { return a.ID == id })
}

// logged returns the index of an event in the log.
func (s *story) logged(id string) int {
	return slices.IndexFunc(s.Log, func(e Event) bool { return e.ID == id })
}

// annSaw and bobSaw return what they saw of room-2: 101, 103, 104, 106, 108, 110, and
// 101, 106, 108, 110.
func (s *story) annSees() []Sighting { return s.Seen[4].Events }
func (s *story) bobSees() []Sighting { return s.Seen[5].Events }

func sightings(began Tick, events ...Event) []Sighting {
	var seen []Sighting
	for _, e := range events {
		seen = append(seen, Sighting{Event: e, Began: began, At: afterwards})
	}
	return seen
}

func (s *story) logOf(room string) []Event {
	var log []Event
	for _, e := range s.Log {
		if e.Room == room {
			log = append(log, e)
		}
	}
	return log
}

// What looks like a fault and is none.
func TestVerifyAccepts(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*story)
	}{
		{"no faults", func(*story) {}},
		{"nothing", func(s *story) { *s = story{} }},
		{"deletion without an answer", func(s *story) { s.unacked("deletion") }},
		{"text in a file while its erasure is delayed", func(s *story) {
			s.ack("deletion").Delayed = true
			s.Scans[1].Found["two"] = "a.db"
		}},
		{"delayed erasure that is done later", func(s *story) {
			s.Acks = append(s.Acks, *s.ack("deletion"))
			s.ack("deletion").Delayed = true
		}},
		{"deleted message from a stream that began before", func(s *story) {
			s.Seen[5].Events = slices.Insert(s.bobSees(), 1, s.annSees()[1])
		}},
		{"edit whose answer was lost, erased before anyone saw it", func(s *story) {
			s.unacked("goes-edited")
			s.Views = nil
			s.Seen[4].Events = slices.Delete(s.annSees(), 2, 3)
			s.annSees()[2].Previous = 103
			s.Seen[5].Events = slices.Insert(s.bobSees(), 1, s.annSees()[1])
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newStory()
			tt.change(s)
			if faults := Verify(s.Record); faults != nil {
				t.Errorf("Verify = %v, want nil", faults)
			}
		})
	}
}

// plant is one fault, and how it is to be called.
type plant struct {
	name  string
	do    func(*story)
	want  Kind
	where string // in the detail
}

// catch plants each fault alone.
func catch(t *testing.T, plants []plant) {
	for _, p := range plants {
		t.Run(p.name, func(t *testing.T) {
			s := newStory()
			p.do(s)
			faults := Verify(s.Record)
			if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Kind == p.want && strings.Contains(f.Detail, p.where) }) {
				t.Errorf("Verify = %v, want one of kind %q with %q", faults, p.want, p.where)
			}
		})
	}
}

// Each fault is planted alone, and must be caught under its name. The log of
// room-0 is at 0 to 9, and what ann saw of it is the first Seen.
func TestVerifyCatches(t *testing.T) {
	catch(t, []plant{
		{"acknowledged event not in the log", func(s *story) { s.Log = slices.Delete(s.Log, 9, 10) }, Lost, "id-18, acknowledged as 55"},
		{"whole log gone", func(s *story) { s.Log = nil }, Lost, "id-0, acknowledged as 1"},
		{"event stored twice", func(s *story) { s.storeAgain(6) }, Duplicate, "id id-12 is in the log 2 times"},
		{"unacknowledged event stored twice", func(s *story) { s.storeAgain(2) }, Duplicate, "id id-4 is in the log 2 times"},
		{"event stored in the other room, too", func(s *story) { s.Log[15].ID = s.Log[3].ID }, Duplicate, "id id-6 is in the log 2 times"},
		{"page repeated", func(s *story) { s.Log = slices.Insert(s.Log, 4, s.Log[3]) }, Duplicate, "sequence 19 twice"},
		{"log out of order", func(s *story) { s.Log[3], s.Log[4] = s.Log[4], s.Log[3] }, Reordered, "log of room-0 has 19 after 25"},
		{"text changed in the log", func(s *story) { s.Log[3].Body.Text += "!" }, Changed, "id-6 at 19"},
		{"sender changed in the log", func(s *story) { s.Log[3].Sender = "mallory" }, Changed, "id-6 at 19"},
		{"previous skips an event", func(s *story) { s.Log[3].Previous = s.Log[1].Sequence }, Broken, "previous of 19 is 7"},
		{"previous of the first is not 0", func(s *story) { s.Log[0].Previous = 1 }, Broken, "previous of 1 is 1"},
		{"chain goes on where an event is gone", func(s *story) { s.Log = slices.Delete(s.Log, 2, 3) }, Broken, "previous of 19 is 13"},
		{"acknowledged with another sequence", func(s *story) { s.Acks[6].Sequence++ }, WrongAck, "id-8 was acknowledged as 26"},
		{"acknowledged in another room", func(s *story) { s.Acks[6].Room = "room-1" }, WrongAck, "25 of room-1"},
		{"acknowledged with another epoch", func(s *story) { s.Acks[6].Epoch = "F" }, NewEpoch, "acknowledgement of id-8"},
		{"epoch changes within the log", func(s *story) { s.Log[9].Epoch = "F" }, NewEpoch, "event 55 of room-0"},

		{"event not seen", func(s *story) { s.look(func(e []Sighting) []Sighting { return slices.Delete(e, 3, 4) }) }, Lost, "ann did not see 19"},
		{"last event not seen", func(s *story) { s.look(func(e []Sighting) []Sighting { return e[:9] }) }, Lost, "ann did not see 55"},
		{"nothing seen", func(s *story) { s.look(func([]Sighting) []Sighting { return nil }) }, Lost, "ann did not see 1"},
		{"event seen twice", func(s *story) { s.look(func(e []Sighting) []Sighting { return slices.Insert(e, 4, e[3]) }) }, Duplicate, "ann saw 19 in room-0 again"},
		{"event seen again much later", func(s *story) { s.look(func(e []Sighting) []Sighting { return append(e, e[0]) }) }, Duplicate, "ann saw 1 in room-0 again"},
		{"events seen out of order", func(s *story) { s.look(func(e []Sighting) []Sighting { e[3], e[4] = e[4], e[3]; return e }) }, Reordered, "ann saw 19 in room-0 after 25"},
		{"other text seen", func(s *story) { s.look(func(e []Sighting) []Sighting { e[3].Body.Text = ""; return e }) }, Changed, "ann has id-6 at 19"},
		{"other id seen", func(s *story) { s.look(func(e []Sighting) []Sighting { e[3].ID = "id-8"; return e }) }, Changed, "ann saw 19"},
		{"other previous seen", func(s *story) { s.look(func(e []Sighting) []Sighting { e[3].Previous = 7; return e }) }, Broken, "ann saw 19 in room-0 with previous 7"},
		{"other epoch seen", func(s *story) { s.look(func(e []Sighting) []Sighting { e[3].Epoch = "F"; return e }) }, NewEpoch, "ann saw 19"},
		{"event seen that is not in the log", func(s *story) {
			s.look(func(e []Sighting) []Sighting {
				return append(e, sightings(early, Event{Room: "room-0", Epoch: "E", Sequence: 99, Previous: 55})...)
			})
		}, Unknown, "ann saw 99"},
		{"event seen in another room", func(s *story) {
			s.look(func(e []Sighting) []Sighting { return append(e, sightings(early, s.Log[19])...) })
		}, Unknown, "ann saw 58"},
		{"a reset", func(s *story) { s.Seen[0].Resets = 1 }, WasReset, "ann in room-0"},
	})
}

// The message that is deleted in room-2 is at 103, its edit at 104.
func TestVerifyCatchesChanges(t *testing.T) {
	catch(t, []plant{
		{"deleted message back in the log", func(s *story) {
			s.Log = slices.Insert(s.Log, s.logged("stays-edited"), s.annSees()[1].Event)
		}, Undeleted, "log of room-2 has goes at 103"},
		{"edit of a deleted message in the log", func(s *story) {
			s.Log = slices.Insert(s.Log, s.logged("stays-edited"), s.annSees()[2].Event)
		}, Undeleted, "log of room-2 has goes-edited at 104"},
		{"acknowledged deletion not in the log", func(s *story) { s.remove("deletion") }, Lost, "lacks deletion, acknowledged as 108"},
		{"message gone without a deletion", func(s *story) { s.remove("stays") }, Lost, "lacks stays, acknowledged as 101"},
		{"acknowledged edit not in the log", func(s *story) { s.remove("stays-edited") }, Lost, "lacks stays-edited"},
		{"acknowledged reaction not in the log", func(s *story) { s.remove("reaction") }, Lost, "lacks reaction"},
		{"deletion of another message in the log", func(s *story) {
			s.Log[s.logged("deletion")].Body.Target = 101
		}, Changed, "log has deletion at 108"},

		{"deleted message on a stream that began later", func(s *story) {
			s.Seen[5].Events = slices.Insert(s.bobSees(), 1, sightings(late, s.annSees()[1].Event)...)
		}, Undeleted, "bob saw 103 (goes)"},
		{"edit of a deleted message on a stream that began later", func(s *story) {
			s.Seen[5].Events = slices.Insert(s.bobSees(), 1, sightings(late, s.annSees()[2].Event)...)
		}, Undeleted, "bob saw 104 (goes-edited)"},
		{"deleted message on a later page", func(s *story) { s.Views[0].Events[1].Began = late }, Undeleted, "cat saw 103"},
		{"deleted message on a page after another reader saw the deletion", func(s *story) {
			s.unacked("deletion")
			s.Views[0].Events[1].Began = seenGone + 1
		}, Undeleted, "cat saw 103"},
		{"deleted message read after its erasure was delayed", func(s *story) {
			s.ack("deletion").Delayed = true
			s.annSees()[4].At = afterwards
			s.Views[0].Events[1].Began = deleted + 1
		}, Undeleted, "cat saw 103"},

		{"deleted text in a file", func(s *story) { s.Scans[1].Found["two"] = "a.db" }, Unerased, "a.db has text two of 103"},
		{"text of an edit of a deleted message in a file", func(s *story) { s.Scans[1].Found["three"] = "a.db-wal" }, Unerased, "a.db-wal has text three of 103"},
		{"refused edit of a deleted message in a file", func(s *story) { s.Scans[1].Found["five"] = "a.db" }, Unerased, "text five of 103"},
		{"text in a file at the end, deleted without an answer", func(s *story) {
			s.unacked("deletion")
			s.Scans[2].Found["two"] = "a.db"
		}, Unerased, "a.db has text two of 103"},
		{"text in a file at the end, after a delayed erasure", func(s *story) {
			s.ack("deletion").Delayed = true
			s.Scans[2].Found["two"] = "a.db"
		}, Unerased, "a.db has text two of 103"},
		{"search that finds nothing", func(s *story) { s.Scans[2].Texts = 0 }, Blind, "no text"},

		{"log without the newest edit", func(s *story) { s.Log[s.logged("stays")].Body.Text = "one chat" }, Stale, "stays at 101"},
		{"page without an acknowledged edit", func(s *story) { s.Views[1].Events[0].Body.Text = "one chat" }, Stale, "cat saw 101 in room-2 without the edit 106"},
		{"text of another message on a page", func(s *story) { s.Views[1].Events[0].Body.Text = "two chat" }, Changed, "cat has stays at 101"},
		{"edited text on a stream", func(s *story) { s.bobSees()[0].Body.Text = "four chat" }, Changed, "bob has stays at 101"},
		{"reaction missing from its message", func(s *story) { s.Log[s.logged("stays")].Reactions = "" }, Changed, `reactions ""`},
		{"reaction that was never sent", func(s *story) { s.Log[s.logged("stays")].Reactions += "🎉 of ann; " }, Changed, "🎉 of ann"},
		{"event that was never sent", func(s *story) { s.Sends = s.Sends[1:] }, Unknown, "id-0 at 1 of room-0"},

		{"page with a gap", func(s *story) {
			s.Views[1].Events = slices.Delete(s.Views[1].Events, 1, 2)
			s.Views[1].Events[1].Previous = 101
		}, Lost, "cat has 108 of room-2 after 101"},
		{"page out of order", func(s *story) { slices.Reverse(s.Views[1].Events) }, Reordered, "cat has 106 of room-2 after 108"},
		{"chain of a page broken", func(s *story) { s.Views[1].Events[2].Previous = 104 }, Broken, "cat has 108 of room-2 with previous 104"},
		{"previous of what never was", func(s *story) { s.annSees()[4].Previous = 107 }, Broken, "107, which was never there"},
		{"previous of what the subscriber did not get", func(s *story) { s.bobSees()[1].Previous = 104 }, Broken, "previous 104, and had seen up to 101"},
		{"previous before what is in the log", func(s *story) { s.annSees()[5].Previous = 106 }, Broken, "previous 106, the log has 108"},

		{"edit refused, and its target not deleted", func(s *story) { s.send("too-late").Body.Target = 101 }, Contract, "too-late, edit of 101"},
		{"edit refused before the deletion was sent", func(s *story) { s.Refusals[0].At = before }, Contract, "too-late, edit of 103"},
		{"edit refused with another code", func(s *story) { s.Refusals[0].Code = "internal" }, Contract, "was refused: internal"},
		{"retried deletion refused", func(s *story) {
			s.Refusals = append(s.Refusals, Refusal{ID: "deletion", Code: notFound, At: late})
		}, Contract, "deletion, deletion of 103"},
		{"retried deletion acknowledged elsewhere", func(s *story) {
			again := *s.ack("deletion")
			again.Sequence = 112
			s.Acks = append(s.Acks, again)
		}, WrongAck, "deletion was acknowledged as 112"},
		{"deleted message acknowledged elsewhere", func(s *story) {
			again := *s.ack("goes")
			again.Sequence = 104
			s.Acks = append(s.Acks, again)
		}, WrongAck, "goes was acknowledged as 104"},
	})
}

// remove removes an event from the log, and from the chain.
func (s *story) remove(id string) {
	i := s.logged(id)
	if i+1 < len(s.Log) {
		s.Log[i+1].Previous = s.Log[i].Previous
	}
	s.Log = slices.Delete(s.Log, i, i+1)
}

// storeAgain appends an event to its room's log once more, as a server without
// deduplication does, and delivers it to all.
func (s *story) storeAgain(i int) {
	again := s.Log[i]
	again.Sequence, again.Previous = 100, s.Log[9].Sequence
	s.Log = slices.Insert(s.Log, 10, again)
	for i := range s.Seen {
		if s.Seen[i].Room == again.Room {
			s.Seen[i].Events = append(s.Seen[i].Events, sightings(early, again)...)
		}
	}
}

// look changes what ann saw of room-0.
func (s *story) look(change func([]Sighting) []Sighting) { s.Seen[0].Events = change(s.Seen[0].Events) }
