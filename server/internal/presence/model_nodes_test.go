package presence_test

import (
	"maps"
	"slices"

	"pgregory.net/rapid"

	"chatroom/server/internal/presence"
)

// peer is another node: who is there, and what it has reported. Its reports get
// lost, and arrive twice.
type peer struct {
	name      string
	version   uint64
	here      map[string]presence.Sighting[string]
	anonymous int
	changed   map[string]bool // since the last report; whether the last leave was clean
	last      presence.Report[string]

	// What the roster knows; whom it knows of is in person.nodes.
	heard          uint64
	heardAnonymous int
}

func newPeer(name string) *peer {
	return &peer{name: name, here: make(map[string]presence.Sighting[string]), changed: make(map[string]bool)}
}

func (m *model) peer(t *rapid.T) *peer {
	return m.peers[rapid.SampledFrom([]string{"east", "west"}).Draw(t, "peer")]
}

func (m *model) peerEnter(t *rapid.T) {
	p := m.peer(t)
	if rapid.IntRange(0, 3).Draw(t, "named") == 0 {
		p.anonymous += rapid.IntRange(1, 3).Draw(t, "anonymous")
		return
	}
	id := rapid.SampledFrom(ids).Draw(t, "id")
	p.here[id] = presence.Sighting[string]{ID: id, Member: rapid.SampledFrom(names).Draw(t, "name"), Since: m.wall}
	p.changed[id] = false
}

func (m *model) peerLeave(t *rapid.T) {
	p := m.peer(t)
	if len(p.here) == 0 || rapid.IntRange(0, 3).Draw(t, "named") == 0 {
		p.anonymous -= min(p.anonymous, rapid.IntRange(1, 3).Draw(t, "anonymous"))
		return
	}
	id := rapid.SampledFrom(slices.Sorted(maps.Keys(p.here))).Draw(t, "id")
	delete(p.here, id)
	p.changed[id] = rapid.Bool().Draw(t, "clean")
}

func (m *model) peerReport(t *rapid.T) {
	p := m.peer(t)
	p.version++
	r := presence.Report[string]{Version: p.version, Anonymous: p.anonymous}
	for _, id := range slices.Sorted(maps.Keys(p.changed)) {
		sighting, here := p.here[id]
		switch {
		case here:
			r.Here = append(r.Here, sighting)
		case p.changed[id]:
			r.Left = append(r.Left, id)
		default:
			r.Lost = append(r.Lost, id)
		}
	}
	clear(p.changed)
	switch rapid.IntRange(0, 5).Draw(t, "delivery") {
	case 0: // lost
	case 1:
		m.hear(t, p, p.last) // late, or for a second time
		m.hear(t, p, r)
	default:
		m.hear(t, p, r)
	}
	p.last = r
}

func (m *model) peerWhole(t *rapid.T) { m.whole(t, m.peer(t)) }

func (m *model) whole(t *rapid.T, p *peer) {
	p.version++
	r := presence.Report[string]{Version: p.version, Whole: true, Anonymous: p.anonymous}
	for _, id := range slices.Sorted(maps.Keys(p.here)) {
		r.Here = append(r.Here, p.here[id])
	}
	clear(p.changed)
	m.hear(t, p, r)
}

func (m *model) hear(t *rapid.T, p *peer, r presence.Report[string]) {
	known := r.Version <= p.heard
	want := known || r.Whole || r.Version == p.heard+1
	if got := m.roster.Merge(m.time(t), p.name, r); got != want {
		t.Fatalf("Merge(%s, %+v) = %t, want %t after version %d", p.name, r, got, want, p.heard)
	}
	if known || !want {
		return
	}
	p.heard = r.Version
	for _, s := range r.Here {
		someone := m.people[s.ID]
		m.show(someone, s.Member, s.Since.UnixNano())
		someone.nodes[p.name] = true
	}
	if r.Whole {
		for id, someone := range m.people {
			if _, here := p.here[id]; !here {
				m.unsee(p, someone, false)
			}
		}
	}
	for _, id := range r.Left {
		m.unsee(p, m.people[id], true)
	}
	for _, id := range r.Lost {
		m.unsee(p, m.people[id], false)
	}
	m.recount(p, r.Anonymous)
}

func (m *model) unsee(p *peer, someone *person, clean bool) {
	if someone.nodes[p.name] {
		delete(someone.nodes, p.name)
		m.lose(someone, clean)
	}
}

func (m *model) recount(p *peer, n int) {
	m.enterAnonymous(max(0, n-p.heardAnonymous))
	m.loseAnonymous(max(0, p.heardAnonymous-n))
	p.heardAnonymous = n
}

func (m *model) peerDrop(t *rapid.T) { m.drop(t, m.peer(t)) }

func (m *model) drop(t *rapid.T, p *peer) {
	m.roster.Drop(m.time(t), p.name)
	p.heard = 0
	for _, someone := range m.people {
		m.unsee(p, someone, false)
	}
	m.recount(p, 0)
}

// hearAll lets every node say once more who is there.
func (m *model) hearAll(t *rapid.T) {
	for _, name := range []string{"east", "west"} {
		p := m.peers[name]
		m.whole(t, p)
		for id, someone := range m.people {
			if _, here := p.here[id]; here != someone.nodes[name] {
				t.Fatalf("%s on %s: %t, heard %t", id, name, here, someone.nodes[name])
			}
		}
	}
}

// endAll ends every connection, here and elsewhere.
func (m *model) endAll(t *rapid.T) {
	for _, name := range []string{"east", "west"} {
		m.drop(t, m.peers[name])
	}
	for _, id := range ids {
		for m.people[id].connections > 0 {
			m.leaveAs(t, id, rapid.Bool().Draw(t, "clean"))
		}
	}
	for m.here > 0 {
		m.leaveNobodyAs(t, rapid.Bool().Draw(t, "clean"))
	}
}
