package presence_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatroom/server/internal/presence"
)

// model is the naive truth: everybody who was ever heard of, looked through from
// end to end for each answer.
type model struct {
	roster *presence.Roster[string]
	config presence.Config
	wall   time.Time     // what the clock on the wall shows
	heard  time.Time     // what the roster knows of it
	clock  time.Duration // how much time passed, as far as the roster knows

	people map[string]*person
	peers  map[string]*peer
	here   int             // anonymous connections to this node
	fading []time.Duration // when the grace of each lost anonymous connection ends

	// What a listener knows that adds up what it is told.
	told          int
	toldAnonymous int
	crowded       bool
	next          time.Duration // no counts before
}

type person struct {
	value       string
	since       int64
	connections int
	nodes       map[string]bool
	until       time.Duration // the end of the grace, if there is no connection

	told, renamed bool
}

var (
	ids   = []string{"ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ida", "jon"}
	names = []string{"x", "y", "z"}
)

func (p *person) connected() bool { return p.connections+len(p.nodes) > 0 }

func (m *model) there(p *person) bool { return p.connected() || p.until > m.clock }

func (m *model) anonymous() int {
	n := m.here + len(m.fading)
	for _, p := range m.peers {
		n += p.heardAnonymous
	}
	return n
}

func (m *model) named() int {
	n := 0
	for _, p := range m.people {
		if m.there(p) {
			n++
		}
	}
	return n
}

func (m *model) count() int { return m.named() + m.anonymous() }

// time returns the time for the next call, now and then one that is out of order.
func (m *model) time(t *rapid.T) time.Time {
	now := m.wall
	if rapid.IntRange(0, 7).Draw(t, "late") == 0 {
		now = now.Add(-m.config.Grace / 2)
	}
	m.hears(now)
	return now
}

// hears lets those go whose grace is over.
func (m *model) hears(now time.Time) {
	switch passed := now.Sub(m.heard); {
	case passed < -m.config.Grace:
		m.heard = now
	case passed > 0:
		m.heard = now
		m.clock += passed
	}
	m.fading = slices.DeleteFunc(m.fading, func(until time.Duration) bool { return until <= m.clock })
}

func (m *model) show(p *person, value string, since int64) {
	if m.there(p) && since < p.since {
		return
	}
	p.renamed = p.told && (p.renamed || p.value != value)
	p.value, p.since = value, since
}

func (m *model) lose(p *person, clean bool) {
	p.until = 0
	if !p.connected() && !clean {
		p.until = m.clock + m.config.Grace
	}
}

func (m *model) enterAnonymous(n int) {
	m.fading = m.fading[:max(0, len(m.fading)-n)]
}

func (m *model) loseAnonymous(n int) {
	m.fading = append(m.fading, slices.Repeat([]time.Duration{m.clock + m.config.Grace}, n)...)
}

func (m *model) enter(t *rapid.T) {
	id, value, now := rapid.SampledFrom(ids).Draw(t, "id"), rapid.SampledFrom(names).Draw(t, "name"), m.time(t)
	m.roster.Enter(now, id, value)
	p := m.people[id]
	if !m.there(p) {
		p.since = 0
	}
	m.show(p, value, max(now.UnixNano(), p.since))
	p.connections++
}

func (m *model) leave(t *rapid.T) {
	id, clean := rapid.SampledFrom(ids).Draw(t, "id"), rapid.Bool().Draw(t, "clean")
	m.leaveAs(t, id, clean)
}

func (m *model) leaveAs(t *rapid.T, id string, clean bool) {
	m.roster.Leave(m.time(t), id, clean)
	if p := m.people[id]; p.connections > 0 {
		p.connections--
		m.lose(p, clean)
	}
}

func (m *model) enterNobody(t *rapid.T) {
	m.roster.Enter(m.time(t), "", "nobody")
	m.here++
	m.enterAnonymous(1)
}

func (m *model) leaveNobody(t *rapid.T) {
	m.leaveNobodyAs(t, rapid.Bool().Draw(t, "clean"))
}

func (m *model) leaveNobodyAs(t *rapid.T, clean bool) {
	m.roster.Leave(m.time(t), "", clean)
	if m.here == 0 {
		return
	}
	m.here--
	if !clean {
		m.loseAnonymous(1)
	}
}

// wait may be long enough for an interval or the end of somebody's grace.
func (m *model) wait(t *rapid.T) {
	m.wall = m.wall.Add(rapid.SampledFrom([]time.Duration{
		1, time.Millisecond, m.config.Interval - 1, m.config.Interval,
		m.config.Grace / 3, m.config.Grace - 1, m.config.Grace,
	}).Draw(t, "wait"))
	m.tick(t)
}

