package presence

import (
	"math/rand/v2"
	"strings"
)

// index holds members in the order of their ids. It is a treap, a search tree
// that random priorities keep in balance: finding, adding and removing one is
// O(log n), and so is finding where a page begins. It needs no map beside it.
type index[M comparable] struct {
	root *member[M]
}

func (x *index[M]) find(id string) *member[M] { return *x.place(id) }

// place returns where the member with this id is, or nil would have to go.
func (x *index[M]) place(id string) **member[M] {
	at := &x.root
	for *at != nil {
		switch order := strings.Compare(id, (*at).id); {
		case order < 0:
			at = &(*at).left
		case order > 0:
			at = &(*at).right
		default:
			return at
		}
	}
	return at
}

func (m *member[M]) side(id string) **member[M] {
	if id < m.id {
		return &m.left
	}
	return &m.right
}

// insert adds m, whose id must not be in the index. Those of lower priority
// below its place go to its two sides.
func (x *index[M]) insert(m *member[M]) {
	m.priority = rand.Uint32()
	at := &x.root
	for *at != nil && (*at).priority >= m.priority {
		at = (*at).side(m.id)
	}
	rest := *at
	*at = m
	left, right := &m.left, &m.right
	for rest != nil {
		if rest.id < m.id {
			*left, left, rest = rest, &rest.right, rest.right
		} else {
			*right, right, rest = rest, &rest.left, rest.left
		}
	}
	*left, *right = nil, nil
}

// remove takes m out; its two sides are joined in its place.
func (x *index[M]) remove(m *member[M]) {
	at := x.place(m.id)
	left, right := m.left, m.right
	for left != nil && right != nil {
		if left.priority >= right.priority {
			*at, at, left = left, &left.right, left.right
		} else {
			*at, at, right = right, &right.left, right.left
		}
	}
	if left == nil {
		left = right
	}
	*at = left
	m.left, m.right = nil, nil
}

// walk calls yield for those after the given id, in order, until it returns
// false.
func (m *member[M]) walk(after string, yield func(*member[M]) bool) bool {
	switch {
	case m == nil:
		return true
	case m.id <= after:
		return m.right.walk(after, yield)
	}
	return m.left.walk(after, yield) && yield(m) && m.right.walk(after, yield)
}
