package chat

import (
	"slices"
	"sync"
	"sync/atomic"
)

// deletions are the deleted messages that the topic of a room may still hold. Readers
// that are behind skip them and their edits.
type deletions struct {
	window int // how many events the topic holds at most

	// targets are the messages; nil without any. The set is replaced, never changed.
	targets atomic.Pointer[map[uint64]struct{}]

	mu        sync.Mutex // guards below
	published uint64     // how many durable events the topic was given
	last      uint64     // the sequence of the newest of them
	stored    []deleted  // deletions that the topic was not given yet
	held      []deleted  // deletions that the topic may hold, and with them what they delete
}

type deleted struct {
	target uint64
	at     uint64 // the deletion's sequence in stored, its number among all published in held
}

// hide notes a deletion that is stored.
func (d *deletions) hide(target, sequence uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sequence > d.last {
		d.stored = append(d.stored, deleted{target, sequence})
		d.replaceLocked()
	}
}

// publish notes durable events that the topic is given next.
func (d *deletions) publish(events []*Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed := false
	for _, e := range events {
		d.published++
		d.last = e.Sequence
		if deletion, ok := e.Body.(Deletion); ok {
			d.held = append(d.held, deleted{deletion.Target, d.published})
			changed = true
		}
	}
	if len(d.stored) == 0 && len(d.held) == 0 {
		return
	}
	before := len(d.held) + len(d.stored)
	d.stored = slices.DeleteFunc(d.stored, func(x deleted) bool { return x.at <= d.last })
	d.held = slices.DeleteFunc(d.held, func(x deleted) bool { return x.at+uint64(d.window) <= d.published })
	if changed || len(d.held)+len(d.stored) != before {
		d.replaceLocked()
	}
}

func (d *deletions) replaceLocked() {
	if len(d.stored) == 0 && len(d.held) == 0 {
		d.targets.Store(nil)
		return
	}
	targets := make(map[uint64]struct{}, len(d.stored)+len(d.held))
	for _, x := range d.stored {
		targets[x.target] = struct{}{}
	}
	for _, x := range d.held {
		targets[x.target] = struct{}{}
	}
	d.targets.Store(&targets)
}

// hidden are the messages that were deleted up to one moment.
type hidden struct{ targets *map[uint64]struct{} }

// hidden returns the messages deleted so far. It is called before events are taken from
// the topic, as it forgets a deletion once the topic has dropped it: a set from after
// that could miss the deletion of a message that was taken.
func (d *deletions) hidden() hidden { return hidden{d.targets.Load()} }

// has reports whether an event is a deleted message or an edit of one.
func (h hidden) has(e *Event) bool {
	if h.targets == nil {
		return false
	}
	target := e.Sequence
	if edit, ok := e.Body.(Edit); ok {
		target = edit.Target
	}
	_, found := (*h.targets)[target]
	return found
}

// hideDeleted makes what a stored deletion took away unavailable to all readers on
// this node: the journal does not return it any more.
func (s *Service) hideDeleted(room string, target, sequence uint64) {
	if r := s.openRoom(room); r != nil {
		r.deletions.hide(target, sequence)
	}
	s.forgetDeleted(target)
}

// forgetDeleted frees the memory that a deleted message takes.
func (s *Service) forgetDeleted(target uint64) {
	s.events.forget(target)
	s.folds.forget(target)
}
