package crash

import "strings"

// Tick orders what the clients of one run did and saw. Zero is before everything.
type Tick uint64

// BodyKind is what an event does.
type BodyKind string

// The kinds of events that publishers send.
const (
	Message  BodyKind = "message"
	Edit     BodyKind = "edit"
	Deletion BodyKind = "deletion"
	Reaction BodyKind = "reaction"
)

// Body is the content of an event.
type Body struct {
	Kind    BodyKind
	Target  uint64 // the sequence of the message that it changes
	Text    string // of a message or an edit; the emoji of a reaction
	Removed bool   // of a reaction
}

// word returns the first word of a text. Publishers give each text another one.
func (b Body) word() string {
	word, _, _ := strings.Cut(b.Text, " ")
	return word
}

// message returns the sequence of the message that the event at a sequence is part of.
// Deleting that message erases the event.
func (b Body) message(sequence uint64) uint64 {
	if b.Kind == Edit {
		return b.Target
	}
	return sequence
}

// erasable reports whether a deletion erases the event.
func (b Body) erasable() bool { return b.Kind == Message || b.Kind == Edit }

// Event is an event as a reader got it.
type Event struct {
	Room     string
	Epoch    string
	Sequence uint64
	Previous uint64
	ID       string
	Sender   string // the member's id, empty for anonymous ones
	Body     Body
	// Reactions are those that a page gives with a message, as foldReactions writes
	// them.
	Reactions string
}

// Sighting is an event that a reader got.
type Sighting struct {
	Event
	Began Tick // when the stream or the call began that brought it
	At    Tick // when it came
}

// Send is an event that a publisher wants to be stored. All retries of it are the
// same Send. IDs are unique over all senders and rooms.
type Send struct {
	Room   string
	ID     string
	Sender string
	Body   Body
	At     Tick // before the first attempt
}

// Ack is the answer to a send that was stored.
type Ack struct {
	ID       string
	Room     string
	Epoch    string
	Sequence uint64
	At       Tick
	// Delayed means that this is a deletion that is stored, but whose target may still
	// be in the files.
	Delayed bool
}

// Refusal is a send that was refused.
type Refusal struct {
	ID   string
	Code string
	At   Tick
}

// notFound is the code of a refusal whose target is not there.
const notFound = "not_found"

// Seen is what a subscriber got of a room, in the order it came, over all its
// connections. It began before the first event.
type Seen struct {
	Subscriber string
	Room       string
	Folded     bool // it came in pages, whose messages have the text of the newest edit
	Events     []Sighting
	Resets     int // how often the subscriber received Reset
}

// View is a part of a room that a reader got from one call or one stream, without
// having followed the room before.
type View struct {
	Reader string
	Room   string
	Folded bool // as in Seen
	Began  Tick
	Events []Sighting
}

// Scan is a search for texts in all files of the data directory.
type Scan struct {
	Began Tick
	Final bool // everything is answered: what the log shows as deleted is in no file
	Texts int  // how many words of publishers were found, of any kind
	// Found has the file of each word that was found, for words of messages of which
	// a deletion was sent.
	Found map[string]string
}

// Record is all that is known about one run.
type Record struct {
	Log      []Event // of all rooms at the end, each complete and as pages give it
	Sends    []Send
	Acks     []Ack
	Refusals []Refusal
	Seen     []Seen
	Views    []View
	Scans    []Scan
}
