package chat

import (
	"sync/atomic"
	"time"
)

// Member is a participant. A member without an ID is anonymous.
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

	payload  int         // bytes of its stored form, or of an ephemeral event's content
	outdated atomic.Bool // ephemeral, and there is a newer one with its key
	encodings
}

// size estimates what an event takes in memory, in bytes: itself, its decoded
// content, and the forms in which it was encoded for receivers.
func (e *Event) size() int64 { return 400 + 4*int64(e.payload) }

// with returns a copy of the event that differs in these.
func (e *Event) with(previous uint64, body Body, changes *Changes) *Event {
	return &Event{
		Room: e.Room, Sequence: e.Sequence, Previous: previous, Time: e.Time, ID: e.ID, Sender: e.Sender,
		Body: body, Changes: changes, payload: e.payload,
	}
}

// chain keeps the Previous of a room's events right when some of them are left out, so
// that receivers don't take them for missing.
type chain struct {
	skipped  bool
	previous uint64 // that of the first one skipped
}

// skip leaves out an event.
func (c *chain) skip(e *Event) {
	if !c.skipped {
		c.skipped, c.previous = true, e.Previous
	}
}

// link returns the event that comes after those given and skipped before.
func (c *chain) link(e *Event) *Event {
	if !c.skipped {
		return e
	}
	c.skipped = false
	return e.with(c.previous, e.Body, e.Changes)
}

// Encoding turns events into the journal's payloads and back. Room, Sequence and
// Previous are the journal's to keep, and not part of a payload.
type Encoding interface {
	Encode(*Event) ([]byte, error)
	Decode([]byte) (*Event, error)
}

// Item is what a Feed delivers: a *Event, Joined, CaughtUp, Reset or *RoomsChanged.
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
// lost, or retention has overtaken a reader that is behind. The feed continues live.
type Reset struct {
	Room   string
	Epoch  string
	Oldest uint64 // the oldest retained event's sequence, 0 when there is none
	Head   uint64 // the feed continues after this sequence
}

func (*Event) isItem()   {}
func (Joined) isItem()   {}
func (CaughtUp) isItem() {}
func (Reset) isItem()    {}
