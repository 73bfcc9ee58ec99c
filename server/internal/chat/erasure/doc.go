// Package erasure has the journal remove the texts of deleted messages from its files.
//
// A deletion is stored first, which hides its message from all readers, and is then added
// to an [Eraser]. One scrub of the journal erases for all deletions that are pending. A
// scrub that fails is retried until it succeeds; what an earlier run of the service has
// left is erased first. A deletion is answered after the first scrub that covers it, with
// an error if that failed, and never later than ten seconds after it was added.
package erasure
