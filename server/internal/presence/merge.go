package presence

import (
	"slices"
	"strings"
	"time"
)

// Report is what another node says of its members in the room: those connected
// to it, without those it heard of from others. Grace is granted where it is
// heard, so a node reports a lost connection at once.
type Report[M comparable] struct {
	// Version numbers the reports of a node, from 1 on, without gaps.
	Version uint64
	// Whole means that Here is everybody, so that no earlier report is needed.
	Whole bool
	// Here are those who came or are to be shown as something else.
	Here []Sighting[M]
	// Left and Lost are the ids of those who have no connection any more, by a
	// clean leave or otherwise. A whole report has none: whoever it lacks was lost.
	Left, Lost []string
	// Anonymous is how many connections have no id. When there are fewer than
	// before they were lost.
	Anonymous int
}

// Sighting is a member on another node.
type Sighting[M comparable] struct {
	ID     string
	Member M
	Since  time.Time // when it entered as Member: of two, the later one is shown
}

// node is what another node has reported.
type node[M comparable] struct {
	version   uint64
	members   map[*member[M]]uint64 // the version that last said so
	anonymous int
}

// Merge takes in a report. It returns false when reports are missing before this
// one: the caller asks the node for a whole one. A report that is already known is
// ignored. A node that was restarted and counts its reports anew is another node,
// and needs another name.
func (r *Roster[M]) Merge(now time.Time, name string, p Report[M]) bool {
	r.advance(now)
	n := r.nodes[name]
	if n == nil {
		n = &node[M]{members: make(map[*member[M]]uint64)}
	}
	switch {
	case p.Version <= n.version:
		return true
	case !p.Whole && p.Version != n.version+1:
		return false
	}
	if r.nodes == nil {
		r.nodes = make(map[string]*node[M])
	}
	r.nodes[name] = n
	n.version = p.Version
	for _, s := range p.Here {
		if s.ID != "" {
			r.sight(n, s)
		}
	}
	if p.Whole {
		r.lose(n, func(version uint64) bool { return version < p.Version })
	}
	for _, id := range p.Left {
		r.unsee(n, r.members.find(id), true)
	}
	for _, id := range p.Lost {
		r.unsee(n, r.members.find(id), false)
	}
	r.recount(n, max(0, p.Anonymous))
	return true
}

// Drop forgets a node that is lost, or says farewell: its members have the grace
// period to turn up elsewhere.
func (r *Roster[M]) Drop(now time.Time, name string) {
	r.advance(now)
	if n := r.nodes[name]; n != nil {
		delete(r.nodes, name)
		r.lose(n, func(uint64) bool { return true })
		r.recount(n, 0)
	}
}

func (r *Roster[M]) sight(n *node[M], s Sighting[M]) {
	m := r.find(s.ID)
	r.show(m, s.Member, s.Since.UnixNano())
	if _, known := n.members[m]; !known {
		r.appear(m)
		m.nodes++
	}
	n.members[m] = n.version
}

func (r *Roster[M]) unsee(n *node[M], m *member[M], clean bool) {
	if _, known := n.members[m]; known {
		delete(n.members, m)
		m.nodes--
		r.disappear(m, clean)
	}
}

// lose takes those away from a node that it last mentioned in such a version. The
// order of their ids makes what is told the same each time.
func (r *Roster[M]) lose(n *node[M], which func(version uint64) bool) {
	var lost []*member[M]
	for m, version := range n.members {
		if which(version) {
			lost = append(lost, m)
		}
	}
	slices.SortFunc(lost, func(a, b *member[M]) int { return strings.Compare(a.id, b.id) })
	for _, m := range lost {
		r.unsee(n, m, false)
	}
}

func (r *Roster[M]) recount(n *node[M], anonymous int) {
	if more := anonymous - n.anonymous; more > 0 {
		r.anonymous.enter(more)
	} else {
		r.anonymous.leave(-more, false, r.clock+r.config.Grace)
	}
	n.anonymous = anonymous
}