// setBack sets the clock back, which nobody may notice.
func (m *model) setBack(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "setBack") > 0 {
		t.Skip("rarely")
	}
	m.wall = m.heard.Add(-m.config.Grace - time.Hour)
	m.hears(m.wall)
	m.listen(t, m.roster.Tick(m.wall))
}

func (m *model) tick(t *rapid.T) {
	m.listen(t, m.roster.Tick(m.time(t)))
}

// listen compares what is told with all that must be, and no more.
func (m *model) listen(t *rapid.T, got []presence.Change[string]) {
	if m.crowded || m.count() > m.config.Crowd {
		m.listenCrowd(t, got)
		return
	}
	count := m.told + m.anonymous()
	for _, change := range got {
		var id, value string
		var right bool
		switch change := change.(type) {
		case presence.Joined[string]:
			id, value = change.ID, change.Member
			p := m.people[id]
			right = m.there(p) && !p.told
			p.told = true
			m.told++
			count++
			right = right && change.Count == count
		case presence.Left[string]:
			id, value = change.ID, change.Member
			p := m.people[id]
			right = !m.there(p) && p.told
			p.told = false
			m.told--
			count--
			right = right && change.Count == count
		case presence.Renamed[string]:
			id, value = change.ID, change.Member
			p := m.people[id]
			right = m.there(p) && p.told && p.renamed && change.Count == count
		case presence.Counted[string]:
			right = len(got) == 1 && change.Count == count && m.toldAnonymous != m.anonymous() && m.next <= m.clock
			m.next = m.clock + m.config.Interval
		}
		if !right || id != "" && value != m.people[id].value {
			t.Fatalf("Tick() tells %#v in %#v, with %+v", change, got, m.people[id])
		}
		if id != "" {
			m.people[id].renamed = false
		}
		m.toldAnonymous = m.anonymous()
	}
	for id, p := range m.people {
		if m.there(p) != p.told || p.told && p.renamed {
			t.Fatalf("Tick() = %#v, silent about %s %+v", got, id, p)
		}
	}
	if m.anonymous() != m.toldAnonymous && m.next <= m.clock {
		t.Fatalf("Tick() = %#v, silent about %d anonymous, %d before", got, m.anonymous(), m.toldAnonymous)
	}
}

func (m *model) listenCrowd(t *rapid.T, got []presence.Change[string]) {
	var want presence.Crowd[string]
	if m.next <= m.clock {
		want = m.crowd()
	}
	if want.Joined+want.Left == 0 {
		if len(got) > 0 {
			t.Fatalf("Tick() = %#v, want nothing", got)
		}
		return
	}
	if len(got) != 1 {
		t.Fatalf("Tick() = %#v, want [%+v]", got, want)
	}
	crowd, ok := got[0].(presence.Crowd[string])
	if !ok || crowd.Count != want.Count || crowd.Joined != want.Joined || crowd.Left != want.Left {
		t.Fatalf("Tick() = %#v, want [%+v]", got, want)
	}
	if want := min(len(want.Sample), m.config.Sample); len(crowd.Sample) != want {
		t.Fatalf("Tick() names %v, want %d", crowd.Sample, want)
	}
	for _, member := range crowd.Sample {
		i := slices.Index(want.Sample, member)
		if i < 0 {
			t.Fatalf("Tick() names %v: want each once, of %v", crowd.Sample, want.Sample)
		}
		want.Sample = slices.Delete(want.Sample, i, i+1)
	}
	if sum := m.told + m.toldAnonymous + crowd.Joined - crowd.Left; sum != crowd.Count {
		t.Fatalf("Tick() = %#v, which does not add up from %d", crowd, m.told+m.toldAnonymous)
	}
	m.told, m.toldAnonymous = m.named(), m.anonymous()
	m.crowded = crowd.Count > m.config.Crowd*4/5
	m.next = m.clock + m.config.Interval
	for _, p := range m.people {
		p.told = m.there(p)
	}
}

// crowd returns what is to be told, with all who joined as the sample. Renames are
// forgotten.
func (m *model) crowd() presence.Crowd[string] {
	c := presence.Crowd[string]{
		Count:  m.count(),
		Joined: max(0, m.anonymous()-m.toldAnonymous),
		Left:   max(0, m.toldAnonymous-m.anonymous()),
	}
	for id, p := range m.people {
		p.renamed = false
		switch {
		case m.there(p) && !p.told:
			c.Joined++
			c.Sample = append(c.Sample, presence.Member[string]{ID: id, Member: p.value})
		case !m.there(p) && p.told:
			c.Left++
		}
	}
	return c
}

