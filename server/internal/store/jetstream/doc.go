// Package jetstream keeps a store in NATS JetStream, on servers outside of this
// process: one, or a cluster that several nodes of the service share.
//
// # Events
//
// All rooms share the stream CHATROOM, with a subject per room. The key of an event
// is its message id, which the servers accept once within the window; its relation,
// whether it is counted and by whom it is are headers, so that the payload is opaque
// here. An event is acknowledged when more than half of the replicas have it. Whether
// it is on disk by then is up to the servers' configuration: by default they sync
// every two minutes, and a cluster relies on not all of its machines failing at once.
//
// A node appends in windows: it publishes up to 512 events at once, waits for all
// answers, and publishes what was not answered again under the same ids. So nothing
// is lost or stored twice when a leader is lost or the connection is cut. The order
// of one submitter is kept, with one exception: if messages of a window are lost in transit
// while later ones of the same window arrive, as may happen during a change of leader, the
// later ones are stored first.
//
// # The index
//
// JetStream can't read a subject backward, or count. So each node has an index of
// the rooms it deals with: 24 bytes for each event, which say what it relates to.
// It grows from the newest event to older ones as calls need them, and is kept up to
// date from what the stream republishes to all nodes, in which the sequences show a
// gap; the gap is read from the stream. What a node was acknowledged is in its own
// index before the caller is answered. What another node was acknowledged is waited for:
// reads, counts, tails and lists first ask the stream's leader for the newest
// sequence. While there is no leader they answer from what this node has.
//
// The index is bounded by Config.IndexBytes over all rooms; the rooms that were used
// least recently are evicted. To load one again, the room's events are read back to where a call
// needs them, with their payloads. The servers pass all events of other rooms that lie
// between: BenchmarkRead shows some 10 ms for the first page of a room that has one in
// 200 of the stream's events. That is the price of the first page of a room on a node
// (up to the page), of Count (up to the limit) and Changes (up to the targets), and of
// erasing an event that is old (up to the event). Read goes to the stream instead,
// except for rooms of up to 1,000 events.
//
// # Deletion
//
// A deletion is an event. From the moment at which it is stored each node hides its
// target and what revises that, also edits that are stored later by a node that had not
// received it. Scrub then has the stream erase what is hidden, by any node:
// SecureDeleteMsg has the server replace the message by random bytes, and write the
// file of up to 8 MB that holds it anew, on the leader before it answers and on the
// other replicas as they follow. That makes some 100 deletions per second
// (BenchmarkDelete). What a node leaves undone is found by the next Scrub of any node: the stream is read again
// from a place up to which everything is known to be erased, which the bucket
// CHATROOM_META holds and which is some minutes old.
//
// Scrub does not reach what is kept beside the stream's files. The Raft log of a
// cluster holds an event until the server compacts that log. Backups, mirrors, and
// blocks that a file system or a disk keeps as copies, hold what they held before.
// The file that a server has written anew replaces the former one, whose blocks are
// free, and not overwritten.
//
// # Retention
//
// The servers drop the oldest events of a room above Config.RoomEvents, and those
// older than Config.Age. For a limit of up to 4,096 the index counts exactly: then
// what is erased does not count from the moment of its deletion, and the node has the servers
// drop events every 5 s. Above that, the server counts what is not erased yet.
//
// The servers would keep within Config.Bytes by dropping the oldest events of all
// rooms. A node looks every 5 s, and trims the rooms that use most as soon as 90 % are
// used, until 80 % are: other rooms lose events only to a flood that fills a tenth of
// Config.Bytes in 5 s.
//
// The servers don't say what they have dropped. A node that has seen it knows
// Head.Evicted exactly. A node that comes later answers 0 for a room that has
// certainly lost nothing, and else the sequence before the oldest event: cursors at
// events that were erased just before the oldest one are then taken for lost.
// RoomHead.Counted is exact as long as a room is not emptied by Config.Age, which
// begins it anew, and as long as the events which were appended while others of the
// same room were on their way are retained: it is derived from what the node that
// appended an event knew, and from the events since.
//
// A key is forgotten before the window ends if its event was erased or dropped and
// all servers that know of it have been restarted since.
//
// # Epochs
//
// The epoch is in the stream's metadata. Beside it, in CHATROOM_META, is a high-water
// mark that is some seconds old. A stream that is gone, is shorter or has another
// epoch when a store is opened gets a new epoch, and an error is logged. The mark is
// on the same servers: when all of them are restored from one backup, nothing shows
// it.
//
// # State
//
// Records are in the bucket CHATROOM_STATE; their revisions are its. Get, Put, Delete
// and List ask the leader. List asks for the names of all keys under its prefix: it
// is for prefixes with up to some thousands of keys. Watches share one feed, as tails
// do.
package jetstream
