package kit

import (
	"fmt"
	"maps"
	"slices"
)

// view is what the application of the client has seen of a room, compared with what it
// should see. The monitor guards it.
type view struct {
	seen  map[*entry]bool
	again map[*entry]bool // those that may be seen once more
	last  int             // the index of the last entry that was seen and not optional; -1 for none
}

func newView() *view { return &view{seen: make(map[*entry]bool), last: -1} }

// killed notes that the process was killed. A client may keep its cursor a little later than
// events are handled: what was applied may be applied once more, in the same order.
func (v *view) killed() {
	v.again = maps.Clone(v.seen)
	v.last = -1
}

// event notes that an event was applied. It returns what is wrong with that.
func (v *view) event(r *room, sequence uint64, text string) (problem string) {
	i := indexOf(r, sequence, text)
	if i < 0 {
		return fmt.Sprintf("the client applied an event to %s that the server never sent: sequence %d, text %.80q", r.name, sequence, text)
	}
	e := r.entries[i]
	switch {
	case v.seen[e] && !v.again[e]:
		return fmt.Sprintf("the client applied event %d of %s twice", sequence, r.name)
	case !e.optional && i < v.last:
		return fmt.Sprintf("the client applied event %d of %s after %v", sequence, r.name, r.entries[v.last])
	}
	v.seen[e] = true
	delete(v.again, e)
	if !e.optional {
		v.last = i
	}
	return ""
}

// indexOf returns the index of a message, -1 if there is none with this sequence and text.
func indexOf(r *room, sequence uint64, text string) int {
	for i, entry := range slices.Backward(r.entries) {
		if e := entry.event; e != nil && e.GetSequence() == sequence && e.GetMessage() != nil && e.GetMessage().GetText() == text {
			return i
		}
	}
	return -1
}

// reset notes that the application was told that events are missing.
func (v *view) reset(r *room) (problem string) {
	for i, e := range slices.Backward(r.entries) {
		if e.event != nil || v.seen[e] {
			continue
		}
		if i < v.last {
			return fmt.Sprintf("the client told the application of the reset of %s only after %v, which comes after the reset", r.name, r.entries[v.last])
		}
		v.seen[e], v.last = true, i
		return ""
	}
	return fmt.Sprintf("the client told the application of a reset of %s that the server did not send", r.name)
}

// missing returns what the application has not seen and must see, nil for nothing.
func (v *view) missing(r *room) *entry {
	for _, e := range r.entries {
		if !e.optional && !v.seen[e] {
			return e
		}
	}
	return nil
}

func (e *entry) missingFrom(r *room) string {
	if e.event == nil {
		return fmt.Sprintf("the client did not tell the application of the reset of %s: events are missing, and nothing says so", r.name)
	}
	return fmt.Sprintf("the client never applied event %d of %s", e.event.GetSequence(), r.name)
}
