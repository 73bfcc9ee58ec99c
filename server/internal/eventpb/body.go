package eventpb

import (
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
)

// message is a message with a body: a SendRequest or an Event.
type message interface {
	GetMessage() *chatv1.Message
	GetEdit() *chatv1.Edit
	GetDeletion() *chatv1.Deletion
	GetReaction() *chatv1.Reaction
	GetCustom() *chatv1.Custom
	GetTyping() *chatv1.Typing
}

// ToBody returns the body of a SendRequest or an Event, nil for a kind that this version
// does not know, or that neither callers send nor journals store.
func ToBody(m message) chat.Body {
	if b := m.GetMessage(); b != nil {
		return chat.Message{Text: b.GetText(), ReplyTo: b.GetReplyTo()}
	}
	if b := m.GetEdit(); b != nil {
		return chat.Edit{Target: b.GetTarget(), Text: b.GetText()}
	}
	if b := m.GetDeletion(); b != nil {
		return chat.Deletion{Target: b.GetTarget()}
	}
	if b := m.GetReaction(); b != nil {
		return chat.Reaction{Target: b.GetTarget(), Emoji: b.GetEmoji(), Removed: b.GetRemoved()}
	}
	if b := m.GetCustom(); b != nil {
		return chat.Custom{
			Type: b.GetPayload().GetTypeUrl(), Payload: b.GetPayload().GetValue(),
			Ephemeral: b.GetEphemeral(), Key: b.GetKey(),
		}
	}
	if b := m.GetTyping(); b != nil {
		return chat.Typing{Stopped: b.GetStopped()}
	}
	if e, ok := m.(*chatv1.Event); ok && e.GetRoomChanged() != nil {
		b := e.GetRoomChanged()
		return chat.RoomChanged{Profile: chat.Profile{DisplayName: b.GetDisplayName(), Topic: b.GetTopic()}}
	}
	return nil
}

func setBody(e *chatv1.Event, b chat.Body) {
	switch b := b.(type) {
	case chat.Message:
		e.Body = &chatv1.Event_Message{Message: &chatv1.Message{Text: b.Text, ReplyTo: b.ReplyTo}}
	case chat.Edit:
		e.Body = &chatv1.Event_Edit{Edit: &chatv1.Edit{Target: b.Target, Text: b.Text}}
	case chat.Deletion:
		e.Body = &chatv1.Event_Deletion{Deletion: &chatv1.Deletion{Target: b.Target}}
	case chat.Reaction:
		e.Body = &chatv1.Event_Reaction{Reaction: &chatv1.Reaction{Target: b.Target, Emoji: b.Emoji, Removed: b.Removed}}
	case chat.Custom:
		e.Body = &chatv1.Event_Custom{Custom: &chatv1.Custom{
			Payload: &anypb.Any{TypeUrl: b.Type, Value: b.Payload}, Ephemeral: b.Ephemeral, Key: b.Key,
		}}
	case chat.Typing:
		e.Body = &chatv1.Event_Typing{Typing: &chatv1.Typing{Stopped: b.Stopped}}
	case chat.MemberJoined:
		e.Body = &chatv1.Event_MemberJoined{MemberJoined: &chatv1.MemberJoined{Members: uint32(b.Members)}}
	case chat.MemberLeft:
		e.Body = &chatv1.Event_MemberLeft{MemberLeft: &chatv1.MemberLeft{Members: uint32(b.Members)}}
	case chat.MemberRenamed:
		e.Body = &chatv1.Event_MemberRenamed{MemberRenamed: &chatv1.MemberRenamed{}}
	case chat.MemberCount:
		e.Body = &chatv1.Event_MemberCount{MemberCount: fromMemberCount(b)}
	case chat.RoomChanged:
		e.Body = &chatv1.Event_RoomChanged{RoomChanged: &chatv1.RoomChanged{DisplayName: b.DisplayName, Topic: b.Topic}}
	}
}

func fromMemberCount(b chat.MemberCount) *chatv1.MemberCount {
	count := &chatv1.MemberCount{Members: uint32(b.Members), Joined: uint32(b.Joined), Left: uint32(b.Left)}
	for _, m := range b.Sample {
		m.Picture = ""
		count.Sample = append(count.Sample, FromMember(m))
	}
	return count
}
