package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/policy"
)

func toRoom(r chat.RoomInfo, rights policy.Rights) *chatv1.Room {
	room := &chatv1.Room{
		Name: r.Name, Head: r.Head, Members: uint32(r.Members), LastActivity: eventpb.FromTime(r.LastActivity),
		DisplayName: r.Profile.DisplayName, Topic: r.Profile.Topic, Messages: r.Messages,
		Rights: toRights(rights),
	}
	if r.Unread >= 0 {
		room.Unread = proto.Uint32(uint32(r.Unread))
	}
	return room
}

func toRoomSummary(r chat.RoomInfo) *chatv1.RoomSummary {
	return &chatv1.RoomSummary{
		Name: r.Name, Head: r.Head, Members: uint32(r.Members), LastActivity: eventpb.FromTime(r.LastActivity),
		DisplayName: r.Profile.DisplayName, Topic: r.Profile.Topic, Messages: r.Messages,
	}
}

// contractRights are the rights of the contract, in the order of their numbers.
var contractRights = [...]struct {
	right policy.Rights
	value chatv1.Right
}{
	{policy.Read, chatv1.Right_RIGHT_READ},
	{policy.Post, chatv1.Right_RIGHT_POST},
	{policy.React, chatv1.Right_RIGHT_REACT},
	{policy.EditOwn, chatv1.Right_RIGHT_EDIT_OWN},
	{policy.Manage, chatv1.Right_RIGHT_MANAGE},
	{policy.Moderate, chatv1.Right_RIGHT_MODERATE},
}

// toRights leaves create out: a room of which a client is told the rights exists.
func toRights(rights policy.Rights) []chatv1.Right {
	values := make([]chatv1.Right, 0, len(contractRights))
	for _, r := range contractRights {
		if rights&r.right != 0 {
			values = append(values, r.value)
		}
	}
	return values
}

func toMuted(d *policy.Denial) *chatv1.Muted {
	if d == nil {
		return nil
	}
	return &chatv1.Muted{Until: eventpb.FromTime(d.Until), Reason: d.Reason}
}

func toCursor(c chat.Cursor) *chatv1.Cursor {
	return &chatv1.Cursor{Epoch: c.Epoch, Sequence: c.Sequence}
}

func fromCursor(c *chatv1.Cursor) *chat.Cursor {
	if c == nil {
		return nil
	}
	return &chat.Cursor{Epoch: c.GetEpoch(), Sequence: c.GetSequence()}
}

func fromRoomOrder(o chatv1.RoomOrder) directory.Order {
	if o == chatv1.RoomOrder_ROOM_ORDER_ACTIVITY {
		return directory.ByActivity
	}
	return directory.ByName
}

func fromSubscription(s *chatv1.Subscription) hub.Start {
	return hub.Start{Room: s.GetRoom(), After: fromCursor(s.GetAfter()), Recent: int(s.GetRecent())}
}

func eventToFrame(e *chat.Event) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Event{Event: eventpb.FromEvent(e)}}
}

func roomsToFrame(r *chat.RoomsChanged) *chatv1.Frame {
	changed := &chatv1.RoomsChanged{Removed: r.Removed, Incomplete: r.Incomplete}
	for _, room := range r.Rooms {
		changed.Rooms = append(changed.Rooms, toRoomSummary(room))
	}
	return &chatv1.Frame{Kind: &chatv1.Frame_RoomsChanged{RoomsChanged: changed}}
}

// toFrame returns the frame for an item of a feed, other than Joined, that is this stream's
// alone.
func toFrame(item chat.Item) *chatv1.Frame {
	switch item := item.(type) {
	case chat.CaughtUp:
		return &chatv1.Frame{Kind: &chatv1.Frame_CaughtUp{CaughtUp: &chatv1.CaughtUp{Room: item.Room}}}
	case chat.Reset:
		return &chatv1.Frame{Kind: &chatv1.Frame_Reset_{Reset_: &chatv1.Reset{
			Room: item.Room, Epoch: item.Epoch, Oldest: item.Oldest, Head: item.Head,
		}}}
	default:
		panic("rpc: a feed delivered an unknown item")
	}
}

func toRoomState(r chat.RoomState) *chatv1.RoomState {
	return &chatv1.RoomState{
		Room: r.Room, Epoch: r.Epoch, Head: r.Head, Members: uint32(r.Members),
		DisplayName: r.Profile.DisplayName, Topic: r.Profile.Topic,
	}
}

func acceptedFrame(to *chatv1.SendRequest, r chat.Receipt) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Accepted{Accepted: &chatv1.Accepted{
		Id: to.GetId(), Room: to.GetRoom(), Sequence: r.At.Sequence, Duplicate: r.Duplicate, Epoch: r.At.Epoch, Time: eventpb.FromTime(r.Time),
	}}}
}

func heartbeatFrame() *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Heartbeat{Heartbeat: &chatv1.Heartbeat{Time: timestamppb.Now()}}}
}

func drainingFrame(after time.Duration) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Draining{Draining: &chatv1.Draining{ReconnectAfter: durationpb.New(after)}}}
}

// post returns the post that a request describes, if the caller may send it in the name of
// a member. The payload of a custom event is checked against the schema here, as the domain
// sees only its bytes.
func (s *Server) post(ctx context.Context, from chat.Member, r *chatv1.SendRequest) (chat.Post, error) {
	post := chat.Post{Room: r.GetRoom(), ID: r.GetId(), Body: eventpb.ToBody(r)}
	if err := s.authorizePost(ctx, from, &post, r.GetDeletion().GetReason()); err != nil {
		return post, err
	}
	if custom := r.GetCustom(); custom != nil {
		if err := s.config.Schema.Check(custom.GetPayload()); err != nil {
			return post, inPayload(err)
		}
	}
	return post, nil
}

// frameMessage is the messageFunc of chat.v1.ChatRoom. Chat's responses and Subscribe's are
// the same bytes.
func frameMessage(s *stream, item any) any {
	switch item := item.(type) {
	case *chat.Event:
		return (*eventFrame)(item)
	case *chat.RoomsChanged:
		if item = s.server.readableChanges(s.rights(), item); item == nil {
			return nil
		}
		return (*roomsFrame)(item)
	case *chatv1.Frame:
		return &chatv1.SubscribeResponse{Frame: item}
	case chat.Joined:
		return &chatv1.SubscribeResponse{Frame: s.joinedFrame(item)}
	case chat.Item:
		return &chatv1.SubscribeResponse{Frame: toFrame(item)}
	default:
		panic("rpc: a stream was given an unknown item")
	}
}
