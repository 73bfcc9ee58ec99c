package client

import (
	"errors"
	"fmt"
	"time"

	chatv1 "chatroom/gen/chat/v1"
)

// Update is what Feed.Updates yields: an Event, Reset, Joined, CaughtUp, RightsChanged,
// RoomsChanged, Connected or Disconnected. A program skips those that it does not know.
type Update interface{ update() }

// Event is an event in a room.
type Event struct {
	*chatv1.Event
	// Epoch is that of the room's log.
	Epoch string
	// Reset is set if this stands for events that can't be delivered. There is nothing
	// but the room's name in Event then. Only Feed.Events sets it.
	Reset *Reset

	position uint64 // the sequence of the last durable event, up to and including this one
}

// Cursor returns the cursor to resume after this event. An ephemeral event, whose
// sequence is 0, is not in the log: its cursor is that of the durable event before it.
func (e Event) Cursor() Cursor { return Cursor{Epoch: e.Epoch, Sequence: e.position} }

// Reset reports that the events after the cursor of a room can't be delivered: they are
// older than what the server retains, or the log was lost. The receiver discards what it
// shows of the room. The events after Head follow; History has those that are retained.
type Reset struct {
	Room   string
	Epoch  string // the current epoch of the log
	Oldest uint64 // the sequence of the oldest retained event, 0 if there is none
	Head   uint64 // the sequence of the newest event
}

// Joined reports that a room was joined, at first and again after each Connected.
type Joined struct {
	// State is the room at that moment.
	State *chatv1.RoomState
	// Member is the caller as others see it in the room.
	Member *chatv1.Member
}

// CaughtUp reports that the events that a room had when it was joined were yielded:
// those that follow are live.
type CaughtUp struct{ Room string }

// RightsChanged has what the caller may do in a room, after that has changed since Joined:
// see RoomState.rights and RoomState.muted of its State.
type RightsChanged struct{ *chatv1.RightsChanged }

// RoomsChanged has the changes of the list of rooms: see Feed.WatchRooms.
type RoomsChanged struct{ *chatv1.RoomsChanged }

// Connected reports that a stream has begun.
type Connected struct {
	// Member is the caller, by the name of its token.
	Member *chatv1.Member
}

// Disconnected reports that a stream has ended, or could not begin. The feed connects
// again by itself.
type Disconnected struct {
	Err error
	// RetryIn is after how long the feed connects again.
	RetryIn time.Duration
}

func (Event) update()         {}
func (Reset) update()         {}
func (Joined) update()        {}
func (CaughtUp) update()      {}
func (RightsChanged) update() {}
func (RoomsChanged) update()  {}
func (Connected) update()     {}
func (Disconnected) update()  {}

// RoomError reports that the server does not let the caller follow a room, or no longer:
// it has no right to read it, or it was banned. The feed continues with its other rooms.
type RoomError struct {
	Room string
	Err  error // a *connect.Error with the reason
}

// Error implements error.
func (e *RoomError) Error() string { return fmt.Sprintf("room %q: %v", e.Room, e.Err) }

// Unwrap returns the reason.
func (e *RoomError) Unwrap() error { return e.Err }

// ErrGap ends a feed if events are missing from the stream and the server does not
// deliver them after repeated resumes either.
var ErrGap = errors.New("client: the server does not deliver all events")
