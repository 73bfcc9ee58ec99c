package chat

import (
	"context"
	"errors"
)

// ErrJournalClosed is returned by a Journal after Close.
var ErrJournalClosed = errors.New("chat: the journal is closed")

// ErrNotStored is returned by Append when the journal can't store anything, as
// with a full disk. Reading goes on.
var ErrNotStored = errors.New("chat: the journal can't store events")

// ErrNewest is returned by Erase for the newest event of a room.
var ErrNewest = errors.New("chat: the newest event of a room can't be erased")

// Journal stores what is said, in one order per room. Adapters are in
// server/internal/journal; journaltest says in tests what this says in words.
//
// Sequences grow over all rooms of a journal, so those of one room have gaps.
// All methods are safe for concurrent use.
type Journal interface {
	// Append stores payload as the room's newest event and returns its place.
	// When the room was given the same key before, within the journal's window,
	// nothing is stored, and the place is that of the first.
	Append(ctx context.Context, room, key string, payload []byte) (at Cursor, duplicate bool, err error)
	// Submit is Append that does not wait. It calls done once, with what has become
	// of it: maybe before it returns, and maybe after ctx has ended. What one
	// goroutine submits is stored in that order. Submit itself waits while too much
	// is on its way. done must not block, and must not call the journal.
	Submit(ctx context.Context, room, key string, payload []byte, done func(Appended))
	// Read returns the oldest events after a sequence, in order: fewer than
	// limit only when there are no more.
	Read(ctx context.Context, room string, after uint64, limit int) ([]Stored, error)
	// ReadBack returns the newest events before a sequence, in order: fewer than
	// limit only when there are no more.
	ReadBack(ctx context.Context, room string, before uint64, limit int) ([]Stored, error)
	// Tail calls fn with everything that is appended from now on, by any node, in
	// order and without gaps, until stop is called: with all at once that has come
	// at once. Calls don't overlap; when stop has returned there are no more. fn
	// must not block, must not call the journal, and must not keep the slice. stop
	// may also be called after Close.
	//
	// What is erased before fn is called with it may be left out. The Previous of
	// an event is then that of the moment at which it was stored, or read: it may
	// since have been erased, but is never newer than what fn was called with
	// before, unless that was stored before the tail.
	Tail(ctx context.Context, room string, fn func([]Stored)) (stop func(), err error)
	// Head says where a room's log stands. A room in which nothing was stored
	// has a head too.
	Head(ctx context.Context, room string) (Head, error)
	// Rooms returns the rooms that hold events and come after a name, by name.
	Rooms(ctx context.Context, after string, limit int) ([]RoomHead, error)
	// Erase removes an event for good: its payload is overwritten where it is
	// kept, durably, and nobody reads it from then on. Its key stays taken. The
	// event after it then comes after the one before it, so that nobody takes it
	// for missing; cursors that name it stay good. Erasing what is not there is no
	// error, and so is erasing twice, which completes what a crash or an error
	// has interrupted. The newest event of a room is not erased: that returns
	// ErrNewest.
	Erase(ctx context.Context, room string, sequence uint64) error
	// Close ends all tails. It waits for calls of their functions.
	Close() error
}

// Appended is what has become of a Submit.
type Appended struct {
	At        Cursor
	Duplicate bool // At is the place of the first with this key
	Err       error
}

// Stored is an event in a journal. Its payload is shared and must not be changed.
type Stored struct {
	Sequence uint64
	Previous uint64 // the sequence of the retained event before it in the room, but see Tail
	Payload  []byte
}

// Head is where a room's log stands.
type Head struct {
	Epoch string // changes when a log is lost
	First uint64 // the oldest retained event, 0 when there is none
	Last  uint64 // the newest retained event, 0 when there is none
	// Evicted is the newest event that retention has dropped, or a bound above
	// it, which may be what another room lost. All that is retained comes after
	// it, and so does what was erased of that: cursors at erased events stay good.
	// It is 0 when no room has lost any.
	Evicted uint64
}

// RoomHead is a room and its newest event.
type RoomHead struct {
	Room string
	Last uint64
}
