// Package chat is the domain: rooms in which everybody receives every event, in
// one order.
//
// A [Service] is one node's view of all rooms. Events are made durable and
// ordered by a [Journal]; a room that somebody here listens to has a tail of the
// journal and a fanout.Topic behind it. A [Feed] is what one stream receives: it
// reads the journal from where its reader left off up to the end, then lives off
// the topic, and goes back to the journal whenever it falls behind. Joining,
// resuming and lagging are that one path.
//
// Guarantees: an event that Send has answered is in the journal; every feed
// delivers each retained event of its rooms once, in the journal's order; a slow
// reader costs the others nothing.
//
// Lock order: Feed.mu, then Service.mu, then a journal's own locks, then those
// of a topic. No lock of this package is held while calling the journal.
package chat
