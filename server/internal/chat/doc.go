// Package chat defines the domain: rooms, their events, their members, and what a store must
// do to hold them.
//
// It has the vocabulary that all other packages share, and no behaviour that needs state:
//
//   - [Event], with a [Body] for each kind of event, [Member], [Cursor], [Profile]
//   - the ports: [Journal] and [State] for stores, [Encoding] for the form of stored events
//   - the bounds of what callers may send, with [FieldError] and the other errors that
//     callers see
//
// Stores, the RPC layer and tools import it without bringing a service along. The service is
// in the packages below it, which import one way:
//
//	chat/hub        the service: feeds, sends, presence. Imports all others.
//	chat/history    pages of events, with the changes of messages folded into them
//	chat/ephemeral  events that are not stored: the newest of a key, throttled typing
//	chat/erasure    erasing the texts of deleted messages from the journal's files
//	chat/directory  the list of rooms and their profiles
//
// An event is durable or ephemeral. A durable one has a sequence in the journal, and a
// Previous that lets receivers find out whether they have missed one. A deletion hides its
// message and the edits of it from all readers as soon as it is stored.
package chat
