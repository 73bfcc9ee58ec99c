package chat

import (
	"sync/atomic"
	"time"
)

// Member is somebody who takes part. A member without an ID is anonymous.
type Member struct {
	ID    string // stable; empty for callers without a token
	Name  string
	Guest bool // known by nothing but the name it gave
}

// Anonymous is who a caller without a token is.
var Anonymous = Member{Name: "anonymous", Guest: true}

// Event is one thing that happened in a room. Events are shared between
// subscribers and never changed.
type Event struct {
	Room     string
	Sequence uint64 // the position in the journal; it grows, but not by one. 0 for ephemeral events
	Previous uint64 // the sequence of the retained event before it in the room
	Time     time.Time
	ID       string // the sender's name for it
	Sender   Member
	Body     Body     // nil when the stored form could not be read
	Changes  *Changes // what has become of a message; only in history

	outdated atomic.Bool // ephemeral, and there is a newer one with its key
	encoded  [MaxForms]atomic.Pointer[[]byte]
}

// with returns a copy of the event that differs in these.
func (e *Event) with(previous uint64, body Body, changes *Changes) *Event {
	return &Event{
		Room: e.Room, Sequence: e.Sequence, Previous: previous, Time: e.Time, ID: e.ID, Sender: e.Sender,
		Body: body, Changes: changes,
	}
}

// Form is one of the ways in which an adapter encodes events for its receivers.
type Form int

// MaxForms bounds the forms: they are 0 to MaxForms-1.
const MaxForms = 4

// Encoded returns the event in one form. It is encoded for the first receiver, and
// kept for the others, who must not change the bytes.
func (e *Event) Encoded(f Form, encode func() ([]byte, error)) ([]byte, error) {
	if made := e.encoded[f].Load(); made != nil {
		return *made, nil
	}
	made, err := encode()
	if err != nil {
		return nil, err
	}
	// Two receivers may have encoded it at once: the first one's bytes are kept.
	if e.encoded[f].CompareAndSwap(nil, &made) {
		return made, nil
	}
	return *e.encoded[f].Load(), nil
}

// Cursor is a place in a room's log: everything up to and including Sequence has
// been seen. Sequence 0 is before the first event.
type Cursor struct {
	Epoch    string
	Sequence uint64
}

// Encoding turns events into the journal's payloads and back. Room, Sequence and
// Previous are the journal's to keep, and not part of a payload.
type Encoding interface {
	Encode(*Event) ([]byte, error)
	Decode([]byte) (*Event, error)
}

// Item is what a Feed delivers: a *Event, Joined, CaughtUp or Reset.
type Item interface{ isItem() }

// Joined says where the rooms of one Join stand. It comes before anything else
// of those rooms.
type Joined struct {
	Rooms []RoomState
}

// RoomState is where a room stands at the moment of joining.
type RoomState struct {
	Room    string
	Epoch   string
	Head    uint64 // the newest event's sequence, 0 when there is none
	Members int    // connected here, the joiner included
	Profile Profile
}

// CaughtUp marks the end of a room's replay: what follows is live.
type CaughtUp struct {
	Room string
}

// Reset says that what comes next can't be delivered: the cursor of a Join is
// lost, or retention has overtaken a reader that is behind. The feed goes on live.
type Reset struct {
	Room   string
	Epoch  string
	Oldest uint64 // the oldest retained event's sequence, 0 when there is none
	Head   uint64 // the feed goes on after this sequence
}

func (*Event) isItem()   {}
func (Joined) isItem()   {}
func (CaughtUp) isItem() {}
func (Reset) isItem()    {}
