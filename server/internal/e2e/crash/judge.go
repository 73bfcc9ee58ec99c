package crash

import (
	"slices"
	"strings"
)

// position is where an event is.
type position struct {
	room     string
	sequence uint64
}

// judge collects faults. What it knows of messages is keyed by their places.
type judge struct {
	sends map[string]Send     // by id
	acked map[string]position // by id, the first position that was acknowledged
	known map[position]string // the ids of all events whose position is known
	log   map[string][]Event  // by room
	at    map[position]Event  // of the log
	byID  map[string][]Event  // of the log
	epoch string

	editTexts    map[position][]string    // that were sent
	edits        map[position][]Event     // in the log
	ackedEdits   map[position][]ackedEdit // by when they were acknowledged
	reactions    map[position][]Event     // in the log
	deletionSent map[position]Tick
	deletions    map[position]Event  // in the log
	hidden       map[position]Tick   // when a deletion was first known to hold
	erased       map[position]Tick   // when a deletion was first acknowledged as erased
	owner        map[string]position // of the word of each text
	unplaced     map[string]int      // by room: edits of deleted messages whose positions are unknown

	faults []Fault
}

// ackedEdit is an edit that was acknowledged.
type ackedEdit struct {
	sequence uint64
	text     string
	at       Tick
}

func newJudge(r Record) *judge {
	j := &judge{
		sends: make(map[string]Send), acked: make(map[string]position), known: make(map[position]string),
		log: make(map[string][]Event), at: make(map[position]Event), byID: make(map[string][]Event),
		editTexts: make(map[position][]string), edits: make(map[position][]Event), ackedEdits: make(map[position][]ackedEdit),
		reactions: make(map[position][]Event), deletionSent: make(map[position]Tick), deletions: make(map[position]Event),
		hidden: make(map[position]Tick), erased: make(map[position]Tick),
		owner: make(map[string]position), unplaced: make(map[string]int),
	}
	for _, s := range r.Sends {
		j.addSend(s)
	}
	for _, e := range r.Log {
		j.addLogged(e)
	}
	for _, a := range r.Acks {
		j.addAck(a)
	}
	for _, s := range r.Seen {
		j.addSightings(s.Events)
	}
	for _, v := range r.Views {
		j.addSightings(v.Events)
	}
	j.placeTexts(r.Refusals)
	return j
}

func (j *judge) addSend(s Send) {
	j.sends[s.ID] = s
	target := position{s.Room, s.Body.Target}
	switch s.Body.Kind {
	case Edit:
		j.editTexts[target] = append(j.editTexts[target], s.Body.Text)
	case Deletion:
		earliest(j.deletionSent, target, s.At)
	}
}

func (j *judge) addLogged(e Event) {
	if j.epoch == "" {
		j.epoch = e.Epoch
	}
	at, target := position{e.Room, e.Sequence}, position{e.Room, e.Body.Target}
	j.log[e.Room] = append(j.log[e.Room], e)
	if _, twice := j.at[at]; twice {
		return
	}
	j.at[at], j.known[at] = e, e.ID
	switch e.Body.Kind {
	case Edit:
		j.edits[target] = append(j.edits[target], e)
	case Reaction:
		j.reactions[target] = append(j.reactions[target], e)
	case Deletion:
		j.deletions[target] = e
	}
}

func (j *judge) addAck(a Ack) {
	at := position{a.Room, a.Sequence}
	if _, twice := j.acked[a.ID]; !twice {
		j.acked[a.ID] = at
	}
	if _, found := j.known[at]; !found {
		j.known[at] = a.ID
	}
	s := j.sends[a.ID]
	target := position{a.Room, s.Body.Target}
	switch s.Body.Kind {
	case Edit:
		j.ackedEdits[target] = append(j.ackedEdits[target], ackedEdit{a.Sequence, s.Body.Text, a.At})
	case Deletion:
		earliest(j.hidden, target, a.At)
		if !a.Delayed {
			earliest(j.erased, target, a.At)
		}
	}
}

func (j *judge) addSightings(seen []Sighting) {
	for _, e := range seen {
		at := position{e.Room, e.Sequence}
		if _, found := j.known[at]; !found {
			j.known[at] = e.ID
		}
		if e.Body.Kind == Deletion {
			earliest(j.hidden, position{e.Room, e.Body.Target}, e.At)
		}
	}
}

// placeTexts finds the message that each text belongs to.
func (j *judge) placeTexts(refusals []Refusal) {
	placed := make(map[string]bool, len(j.known))
	for _, r := range refusals {
		placed[r.ID] = true // it was never stored
	}
	for at, id := range j.known {
		placed[id] = true
		if s := j.sends[id]; s.Body.Kind == Message {
			j.owner[s.Body.word()] = at
		}
	}
	for _, s := range j.sends {
		if s.Body.Kind != Edit {
			continue
		}
		target := position{s.Room, s.Body.Target}
		j.owner[s.Body.word()] = target
		if _, deleted := j.deletions[target]; deleted && !placed[s.ID] {
			j.unplaced[s.Room]++
		}
	}
}

// gone reports whether a deletion in the log has erased what is at a position.
func (j *judge) gone(at position) bool {
	s := j.sends[j.known[at]]
	if !s.Body.erasable() {
		return false
	}
	_, deleted := j.deletions[position{at.room, s.Body.message(at.sequence)}]
	return deleted
}

// before returns the sequence of the event before a position in the log, 0 if there is
// none.
func (j *judge) before(at position) uint64 {
	log := j.log[at.room]
	i, _ := slices.BinarySearchFunc(log, at.sequence, func(e Event, sequence uint64) int {
		if e.Sequence < sequence {
			return -1
		}
		return 1
	})
	if i == 0 {
		return 0
	}
	return log[i-1].Sequence
}

// foldReactions returns the members of each emoji on a message, as one text.
func foldReactions(reactions []Event) string {
	members := make(map[string]map[string]bool) // by emoji
	for _, r := range reactions {
		if members[r.Body.Text] == nil {
			members[r.Body.Text] = make(map[string]bool)
		}
		if r.Body.Removed {
			delete(members[r.Body.Text], r.Sender)
		} else {
			members[r.Body.Text][r.Sender] = true
		}
	}
	var b strings.Builder
	for _, emoji := range sortedKeys(members) {
		writeReactions(&b, emoji, sortedKeys(members[emoji]))
	}
	return b.String()
}

func writeReactions(b *strings.Builder, emoji string, members []string) {
	if len(members) > 0 {
		b.WriteString(emoji + " of " + strings.Join(members, ", ") + "; ")
	}
}

func earliest(ticks map[position]Tick, at position, t Tick) {
	if first, found := ticks[at]; !found || t < first {
		ticks[at] = t
	}
}
