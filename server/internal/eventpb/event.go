package eventpb

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
)

// FromEvent returns the message for an event.
func FromEvent(e *chat.Event) *chatv1.Event {
	event := &chatv1.Event{
		Room:     e.Room,
		Sequence: e.Sequence,
		Previous: e.Previous,
		Time:     FromTime(e.Time),
		Id:       e.ID,
		Sender:   FromMember(e.Sender),
		Changes:  fromChanges(e.Changes),
	}
	setBody(event, e.Body)
	return event
}

// FromMember returns the message for a member, nil for the zero Member.
func FromMember(m chat.Member) *chatv1.Member {
	if m == (chat.Member{}) {
		return nil
	}
	return &chatv1.Member{Id: m.ID, Name: m.Name, Guest: m.Guest}
}

// FromTime returns the message for a time, nil for the zero Time.
func FromTime(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func fromChanges(c *chat.Changes) *chatv1.Changes {
	if c == nil {
		return nil
	}
	changes := &chatv1.Changes{Sequence: c.Sequence, EditTime: FromTime(c.EditTime)}
	for _, r := range c.Reactions {
		changes.Reactions = append(changes.Reactions, &chatv1.Reactions{Emoji: r.Emoji, MemberIds: r.Members})
	}
	return changes
}
