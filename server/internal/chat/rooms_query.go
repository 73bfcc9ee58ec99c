package chat

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chatroom/server/internal/chat/directory"
)

// RoomOrder is the order of a list of rooms.
type RoomOrder int

const (
	ByName     RoomOrder = iota
	ByActivity           // the newest first; rooms without events last; then by name
)

// RoomsQuery asks for a page of the list of rooms.
type RoomsQuery struct {
	Order RoomOrder
	After string            // RoomsPage.Next of the page before, in the same order; empty for the first page
	Limit int               // of rooms
	Seen  map[string]Cursor // where the caller is in rooms whose unread messages are to be counted
	For   Member            // who calls: its own messages are not unread
}

// RoomsPage is a page of the list of rooms.
type RoomsPage struct {
	Rooms []RoomInfo
	Next  string // pass it as RoomsQuery.After for the next page; empty on the last one
}

// RoomInfo describes a room.
type RoomInfo struct {
	Name         string
	Head         uint64    // the newest event's sequence, 0 when there is none
	LastActivity time.Time // when that was stored, in milliseconds; zero when there is none
	Messages     uint64    // how many messages were ever stored in it
	Members      int       // connected here
	Profile      Profile
	Unread       int // messages of others after the cursor that was given, MaxUnread at most; -1 without one
}

// Rooms returns a page of the list of rooms, from memory. The journal is asked only for
// unread messages, and only in rooms of the page whose cursor is not at the head. The
// first call after New waits until all rooms are read from the store. It returns a
// *FieldError or ErrClosed.
func (s *Service) Rooms(ctx context.Context, q RoomsQuery) (RoomsPage, error) {
	for name := range q.Seen {
		if err := checkRoom("seen.room", name); err != nil {
			return RoomsPage{}, err
		}
	}
	if err := s.openRooms(ctx); err != nil {
		return RoomsPage{}, err
	}
	rooms, more, err := s.list.page(q)
	if err != nil {
		return RoomsPage{}, err
	}
	var page RoomsPage
	if page.Rooms = make([]RoomInfo, len(rooms)); more {
		page.Next = roomToken(q.Order, rooms[len(rooms)-1])
	}
	for i, r := range rooms {
		info := roomInfo(r)
		if cursor, asked := q.Seen[r.Name]; asked {
			if info.Unread, err = s.unread(ctx, r, cursor, q.For); err != nil {
				return RoomsPage{}, err
			}
		}
		page.Rooms[i] = info
	}
	return page, nil
}

// openRooms waits until the directory has all rooms and their profiles.
func (s *Service) openRooms(ctx context.Context) error {
	if err := s.loadProfiles(ctx); err != nil {
		return err
	}
	return s.list.open(ctx)
}

func (l *roomList) page(q RoomsQuery) (rooms []directory.Room, more bool, err error) {
	if q.Order == ByName {
		if q.After != "" && CheckRoom(q.After) != nil {
			return nil, false, errRoomToken
		}
		rooms, more = l.directory.ByName(q.After, q.Limit)
		return rooms, more, nil
	}
	var after *directory.Position
	if q.After != "" {
		if after = activityPosition(q.After); after == nil {
			return nil, false, errRoomToken
		}
	}
	rooms, more = l.directory.ByActivity(after, q.Limit)
	return rooms, more, nil
}

// unread counts the messages of others after a cursor, MaxUnread at most: from the
// oldest on if it can't be honoured. A cursor at the head is not compared with the
// log's epoch, as that takes a call of the journal.
func (s *Service) unread(ctx context.Context, r directory.Room, c Cursor, m Member) (int, error) {
	if c.Sequence == r.Head {
		return 0, nil
	}
	head, err := s.journal.Head(ctx, r.Name)
	if err != nil {
		return 0, fmt.Errorf("head of room %q: %w", r.Name, err)
	}
	after := c.Sequence
	if head.check(r.Name, c) != nil {
		after = 0
	}
	if after == head.Last {
		return 0, nil
	}
	n, err := s.journal.Count(ctx, r.Name, after, m.ID, MaxUnread)
	if err != nil {
		return 0, fmt.Errorf("count unread messages of room %q: %w", r.Name, err)
	}
	return n, nil
}

func roomInfo(r directory.Room) RoomInfo {
	return RoomInfo{
		Name: r.Name, Head: r.Head, LastActivity: r.LastActivity, Messages: r.Messages, Members: r.Members,
		Profile: Profile(r.Profile), Unread: -1,
	}
}

var errRoomToken = &FieldError{"page_token", "page_token.order", "must be the next_page_token of a page in the same order, or empty"}

// roomToken returns the place of a room in an order: its name or, by activity, the
// milliseconds since 1970 of its last activity, a slash and its name.
func roomToken(o RoomOrder, r directory.Room) string {
	if o == ByName {
		return r.Name
	}
	var active int64
	if !r.LastActivity.IsZero() {
		active = r.LastActivity.UnixMilli()
	}
	return strconv.FormatInt(active, 10) + "/" + r.Name
}

// activityPosition returns nil for a token that is not of the order by activity.
func activityPosition(token string) *directory.Position {
	active, name, _ := strings.Cut(token, "/")
	ms, err := strconv.ParseInt(active, 10, 64)
	if err != nil || ms < 0 || CheckRoom(name) != nil {
		return nil
	}
	p := &directory.Position{Name: name}
	if ms > 0 {
		p.LastActivity = time.UnixMilli(ms)
	}
	return p
}
