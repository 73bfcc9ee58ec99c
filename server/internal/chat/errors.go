package chat

import (
	"errors"
	"fmt"
)

var (
	// ErrClosed is returned once the service is closed.
	ErrClosed = errors.New("chat: the service is closed")
	// ErrSignIn is returned to a member without an ID for what needs one.
	ErrSignIn = errors.New("chat: a member without an id is not allowed to do this")
	// ErrUnknownRoom is returned for a room without an event, a member or a profile.
	ErrUnknownRoom = errors.New("chat: the room does not exist")
	// ErrRoomCreation is returned for a room that does not exist, to callers who are not
	// allowed to create it.
	ErrRoomCreation = errors.New("chat: the room does not exist, and the caller is not allowed to create it")
	// ErrUnknownTarget is returned for a target that is not a message in the room, or is
	// deleted.
	ErrUnknownTarget = errors.New("chat: the target is not a message in the room")
	// ErrIDReused is returned for a post whose ID the sender has used for another body.
	ErrIDReused = errors.New("chat: the id was used for an event with another body")
	// ErrNotOwner is returned to a caller who edits or deletes another member's message.
	ErrNotOwner = errors.New("chat: the target is another member's message")
)

// FieldError says that a field of a request is out of its bounds.
type FieldError struct {
	Field string // the field's path in the request, such as "message.text"
	Rule  string // a stable name of the bound, such as "text.length"
	Bound string // the bound in words: "must be 1 to 4,000 characters"
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Bound }

// TargetError says what is wrong with the message or the room that a caller names.
type TargetError struct {
	Field string // the field that names it
	Err   error  // ErrUnknownTarget, ErrNotOwner or ErrRoomCreation
	Room  string // the room of ErrRoomCreation
}

func (e *TargetError) Error() string { return e.Field + ": " + e.Err.Error() }
func (e *TargetError) Unwrap() error { return e.Err }

// CursorLostError says that a cursor can't be honoured: it is of another epoch, beyond
// the end of the log, or older than what is retained.
type CursorLostError struct {
	Room   string
	Epoch  string // the log's epoch now
	Oldest uint64 // the oldest retained event, 0 when there is none
}

func (e *CursorLostError) Error() string {
	return fmt.Sprintf("the cursor in room %q can't be honoured", e.Room)
}

// ErasureDelayedError says that a deletion is stored, so that readers do not receive the
// message any more, but that its text may still be in the journal's files. The service
// retries the erasure until it succeeds, also after a restart. Sending the deletion again
// with the same ID waits for it.
type ErasureDelayedError struct {
	Receipt Receipt
	Err     error
}

func (e *ErasureDelayedError) Error() string {
	return fmt.Sprintf("the message is deleted, but not erased from the journal's files yet: %v", e.Err)
}

func (e *ErasureDelayedError) Unwrap() error { return e.Err }
