package migrate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/testenv"
)

// model knows what a formerWriter has stored.
type model struct {
	*formerWriter
	random   *rand.Rand
	messages map[string][]uint64 // by room, those that were not deleted
	all      map[uint64]string   // by sequence, the room
	deleted  map[uint64]bool     // and what edits them
	edits    map[uint64][]uint64 // by message
}

// talk has events stored in some rooms, and some of them deleted.
func (m *model) talk(steps int) {
	m.t.Helper()
	for range steps {
		room := []string{"lobby", "team.red", "busy", "busy", "busy"}[m.random.IntN(5)]
		target := uint64(0)
		if own := m.messages[room]; len(own) > 0 {
			target = own[m.random.IntN(len(own))]
		}
		switch kind := m.random.IntN(10); {
		case kind == 0 && target > 0:
			edit := m.store(room, chat.Edit{Target: target, Text: "edited"})
			m.edits[target] = append(m.edits[target], edit)
		case kind == 1 && target > 0:
			m.store(room, chat.Reaction{Target: target, Emoji: "👍"})
		case kind == 2 && target > 0:
			m.delete(room, target)
		default:
			text := strings.Repeat("x", 1+m.random.IntN(600))
			m.messages[room] = append(m.messages[room], m.store(room, chat.Message{Text: text}))
		}
	}
}

func (m *model) store(room string, body chat.Body) uint64 {
	m.t.Helper()
	sequence := m.append(room, body)
	m.all[sequence] = room
	return sequence
}

// delete stores a deletion and erases what it names, except if it is interrupted.
func (m *model) delete(room string, target uint64) {
	m.t.Helper()
	var left []uint64
	for _, s := range m.messages[room] {
		if s != target {
			left = append(left, s)
		}
	}
	m.messages[room] = left
	if !m.retained(target) {
		return // retention was faster
	}
	m.store(room, chat.Deletion{Target: target})
	interrupted := m.random.IntN(4)
	for _, s := range append([]uint64{target}, m.edits[target]...) {
		m.deleted[s] = true
		if interrupted > 0 && m.retained(s) {
			m.bury(room, s)
		}
		if interrupted > 1 {
			m.overwrite(s)
		}
	}
}

// live returns what is there and was not deleted.
func (m *model) live() map[uint64]bool {
	m.t.Helper()
	live := make(map[uint64]bool)
	for sequence := range m.all {
		live[sequence] = m.retained(sequence) && !m.deleted[sequence]
	}
	return live
}

// compare checks that a directory holds what is live. In one of a killed server there may
// be more, but nothing that was deleted.
func (m *model) compare(dir string, live map[uint64]bool, killed bool) {
	m.t.Helper()
	f, what := openFormer(m.t, dir), "stopped"
	if killed {
		what = "killed"
	}
	if len(f.Findings) > 0 || f.Replaced || f.Epoch != "EPOCH" || f.Next != m.last+1 {
		m.t.Errorf("%s: Findings, Replaced, Epoch, Next = %q, %t, %q, %d, want none, false, EPOCH, %d", what, f.Findings, f.Replaced, f.Epoch, f.Next, m.last+1)
	}
	got := make(map[uint64]bool)
	for room, all := range events(m.t, f) {
		for _, e := range all {
			switch {
			case m.all[e.Sequence] != room:
				m.t.Errorf("%s: event %d is in room %q, want %q", what, e.Sequence, room, m.all[e.Sequence])
			case m.deleted[e.Sequence] != e.Erased:
				m.t.Errorf("%s: event %d: Erased = %t, want %t", what, e.Sequence, e.Erased, m.deleted[e.Sequence])
			case !e.Erased:
				got[e.Sequence] = true
			}
		}
	}
	for sequence, want := range live {
		if want && !got[sequence] || got[sequence] && !want && !killed {
			m.t.Errorf("%s: event %d is there: %t, want %t", what, sequence, got[sequence], want)
		}
	}
}

// What the former store has written is read as it was, with deletions completed.
func TestFormerModel(t *testing.T) {
	for seed := range uint64(testenv.Rounds(3, 10)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			limit, bytes := 20+random.IntN(100), int64(1<<30)
			if random.IntN(2) == 0 {
				limit, bytes = 100_000, 120_000+random.Int64N(100_000)
			}
			m := &model{
				formerWriter: newFormerWriter(t, limit, bytes), random: random, messages: make(map[string][]uint64),
				all: make(map[uint64]string), deleted: make(map[uint64]bool), edits: make(map[uint64][]uint64),
			}
			for range 1 + random.IntN(3) {
				m.talk(50 + random.IntN(250))
				live := m.live()
				m.compare(m.kill(), live, true)
				m.close()
				m.compare(m.dir, live, false)
				m.open()
			}
		})
	}
}

// What a former server stores while its files are read does not go unnoticed.
func TestEventsOfARunningServer(t *testing.T) {
	w := newFormerWriter(t, 100, 1<<30)
	w.append("lobby", chat.Message{Text: "before"})
	f := openFormer(t, w.dir)
	w.append("another", chat.Message{Text: "meanwhile"})
	var last error
	for _, err := range f.Events(t.Context()) {
		last = err
	}
	changed, err := f.Changed()
	if !errors.Is(last, errChanged) || !changed || err != nil {
		t.Errorf("Events ends with %v, Changed = %t, %v, want %v, true, nil", last, changed, err, errChanged)
	}
}
