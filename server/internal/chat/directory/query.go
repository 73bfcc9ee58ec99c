package directory

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory/roomindex"
)

// Order is the order of a list of rooms.
type Order int

const (
	ByName     Order = iota
	ByActivity       // the newest first; rooms without events last; then by name
)

// Query asks for a page of the list.
type Query struct {
	Order Order
	After string                 // Page.Next of the page before, in the same order; empty for the first page
	Limit int                    // of rooms
	Seen  map[string]chat.Cursor // the caller's cursors in rooms whose unread messages are to be counted
	For   chat.Member            // the caller, whose own messages are not unread
	// Visible reports whether a room is in the list. Nil means that all are.
	Visible func(ctx context.Context, room string) (bool, error)
}

// maxHidden is how many rooms are passed over in one page: a page that would need more ends
// early.
const maxHidden = 10_000

// Page is a page of the list.
type Page struct {
	Rooms []chat.RoomInfo
	Next  string // as Query.After it asks for the next page; empty on the last one
}

// List returns a page of the list, from memory. The journal is asked only for unread
// messages, and only in rooms of the page whose cursor is not at the head. The first call
// waits until all rooms are read from the stores. It returns a *chat.FieldError or
// chat.ErrClosed.
func (d *Directory) List(ctx context.Context, q Query) (Page, error) {
	for name := range q.Seen {
		if err := chat.CheckRoomField("seen.room", name); err != nil {
			return Page{}, err
		}
	}
	if err := d.Load(ctx); err != nil {
		return Page{}, err
	}
	page, err := d.visible(ctx, q)
	if err != nil {
		return Page{}, err
	}
	rooms := page.Rooms
	for i, r := range rooms {
		cursor, asked := q.Seen[r.Name]
		if !asked {
			continue
		}
		if rooms[i].Unread, err = d.unread(ctx, r, cursor, q.For); err != nil {
			return Page{}, err
		}
	}
	return page, nil
}

// visible returns the next rooms that are in the list.
func (d *Directory) visible(ctx context.Context, q Query) (Page, error) {
	var page Page
	for hidden := 0; ; {
		rooms, more, err := d.page(q)
		if err != nil {
			return Page{}, err
		}
		for i, r := range rooms {
			visible := q.Visible == nil
			if !visible {
				if visible, err = q.Visible(ctx, r.Name); err != nil {
					return Page{}, err
				}
			}
			if !visible {
				hidden++
				continue
			}
			page.Rooms = append(page.Rooms, r)
			if len(page.Rooms) == q.Limit && (more || i < len(rooms)-1) {
				page.Next = pageToken(q.Order, r)
				return page, nil
			}
		}
		if !more {
			return page, nil
		}
		q.After = pageToken(q.Order, rooms[len(rooms)-1])
		if hidden >= maxHidden {
			page.Next = q.After
			return page, nil
		}
	}
}

func (d *Directory) page(q Query) (rooms []chat.RoomInfo, more bool, err error) {
	if q.Order == ByName {
		if q.After != "" && chat.CheckRoom(q.After) != nil {
			return nil, false, errPageToken
		}
		rooms, more = d.index.ByName(q.After, q.Limit)
		return rooms, more, nil
	}
	var after *roomindex.Position
	if q.After != "" {
		if after = parseActivityToken(q.After); after == nil {
			return nil, false, errPageToken
		}
	}
	rooms, more = d.index.ByActivity(after, q.Limit)
	return rooms, more, nil
}

// unread counts the messages of others after a cursor, chat.MaxUnread at most; if the
// cursor can't be honoured, from the oldest message. The epoch of a cursor at the head is
// not checked, as that takes a call of the journal.
func (d *Directory) unread(ctx context.Context, r chat.RoomInfo, c chat.Cursor, m chat.Member) (int, error) {
	if c.Sequence == r.Head {
		return 0, nil
	}
	head, err := d.journal.Head(ctx, r.Name)
	if err != nil {
		return 0, fmt.Errorf("head of room %q: %w", r.Name, err)
	}
	after := c.Sequence
	if head.Check(r.Name, c) != nil {
		after = 0
	}
	if after == head.Last {
		return 0, nil
	}
	n, err := d.journal.Count(ctx, r.Name, after, m.ID, chat.MaxUnread)
	if err != nil {
		return 0, fmt.Errorf("count unread messages of room %q: %w", r.Name, err)
	}
	return n, nil
}

var errPageToken = &chat.FieldError{Field: "page_token", Rule: "page_token.order", Bound: "must be the next_page_token of a page in the same order, or empty"}

// pageToken returns the position of a room in an order: its name or, by activity, the
// milliseconds since 1970 of its last activity, a slash and its name.
func pageToken(o Order, r chat.RoomInfo) string {
	if o == ByName {
		return r.Name
	}
	var active int64
	if !r.LastActivity.IsZero() {
		active = r.LastActivity.UnixMilli()
	}
	return strconv.FormatInt(active, 10) + "/" + r.Name
}

// parseActivityToken returns nil for a token that is not of the order by activity.
func parseActivityToken(token string) *roomindex.Position {
	active, name, _ := strings.Cut(token, "/")
	ms, err := strconv.ParseInt(active, 10, 64)
	if err != nil || ms < 0 || chat.CheckRoom(name) != nil {
		return nil
	}
	p := &roomindex.Position{Name: name}
	if ms > 0 {
		p.LastActivity = time.UnixMilli(ms)
	}
	return p
}
