package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chatroom/server/internal/chat"
)

// model is a journal's writer that does random things, and compares what it reads
// with what it should.
type model struct {
	*writer
	names    []string         // of this run's rooms, sorted: the journal is shared by all runs
	known    map[string]event // what was stored, by room and key
	tails    []modelTail
	scrubbed int // how many erased events are scrubbed
}

type modelTail struct {
	room string
	from int // what was stored in the room before the tail
	rec  *tailed
	stop func()
}

// checkModel does random things to a journal, one at a time.
func checkModel(t *testing.T, s Store, keep int) {
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		prefix := fmt.Sprintf("run%06d-", runs)
		m := &model{
			writer: newWriter(t, s),
			names:  []string{prefix + "a", prefix + "a.b", prefix + "b"},
			known:  make(map[string]event),
		}
		m.keep = keep
		defer m.stopAll()
		actions := map[string]func(*rapid.T){
			"Append":   m.appendAny,
			"Relate":   m.relateAny,
			"Read":     m.readAny,
			"ReadBack": m.readBackAny,
			"Changes":  m.changesAny,
			"Count":    m.countAny,
			"Rooms":    m.roomsAny,
			"Tail":     m.tailAny,
			"Stop":     m.stopAny,
			"":         m.checkHeads,
		}
		if keep == 0 {
			actions["Scrub"] = m.scrubAll
		}
		rt.Repeat(actions)
		m.checkTails(rt)
	})
}

func (m *model) name(rt *rapid.T) string { return rapid.SampledFrom(m.names).Draw(rt, "room") }

// sequence draws the sequence of an event, one near it, or one far from all events.
func (m *model) sequence(rt *rapid.T, room string) uint64 {
	sequences := []uint64{0, m.last + 1, m.last + 100, maxSequence}
	for _, sequence := range m.targets(room) {
		sequences = append(sequences, sequence-1, sequence, sequence, sequence+1)
	}
	return rapid.SampledFrom(sequences).Draw(rt, "sequence")
}

func (m *model) entry(rt *rapid.T) chat.Entry {
	return chat.Entry{
		Room:    m.name(rt),
		Key:     rapid.StringMatching(`[a-z]{1,2}`).Draw(rt, "key"),
		Payload: []byte(rapid.StringN(0, 8, 32).Draw(rt, "payload")),
		Counted: rapid.Bool().Draw(rt, "counted"),
		Author:  rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(rt, "author"),
	}
}

func (m *model) appendAny(rt *rapid.T) { m.submit(rt, m.entry(rt)) }

// relateAny relates an event to any event of a room, or to what is none.
func (m *model) relateAny(rt *rapid.T) {
	e := m.entry(rt)
	e.Target = max(1, m.sequence(rt, e.Room))
	relations := []chat.Relation{chat.Annotates, chat.Revises, chat.Erases}
	if m.keep > 0 {
		relations = relations[:2] // whether what is erased counts for what is kept is not promised
	}
	e.Relation = rapid.SampledFrom(relations).Draw(rt, "relation")
	if e.Relation == chat.Revises && m.revises(e.Room, e.Target) {
		rt.Skip("edits of edits are not for the suite")
	}
	m.submit(rt, e)
}

func (m *model) revises(room string, sequence uint64) bool {
	return slices.ContainsFunc(m.room(room).events, func(e event) bool {
		return e.sequence == sequence && e.Relation == chat.Revises
	})
}

func (m *model) submit(rt *rapid.T, e chat.Entry) {
	r := m.room(e.Room)
	first, known := m.known[e.Room+"\x00"+e.Key]
	gone := e.Relation != chat.Standalone && !r.holds(e.Target)
	at, duplicate, err := chat.Append(m.t.Context(), m.s, e)
	switch {
	case known:
		if err != nil || !duplicate || at.Sequence != first.sequence {
			rt.Fatalf("Append(%+v) = %v, %t, %v, want the duplicate of %d", e, at, duplicate, err, first.sequence)
		}
	case gone:
		if !errors.Is(err, chat.ErrTargetGone) {
			rt.Fatalf("Append(%+v) = %v, %t, %v, want %v", e, at, duplicate, err, chat.ErrTargetGone)
		}
	case err != nil || duplicate || at.Sequence <= m.last:
		rt.Fatalf("Append(%+v) = %v, %t, %v, want a new event after %d", e, at, duplicate, err, m.last)
	default:
		m.last = at.Sequence
		stored := event{e, at.Sequence}
		m.known[e.Room+"\x00"+e.Key] = stored
		r.store(stored)
	}
}

