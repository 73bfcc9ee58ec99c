// Package hub delivers the events of rooms to feeds, and stores what members send.
//
// A [Hub] is one node's view of all rooms. A room with listeners on this node has a tail of
// the journal and a fanout.Topic behind it. A [Feed] delivers to one stream: it reads the
// journal from where its reader left off up to the end, then takes from the topic, and
// returns to the journal whenever it falls behind. Joining, resuming and lagging are one
// code path (room_reader.go).
//
// A [Sending] is a post in flight. A deletion hides its message and the edits of it from all
// readers when it is stored: the journal does not return them, and readers that take from a
// topic skip them (deletions.go). It is answered when their texts are erased from the
// journal's files. If erasing fails, the messages stay hidden, and erasing is retried.
//
// Guarantees: an event that Send has answered is in the journal. Every feed delivers each
// retained event of its rooms once, in the journal's order. A slow subscriber does not delay
// others. No call of Take or History that begins after a deletion was stored returns what it
// deleted, and after its answer no file of the journal has that. Reads never write, and never
// depend on erasing.
//
// Lock order: Feed.mu, then roomPresence.mu or the directory's locks, then Hub.mu, then those
// of a store, then those of ephemeral.Topic or deletions, then those of a fanout.Topic; those
// of history are taken last. No lock is held while a store is called, except for the first
// load of the directory.
package hub
