package rpc

import (
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
)

// Encoding stores events in the journal as chat.v1.Event messages, without the
// fields that the journal keeps itself.
type Encoding struct{}

var _ chat.Encoding = Encoding{}

// Encode implements chat.Encoding.
func (Encoding) Encode(e *chat.Event) ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(toEvent(e))
}

// Decode implements chat.Encoding.
func (Encoding) Decode(payload []byte) (*chat.Event, error) {
	var e chatv1.Event
	if err := proto.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	event := &chat.Event{
		ID:     e.GetId(),
		Sender: chat.Member{ID: e.GetSender().GetId(), Name: e.GetSender().GetName(), Guest: e.GetSender().GetGuest()},
		Body:   fromBody(&e),
	}
	if e.GetTime() != nil {
		event.Time = e.GetTime().AsTime()
	}
	return event, nil
}

func toEvent(e *chat.Event) *chatv1.Event {
	event := &chatv1.Event{
		Room:     e.Room,
		Sequence: e.Sequence,
		Previous: e.Previous,
		Time:     toTime(e.Time),
		Id:       e.ID,
		Sender:   toMember(e.Sender),
		Changes:  toChanges(e.Changes),
	}
	setBody(event, e.Body)
	return event
}

func toMember(m chat.Member) *chatv1.Member {
	if m == (chat.Member{}) {
		return nil
	}
	return &chatv1.Member{Id: m.ID, Name: m.Name, Guest: m.Guest}
}

func toTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func toRoom(r chat.RoomInfo) *chatv1.Room {
	room := &chatv1.Room{
		Name: r.Name, Head: r.Head, Members: uint32(r.Members), LastActivity: toTime(r.LastActivity),
		DisplayName: r.Profile.DisplayName, Topic: r.Profile.Topic, Messages: r.Messages,
	}
	if r.Unread >= 0 {
		room.Unread = proto.Uint32(uint32(r.Unread))
	}
	return room
}

func toRoomSummary(r chat.RoomInfo) *chatv1.RoomSummary {
	return &chatv1.RoomSummary{
		Name: r.Name, Head: r.Head, Members: uint32(r.Members), LastActivity: toTime(r.LastActivity),
		DisplayName: r.Profile.DisplayName, Topic: r.Profile.Topic, Messages: r.Messages,
	}
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

func fromRoomOrder(o chatv1.RoomOrder) chat.RoomOrder {
	if o == chatv1.RoomOrder_ROOM_ORDER_ACTIVITY {
		return chat.ByActivity
	}
	return chat.ByName
}

func fromSubscription(s *chatv1.Subscription) chat.Start {
	return chat.Start{Room: s.GetRoom(), After: fromCursor(s.GetAfter()), Recent: int(s.GetRecent())}
}

func eventToFrame(e *chat.Event) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Event{Event: toEvent(e)}}
}

func roomsToFrame(r *chat.RoomsChanged) *chatv1.Frame {
	changed := &chatv1.RoomsChanged{Removed: r.Removed, Incomplete: r.Incomplete}
	for _, room := range r.Rooms {
		changed.Rooms = append(changed.Rooms, toRoomSummary(room))
	}
	return &chatv1.Frame{Kind: &chatv1.Frame_RoomsChanged{RoomsChanged: changed}}
}

// toFrame returns the frame for an item of a feed that is this stream's alone.
func toFrame(item chat.Item, m chat.Member, heartbeat time.Duration) *chatv1.Frame {
	switch item := item.(type) {
	case chat.Joined:
		joined := &chatv1.Joined{Member: toMember(m), HeartbeatInterval: durationpb.New(heartbeat)}
		for _, r := range item.Rooms {
			joined.Rooms = append(joined.Rooms, &chatv1.RoomState{
				Room: r.Room, Epoch: r.Epoch, Head: r.Head, Members: uint32(r.Members),
				DisplayName: r.Profile.DisplayName, Topic: r.Profile.Topic,
			})
		}
		return &chatv1.Frame{Kind: &chatv1.Frame_Joined{Joined: joined}}
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

func acceptedFrame(to *chatv1.SendRequest, r chat.Receipt) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Accepted{Accepted: &chatv1.Accepted{
		Id: to.GetId(), Room: to.GetRoom(), Sequence: r.At.Sequence, Duplicate: r.Duplicate, Epoch: r.At.Epoch, Time: toTime(r.Time),
	}}}
}

func heartbeatFrame() *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Heartbeat{Heartbeat: &chatv1.Heartbeat{Time: timestamppb.Now()}}}
}

func drainingFrame(after time.Duration) *chatv1.Frame {
	return &chatv1.Frame{Kind: &chatv1.Frame_Draining{Draining: &chatv1.Draining{ReconnectAfter: durationpb.New(after)}}}
}
