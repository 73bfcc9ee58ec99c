package presence

import (
	"cmp"
	"container/list"
	"iter"
	"time"

	"github.com/tidwall/btree"
)

// The values of Config fields that are zero.
const (
	DefaultGrace          = 10 * time.Second
	DefaultSummarizeAbove = 200
	DefaultInterval       = time.Second
	DefaultSample         = 20
)

// Config configures a roster. Its zero value is ready to use; negative values count as
// zero.
type Config struct {
	// Grace is how long a member stays present after its last connection was lost. Zero
	// means DefaultGrace.
	Grace time.Duration
	// SummarizeAbove is the number of members above which changes are summarized. They are
	// announced one by one again once there are at most four fifths of it. Zero means
	// DefaultSummarizeAbove.
	SummarizeAbove int
	// Interval is the shortest time between two summaries, and between two counts of
	// anonymous connections. Zero means DefaultInterval.
	Interval time.Duration
	// Sample is the largest number of members that a summary names. Zero means
	// DefaultSample.
	Sample int
}

// Roster is the members of one room. It is not safe for concurrent use. M is what is shown
// of a member. Create it with New.
//
// Times may come out of order: an earlier one counts as the latest. If the clock is set back
// by more than Grace the roster continues from the new time, so that nobody stays present for
// more than another Grace.
type Roster[M comparable] struct {
	config Config

	last  time.Time     // the newest time that was passed
	clock time.Duration // the time that has passed; it never goes back

	members   *btree.BTreeG[*member[M]] // by id: present, or with a leave to be announced
	pivot     member[M]                 // for looking up an id without allocating
	count     int                       // present members, those in grace included
	inGrace   list.List                 // *member[M] without a connection, by the end of their grace
	anonymous anonymous

	changed            []*member[M]  // may have a change to be announced, once each
	forgotten          []string      // the ids of members who were forgotten since TakeForgotten
	announced          int           // members who are present according to what was announced
	announcedAnonymous int           // as announced, of anonymous.count()
	summarizing        bool          // the last announcement was a Summary of a large room
	notBefore          time.Duration // on the clock: of the next Summary or Counted
}

// member is a member who is present, or was when the room's changes were last announced.
type member[M comparable] struct {
	id    string
	value M

	connections int
	grace       *list.Element // in Roster.inGrace, or nil
	graceEnd    time.Duration // on the clock

	changed   bool // in Roster.changed
	announced bool // as present
	renamed   bool // since it was announced
}

func (m *member[M]) present() bool { return m.connections > 0 || m.grace != nil }
func (m *member[M]) joined() bool  { return m.present() && !m.announced }
func (m *member[M]) left() bool    { return !m.present() && m.announced }

// New returns an empty roster.
func New[M comparable](c Config) *Roster[M] {
	less := func(a, b *member[M]) bool { return a.id < b.id }
	return &Roster[M]{members: btree.NewBTreeGOptions(less, btree.Options{NoLocks: true}), config: Config{
		Grace:          cmp.Or(max(c.Grace, 0), DefaultGrace),
		SummarizeAbove: cmp.Or(max(c.SummarizeAbove, 0), DefaultSummarizeAbove),
		Interval:       cmp.Or(max(c.Interval, 0), DefaultInterval),
		Sample:         cmp.Or(max(c.Sample, 0), DefaultSample),
	}}
}

// Enter adds a connection of the member with this id, or an anonymous one if the id is empty.
// The latest value is what is shown of a member.
func (r *Roster[M]) Enter(now time.Time, id string, value M) {
	r.advance(now)
	if id == "" {
		r.anonymous.enter()
		return
	}
	m, found := r.find(id)
	if !found {
		m = &member[M]{id: id}
		r.members.Set(m)
	}
	r.show(m, value)
	switch {
	case m.connections > 0:
	case m.grace != nil:
		r.inGrace.Remove(m.grace)
		m.grace = nil
	default:
		r.count++
		r.markChanged(m)
	}
	m.connections++
}

// Leave removes a connection that Enter has added; without one it does nothing. If it is the
// member's last connection and the leave is explicit, which means that the member asked for
// it, the member is not present any more. Otherwise the connection is lost, perhaps because a
// page is reloaded, and the member stays present for the grace period.
func (r *Roster[M]) Leave(now time.Time, id string, explicit bool) {
	r.advance(now)
	if id == "" {
		r.anonymous.leave(explicit, r.clock+r.config.Grace)
		return
	}
	m, found := r.find(id)
	if !found || m.connections == 0 {
		return
	}
	m.connections--
	switch {
	case m.connections > 0:
	case explicit:
		r.remove(m)
	default:
		m.graceEnd = r.clock + r.config.Grace
		m.grace = r.inGrace.PushBack(m)
	}
}

// Rename replaces what is shown of the member with this id, who must be present.
func (r *Roster[M]) Rename(now time.Time, id string, value M) {
	r.advance(now)
	if m, found := r.find(id); found {
		r.show(m, value)
	}
}

func (r *Roster[M]) show(m *member[M], value M) {
	if m.value != value {
		m.value = value
		m.renamed = m.announced
		r.markChanged(m)
	}
}

// Count returns how many members are present. Each anonymous connection counts as one.
func (r *Roster[M]) Count() int { return r.count + r.anonymous.count() }

// Find returns what is shown of the member with this id, if it is present.
func (r *Roster[M]) Find(id string) (value M, present bool) {
	if m, found := r.find(id); found && m.present() {
		return m.value, true
	}
	return value, false
}

// Has reports whether the member with this id is present.
func (r *Roster[M]) Has(id string) bool {
	m, found := r.find(id)
	return found && m.present()
}

// Members returns the present members that have an id, in the order of their ids, after the
// given one. The roster must not change meanwhile.
func (r *Roster[M]) Members(after string) iter.Seq2[string, M] {
	return func(yield func(string, M) bool) {
		r.members.Ascend(&member[M]{id: after}, func(m *member[M]) bool {
			return m.id == after || !m.present() || yield(m.id, m.value)
		})
	}
}

func (r *Roster[M]) find(id string) (*member[M], bool) {
	r.pivot.id = id
	return r.members.Get(&r.pivot)
}

// Empty reports whether no member is present and nothing is left to be announced. A new
// roster would behave in the same way.
func (r *Roster[M]) Empty() bool {
	return r.members.Len() == 0 && r.anonymous.count() == 0 && r.announcedAnonymous == 0
}

// advance moves the clock to now, and ends the grace of members whose time is over.
func (r *Roster[M]) advance(now time.Time) {
	switch passed := now.Sub(r.last); {
	case r.last.IsZero() || passed < -r.config.Grace:
		r.last = now
	case passed > 0:
		r.last = now
		r.clock += passed
	}
	for e := r.inGrace.Front(); e != nil; e = r.inGrace.Front() {
		m := e.Value.(*member[M])
		if m.graceEnd > r.clock {
			break
		}
		r.inGrace.Remove(e)
		m.grace = nil
		r.remove(m)
	}
	r.anonymous.advance(r.clock)
}

// remove is called after a member has ceased to be present.
func (r *Roster[M]) remove(m *member[M]) {
	r.count--
	r.markChanged(m)
}

func (r *Roster[M]) markChanged(m *member[M]) {
	if !m.changed {
		m.changed = true
		r.changed = append(r.changed, m)
	}
}
