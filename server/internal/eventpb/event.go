package eventpb

import (
	"slices"
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

// ToEvent returns the event for a message, without its changes. An event of a kind that this
// version does not know has a nil Body. Reactions of versions that stored an emoji as it came
// get its one form.
func ToEvent(e *chatv1.Event) *chat.Event {
	event := &chat.Event{
		Room:     e.GetRoom(),
		Sequence: e.GetSequence(),
		Previous: e.GetPrevious(),
		ID:       e.GetId(),
		Sender:   toMember(e.GetSender()),
		Body:     ToBody(e),
	}
	if reaction, ok := event.Body.(chat.Reaction); ok {
		event.Body = reaction.Canonical()
	}
	if e.GetTime() != nil {
		event.Time = e.GetTime().AsTime()
	}
	return event
}

// FromMember returns the message for a member, nil for the zero Member.
func FromMember(m chat.Member) *chatv1.Member {
	if m == (chat.Member{}) {
		return nil
	}
	return &chatv1.Member{
		Id: m.ID, Name: m.Name, Guest: m.Guest, NameMark: nameMarks[m.Mark], Picture: m.Picture, Moderator: m.Moderator,
	}
}

func toMember(m *chatv1.Member) chat.Member {
	member := chat.Member{ID: m.GetId(), Name: m.GetName(), Guest: m.GetGuest(), Moderator: m.GetModerator()}
	if i := slices.Index(nameMarks[:], m.GetNameMark()); i > 0 {
		member.Mark = chat.NameMark(i)
	}
	return member
}

// nameMarks are the marks of names in the contract, by those of the domain.
var nameMarks = [...]chatv1.NameMark{
	chat.Unmarked:     chatv1.NameMark_NAME_MARK_UNSPECIFIED,
	chat.Resembles:    chatv1.NameMark_NAME_MARK_RESEMBLES,
	chat.MixedScripts: chatv1.NameMark_NAME_MARK_MIXED_SCRIPTS,
	chat.Reserved:     chatv1.NameMark_NAME_MARK_RESERVED,
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
