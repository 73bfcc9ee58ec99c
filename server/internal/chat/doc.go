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
// Events are durable or ephemeral. Ephemeral ones take the topic alone; of those with
// a key, a feed begins and goes on after falling behind with the newest (passing).
// What has become of a message is folded from the journal when history is read
// (fold). Who is in a room is a presence.Roster (crowd). How rooms present
// themselves is in a room of the journal that no caller can name (registry).
//
// Guarantees: an event that Send has answered is in the journal; every feed
// delivers each retained event of its rooms once, in the journal's order; a slow
// reader costs the others nothing; a message whose deletion Send has answered is in
// the journal no more, nor are its edits.
//
// Lock order: Feed.mu, then crowd.mu or registry.mu, then Service.mu, then a
// journal's own locks, then passing.mu, then those of a topic; folds.mu before
// fold.mu, and nothing after these. No lock of this package is held while calling
// the journal, except registry.opening, which nobody takes for long but once.
package chat
