package presence

import (
	"cmp"
	"container/list"
	"iter"
	"time"
)

// What a Config means that leaves a field zero.
const (
	DefaultGrace    = 10 * time.Second
	DefaultCrowd    = 200
	DefaultInterval = time.Second
	DefaultSample   = 20
)

// Config is how a roster behaves. Its zero value is ready to use; negative values
// count as zero.
type Config struct {
	// Grace is how long a member is still there after its last connection was
	// lost. Zero means DefaultGrace.
	Grace time.Duration
	// Crowd is above how many members changes are told as counts; they are told
	// one by one again from four fifths of it downwards. Zero means DefaultCrowd.
	Crowd int
	// Interval is how often, at most, a crowd's count is told, or that of
	// anonymous connections. Zero means DefaultInterval.
	Interval time.Duration
	// Sample is how many members are named, at most, when a crowd's count is
	// told. Zero means DefaultSample.
	Sample int
}

// Roster is who is in one room. Not safe for concurrent use: its owner holds a
// lock. M is what is shown of a member. Create it with New.
//
// Times may come out of order: an earlier one stands for the latest. A clock that
// is set back by more than Grace goes on from there, so that setting it back keeps
// nobody for more than another Grace.
type Roster[M comparable] struct {
	config Config

	last  time.Time     // the newest time that was passed in
	clock time.Duration // how much time has passed; it never goes back

	members   index[M]  // those who are there, and those whose leave is to be told
	count     int       // members who are there, lost ones included
	lost      list.List // *member[M] without a connection, by the end of their grace
	anonymous anonymous
	nodes     map[string]*node[M]

	changed       []*member[M]  // what may have to be told, once each
	told          int           // members who were told to be there
	toldAnonymous int           // of anonymous.count()
	crowded       bool          // changes are told as counts
	report        time.Duration // on the clock: no counts are told before
}

// member is somebody who is there or was when the room was last told.
type member[M comparable] struct {
	id    string
	value M
	since int64 // when value was set, in nanoseconds since 1970: the latest one stays

	connections int32         // to this node
	nodes       int32         // that say the member is there
	lost        *list.Element // in Roster.lost while in grace
	until       time.Duration // on the clock: the end of the grace

	changed bool // in Roster.changed
	told    bool // to be there
	renamed bool // since told

	// The index's.
	priority    uint32
	left, right *member[M]
}

func (m *member[M]) connected() bool { return m.connections > 0 || m.nodes > 0 }
func (m *member[M]) there() bool     { return m.connected() || m.lost != nil }
func (m *member[M]) came() bool      { return m.there() && !m.told }
func (m *member[M]) went() bool      { return !m.there() && m.told }

// New returns an empty roster.
func New[M comparable](c Config) *Roster[M] {
	return &Roster[M]{config: Config{
		Grace:    cmp.Or(max(c.Grace, 0), DefaultGrace),
		Crowd:    cmp.Or(max(c.Crowd, 0), DefaultCrowd),
		Interval: cmp.Or(max(c.Interval, 0), DefaultInterval),
		Sample:   cmp.Or(max(c.Sample, 0), DefaultSample),
	}}
}

// Enter adds a connection of the member with this id, or of nobody in particular
// when it is empty. The latest value is what is shown of a member.
func (r *Roster[M]) Enter(now time.Time, id string, value M) {
	r.advance(now)
	if id == "" {
		r.anonymous.enter(1)
		r.anonymous.here++
		return
	}
	m := r.find(id)
	since := now.UnixNano()
	if m.there() {
		// Whoever enters here knows its name best, whatever another clock says.
		since = max(since, m.since)
	}
	r.show(m, value, since)
	r.appear(m)
	m.connections++
}

// Leave takes back one Enter; without one it does nothing. A clean leave is one
// that the member asked for: if it was the last connection the member is gone at
// once, because nobody is going to return. A lost connection may be a page that
// reloads, which looks like any other loss: its member stays for the grace
// period. It is the last connection that decides.
func (r *Roster[M]) Leave(now time.Time, id string, clean bool) {
	r.advance(now)
	if id == "" {
		if r.anonymous.here > 0 {
			r.anonymous.here--
			r.anonymous.leave(1, clean, r.clock+r.config.Grace)
		}
		return
	}
	if m := r.members.find(id); m != nil && m.connections > 0 {
		m.connections--
		r.disappear(m, clean)
	}
}

// Count returns how many members are there, each anonymous connection being one.
func (r *Roster[M]) Count() int { return r.count + r.anonymous.count() }

// Has reports whether the member with this id is there.
func (r *Roster[M]) Has(id string) bool {
	m := r.members.find(id)
	return m != nil && m.there()
}

// Members returns those who are there and have an id, in the order of their ids,
// from the first one after the given id on. The roster must not change meanwhile.
func (r *Roster[M]) Members(after string) iter.Seq2[string, M] {
	return func(yield func(string, M) bool) {
		r.members.root.walk(after, func(m *member[M]) bool {
			return !m.there() || yield(m.id, m.value)
		})
	}
}

// Empty reports whether nobody is there and nothing is left to be told: a new
// roster would do the same.
func (r *Roster[M]) Empty() bool {
	return r.members.root == nil && r.anonymous.count() == 0 && r.toldAnonymous == 0
}

// advance moves the clock to now and ends the grace of those whose time is up.
func (r *Roster[M]) advance(now time.Time) {
	switch passed := now.Sub(r.last); {
	case r.last.IsZero() || passed < -r.config.Grace:
		r.last = now
	case passed > 0:
		r.last = now
		r.clock += passed
	}
	for e := r.lost.Front(); e != nil; e = r.lost.Front() {
		m := e.Value.(*member[M])
		if m.until > r.clock {
			break
		}
		r.lost.Remove(e)
		m.lost = nil
		r.gone(m)
	}
	r.anonymous.advance(r.clock)
}

// find returns the member with this id, a new one if need be.
func (r *Roster[M]) find(id string) *member[M] {
	m := r.members.find(id)
	if m == nil {
		m = &member[M]{id: id}
		r.members.insert(m)
	}
	return m
}

// show is called before appear: of somebody who was not there yet, any value is
// news.
func (r *Roster[M]) show(m *member[M], value M, since int64) {
	if m.there() && since < m.since {
		return
	}
	m.since = since
	if m.value != value {
		m.value = value
		m.renamed = m.told
		r.change(m)
	}
}

// appear is called before a connection or a node is added to m.
func (r *Roster[M]) appear(m *member[M]) {
	switch {
	case m.connected():
	case m.lost != nil:
		r.lost.Remove(m.lost)
		m.lost = nil
	default:
		r.count++
		r.change(m)
	}
}

// disappear is called after a connection or a node was taken from m.
func (r *Roster[M]) disappear(m *member[M], clean bool) {
	switch {
	case m.connected():
	case clean:
		r.gone(m)
	default:
		m.until = r.clock + r.config.Grace
		m.lost = r.lost.PushBack(m)
	}
}

func (r *Roster[M]) gone(m *member[M]) {
	r.count--
	r.change(m)
}

func (r *Roster[M]) change(m *member[M]) {
	if !m.changed {
		m.changed = true
		r.changed = append(r.changed, m)
	}
}