func (m *model) readAny(rt *rapid.T) {
	room := m.name(rt)
	after, limit := m.sequence(rt, room), rapid.IntRange(0, 8).Draw(rt, "limit")
	got, err := m.s.Read(m.t.Context(), room, after, limit)
	if want := m.room(room).read(after, limit); err != nil || !slices.EqualFunc(got, want, same) {
		rt.Fatalf("Read(%q, %d, %d) = %s, %v, want %s", room, after, limit, describe(got), err, describe(want))
	}
}

func (m *model) readBackAny(rt *rapid.T) {
	room := m.name(rt)
	before, limit := m.sequence(rt, room), rapid.IntRange(0, 8).Draw(rt, "limit")
	got, err := m.s.ReadBack(m.t.Context(), room, before, limit)
	if want := m.room(room).readBack(before, limit); err != nil || !slices.EqualFunc(got, want, same) {
		rt.Fatalf("ReadBack(%q, %d, %d) = %s, %v, want %s", room, before, limit, describe(got), err, describe(want))
	}
}

func (m *model) changesAny(rt *rapid.T) {
	room := m.name(rt)
	after := m.sequence(rt, room)
	var targets []uint64
	for range rapid.IntRange(0, 4).Draw(rt, "targets") {
		targets = append(targets, m.sequence(rt, room))
	}
	got, err := m.s.Changes(m.t.Context(), room, targets, after)
	if want := m.room(room).changes(targets, after); err != nil || !slices.EqualFunc(got, want, same) {
		rt.Fatalf("Changes(%q, %d, %d) = %s, %v, want %s", room, targets, after, describe(got), err, describe(want))
	}
}

func (m *model) countAny(rt *rapid.T) {
	room := m.name(rt)
	after, limit := m.sequence(rt, room), rapid.IntRange(1, 6).Draw(rt, "limit")
	except := rapid.SampledFrom([]string{"", "ann", "bob", "eve"}).Draw(rt, "except")
	want, excepted := m.room(room).count(after, except)
	want = min(want, limit)
	got, err := m.s.Count(m.t.Context(), room, after, except, limit)
	if err != nil || got != want && !(got == limit && excepted > 3*limit) {
		rt.Fatalf("Count(%q, %d, %q, %d) = %d, %v, want %d", room, after, except, limit, got, err, want)
	}
}

func (m *model) roomsAny(rt *rapid.T) {
	prefix := m.names[0][:len(m.names[0])-1]
	after := rapid.SampledFrom(append([]string{prefix, prefix + "a.a", prefix + "c"}, m.names...)).Draw(rt, "after")
	var want []chat.RoomHead
	for _, h := range m.roomHeads() {
		if h.Room > after {
			want = append(want, h)
		}
	}
	// Later runs have names behind those of this one.
	limit := rapid.IntRange(0, len(want)).Draw(rt, "limit")
	got, err := m.s.Rooms(m.t.Context(), after, limit)
	if err != nil || !slices.EqualFunc(got, want[:limit], sameHead) {
		rt.Fatalf("Rooms(%q, %d) = %v, %v, want %v", after, limit, got, err, want[:limit])
	}
}

func (m *model) scrubAll(rt *rapid.T) {
	erased := 0
	for _, r := range m.rooms {
		erased += len(r.erased)
	}
	// What earlier runs have left is scrubbed, too.
	n, err := m.s.Scrub(m.t.Context())
	if err != nil || n < erased-m.scrubbed {
		rt.Fatalf("Scrub() = %d, %v, want the %d erased events", n, err, erased-m.scrubbed)
	}
	m.scrubbed = erased
}

func (m *model) tailAny(rt *rapid.T) {
	if len(m.tails) == 4 {
		rt.Skip("enough tails")
	}
	tail := modelTail{room: m.name(rt), rec: newRecorder[chat.Stored]()}
	tail.from = len(m.room(tail.room).stored)
	var err error
	if tail.stop, err = m.s.Tail(m.t.Context(), tail.room, tail.rec.call); err != nil {
		rt.Fatalf("Tail(%q) = %v, want nil", tail.room, err)
	}
	m.tails = append(m.tails, tail)
}

func (m *model) stopAny(rt *rapid.T) {
	if len(m.tails) == 0 {
		rt.Skip("no tails")
	}
	i := rapid.IntRange(0, len(m.tails)-1).Draw(rt, "tail")
	m.checkTail(rt, m.tails[i])
	m.tails[i].stop()
	m.tails = slices.Delete(m.tails, i, i+1)
}

func (m *model) stopAll() {
	for _, tail := range m.tails {
		tail.stop()
	}
}

