package presence_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatroom/server/internal/presence"
)

// model is a simple implementation that looks through all people for each answer.
type model struct {
	roster *presence.Roster[string]
	config presence.Config
	wall   time.Time     // the time
	known  time.Time     // the newest time that was passed to the roster
	clock  time.Duration // how much time passed, as far as the roster knows

	people  map[string]*person
	here    int             // anonymous connections to this node
	inGrace []time.Duration // when the grace of each lost anonymous connection ends

	// What a listener knows that adds up what it is announced.
	announced          int
	announcedAnonymous int
	summarizing        bool
	next               time.Duration // no counts before
}

type person struct {
	value       string
	connections int
	until       time.Duration // the end of the grace, if there is no connection

	announced, renamed bool
	known              bool // and not forgotten
}

var (
	ids   = []string{"ann", "bob", "cyd", "dan", "eve", "fay", "gus", "hal", "ida", "jon"}
	names = []string{"x", "y", "z"}
)

func (p *person) connected() bool { return p.connections > 0 }

func (m *model) present(p *person) bool { return p.connected() || p.until > m.clock }

func (m *model) anonymous() int {
	return m.here + len(m.inGrace)
}

func (m *model) named() int {
	n := 0
	for _, p := range m.people {
		if m.present(p) {
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
	m.advance(now)
	return now
}

// advance ends the grace of those whose time is over.
func (m *model) advance(now time.Time) {
	switch passed := now.Sub(m.known); {
	case passed < -m.config.Grace:
		m.known = now
	case passed > 0:
		m.known = now
		m.clock += passed
	}
	m.inGrace = slices.DeleteFunc(m.inGrace, func(until time.Duration) bool { return until <= m.clock })
}

func (m *model) lose(p *person, explicit bool) {
	p.until = 0
	if !p.connected() && !explicit {
		p.until = m.clock + m.config.Grace
	}
}

func (m *model) enterAnonymous(n int) {
	m.inGrace = m.inGrace[:max(0, len(m.inGrace)-n)]
}

func (m *model) loseAnonymous(n int) {
	m.inGrace = append(m.inGrace, slices.Repeat([]time.Duration{m.clock + m.config.Grace}, n)...)
}

func (m *model) enter(t *rapid.T) {
	id, value, now := rapid.SampledFrom(ids).Draw(t, "id"), rapid.SampledFrom(names).Draw(t, "name"), m.time(t)
	m.roster.Enter(now, id, value)
	p := m.people[id]
	p.renamed = p.announced && (p.renamed || p.value != value)
	p.value = value
	p.connections++
}

// rename is called for a member who is present.
func (m *model) rename(t *rapid.T) {
	id, value, now := rapid.SampledFrom(ids).Draw(t, "id"), rapid.SampledFrom(names).Draw(t, "name"), m.time(t)
	p := m.people[id]
	if !m.present(p) {
		t.Skip("not present")
	}
	m.roster.Rename(now, id, value)
	p.renamed = p.announced && (p.renamed || p.value != value)
	p.value = value
}

func (m *model) leave(t *rapid.T) {
	id, explicit := rapid.SampledFrom(ids).Draw(t, "id"), rapid.Bool().Draw(t, "explicit")
	m.leaveAs(t, id, explicit)
}

func (m *model) leaveAs(t *rapid.T, id string, explicit bool) {
	m.roster.Leave(m.time(t), id, explicit)
	if p := m.people[id]; p.connections > 0 {
		p.connections--
		m.lose(p, explicit)
	}
}

func (m *model) enterAnonymously(t *rapid.T) {
	m.roster.Enter(m.time(t), "", "anonymous")
	m.here++
	m.enterAnonymous(1)
}

func (m *model) leaveAnonymously(t *rapid.T) {
	m.leaveAnonymouslyAs(t, rapid.Bool().Draw(t, "explicit"))
}

func (m *model) leaveAnonymouslyAs(t *rapid.T, explicit bool) {
	m.roster.Leave(m.time(t), "", explicit)
	if m.here == 0 {
		return
	}
	m.here--
	if !explicit {
		m.loseAnonymous(1)
	}
}

// wait may be long enough for an interval or the end of a grace period.
func (m *model) wait(t *rapid.T) {
	m.wall = m.wall.Add(rapid.SampledFrom([]time.Duration{
		1, time.Millisecond, m.config.Interval - 1, m.config.Interval,
		m.config.Grace / 3, m.config.Grace - 1, m.config.Grace,
	}).Draw(t, "wait"))
	m.tick(t)
}

// setBack sets the clock back, which must not change who is present.
func (m *model) setBack(t *rapid.T) {
	if rapid.IntRange(0, 3).Draw(t, "setBack") > 0 {
		t.Skip("rarely")
	}
	m.wall = m.known.Add(-m.config.Grace - time.Hour)
	m.advance(m.wall)
	m.checkChanges(t, m.roster.Tick(m.wall))
}

func (m *model) tick(t *rapid.T) {
	m.checkChanges(t, m.roster.Tick(m.time(t)))
}

// checkChanges compares what is announced with what must be.
func (m *model) checkChanges(t *rapid.T, got []presence.Change[string]) {
	if m.summarizing || m.count() > m.config.SummarizeAbove {
		m.checkSummary(t, got)
		return
	}
	count := m.announced + m.anonymous()
	for _, change := range got {
		var id, value string
		var right bool
		switch change := change.(type) {
		case presence.Joined[string]:
			id, value = change.ID, change.Member
			p := m.people[id]
			right = m.present(p) && !p.announced
			p.announced = true
			m.announced++
			count++
			right = right && change.Count == count
		case presence.Left[string]:
			id, value = change.ID, change.Member
			p := m.people[id]
			right = !m.present(p) && p.announced
			p.announced = false
			m.announced--
			count--
			right = right && change.Count == count
		case presence.Renamed[string]:
			id, value = change.ID, change.Member
			p := m.people[id]
			right = m.present(p) && p.announced && p.renamed && change.Count == count
		case presence.Counted[string]:
			right = len(got) == 1 && change.Count == count && m.announcedAnonymous != m.anonymous() && m.next <= m.clock
			m.next = m.clock + m.config.Interval
		}
		if !right || id != "" && value != m.people[id].value {
			t.Fatalf("Tick() tells %#v in %#v, with %+v", change, got, m.people[id])
		}
		if id != "" {
			m.people[id].renamed = false
		}
		m.announcedAnonymous = m.anonymous()
	}
	for id, p := range m.people {
		if m.present(p) != p.announced || p.announced && p.renamed {
			t.Fatalf("Tick() = %#v, silent about %s %+v", got, id, p)
		}
	}
	if m.anonymous() != m.announcedAnonymous && m.next <= m.clock {
		t.Fatalf("Tick() = %#v, silent about %d anonymous, %d before", got, m.anonymous(), m.announcedAnonymous)
	}
}

func (m *model) checkSummary(t *rapid.T, got []presence.Change[string]) {
	var want presence.Summary[string]
	var renamed []presence.Change[string]
	if m.next <= m.clock {
		want, renamed = m.summary()
	}
	if want.Joined+want.Left == 0 {
		m.checkRenamed(t, got, renamed)
		if len(renamed) > 0 {
			m.next = m.clock + m.config.Interval
		}
		return
	}
	if len(got) == 0 {
		t.Fatalf("Tick() = nothing, want [%+v]", want)
	}
	m.checkRenamed(t, got[1:], renamed)
	summary, ok := got[0].(presence.Summary[string])
	if !ok || summary.Count != want.Count || summary.Joined != want.Joined || summary.Left != want.Left {
		t.Fatalf("Tick() = %#v, want [%+v]", got, want)
	}
	if want := min(len(want.Sample), m.config.Sample); len(summary.Sample) != want {
		t.Fatalf("Tick() names %v, want %d", summary.Sample, want)
	}
	for _, member := range summary.Sample {
		i := slices.Index(want.Sample, member)
		if i < 0 {
			t.Fatalf("Tick() names %v: want each once, of %v", summary.Sample, want.Sample)
		}
		want.Sample = slices.Delete(want.Sample, i, i+1)
	}
	if sum := m.announced + m.announcedAnonymous + summary.Joined - summary.Left; sum != summary.Count {
		t.Fatalf("Tick() = %#v, which does not add up from %d", summary, m.announced+m.announcedAnonymous)
	}
	m.announced, m.announcedAnonymous = m.named(), m.anonymous()
	m.summarizing = summary.Count > m.config.SummarizeAbove*4/5
	m.next = m.clock + m.config.Interval
	for _, p := range m.people {
		p.announced = m.present(p)
	}
}

// checkRenamed compares the changes of names that are announced with all that there were.
func (m *model) checkRenamed(t *rapid.T, got, all []presence.Change[string]) {
	if want := min(len(all), m.config.Sample); len(got) != want {
		t.Fatalf("Tick() has %#v, want %d of the names %#v", got, want, all)
	}
	for i, change := range got {
		if !slices.Contains(all, change) || slices.Contains(got[:i], change) {
			t.Fatalf("Tick() has %#v, want each once, of the names %#v", got, all)
		}
	}
}

// summary returns what is to be announced, with all who joined as the sample, and all who
// were renamed.
func (m *model) summary() (presence.Summary[string], []presence.Change[string]) {
	var renamed []presence.Change[string]
	c := presence.Summary[string]{
		Count:  m.count(),
		Joined: max(0, m.anonymous()-m.announcedAnonymous),
		Left:   max(0, m.announcedAnonymous-m.anonymous()),
	}
	for id, p := range m.people {
		if m.present(p) && p.announced && p.renamed {
			renamed = append(renamed, presence.Renamed[string]{ID: id, Member: p.value, Count: m.count()})
		}
		p.renamed = false
		switch {
		case m.present(p) && !p.announced:
			c.Joined++
			c.Sample = append(c.Sample, presence.Member[string]{ID: id, Member: p.value})
		case !m.present(p) && p.announced:
			c.Left++
		}
	}
	return c, renamed
}

// check compares all that can be seen without changing anything.
func (m *model) check(t *rapid.T) {
	m.checkMembers(t)
	m.checkForgotten(t)
	m.checkDue(t)
}

// checkForgotten compares the members who are known, and not forgotten, with those who are
// present or whose leave is still to be announced.
func (m *model) checkForgotten(t *rapid.T) {
	for _, id := range m.roster.TakeForgotten() {
		p := m.people[id]
		if !p.known || m.present(p) || p.announced {
			t.Fatalf("TakeForgotten() has %s: %+v, want nobody who is known", id, p)
		}
		p.known = false
	}
	for id, p := range m.people {
		value, present := m.roster.Find(id)
		if present != m.present(p) || present && value != p.value {
			t.Fatalf("Find(%s) = %q, %t, want %+v", id, value, present, p)
		}
		p.known = p.known || present
	}
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
		if p := m.people[id]; id > after && m.present(p) {
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
	ends = append(ends, m.inGrace...)
	changed := false
	for _, p := range m.people {
		if !p.connected() && m.present(p) {
			ends = append(ends, p.until)
		}
		changed = changed || m.present(p) != p.announced || m.present(p) && p.renamed
	}
	switch large := m.summarizing || m.count() > m.config.SummarizeAbove; {
	case changed && !large:
		ends = append(ends, m.clock)
	case changed, m.anonymous() != m.announcedAnonymous:
		ends = append(ends, max(m.next, m.clock))
	}
	if len(ends) == 0 {
		return
	}
	want := m.known.Add(slices.Min(ends) - m.clock)
	if due, ok := m.roster.Due(); !ok || due.After(want) {
		t.Fatalf("Due() = %v, %t, want %v at the latest", due, ok, want)
	}
}

// settle ticks only when something is due, until nothing is.
func (m *model) settle(t *rapid.T) {
	start := m.clock
	due, ok := m.roster.Due()
	for ticks := 0; ok; due, ok = m.roster.Due() {
		if ticks++; ticks > 5*len(ids)+len(m.inGrace) {
			t.Fatalf("Due() = %v after %d ticks", due, ticks)
		}
		m.advance(due)
		m.checkChanges(t, m.roster.Tick(due))
		m.checkMembers(t)
	}
	if took := m.clock - start; took > m.config.Grace+m.config.Interval {
		t.Fatalf("settled after %v, want %v at most", took, m.config.Grace+m.config.Interval)
	}
	connected := m.here
	for id, p := range m.people {
		if p.connected() != p.announced {
			t.Fatalf("settled with %s announced: %t, connected: %t", id, p.announced, p.connected())
		}
		if p.connected() {
			connected++
		}
	}
	if got := m.roster.Count(); got != connected || m.announced+m.announcedAnonymous != connected {
		t.Fatalf("settled with Count() = %d, announced %d, want %d", got, m.announced+m.announcedAnonymous, connected)
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config := presence.Config{
			Grace:          10 * time.Second,
			SummarizeAbove: rapid.IntRange(1, 9).Draw(t, "summarizeAbove"),
			Interval:       rapid.SampledFrom([]time.Duration{time.Second, 15 * time.Second}).Draw(t, "interval"),
			Sample:         rapid.IntRange(1, 4).Draw(t, "sample"),
		}
		start := time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
		m := &model{
			roster: presence.New[string](config), config: config,
			wall: start, known: start,
			people: make(map[string]*person),
		}
		for _, id := range ids {
			m.people[id] = new(person)
		}
		m.roster.Tick(m.wall) // from here on the clock runs
		t.Repeat(map[string]func(*rapid.T){
			"":                 m.check,
			"enter":            m.enter,
			"enterToo":         m.enter,
			"rename":           m.rename,
			"leave":            m.leave,
			"enterAnonymously": m.enterAnonymously,
			"leaveAnonymously": m.leaveAnonymously,
			"wait":             m.wait,
			"tick":             m.tick,
			"setBack":          m.setBack,
		})
		m.settle(t)
		m.endAll(t)
		m.settle(t)
		m.checkForgotten(t)
		for id, p := range m.people {
			if p.known {
				t.Fatalf("%s is not forgotten after all left", id)
			}
		}
		if !m.roster.Empty() {
			t.Fatalf("Empty() = false after all left")
		}
	})
}

// endAll ends every connection.
func (m *model) endAll(t *rapid.T) {
	for _, id := range ids {
		for m.people[id].connections > 0 {
			m.leaveAs(t, id, rapid.Bool().Draw(t, "explicit"))
		}
	}
	for m.here > 0 {
		m.leaveAnonymouslyAs(t, rapid.Bool().Draw(t, "explicit"))
	}
}
