package chat

import "time"

// Post is an event that a member sends.
type Post struct {
	Room string
	ID   string // chosen by the sender; a retry carries the same
	Body Body
	// Moderates says that the sender moderates the room: it may delete messages of others, and
	// the event says so.
	Moderates bool
	// Former are other member ids of the sender, whose messages are its own as well.
	Former []string
}

// Clean returns the post as it is stored: with the one form of an emoji. It returns a
// *FieldError for a post that no member may send.
func (p Post) Clean() (Post, error) {
	if err := CheckRoom(p.Room); err != nil {
		return p, err
	}
	if err := checkID(p.ID); err != nil {
		return p, err
	}
	if p.Body == nil {
		return p, &FieldError{"body", "body.required", "must be set"}
	}
	if reaction, ok := p.Body.(Reaction); ok {
		p.Body = reaction.Canonical()
	}
	return p, p.Body.check()
}

// Receipt says where a post was stored.
type Receipt struct {
	At        Cursor    // without a sequence for an ephemeral event
	Time      time.Time // when it was accepted; zero if the event is not retained any more
	Duplicate bool      // At and Time are those of an earlier post with this ID
}
