package chat

// Cursor is a place in a room's log: everything up to and including Sequence has
// been seen. Sequence 0 is before the first event.
type Cursor struct {
	Epoch    string
	Sequence uint64
}
