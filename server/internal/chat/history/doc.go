// Package history reads what the journal holds of a room: pages of events, with the
// messages among them as they are now.
//
// The changes of a message, which are its edits and reactions and its deletion, are events
// of their own. A [Reader] looks up those of the messages of a page in the journal and
// folds them into the messages. Folds are cached; a page reads only the changes that came
// after its folds were last complete. Concurrent readers of the same page share one look-up.
//
// Events that were read are cached, too, so that subscribers who replay the same events
// share them and their encoded forms. Both caches are charged to one memory budget, which
// evicts the least recently used entries.
//
// The package reads and never writes. It does not know who is connected: waiting for new
// events, and whether a room without events exists, are the concern of package hub.
//
// A page that is read after a deletion was stored does not contain what was deleted, as
// the journal does not return it. Forget frees the memory that the deleted message takes.
package history
