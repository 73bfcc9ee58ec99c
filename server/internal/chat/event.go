package chat

import (
	"sync/atomic"
	"time"

	"chatroom/server/internal/text"
)

// Member is a participant. A member without an ID is anonymous.
type Member struct {
	ID    string // stable; empty for callers without a token
	Name  string
	Guest bool // identified by a guest token, not by an account
	Mark  NameMark
	// Moderator says that it moderates the room: when it sent the event, or the newest edit
	// of a message, or, in the list of members, now.
	Moderator bool
	// Picture is a URL of https. It is shown with the members of a room, and is not part
	// of what they send: it may be long, it changes, and it could not be erased.
	Picture string
}

// NameMark is why clients should warn of a name, as of the moment at which the member came
// to the room, was renamed, or sent the event.
type NameMark = text.Reason

// The marks of names: see package text.
const (
	Unmarked     = text.Unmarked
	Resembles    = text.Resembles
	MixedScripts = text.MixedScripts
	Reserved     = text.Reserved
)

// Anonymous is the member that callers without a token are.
var Anonymous = Member{Name: "anonymous", Guest: true}

// Event is something that happened in a room. Events are shared between subscribers:
// their exported fields never change after they were published.
type Event struct {
	Room     string
	Sequence uint64 // the position in the journal; it grows, but not by one. 0 for ephemeral events
	Previous uint64 // the sequence of the retained event before it in the room
	Time     time.Time
	ID       string // chosen by the sender; a retry carries the same
	Sender   Member
	Body     Body     // nil when the stored form could not be read
	Changes  *Changes // how a message has changed since; only in pages of history

	// PayloadSize is the size of its stored form, or of the content of an ephemeral event,
	// in bytes.
	PayloadSize int

	// Trace is told of deliveries. It is nil for events that are not traced.
	Trace Trace

	superseded atomic.Bool
	encodings
}

// Trace follows an event to those who receive it.
type Trace interface {
	// Delivered is called after the event was handed to a subscriber's connection, for each of
	// them, by any goroutine. It must not block.
	Delivered()
}

// MemorySize estimates what an event takes in memory, in bytes: itself, its decoded
// content, and the forms in which it was encoded for receivers.
func (e *Event) MemorySize() int64 { return 400 + 4*int64(e.PayloadSize) }

// With returns a copy of the event that differs in these.
func (e *Event) With(previous uint64, body Body, changes *Changes) *Event {
	return &Event{
		Room: e.Room, Sequence: e.Sequence, Previous: previous, Time: e.Time, ID: e.ID, Sender: e.Sender,
		Body: body, Changes: changes, PayloadSize: e.PayloadSize, Trace: e.Trace,
	}
}

// Supersede marks an ephemeral event as replaced by a newer one with the same key.
// Subscribers that have not received it yet skip it.
func (e *Event) Supersede() { e.superseded.Store(true) }

// Superseded reports whether Supersede was called.
func (e *Event) Superseded() bool { return e.superseded.Load() }

// Changes is how a message has changed since it was sent.
type Changes struct {
	Sequence  uint64    // of the newest change that is included
	EditTime  time.Time // zero if the text was not edited
	Reactions []Reactions
}

// Reactions are those to one message with one emoji.
type Reactions struct {
	Emoji   string
	Members []string // their ids, sorted
}
