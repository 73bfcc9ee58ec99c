package journaltest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"chatroom/server/internal/chat"
)

// model is what a journal should hold, as simply as it can be said.
type model struct {
	t       *testing.T
	j       chat.Journal
	prefix  string   // of this run's rooms: the journal is shared by all runs
	rooms   []string // sorted
	last    uint64   // the newest sequence of all rooms
	events  map[string][]appended
	before  map[uint64]uint64   // what came before an event when it was appended
	erased  map[string][]uint64 // by room, in no order
	keys    map[string]uint64   // by room and key
	evicted map[string]uint64   // by room
	keep    int                 // how many events a room keeps, 0 for all
	tails   []modelTail
}

type modelTail struct {
	room string
	rec  *recorder
	stop func()
	want []chat.Stored
}

// testModel does random things to a journal and to the model, one at a time, and
// compares them.
func testModel(t *testing.T, j chat.Journal) { checkModel(t, j, 0) }

func checkModel(t *testing.T, j chat.Journal, keep int) {
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		prefix := fmt.Sprintf("run%06d-", runs)
		m := &model{
			t: t, j: j, prefix: prefix, keep: keep,
			rooms:   []string{prefix + "a", prefix + "a.b", prefix + "b"},
			events:  make(map[string][]appended),
			before:  make(map[uint64]uint64),
			erased:  make(map[string][]uint64),
			keys:    make(map[string]uint64),
			evicted: make(map[string]uint64),
		}
		defer m.stopAll()
		rt.Repeat(map[string]func(*rapid.T){
			"Append":   m.append,
			"Read":     m.read,
			"ReadBack": m.readBack,
			"Erase":    m.erase,
			"Rooms":    m.list,
			"Tail":     m.tail,
			"Stop":     m.stop,
			"":         m.check,
		})
		m.checkTails(rt)
	})
}

func (m *model) room(rt *rapid.T) string { return rapid.SampledFrom(m.rooms).Draw(rt, "room") }

// place draws a sequence that is that of an event, near one, or far from all.
func (m *model) place(rt *rapid.T, room string) uint64 {
	places := []uint64{0, m.last + 1, m.last + 100, ^uint64(0)}
	for _, e := range m.events[room] {
		places = append(places, e.sequence-1, e.sequence, e.sequence+1)
	}
	places = append(places, m.erased[room]...)
	return rapid.SampledFrom(places).Draw(rt, "place")
}

func (m *model) append(rt *rapid.T) {
	room := m.room(rt)
	key := rapid.StringMatching(`[a-z]{1,2}`).Draw(rt, "key")
	payload := rapid.StringN(0, 8, 32).Draw(rt, "payload")
	at, duplicate, err := m.j.Append(m.t.Context(), room, key, []byte(payload))
	first, known := m.keys[room+"\x00"+key]
	switch {
	case err != nil:
		rt.Fatalf("Append(%q, %q) = %v, want nil", room, key, err)
	case known && (!duplicate || at.Sequence != first):
		rt.Fatalf("Append(%q, %q) = %v, %t, want the duplicate of %d", room, key, at, duplicate, first)
	case !known && (duplicate || at.Sequence <= m.last):
		rt.Fatalf("Append(%q, %q) = %v, %t, want a new event after %d", room, key, at, duplicate, m.last)
	}
	if duplicate {
		return
	}
	m.last = at.Sequence
	m.keys[room+"\x00"+key] = at.Sequence
	e := appended{at.Sequence, payload}
	m.before[e.sequence] = m.previous(room)
	for i := range m.tails {
		if m.tails[i].room == room {
			m.tails[i].want = append(m.tails[i].want, chain(m.previous(room), []appended{e})...)
		}
	}
	m.events[room] = append(m.events[room], e)
	if m.keep > 0 && len(m.events[room]) > m.keep {
		m.evicted[room] = m.events[room][0].sequence
		m.events[room] = m.events[room][1:]
	}
}

// erase erases any event of a room, or what is none.
func (m *model) erase(rt *rapid.T) {
	room := m.room(rt)
	sequence := m.place(rt, room)
	var want error
	at := slices.IndexFunc(m.events[room], func(e appended) bool { return e.sequence == sequence })
	if at >= 0 && at == len(m.events[room])-1 {
		want = chat.ErrNewest
	}
	if err := m.j.Erase(m.t.Context(), room, sequence); !errors.Is(err, want) {
		rt.Fatalf("Erase(%q, %d) = %v, want %v", room, sequence, err, want)
	}
	if at >= 0 && want == nil {
		m.events[room] = slices.Concat(m.events[room][:at], m.events[room][at+1:])
		m.erased[room] = append(m.erased[room], sequence)
	}
}

func (m *model) previous(room string) uint64 {
	if n := len(m.events[room]); n > 0 {
		return m.events[room][n-1].sequence
	}
	return 0
}

