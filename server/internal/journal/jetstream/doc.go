// Package jetstream keeps a journal in NATS JetStream: in a server embedded in
// the process, with its files in a directory and no port, or in an external one.
//
// All rooms share one stream, with a subject per room. Each event carries the
// sequence of the one before it in its room, and is stored only if that is still
// the room's last: so the room is a list that can be read backward from any
// event, which JetStream itself can't, at the price of one read per event (15 µs
// embedded) and without an index in memory.
//
// One goroutine appends, in atomic batches of what is waiting: under fsync,
// concurrent senders share its cost. Tails are core subscriptions to what the
// stream republishes; a gap in them is read from the stream.
package jetstream
