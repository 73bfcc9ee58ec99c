package client

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
)

// Page is a part of a room's history.
type Page struct {
	// Epoch is that of the room's log.
	Epoch string
	// Events are in the room's order. Messages have their current state: the text of
	// the newest edit, and their reactions in Changes. Deleted messages are left out.
	Events []Event
	// More reports that there are more events in the direction of the page.
	More bool
	// Next is the cursor at the end of the page, for NextPage and After.
	Next Cursor
}

// First returns the cursor for PreviousPage: that of the first event, or Next if there is
// none.
func (p Page) First() Cursor {
	if len(p.Events) == 0 {
		return p.Next
	}
	return Cursor{Epoch: p.Epoch, Sequence: p.Events[0].GetSequence()}
}

// NewestPage returns the newest events of a room: at most limit, which is 1 to 500, or 0
// for 50. A page has at most 1 MiB.
//
// This and all other calls that return a *connect.Error are retried until ctx ends if the
// reason is temporary. The code is not_found for a room that does not exist.
func (c *Client) NewestPage(ctx context.Context, room string, limit uint32) (Page, error) {
	return c.page(ctx, &chatv1.ListEventsRequest{Room: room, Limit: limit})
}

// PreviousPage returns the newest events before the sequence of a cursor. The code is
// out_of_range for a cursor of a log that was lost, or that is older than what is
// retained.
func (c *Client) PreviousPage(ctx context.Context, room string, before Cursor, limit uint32) (Page, error) {
	return c.page(ctx, &chatv1.ListEventsRequest{Room: room, Limit: limit, Page: &chatv1.ListEventsRequest_Before{Before: before.proto()}})
}

// NextPage returns the oldest events after a cursor. The codes are those of PreviousPage.
func (c *Client) NextPage(ctx context.Context, room string, after Cursor, limit uint32) (Page, error) {
	return c.page(ctx, &chatv1.ListEventsRequest{Room: room, Limit: limit, Page: &chatv1.ListEventsRequest_After{After: after.proto()}})
}

func (c *Client) page(ctx context.Context, request *chatv1.ListEventsRequest) (Page, error) {
	response, err := call(ctx, c, request, c.rpc.ListEvents)
	if err != nil {
		return Page{}, fmt.Errorf("history of room %q: %w", request.GetRoom(), err)
	}
	p := Page{Epoch: response.GetEpoch(), More: response.GetMore(), Next: Cursor{response.GetNext().GetEpoch(), response.GetNext().GetSequence()}}
	for _, e := range response.GetEvents() {
		p.Events = append(p.Events, Event{Event: e, Epoch: p.Epoch, position: e.GetSequence()})
	}
	return p, nil
}

// Backward returns a loop over the history of a room from its newest event to the oldest
// one that is retained. It reads pages as the loop needs them. An error is the last that
// is yielded.
func (c *Client) Backward(ctx context.Context, room string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		page, err := c.NewestPage(ctx, room, 100)
		for ; err == nil; page, err = c.PreviousPage(ctx, room, page.First(), 100) {
			for _, e := range slices.Backward(page.Events) {
				if !yield(e, nil) {
					return
				}
			}
			if !page.More {
				return
			}
		}
		yield(Event{}, err)
	}
}

// Rooms returns a loop over the rooms that the caller may read, in an order. seen has
// cursors of up to 100 rooms by name, for the number of unread messages of those; it may
// be nil. An error is the last that is yielded.
func (c *Client) Rooms(ctx context.Context, order chatv1.RoomOrder, seen map[string]Cursor) iter.Seq2[*chatv1.Room, error] {
	request := &chatv1.ListRoomsRequest{PageSize: 100, Order: order}
	for room, at := range seen {
		request.Seen = append(request.Seen, &chatv1.RoomCursor{Room: room, Cursor: at.proto()})
	}
	return func(yield func(*chatv1.Room, error) bool) {
		request.PageToken = ""
		for {
			response, err := call(ctx, c, request, c.rpc.ListRooms)
			if err != nil {
				yield(nil, fmt.Errorf("list rooms: %w", err))
				return
			}
			for _, r := range response.GetRooms() {
				if !yield(r, nil) {
					return
				}
			}
			if request.PageToken = response.GetNextPageToken(); request.PageToken == "" {
				return
			}
		}
	}
}

// Room returns a room from the list of rooms. The code is not_found if it does not exist
// or the caller may not read it. It reads the list up to the room: a program that follows
// the room has the same in Joined.
func (c *Client) Room(ctx context.Context, name string) (*chatv1.Room, error) {
	for r, err := range c.Rooms(ctx, chatv1.RoomOrder_ROOM_ORDER_NAME, nil) {
		if err != nil || r.GetName() == name {
			return r, err
		}
	}
	return nil, connect.NewError(connect.CodeNotFound, fmt.Errorf("room %q is not in the list of rooms", name))
}

// SetRoom sets the display name and the topic of a room, and creates it if it does not
// exist.
func (c *Client) SetRoom(ctx context.Context, name, displayName, topic string) error {
	_, err := call(ctx, c, &chatv1.SetRoomRequest{Room: name, DisplayName: displayName, Topic: topic}, c.rpc.SetRoom)
	if err != nil {
		return fmt.Errorf("set room %q: %w", name, err)
	}
	return nil
}

// Members returns a loop over the members of a room that have a token, by id. An error is
// the last that is yielded.
func (c *Client) Members(ctx context.Context, room string) iter.Seq2[*chatv1.Member, error] {
	return func(yield func(*chatv1.Member, error) bool) {
		request := &chatv1.ListMembersRequest{Room: room, PageSize: 100}
		for {
			response, err := call(ctx, c, request, c.rpc.ListMembers)
			if err != nil {
				yield(nil, fmt.Errorf("members of room %q: %w", room, err))
				return
			}
			for _, m := range response.GetMembers() {
				if !yield(m, nil) {
					return
				}
			}
			if request.PageToken = response.GetNextPageToken(); request.PageToken == "" {
				return
			}
		}
	}
}

// call makes a unary call, with retries until ctx ends or the client is closed.
func call[Req, Res any](ctx context.Context, c *Client, request *Req, method func(context.Context, *Req) (*Res, error)) (response *Res, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.lifetime, func() { cancel(ErrClosed) })()
	err = c.retry(ctx, func(ctx context.Context) (err error) {
		response, err = method(ctx, request)
		return err
	})
	return response, err
}
