package screen

import (
	"time"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// Service is the chat service as the screen uses it. Follow and Send return at once. The
// others wait for the server; the screen calls them in commands.
type Service interface {
	// Follow makes the feed include a room, and connects at once if it is not connected.
	Follow(room string) error
	// Send puts a send into the outbox.
	Send(*chatv1.SendRequest) (Answer, error)
	// Older returns the page of history before a cursor.
	Older(room string, before client.Cursor) (client.Page, error)
	// Newest returns the newest page of history, and the room as it is listed.
	Newest(room string) (client.Page, *chatv1.Room, error)
	Members(room string) ([]*chatv1.Member, error)
	Rooms() ([]*chatv1.Room, error)
}

// Answer waits until a send is answered or given up.
type Answer func() (client.Receipt, error)

// Feed is a message of Update: what the feed has yielded.
type Feed struct {
	Update client.Update
	Err    error
}

// Tick is a message of Update, once a second.
type Tick struct{ Now time.Time }

// The messages with the results of commands.
type (
	answered struct {
		room, id string
		receipt  client.Receipt
		err      error
	}
	olderPage struct {
		room string
		page client.Page
		err  error
	}
	newestPage struct {
		room string
		page client.Page
		info *chatv1.Room
		err  error
	}
	memberList struct {
		room    string
		members []*chatv1.Member
		err     error
	}
	roomList struct {
		rooms []*chatv1.Room
		err   error
	}
)
