package chat

// Item is what a stream delivers: a *Event, Joined, CaughtUp, Reset or *RoomsChanged.
type Item interface{ isItem() }

// Joined is the state of the rooms of one Join. It is delivered before anything else of
// those rooms.
type Joined struct {
	Rooms []RoomState
}

// RoomState is the state of a room at the moment of joining.
type RoomState struct {
	Room    string
	Epoch   string
	Head    uint64 // the newest event's sequence, 0 when there is none
	Members int    // connected here, the joiner included
	Profile Profile
	Member  Member // the joiner, as it is shown in the room
	Creator string // the id of the member who has made the room; empty if that is not known
}

// CaughtUp marks the end of a room's replay: what follows is live.
type CaughtUp struct {
	Room string
}

// Reset says that events were missed: the cursor of a Join can't be honoured, or retention
// has dropped events that a slow subscriber had not received yet. The feed continues live.
type Reset struct {
	Room   string
	Epoch  string
	Oldest uint64 // the oldest retained event's sequence, 0 when there is none
	Head   uint64 // the feed continues after this sequence
}

func (*Event) isItem()        {}
func (Joined) isItem()        {}
func (CaughtUp) isItem()      {}
func (Reset) isItem()         {}
func (*RoomsChanged) isItem() {}