func (m *model) checkHeads(*rapid.T) {
	for _, room := range m.names {
		m.checkHead(room)
	}
}

func (m *model) checkTails(rt *rapid.T) {
	for _, tail := range m.tails {
		m.checkTail(rt, tail)
	}
}

func (m *model) checkTail(rt *rapid.T, tail modelTail) {
	r := m.room(tail.room)
	stored := r.stored[tail.from:]
	if len(stored) > 0 {
		waitUntil(m.t, tail.rec, stored[len(stored)-1].Sequence) // the newest: it is not erased
	}
	got := tail.rec.all()
	i, last := 0, maxSequence
	for _, want := range stored {
		switch {
		case i < len(got) && r.isTailed(got[i], want) && got[i].Previous <= last:
			last = got[i].Sequence
			i++
		case !slices.Contains(r.erased, want.Sequence):
			rt.Fatalf("Tail(%q) = %s, want %s, but for the erased ones %v", tail.room, describe(got), describe(stored), r.erased)
		}
	}
	if i < len(got) {
		rt.Fatalf("Tail(%q) = %s, want no more than %s", tail.room, describe(got), describe(stored))
	}
	tail.rec.check(m.t)
}

// isTailed reports whether got is want, as stored or as read since: what came
// before it may be erased meanwhile.
func (r *roomModel) isTailed(got, want chat.Stored) bool {
	for want.Previous != got.Previous && slices.Contains(r.erased, want.Previous) {
		at := slices.IndexFunc(r.stored, func(st chat.Stored) bool { return st.Sequence == want.Previous })
		want.Previous = r.stored[at].Previous
	}
	return same(got, want)
}

// roomModel is what a room should hold, in slices that are searched from the beginning.
type roomModel struct {
	keep    int
	events  []event // retained
	erased  []uint64
	evicted uint64
	counted uint64
	stored  []chat.Stored // all, with the Previous that each had when it was stored
}

func (r *roomModel) store(e event) {
	r.events = append(r.events, e)
	if e.Counted {
		r.counted++
	}
	if e.Relation == chat.Erases {
		r.erase(e.Target)
	}
	r.stored = append(r.stored, chain(r.events)[len(r.events)-1])
	if r.keep > 0 && len(r.events) > r.keep {
		r.evicted = r.events[0].sequence
		r.events = r.events[1:]
	}
}

func (r *roomModel) erase(target uint64) {
	var left []event
	for _, e := range r.events {
		if e.sequence == target || e.Relation == chat.Revises && e.Target == target {
			r.erased = append(r.erased, e.sequence)
		} else {
			left = append(left, e)
		}
	}
	r.events = left
}

// last returns the newest event.
func (r *roomModel) last() uint64 {
	if len(r.events) == 0 {
		return 0
	}
	return r.events[len(r.events)-1].sequence
}

func (r *roomModel) holds(sequence uint64) bool {
	return slices.ContainsFunc(r.events, func(e event) bool { return e.sequence == sequence })
}

func (r *roomModel) read(after uint64, limit int) []chat.Stored {
	all := chain(r.events)
	from := 0
	for from < len(all) && all[from].Sequence <= after {
		from++
	}
	return all[from:][:min(limit, len(all)-from)]
}

func (r *roomModel) readBack(before uint64, limit int) []chat.Stored {
	all := chain(r.events)
	to := len(all)
	for to > 0 && all[to-1].Sequence >= before {
		to--
	}
	return all[max(0, to-limit):to]
}

func (r *roomModel) changes(targets []uint64, after uint64) []chat.Stored {
	var found []chat.Stored
	for _, e := range r.events {
		if e.sequence > after && e.Relation != chat.Standalone && slices.Contains(targets, e.Target) {
			found = append(found, chat.Stored{Sequence: e.sequence, Payload: e.Payload})
		}
	}
	return found
}

// count returns how many counted events come after a sequence, and how many of
// the author except.
func (r *roomModel) count(after uint64, except string) (others, excepted int) {
	for _, e := range r.events {
		switch {
		case !e.Counted || e.sequence <= after:
		case except != "" && e.Author == except:
			excepted++
		default:
			others++
		}
	}
	return others, excepted
}

// chain returns events as they are read from the beginning.
func chain(events []event) []chat.Stored {
	stored := make([]chat.Stored, len(events))
	previous := uint64(0)
	for i, e := range events {
		stored[i] = chat.Stored{Sequence: e.sequence, Previous: previous, Payload: e.Payload}
		previous = e.sequence
	}
	return stored
}
