package formerstores

import (
	"context"
	"fmt"
	"net/http"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// Contents are what a server answers about its store.
type Contents struct {
	Rooms   *chatv1.ListRoomsResponse             // with what a client with the cursors has not read
	History map[string]*chatv1.ListEventsResponse // by room: the newest page, in which changes are folded
	Resumed map[string][]*chatv1.Event            // by room: what a stream has after a cursor
	Denials *chatv1.ListDenialsResponse           // nil without a key
}

// State is what clients have kept of a store.
type State struct {
	Key     string                    // an API key that moderates, empty if the version had none
	Cursors map[string]*chatv1.Cursor // by room: what was read
}

// Read asks a server for the contents of its store, as a client with a state.
func Read(ctx context.Context, caller connect.HTTPClient, url string, state State) (*Contents, error) {
	client := chatv1connect.NewChatRoomClient(caller, url)
	c := &Contents{History: make(map[string]*chatv1.ListEventsResponse), Resumed: make(map[string][]*chatv1.Event)}
	list := &chatv1.ListRoomsRequest{}
	for room, cursor := range state.Cursors {
		list.Seen = append(list.Seen, &chatv1.RoomCursor{Room: room, Cursor: cursor})
	}
	var err error
	if c.Rooms, err = client.ListRooms(ctx, list); err != nil {
		return nil, fmt.Errorf("ListRooms: %w", err)
	}
	for room, cursor := range state.Cursors {
		if c.History[room], err = client.ListEvents(ctx, &chatv1.ListEventsRequest{Room: room, Limit: 100}); err != nil {
			return nil, fmt.Errorf("ListEvents of %s: %w", room, err)
		}
		if c.Resumed[room], err = resume(ctx, client, room, cursor); err != nil {
			return nil, fmt.Errorf("resume %s: %w", room, err)
		}
	}
	if state.Key == "" {
		return c, nil
	}
	moderation := chatv1connect.NewModerationClient(withKey{caller, state.Key}, url)
	if c.Denials, err = moderation.ListDenials(ctx, &chatv1.ListDenialsRequest{Room: teaRoom}); err != nil {
		return nil, fmt.Errorf("ListDenials: %w", err)
	}
	return c, nil
}

// resume returns the stored events after a cursor.
func resume(ctx context.Context, client chatv1connect.ChatRoomClient, room string, after *chatv1.Cursor) ([]*chatv1.Event, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.Subscribe(ctx, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{
		Room: room, Start: &chatv1.Subscription_After{After: after},
	}}})
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var events []*chatv1.Event
	for stream.Receive() {
		switch f := stream.Msg().GetFrame(); {
		case f.GetReset_() != nil:
			return nil, fmt.Errorf("the stream was reset: %v", f)
		case f.GetEvent().GetSequence() > 0:
			events = append(events, f.GetEvent())
		case f.GetCaughtUp() != nil:
			return events, nil
		}
	}
	return nil, fmt.Errorf("the stream ended before it was live: %w", stream.Err())
}

// withKey calls with an API key.
type withKey struct {
	connect.HTTPClient
	key string
}

func (c withKey) Do(r *http.Request) (*http.Response, error) {
	r.Header.Set("Authorization", "Bearer "+c.key)
	return c.HTTPClient.Do(r)
}
