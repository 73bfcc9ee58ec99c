package hub

import (
	"slices"
	"sync"
	"sync/atomic"

	"chatroom/server/internal/chat"
)

// deletions are the deleted messages that the topic of a room may still hold. Readers that
// are behind skip them and their edits.
type deletions struct {
	window int // how many events the topic holds at most

	// targets are the messages; nil without any. The set is replaced, never changed.
	targets atomic.Pointer[map[uint64]struct{}]

	mu          sync.Mutex     // guards below
	published   uint64         // how many durable events were published to the topic
	last        uint64         // the sequence of the newest of them
	unpublished []storedDelete // deletions that are stored and not published yet
	inTopic     []topicDelete  // deletions that the topic may hold, or a message that they delete
}

type storedDelete struct{ target, sequence uint64 }

type topicDelete struct {
	target uint64
	number uint64 // among all events published to the topic
}

// hide adds a deletion that is stored.
func (d *deletions) hide(target, sequence uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if sequence > d.last {
		d.unpublished = append(d.unpublished, storedDelete{target, sequence})
		d.replaceLocked()
	}
}

// publish takes the durable events that are about to be published to the topic.
func (d *deletions) publish(events []*chat.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	changed := false
	for _, e := range events {
		d.published++
		d.last = e.Sequence
		if deletion, ok := e.Body.(chat.Deletion); ok {
			d.inTopic = append(d.inTopic, topicDelete{deletion.Target, d.published})
			changed = true
		}
	}
	if len(d.unpublished) == 0 && len(d.inTopic) == 0 {
		return
	}
	before := len(d.inTopic) + len(d.unpublished)
	d.unpublished = slices.DeleteFunc(d.unpublished, func(x storedDelete) bool { return x.sequence <= d.last })
	d.inTopic = slices.DeleteFunc(d.inTopic, func(x topicDelete) bool { return x.number+uint64(d.window) <= d.published })
	if changed || len(d.inTopic)+len(d.unpublished) != before {
		d.replaceLocked()
	}
}

func (d *deletions) replaceLocked() {
	if len(d.unpublished) == 0 && len(d.inTopic) == 0 {
		d.targets.Store(nil)
		return
	}
	targets := make(map[uint64]struct{}, len(d.unpublished)+len(d.inTopic))
	for _, x := range d.unpublished {
		targets[x.target] = struct{}{}
	}
	for _, x := range d.inTopic {
		targets[x.target] = struct{}{}
	}
	d.targets.Store(&targets)
}

// hidden are the messages that were deleted up to one moment.
type hidden struct{ targets *map[uint64]struct{} }

// hidden returns the messages that are deleted now. It must be called before events are
// taken from the topic: once the topic has dropped a deletion it is not in the set any more,
// so a set from after taking could lack the deletion of a message that was taken.
func (d *deletions) hidden() hidden { return hidden{d.targets.Load()} }

// has reports whether an event is a deleted message or an edit of one.
func (h hidden) has(e *chat.Event) bool {
	if h.targets == nil {
		return false
	}
	target := e.Sequence
	if edit, ok := e.Body.(chat.Edit); ok {
		target = edit.Target
	}
	_, found := (*h.targets)[target]
	return found
}
