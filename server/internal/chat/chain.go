package chat

// Chain corrects the Previous of a room's events when some of them are left out:
// otherwise receivers would conclude that they have missed those. Its zero value is ready
// to use.
type Chain struct {
	skipped  bool
	previous uint64 // of the first event that was skipped
}

// Skip leaves an event out.
func (c *Chain) Skip(e *Event) {
	if !c.skipped {
		c.skipped, c.previous = true, e.Previous
	}
}

// Link returns the next event that is not left out, as a copy if its Previous changes.
func (c *Chain) Link(e *Event) *Event {
	if !c.skipped {
		return e
	}
	c.skipped = false
	return e.With(c.previous, e.Body, e.Changes)
}
