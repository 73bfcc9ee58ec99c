package history

import "chatroom/server/internal/chat"

// eventCache holds events that were read from the journal recently. Subscribers who
// reconnect together replay the same events: they share them and their encoded forms.
type eventCache struct {
	events *cache[uint64, *chat.Event] // by sequence, unique among all rooms
}

// find returns a stored event, or nil if it is not cached.
func (c *eventCache) find(room string, stored chat.Stored) *chat.Event {
	e, found := c.events.get(stored.Sequence)
	if !found || e.Previous != stored.Previous || e.Room != room {
		return nil
	}
	return e
}

func (c *eventCache) keep(e *chat.Event) { c.events.put(e.Sequence, e, e.MemorySize()) }

func (c *eventCache) forget(sequence uint64) { c.events.remove(sequence) }
