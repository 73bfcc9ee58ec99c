package presence

import (
	"time"
)

// Change is something that a room is told: Joined, Left, Renamed, Counted or
// Crowd. Each says how many members there are after it.
type Change[M comparable] interface{ isChange(M) }

// Joined says that a member came.
type Joined[M comparable] struct {
	ID     string
	Member M
	Count  int
}

// Left says that a member went.
type Left[M comparable] struct {
	ID     string
	Member M // as it was shown last
	Count  int
}

// Renamed says that a member who was there is shown as something else from now
// on. It is no Joined: nobody came.
type Renamed[M comparable] struct {
	ID     string
	Member M
	Count  int
}

// Counted says that anonymous connections came or went, and nobody with an id.
type Counted[M comparable] struct {
	Count int
}

// Crowd says how a big room changed since it was last told: who came and went
// meanwhile does not show, and neither does another name.
type Crowd[M comparable] struct {
	Count  int
	Joined int
	Left   int
	Sample []Member[M] // some of those who joined and have an id, the first ones
}

// Member is one of a crowd.
type Member[M comparable] struct {
	ID     string
	Member M
}

func (Joined[M]) isChange(M)  {}
func (Left[M]) isChange(M)    {}
func (Renamed[M]) isChange(M) {}
func (Counted[M]) isChange(M) {}
func (Crowd[M]) isChange(M)   {}

// Due returns when Tick has something to do, as far as is known now. It is false
// when nothing is to be told and nobody is in grace. Any other call may bring it
// forward.
func (r *Roster[M]) Due() (time.Time, bool) {
	due, ok := r.telling()
	if front := r.lost.Front(); front != nil {
		due, ok = earlier(due, ok, front.Value.(*member[M]).until)
	}
	if len(r.anonymous.fading) > 0 {
		due, ok = earlier(due, ok, r.anonymous.fading[0].until)
	}
	if !ok {
		return time.Time{}, false
	}
	return r.last.Add(due - r.clock), true
}

func earlier(a time.Duration, ok bool, b time.Duration) (time.Duration, bool) {
	if ok && a < b {
		return a, true
	}
	return b, true
}

// telling returns when, on the clock, something may be told, if there is
// anything.
func (r *Roster[M]) telling() (time.Duration, bool) {
	switch {
	case len(r.changed) > 0 && !r.crowd():
		return r.clock, true
	case len(r.changed) > 0 || r.anonymous.count() != r.toldAnonymous:
		return max(r.report, r.clock), true
	}
	return 0, false
}

// crowd reports whether the next thing to tell is a Crowd. A room that stops
// being one is told so in this way, too: nobody wants to hear one by one of
// thousands who left.
func (r *Roster[M]) crowd() bool { return r.crowded || r.Count() > r.config.Crowd }

// Tick returns what is to be told now. Call it after every other call that
// changes the roster, and when Due says.
func (r *Roster[M]) Tick(now time.Time) []Change[M] {
	r.advance(now)
	if at, ok := r.telling(); !ok || at > r.clock {
		return nil
	}
	if r.crowd() {
		return r.tellCrowd()
	}
	return r.tellEach()
}

// tellEach tells what is new of each member. The first change also carries what
// is new of anonymous connections.
func (r *Roster[M]) tellEach() []Change[M] {
	var changes []Change[M]
	r.take(func(m *member[M]) {
		count := r.told + r.anonymous.count()
		switch {
		case m.came():
			changes = append(changes, Joined[M]{m.id, m.value, count + 1})
		case m.went():
			changes = append(changes, Left[M]{m.id, m.value, count - 1})
		case m.renamed:
			changes = append(changes, Renamed[M]{m.id, m.value, count})
		}
	})
	if len(changes) == 0 && r.toldAnonymous != r.anonymous.count() && r.report <= r.clock {
		changes = append(changes, Counted[M]{r.Count()})
		r.report = r.clock + r.config.Interval
	}
	if len(changes) > 0 {
		r.toldAnonymous = r.anonymous.count()
	}
	return changes
}

func (r *Roster[M]) tellCrowd() []Change[M] {
	var c Crowd[M]
	r.take(func(m *member[M]) {
		switch {
		case m.came():
			c.Joined++
			if len(c.Sample) < r.config.Sample {
				c.Sample = append(c.Sample, Member[M]{m.id, m.value})
			}
		case m.went():
			c.Left++
		}
	})
	c.Count = r.Count()
	c.Joined += max(0, r.anonymous.count()-r.toldAnonymous)
	c.Left += max(0, r.toldAnonymous-r.anonymous.count())
	r.toldAnonymous = r.anonymous.count()
	r.crowded = c.Count > r.config.Crowd*4/5
	if c.Joined == 0 && c.Left == 0 {
		return nil
	}
	r.report = r.clock + r.config.Interval
	return []Change[M]{c}
}

// take calls tell with each of those who may have changed, and notes that it was
// told.
func (r *Roster[M]) take(tell func(*member[M])) {
	for _, m := range r.changed {
		tell(m)
		switch {
		case m.came():
			r.told++
		case m.went():
			r.told--
		}
		m.told, m.renamed, m.changed = m.there(), false, false
		if !m.there() {
			r.members.remove(m)
		}
	}
	clear(r.changed)
	r.changed = r.changed[:0]
}
