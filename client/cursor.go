package client

import (
	"errors"
	"fmt"

	chatv1 "chatroom/gen/chat/v1"
)

// Cursor is a position in a room's log: everything up to and including Sequence has
// been seen. A stored Cursor lets another process resume with Follow and After.
type Cursor struct {
	Epoch    string // identifies the log that Sequence belongs to
	Sequence uint64 // 0 is before the first event
}

// Start is where Follow starts. The zero value is live: with the events that are sent
// from now on.
type Start struct {
	after  *Cursor
	recent uint32
}

// After starts with the first event after a cursor.
func After(c Cursor) Start { return Start{after: &c} }

// Recent starts with the newest n events, 0 to 1,000.
func Recent(n uint32) Start { return Start{recent: n} }

// Event is an event and the epoch of its log.
type Event struct {
	*chatv1.Event
	Epoch string

	position uint64 // the sequence of the last durable event, up to and including this one
}

// Cursor returns the cursor to resume after this event. An ephemeral event, whose
// sequence is 0, is not in the log: its cursor is that of the durable event before it.
func (e Event) Cursor() Cursor { return Cursor{Epoch: e.Epoch, Sequence: e.position} }

// ErrReset matches every *ResetError with errors.Is.
var ErrReset = errors.New("client: cannot resume: the events after the cursor are not retained")

// ResetError reports that the events after the cursor can't be delivered: they are
// older than what the server retains, or the log was lost. The receiver should discard
// what it shows of the room.
type ResetError struct {
	Room   string
	Epoch  string // the current epoch of the log
	Oldest uint64 // the sequence of the oldest retained event, 0 if there is none
	Head   uint64 // the sequence of the newest event: Follow continues after it
}

// Error implements error.
func (e *ResetError) Error() string {
	return fmt.Sprintf("%v: room %q, epoch %s, retained events %d to %d", ErrReset, e.Room, e.Epoch, e.Oldest, e.Head)
}

// Is reports whether target is ErrReset.
func (e *ResetError) Is(target error) bool { return target == ErrReset }

// ErrGap is returned by Follow if events are missing from the stream and the server
// does not deliver them after repeated resumes either.
var ErrGap = errors.New("client: the server does not deliver all events")
