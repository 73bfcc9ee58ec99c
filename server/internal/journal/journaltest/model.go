package journaltest

import (
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
	keys    map[string]uint64 // by room and key
	evicted map[string]uint64 // by room
	keep    int               // how many events a room keeps, 0 for all
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
			keys:    make(map[string]uint64),
			evicted: make(map[string]uint64),
		}
		defer m.stopAll()
		rt.Repeat(map[string]func(*rapid.T){
			"Append":   m.append,
			"Read":     m.read,
			"ReadBack": m.readBack,
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
		// What one room lost may be a bound for the others, too.
		bounded := head.Evicted >= m.evicted[room] && (head.First == 0 || head.Evicted < head.First)
		if !bounded || m.keep == 0 && head.Evicted != 0 {
			rt.Fatalf("Head(%q) = %+v, want Evicted from %d to below First, and 0 where nothing is dropped", room, head, m.evicted[room])
		}
	}
}

func (m *model) checkTails(rt *rapid.T) {
	for _, tail := range m.tails {
		m.checkTail(rt, tail)
	}
}

func (m *model) checkTail(rt *rapid.T, tail modelTail) {
	got := tail.rec.wait(m.t, len(tail.want))
	if !slices.EqualFunc(got, tail.want, same) {
		rt.Fatalf("Tail(%q) = %s, want %s", tail.room, describe(got), describe(tail.want))
	}
	if extra := len(tail.rec.events()) - len(got); extra > 0 {
		rt.Fatalf("Tail(%q) got %d events more than were appended", tail.room, extra)
	}
	tail.rec.check(m.t)
}
