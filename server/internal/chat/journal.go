package chat

import (
	"context"
	"errors"
	"math"
	"time"
)

var (
	// ErrStoreClosed is returned by a Journal or State after Close.
	ErrStoreClosed = errors.New("chat: the store is closed")
	// ErrNotStored is returned when a store can't write, as with a full disk.
	// Nothing was stored, and reading still works.
	ErrNotStored = errors.New("chat: the store can't write")
	// ErrUnknownOutcome is returned when a store did not answer in time: the entry may
	// have been stored, or may still be. Submitting it again with the same key tells.
	ErrUnknownOutcome = errors.New("chat: the store did not answer, and may have stored the entry")
	// ErrUnreachable is returned when a store on other machines can't be read, as there is
	// no connection to it. Reading works again once there is.
	ErrUnreachable = errors.New("chat: the store can't be reached")
	// ErrTargetGone is returned for an Entry whose target is not a retained event
	// of its room, or is erased.
	ErrTargetGone = errors.New("chat: the target is not in the journal")
	// ErrDamaged is returned when stored data was read that fails its checksum.
	ErrDamaged = errors.New("chat: stored data is damaged")
)

// Relation says how an Entry relates to its target.
type Relation uint8

const (
	// Standalone entries have no target.
	Standalone Relation = iota
	// Annotates is the relation of what is added to its target, as a reaction is.
	Annotates
	// Revises is the relation of what replaces the content of its target, as an
	// edit does. It is erased together with the target.
	Revises
	// Erases is the relation of a deletion: from the moment at which it is stored
	// no reader is given the target, or what revises it.
	Erases
)

// Entry is an event to be stored.
type Entry struct {
	Room string
	// Key identifies the append: an entry with the key of an earlier one of the
	// same room, within the journal's window, is the same append and is not stored
	// again.
	Key     string
	Payload []byte
	// Relation and Target relate the entry to an earlier event of its room. Target
	// is 0 exactly when the entry is Standalone.
	Relation Relation
	Target   uint64
	// Counted marks what Count counts.
	Counted bool
	// Author is the member whose own entries Count leaves out. Empty for none.
	Author string
}

// Journal stores events durably, in one order per room. Its adapters are in
// server/internal/store; storetest checks what is promised here.
//
// Sequences grow over all rooms of a journal, so those of one room have gaps.
// All methods are safe for concurrent use. Reads never write, and their cost does
// not depend on what they do not return.
type Journal interface {
	// Submit stores an entry as its room's newest event, and calls done once with
	// the outcome: when the event is durable, or refused. done may be called before
	// Submit returns, and after ctx has ended. Entries submitted by one goroutine
	// are stored in that order. Submit waits while too many are in flight. done must
	// not block and must not call the journal.
	//
	// The key is looked up before the target is: a retry is a duplicate even after
	// its target was erased.
	Submit(ctx context.Context, e Entry, done func(Appended))
	// Read returns the oldest events after a sequence, in order: fewer than limit
	// only when there are no more.
	Read(ctx context.Context, room string, after uint64, limit int) ([]Stored, error)
	// ReadBack returns the newest events before a sequence, in order: fewer than
	// limit only when there are no more.
	ReadBack(ctx context.Context, room string, before uint64, limit int) ([]Stored, error)
	// Changes returns the retained events after a sequence whose target is one of
	// targets, in order. Their Previous is not set.
	Changes(ctx context.Context, room string, targets []uint64, after uint64) ([]Stored, error)
	// Count returns how many retained Counted events come after a sequence whose
	// author is not except, at most limit: 1 to 1,000. It may answer limit when
	// there are fewer, if more than three times limit come from except alone.
	Count(ctx context.Context, room string, after uint64, except string, limit int) (int, error)
	// Tail calls fn with everything that is appended to a room from now on, by any
	// node, in order and without gaps, until stop is called: with all at once that
	// was committed at once. Calls don't overlap, and there are none after stop has
	// returned. fn must not block, must not call the journal, and must not keep the
	// slice. stop may also be called after Close.
	//
	// What is erased before fn is called with it may be left out. The Previous of an
	// event is that of the moment at which it was stored or read: the event there may
	// since have been erased, but is never newer than what fn was called with before,
	// unless it was stored before the tail.
	Tail(ctx context.Context, room string, fn func([]Stored)) (stop func(), err error)
	// Activity calls fn with the heads of rooms that were appended to from now on,
	// by any node: at least once after the last append to a room, and not
	// necessarily for each. The conditions of Tail apply to fn and stop.
	Activity(ctx context.Context, fn func([]RoomHead)) (stop func(), err error)
	// Head says where a room's log stands. A room without events has a head, too.
	Head(ctx context.Context, room string) (Head, error)
	// Rooms returns the rooms that hold events and come after a name, by name.
	Rooms(ctx context.Context, after string, limit int) ([]RoomHead, error)
	// Scrub returns once nothing that was erased before the call is in any file of
	// the journal, and says how many events it removed from them. Concurrent calls
	// share the work. What a crash or an error has left undone is done by the next
	// call, after a restart, too.
	Scrub(ctx context.Context) (erased int, err error)
	// Close ends all tails and waits for calls of their functions. Entries that were
	// submitted before are stored or refused.
	Close() error
}

// Appended is the outcome of a Submit.
type Appended struct {
	At        Cursor
	Duplicate bool // At is that of the first entry with the key
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
	// Last is the newest event of the room, 0 when none is retained; it may be erased.
	// Neither a read nor a tail returns an event after it.
	Last uint64
	// Evicted is the newest event that retention has dropped, or a bound above it,
	// which may be the sequence of an event of another room. All that is retained
	// comes after it, and so did what was erased of that: cursors at erased events
	// stay good. It is 0 when the room has lost nothing.
	Evicted uint64
}

// Check returns a *CursorLostError if reading after a cursor would miss events. A cursor
// with sequence 0 reads from the oldest retained event.
func (h Head) Check(room string, c Cursor) error {
	if c.Epoch != h.Epoch || c.Sequence > h.Last || c.Sequence != 0 && c.Sequence < h.Evicted {
		return h.Lost(room)
	}
	return nil
}

// Lost returns the error for a cursor that can't be honoured.
func (h Head) Lost(room string) *CursorLostError {
	return &CursorLostError{Room: room, Epoch: h.Epoch, Oldest: h.First}
}

// RoomHead is a room and its newest event.
type RoomHead struct {
	Room    string
	Last    uint64
	Time    time.Time // when Last was stored, in milliseconds
	Counted uint64    // how many Counted events were ever stored in the room
}

// MaxSequence is greater than the sequence of any event.
const MaxSequence = math.MaxInt64

// Append submits an entry and waits for the outcome.
func Append(ctx context.Context, j Journal, e Entry) (at Cursor, duplicate bool, err error) {
	if err := ctx.Err(); err != nil {
		return Cursor{}, false, err
	}
	outcome := make(chan Appended, 1)
	j.Submit(ctx, e, func(a Appended) { outcome <- a })
	select {
	case a := <-outcome:
		return a.At, a.Duplicate, a.Err
	case <-ctx.Done():
		return Cursor{}, false, ctx.Err()
	}
}