// check compares all that can be seen without changing anything.
func (m *model) check(t *rapid.T) {
	m.checkMembers(t)
	m.checkDue(t)
}

func (m *model) checkMembers(t *rapid.T) {
	if got, want := m.roster.Count(), m.count(); got != want {
		t.Fatalf("Count() = %d, want %d", got, want)
	}
	after := rapid.SampledFrom([]string{"", "", "bob", "c", "jon", "zoe"}).Draw(t, "after")
	var got, want []presence.Member[string]
	for id, value := range m.roster.Members(after) {
		got = append(got, presence.Member[string]{ID: id, Member: value})
	}
	for _, id := range slices.Sorted(maps.Keys(m.people)) {
		if p := m.people[id]; id > after && m.there(p) {
			want = append(want, presence.Member[string]{ID: id, Member: p.value})
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("Members(%q) = %v, want %v", after, got, want)
	}
}

// checkDue allows Due to be too early, as settle proves that to be harmless.
func (m *model) checkDue(t *rapid.T) {
	var ends []time.Duration
	ends = append(ends, m.fading...)
	changed := false
	for _, p := range m.people {
		if !p.connected() && m.there(p) {
			ends = append(ends, p.until)
		}
		changed = changed || m.there(p) != p.told
	}
	switch crowd := m.crowded || m.count() > m.config.Crowd; {
	case changed && !crowd:
		ends = append(ends, m.clock)
	case changed, m.anonymous() != m.toldAnonymous:
		ends = append(ends, max(m.next, m.clock))
	}
	if len(ends) == 0 {
		return
	}
	want := m.heard.Add(slices.Min(ends) - m.clock)
	if due, ok := m.roster.Due(); !ok || due.After(want) {
		t.Fatalf("Due() = %v, %t, want %v at the latest", due, ok, want)
	}
}

// settle ticks only when something is due, until nothing is.
func (m *model) settle(t *rapid.T) {
	start := m.clock
	due, ok := m.roster.Due()
	for ticks := 0; ok; due, ok = m.roster.Due() {
		if ticks++; ticks > 5*len(ids)+len(m.fading) {
			t.Fatalf("Due() = %v after %d ticks", due, ticks)
		}
		m.hears(due)
		m.listen(t, m.roster.Tick(due))
		m.checkMembers(t)
	}
	if took := m.clock - start; took > m.config.Grace+m.config.Interval {
		t.Fatalf("settled after %v, want %v at most", took, m.config.Grace+m.config.Interval)
	}
	connected := m.here
	for _, p := range m.peers {
		connected += p.heardAnonymous
	}
	for id, p := range m.people {
		if p.connected() != p.told {
			t.Fatalf("settled with %s told: %t, connected: %t", id, p.told, p.connected())
		}
		if p.connected() {
			connected++
		}
	}
	if got := m.roster.Count(); got != connected || m.told+m.toldAnonymous != connected {
		t.Fatalf("settled with Count() = %d, told %d, want %d", got, m.told+m.toldAnonymous, connected)
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := presence.Config{
			Grace:    10 * time.Second,
			Crowd:    rapid.IntRange(1, 9).Draw(t, "crowd"),
			Interval: rapid.SampledFrom([]time.Duration{time.Second, 15 * time.Second}).Draw(t, "interval"),
			Sample:   rapid.IntRange(1, 4).Draw(t, "sample"),
		}
		start := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
		m := &model{
			roster: presence.New[string](config), config: config,
			wall: start, heard: start,
			people: make(map[string]*person), peers: make(map[string]*peer),
		}
		for _, id := range ids {
			m.people[id] = &person{nodes: make(map[string]bool)}
		}
		for _, name := range []string{"east", "west"} {
			m.peers[name] = newPeer(name)
		}
		m.roster.Tick(m.wall) // from here on the clock runs
		t.Repeat(map[string]func(*rapid.T){
			"":            m.check,
			"enter":       m.enter,
			"enterToo":    m.enter,
			"leave":       m.leave,
			"enterNobody": m.enterNobody,
			"leaveNobody": m.leaveNobody,
			"wait":        m.wait,
			"tick":        m.tick,
			"setBack":     m.setBack,
			"peerEnter":   m.peerEnter,
			"peerLeave":   m.peerLeave,
			"peerReport":  m.peerReport,
			"peerWhole":   m.peerWhole,
			"peerDrop":    m.peerDrop,
		})
		m.hearAll(t)
		m.settle(t)
		m.endAll(t)
		m.settle(t)
		if !m.roster.Empty() {
			t.Fatalf("Empty() = false after all left")
		}
	})
}
