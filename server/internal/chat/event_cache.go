package chat

// eventCache holds events that were read from the journal recently. Readers who
// reconnect together read the same ones: they share them and their encodings.
type eventCache struct {
	events *cache[uint64, *Event] // by sequence, which is that of no other room's event
}

// find returns the event that is stored there, or nil.
func (c *eventCache) find(room string, stored Stored) *Event {
	e, found := c.events.get(stored.Sequence)
	if !found || e.Previous != stored.Previous || e.Room != room {
		return nil
	}
	return e
}

func (c *eventCache) keep(e *Event) { c.events.put(e.Sequence, e, e.size()) }

func (c *eventCache) forget(sequence uint64) { c.events.remove(sequence) }
