// Package jetstream keeps a journal in NATS JetStream: in a server embedded in
// the process, with its files in a directory and no port, or in an external one.
//
// All rooms share one stream, with a subject per room. Each event carries the
// sequence of the one before it in its room, and is stored only if that is still
// the room's last: so the room is a list that can be read backward from any
// event, which JetStream itself can't, at the price of one read per event (15 µs
// embedded) and without an index in memory.
//
// One goroutine appends, in batches of what is waiting, and syncs the embedded
// server's files once for each: concurrent senders share the cost, and 64 of them
// get some ten times the rate of one. Nobody sees an event before it is synced.
// Tails are core subscriptions to what the stream republishes; a gap in them is
// read from the stream.
//
// An erased event is overwritten by the server, which writes its whole block anew.
// A tombstone stays in the stream, under a subject of its own, and says what came
// before it: the event after it names the erased one for ever, and so readers tell
// it from one that is damaged. Tombstones go when the room's oldest event is newer;
// so there are never more than were erased since that was stored, and each is
// smaller than what it stands for. The file "erasing" beside the log has an
// interrupted erasing completed at the next start. Of an external server only the
// stream is overwritten: what a cluster's Raft log or its copies still hold is up
// to them.
//
// A full disk refuses appends with chat.ErrNotStored while 16 MiB are still free,
// and takes them again when there is more; reading goes on. An error of the disk
// itself refuses them until a restart.
//
// A mark beside the log says how far it has come and how Close has left it. A log
// that is shorter, or was changed, gets another epoch when it is opened. Two
// things are not noticed then: what a crash of the machine takes from the last
// second under NoFsync, and a bit that has flipped in a file whose size and time
// are the same. The latter is logged when somebody reads there, and changes the
// epoch at the next start.
package jetstream
