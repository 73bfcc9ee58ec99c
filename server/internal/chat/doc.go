// Package chat is the domain: rooms in which every subscriber receives every event,
// in one order.
//
// A [Service] is one node's view of all rooms. Events are made durable and
// ordered by a [Journal]; a room with listeners on this node has a tail of the
// journal and a fanout.Topic behind it. A [Feed] is what one stream receives: it
// reads the journal from where its reader left off up to the end, then takes from
// the topic, and returns to the journal whenever it falls behind. Joining,
// resuming and lagging are that one path.
//
// Events are durable or ephemeral. Ephemeral ones take the topic alone; of those with
// a key, a feed starts with the newest, also after falling behind (ephemeral.go).
// A page of history shows messages as they are now: their changes are looked up in
// the journal and folded (fold.go, fold_cache.go). Members of a room are a
// presence.Roster (room_presence.go). Profiles of rooms are records of a [State]
// (profiles.go).
//
// A deletion takes its message and the edits of it away from all readers when it is
// stored: the journal does not return them, and readers that are behind skip them
// (deletions.go). Then the eraser has the journal remove them from its files, and the
// deletion is answered. If that fails the deletion holds all the same, and the eraser
// tries again, also after a restart (eraser.go).
//
// Guarantees: an event that Send has answered is in the journal; every feed
// delivers each retained event of its rooms once, in the journal's order; a slow
// reader costs the others nothing; no call of Next or History that begins after a
// deletion was stored returns what it deleted, and after its answer no file of the
// journal has that. Reads never write, and never depend on erasing.
//
// Lock order: Feed.mu, then roomPresence.mu or profiles.mu, then Service.mu, then
// those of a store, then ephemeral.mu or deletions.mu, then those of a topic; fold.mu
// and the locks of caches are taken last. No lock of this package is held while calling
// a store, except profiles.loading, once.
package chat
