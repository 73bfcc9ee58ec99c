package presence

import (
	"math"
	"time"
)

// Change is something to be announced to a room: Joined, Left, Renamed, Counted or Summary.
// Each has the number of members after it.
type Change[M comparable] interface{ isChange(M) }

// Joined says that a member has joined.
type Joined[M comparable] struct {
	ID     string
	Member M
	Count  int
}

// Left says that a member has left.
type Left[M comparable] struct {
	ID     string
	Member M // as it was shown last
	Count  int
}

// Renamed says that a member who was present is shown differently from now on.
type Renamed[M comparable] struct {
	ID     string
	Member M
	Count  int
}

// Counted says that anonymous connections have come or gone, and no member with an id.
type Counted[M comparable] struct {
	Count int
}

// Summary says how a large room has changed since the last announcement. It does not count
// members who have joined and left meanwhile.
type Summary[M comparable] struct {
	Count  int
	Joined int
	Left   int
	Sample []Member[M] // the first of those who have joined and have an id
}

// Member is a member in a Summary.
type Member[M comparable] struct {
	ID     string
	Member M
}

func (Joined[M]) isChange(M)  {}
func (Left[M]) isChange(M)    {}
func (Renamed[M]) isChange(M) {}
func (Counted[M]) isChange(M) {}
func (Summary[M]) isChange(M) {}

// Due returns when Tick has something to do, as far as is known now. It is false when nothing
// is to be announced and nobody is in grace. Any other call may bring it forward.
func (r *Roster[M]) Due() (time.Time, bool) {
	due := time.Duration(math.MaxInt64)
	if at, ok := r.announcementDue(); ok {
		due = at
	}
	if front := r.inGrace.Front(); front != nil {
		due = min(due, front.Value.(*member[M]).graceEnd)
	}
	if len(r.anonymous.inGrace) > 0 {
		due = min(due, r.anonymous.inGrace[0].end)
	}
	if due == math.MaxInt64 {
		return time.Time{}, false
	}
	return r.last.Add(due - r.clock), true
}

// announcementDue returns when, on the clock, the changes may be announced, if there are any.
func (r *Roster[M]) announcementDue() (time.Duration, bool) {
	switch {
	case len(r.changed) > 0 && !r.summarizes():
		return r.clock, true
	case len(r.changed) > 0 || r.anonymous.count() != r.announcedAnonymous:
		return max(r.notBefore, r.clock), true
	}
	return 0, false
}

// summarizes reports whether the next announcement is a Summary. That a room is not large any
// more is also announced in this way: it may be because thousands have left.
func (r *Roster[M]) summarizes() bool {
	return r.summarizing || r.Count() > r.config.SummarizeAbove
}

// Tick returns what is to be announced now. Call it after every other call that changes the
// roster, and when Due says.
func (r *Roster[M]) Tick(now time.Time) []Change[M] {
	r.advance(now)
	if due, ok := r.announcementDue(); !ok || due > r.clock {
		return nil
	}
	if r.summarizes() {
		return r.summary()
	}
	return r.changes()
}

// changes returns the changes one by one. The count of the first one includes the changes of
// anonymous connections.
func (r *Roster[M]) changes() []Change[M] {
	var changes []Change[M]
	r.takeChanged(func(m *member[M]) {
		count := r.announced + r.anonymous.count()
		switch {
		case m.joined():
			changes = append(changes, Joined[M]{m.id, m.value, count + 1})
		case m.left():
			changes = append(changes, Left[M]{m.id, m.value, count - 1})
		case m.renamed:
			changes = append(changes, Renamed[M]{m.id, m.value, count})
		}
	})
	if len(changes) == 0 && r.announcedAnonymous != r.anonymous.count() && r.notBefore <= r.clock {
		changes = append(changes, Counted[M]{r.Count()})
		r.notBefore = r.clock + r.config.Interval
	}
	if len(changes) > 0 {
		r.announcedAnonymous = r.anonymous.count()
	}
	return changes
}

// TakeForgotten returns the ids of the members who are not present any more and whose
// leave has been announced, if their join was, since the last call. What was shown of them
// may be shown of others from now on.
func (r *Roster[M]) TakeForgotten() []string {
	ids := r.forgotten
	r.forgotten = nil
	return ids
}

// summary returns a Summary, and after it the members who are shown differently: as many as
// it may name, so that its cost does not depend on how many there are.
func (r *Roster[M]) summary() []Change[M] {
	var s Summary[M]
	var renamed []Change[M]
	r.takeChanged(func(m *member[M]) {
		switch {
		case m.joined():
			s.Joined++
			if len(s.Sample) < r.config.Sample {
				s.Sample = append(s.Sample, Member[M]{m.id, m.value})
			}
		case m.left():
			s.Left++
		case m.renamed && len(renamed) < r.config.Sample:
			renamed = append(renamed, Renamed[M]{m.id, m.value, r.Count()})
		}
	})
	s.Count = r.Count()
	s.Joined += max(0, r.anonymous.count()-r.announcedAnonymous)
	s.Left += max(0, r.announcedAnonymous-r.anonymous.count())
	r.announcedAnonymous = r.anonymous.count()
	r.summarizing = s.Count > r.config.SummarizeAbove*4/5
	changes := renamed
	if s.Joined > 0 || s.Left > 0 {
		changes = append([]Change[M]{s}, renamed...)
	}
	if len(changes) > 0 {
		r.notBefore = r.clock + r.config.Interval
	}
	return changes
}

// takeChanged calls announce with each member that may have changed, and marks it as
// announced.
func (r *Roster[M]) takeChanged(announce func(*member[M])) {
	for _, m := range r.changed {
		announce(m)
		switch {
		case m.joined():
			r.announced++
		case m.left():
			r.announced--
		}
		m.announced, m.renamed, m.changed = m.present(), false, false
		if !m.present() {
			r.members.Delete(m)
			r.forgotten = append(r.forgotten, m.id)
		}
	}
	clear(r.changed)
	r.changed = r.changed[:0]
}
