package crash

import (
	"cmp"
	"fmt"
	"slices"
)

// Kind names what is wrong.
type Kind string

// What can be wrong. Where it is seen is in the fault's detail.
const (
	Lost      Kind = "lost"        // an event is not there
	Duplicate Kind = "duplicate"   // an event, or an id, is there twice
	Reordered Kind = "reordered"   // an event came after a later one
	Changed   Kind = "changed"     // an event is not what was sent, or not what is in the log
	Broken    Kind = "chain"       // previous does not name the event before
	WrongAck  Kind = "wrong ack"   // an event is not where it was acknowledged
	NewEpoch  Kind = "epoch"       // the log took another name
	Unknown   Kind = "not in log"  // an event was seen that is not in the log, or that was never sent
	Contract  Kind = "contract"    // an answer that the contract does not allow
	WasReset  Kind = "reset"       // a subscriber received Reset
	Undeleted Kind = "not deleted" // a message or an edit was read after its deletion
	Unerased  Kind = "not erased"  // a deleted text is in a file
	Stale     Kind = "stale"       // a page has an older text than that of an acknowledged edit
	Blind     Kind = "blind"       // a search of the files found nothing of what is in the log
	Damaged   Kind = "damaged"     // the store does not pass the server's own check
)

// Fault is one thing that is wrong.
type Fault struct {
	Kind   Kind
	Detail string
}

func (f Fault) String() string { return string(f.Kind) + ": " + f.Detail }

// Verify judges a run by what is recorded of it. It returns nil when
//   - every acknowledged event is in the log once, at the sequence that was
//     acknowledged, or a deletion in the log has taken it away,
//   - no id is in the log more than once, and every event is what was sent under its
//     id, messages with the text of their newest edit and with all reactions,
//   - previous chains each log from its first event to its last,
//   - every subscriber of a room saw its log: each event once, in order, with the
//     same content, each with a previous that the subscriber had seen,
//   - a message and its edits are seen by no reader that began after the deletion was
//     acknowledged or seen by anyone, and are not in the log beside the deletion,
//   - their texts are in no file after the deletion was acknowledged,
//   - a page has the text of every edit that was acknowledged before it,
//   - only what was to change a deleted message was refused, and
//   - all of it is of one epoch.
func Verify(r Record) []Fault {
	j := newJudge(r)
	for _, room := range sortedKeys(j.log) {
		j.checkLog(room, j.log[room])
	}
	for _, id := range sortedKeys(j.byID) {
		if n := len(j.byID[id]); n > 1 {
			j.fault(Duplicate, "id %s is in the log %d times: %v", id, n, sequences(j.byID[id]))
		}
	}
	for _, a := range r.Acks {
		j.checkAck(a)
	}
	for _, refusal := range r.Refusals {
		j.checkRefusal(refusal)
	}
	for _, s := range r.Seen {
		j.checkSeen(s)
	}
	for _, v := range r.Views {
		j.checkView(v)
	}
	for _, s := range r.Scans {
		j.checkScan(s)
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
	checked := make(map[uint64]bool, len(log))
	for _, e := range log {
		switch {
		case checked[e.Sequence]:
			j.fault(Duplicate, "log of %s has sequence %d twice", room, e.Sequence)
			continue
		case e.Sequence < last:
			j.fault(Reordered, "log of %s has %d after %d", room, e.Sequence, last)
		case e.Previous != last:
			j.fault(Broken, "log of %s: previous of %d is %d, and the event before it %d", room, e.Sequence, e.Previous, last)
		}
		last = max(last, e.Sequence)
		checked[e.Sequence] = true
		j.byID[e.ID] = append(j.byID[e.ID], e)
		j.checkEpoch(e.Epoch, "event %d of %s", e.Sequence, room)
		j.checkContent("log", e, true)
		j.checkFold(e)
		if j.gone(position{room, e.Sequence}) {
			j.fault(Undeleted, "log of %s has %s at %d, and its deletion", room, e.ID, e.Sequence)
		}
	}
}

// checkContent compares an event with what was sent under its id.
func (j *judge) checkContent(where string, e Event, folded bool) {
	s, sent := j.sends[e.ID]
	if !sent {
		j.fault(Unknown, "%s has %s at %d of %s, which was never sent", where, e.ID, e.Sequence, e.Room)
		return
	}
	body := e.Body
	if folded && body.Kind == Message && slices.Contains(j.editTexts[position{e.Room, e.Sequence}], body.Text) {
		body.Text = s.Body.Text
	}
	if body != s.Body || e.Sender != s.Sender || e.Room != s.Room {
		j.fault(Changed, "%s has %s at %d of %s with other content than was sent", where, e.ID, e.Sequence, e.Room)
	}
}

// checkFold compares a message of the log with the edits and reactions in the log.
func (j *judge) checkFold(e Event) {
	if e.Body.Kind != Message {
		return
	}
	at := position{e.Room, e.Sequence}
	text := j.sends[e.ID].Body.Text
	if edits := j.edits[at]; len(edits) > 0 {
		text = edits[len(edits)-1].Body.Text
	}
	if e.Body.Text != text {
		j.fault(Stale, "log of %s has %s at %d without its newest edit", e.Room, e.ID, e.Sequence)
	}
	if want := foldReactions(j.reactions[at]); e.Reactions != want {
		j.fault(Changed, "log of %s has %s at %d with reactions %q, want %q", e.Room, e.ID, e.Sequence, e.Reactions, want)
	}
}

// checkAck looks for what a sender was promised.
func (j *judge) checkAck(a Ack) {
	j.checkEpoch(a.Epoch, "the acknowledgement of %s in %s", a.ID, a.Room)
	if first := j.acked[a.ID]; first != (position{a.Room, a.Sequence}) {
		j.fault(WrongAck, "%s was acknowledged as %d of %s and as %d of %s", a.ID, a.Sequence, a.Room, first.sequence, first.room)
	}
	stored := j.byID[a.ID]
	at := position{a.Room, a.Sequence}
	switch {
	case len(stored) > 0:
		if !slices.ContainsFunc(stored, func(e Event) bool { return position{e.Room, e.Sequence} == at }) {
			j.fault(WrongAck, "%s was acknowledged as %d of %s and is %v of %s", a.ID, a.Sequence, a.Room, sequences(stored), stored[0].Room)
		}
	case !j.gone(at):
		j.fault(Lost, "log of %s lacks %s, acknowledged as %d", a.Room, a.ID, a.Sequence)
	}
}

// checkRefusal allows that a change of a message was refused because a deletion of
// the message had been sent.
func (j *judge) checkRefusal(r Refusal) {
	s := j.sends[r.ID]
	deletion, deleted := j.deletionSent[position{s.Room, s.Body.Target}]
	if r.Code == notFound && (s.Body.Kind == Edit || s.Body.Kind == Reaction) && deleted && deletion < r.At {
		return
	}
	j.fault(Contract, "%s, %s of %d in %s, was refused: %s", r.ID, s.Body.Kind, s.Body.Target, s.Room, r.Code)
}

// checkScan looks for deleted texts in files.
func (j *judge) checkScan(s Scan) {
	if s.Final && s.Texts == 0 && len(j.edits)+len(j.at) > 0 {
		j.fault(Blind, "no text was found in any file")
	}
	for _, word := range sortedKeys(s.Found) {
		message, known := j.owner[word]
		if !known {
			continue
		}
		erased, answered := j.erased[message]
		_, deleted := j.deletions[message]
		if answered && erased < s.Began || s.Final && deleted {
			j.fault(Unerased, "%s has text %s of %d in %s, which was deleted", s.Found[word], word, message.sequence, message.room)
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