func (m *model) read(rt *rapid.T) {
	room := m.room(rt)
	after, limit := m.place(rt, room), rapid.IntRange(0, 8).Draw(rt, "limit")
	var want []chat.Stored
	for _, st := range chain(0, m.events[room]) {
		if st.Sequence > after && len(want) < limit {
			want = append(want, st)
		}
	}
	got, err := m.j.Read(m.t.Context(), room, after, limit)
	if err != nil || !slices.EqualFunc(got, want, same) {
		rt.Fatalf("Read(%q, %d, %d) = %s, %v, want %s", room, after, limit, describe(got), err, describe(want))
	}
}

func (m *model) readBack(rt *rapid.T) {
	room := m.room(rt)
	before, limit := m.place(rt, room), rapid.IntRange(0, 8).Draw(rt, "limit")
	var want []chat.Stored
	for _, st := range chain(0, m.events[room]) {
		if st.Sequence < before {
			want = append(want, st)
		}
	}
	want = want[max(0, len(want)-limit):]
	got, err := m.j.ReadBack(m.t.Context(), room, before, limit)
	if err != nil || !slices.EqualFunc(got, want, same) {
		rt.Fatalf("ReadBack(%q, %d, %d) = %s, %v, want %s", room, before, limit, describe(got), err, describe(want))
	}
}

func (m *model) list(rt *rapid.T) {
	after := rapid.SampledFrom(append([]string{m.prefix, m.prefix + "a.a", m.prefix + "c"}, m.rooms...)).Draw(rt, "after")
	var want []chat.RoomHead
	for _, room := range m.rooms {
		if room > after && len(m.events[room]) > 0 {
			want = append(want, chat.RoomHead{Room: room, Last: m.previous(room)})
		}
	}
	// Later runs have names behind those of this one.
	limit := rapid.IntRange(0, len(want)).Draw(rt, "limit")
	got, err := m.j.Rooms(m.t.Context(), after, limit)
	if err != nil || !slices.Equal(got, want[:limit]) {
		rt.Fatalf("Rooms(%q, %d) = %v, %v, want %v", after, limit, got, err, want[:limit])
	}
}

func (m *model) tail(rt *rapid.T) {
	if len(m.tails) == 4 {
		rt.Skip("enough tails")
	}
	tail := modelTail{room: m.room(rt), rec: newRecorder()}
	var err error
	if tail.stop, err = m.j.Tail(m.t.Context(), tail.room, tail.rec.call); err != nil {
		rt.Fatalf("Tail(%q) = %v, want nil", tail.room, err)
	}
	m.tails = append(m.tails, tail)
}

func (m *model) stop(rt *rapid.T) {
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

func (m *model) check(rt *rapid.T) {
	for _, room := range m.rooms {
		head, err := m.j.Head(m.t.Context(), room)
		want := chat.Head{Epoch: head.Epoch, Last: m.previous(room), Evicted: head.Evicted}
		if len(m.events[room]) > 0 {
			want.First = m.events[room][0].sequence
		}
		if err != nil || head.Epoch == "" || head != want {
			rt.Fatalf("Head(%q) = %+v, %v, want %+v", room, head, err, want)
		}
		// What one room lost, or had erased, may be a bound for the others, too.
		// Whoever has read up to an erased event goes on from there.
		below := head.First
		for _, erased := range m.erased[room] {
			if erased > m.evicted[room] {
				below = min(below, erased)
			}
		}
		if head.Evicted < m.evicted[room] || head.First > 0 && head.Evicted >= below {
			rt.Fatalf("Head(%q) = %+v, want Evicted from %d to below %d", room, head, m.evicted[room], below)
		}
	}
}

func (m *model) checkTails(rt *rapid.T) {
	for _, tail := range m.tails {
		m.checkTail(rt, tail)
	}
}

func (m *model) checkTail(rt *rapid.T, tail modelTail) {
	if len(tail.want) > 0 {
		tail.rec.waitUntil(m.t, tail.want[len(tail.want)-1].Sequence) // the newest: it is not erased
	}
	got := tail.rec.events()
	i, last := 0, ^uint64(0)
	for _, want := range tail.want {
		switch {
		case i < len(got) && m.isTailed(got[i], want) && got[i].Previous <= last:
			last = got[i].Sequence
			i++
		case !slices.Contains(m.erased[tail.room], want.Sequence):
			rt.Fatalf("Tail(%q) = %s, want %s, but for the erased ones %v", tail.room, describe(got), describe(tail.want), m.erased[tail.room])
		}
	}
	if i < len(got) {
		rt.Fatalf("Tail(%q) = %s, want no more than %s", tail.room, describe(got), describe(tail.want))
	}
	tail.rec.check(m.t)
}

// isTailed tells whether got is want, as stored or as read since: what came before
// it may be erased meanwhile.
func (m *model) isTailed(got, want chat.Stored) bool {
	for want.Previous != got.Previous && m.isErased(want.Previous) {
		want.Previous = m.before[want.Previous]
	}
	return same(got, want)
}

func (m *model) isErased(sequence uint64) bool {
	for _, erased := range m.erased {
		if slices.Contains(erased, sequence) {
			return true
		}
	}
	return false
}
