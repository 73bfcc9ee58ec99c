package client

import (
	"errors"
	"fmt"

	chatv1 "chatroom/gen/chat/v1"
)

// Cursor is a place in a room's log: everything up to and including Sequence has
// been seen. Keep it, and Follow goes on from there in another process.
type Cursor struct {
	Epoch    string // the log that Sequence belongs to
	Sequence uint64 // 0 is before the first event
}

// Start is where Follow starts. The zero value is live: what is said from now
// on.
type Start struct {
	after  *Cursor
	recent uint32
}

// After starts with the first event after a cursor.
func After(c Cursor) Start { return Start{after: &c} }

// Recent starts with the newest n events, 0 to 1,000.
func Recent(n uint32) Start { return Start{recent: n} }

// Event is an event with the epoch of the log that it is in.
type Event struct {
	*chatv1.Event
	Epoch string

	place uint64 // the sequence of the last event that is in the log, this one included
}

// Cursor returns the place right after the event. An ephemeral one, whose sequence
// is 0, has no place of its own: it has that of the event before it.
func (e Event) Cursor() Cursor { return Cursor{Epoch: e.Epoch, Sequence: e.place} }

// ErrReset is what every *ResetError is.
var ErrReset = errors.New("client: the room's log does not go back to where this reader was")

// ResetError says that what came next can't be delivered: the place to resume
// from is older than what the server retains, or of a log that was lost.
// Whatever is shown of the room should be dropped.
type ResetError struct {
	Room   string
	Epoch  string // the log's epoch now
	Oldest uint64 // the oldest event retained, 0 when there is none
	Head   uint64 // the newest event: Follow goes on after it
}

// Error implements error.
func (e *ResetError) Error() string {
	return fmt.Sprintf("%v: room %q, epoch %s, events %d to %d", ErrReset, e.Room, e.Epoch, e.Oldest, e.Head)
}

// Is says that it is ErrReset.
func (e *ResetError) Is(target error) bool { return target == ErrReset }

// ErrGap is returned by Follow for a server that, asked again, still leaves out
// events that it says are there.
var ErrGap = errors.New("client: the server leaves out events")
