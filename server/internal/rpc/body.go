package rpc

import (
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
)

// sendable are the bodies that SendRequest and Event have in common.
type sendable interface {
	GetMessage() *chatv1.Message
	GetEdit() *chatv1.Edit
	GetDeletion() *chatv1.Deletion
	GetReaction() *chatv1.Reaction
	GetCustom() *chatv1.Custom
	GetTyping() *chatv1.Typing
}

// fromSendable returns nil for a body of another kind.
func fromSendable(s sendable) chat.Body {
	if m := s.GetMessage(); m != nil {
		return chat.Message{Text: m.GetText(), ReplyTo: m.GetReplyTo()}
	}
	if e := s.GetEdit(); e != nil {
		return chat.Edit{Target: e.GetTarget(), Text: e.GetText()}
	}
	if d := s.GetDeletion(); d != nil {
		return chat.Deletion{Target: d.GetTarget()}
	}
	if r := s.GetReaction(); r != nil {
		return chat.Reaction{Target: r.GetTarget(), Emoji: r.GetEmoji(), Removed: r.GetRemoved()}
	}
	if c := s.GetCustom(); c != nil {
		return chat.Custom{
			Type: c.GetPayload().GetTypeUrl(), Payload: c.GetPayload().GetValue(),
			Ephemeral: c.GetEphemeral(), Key: c.GetKey(),
		}
	}
	if t := s.GetTyping(); t != nil {
		return chat.Typing{Stopped: t.GetStopped()}
	}
	return nil
}

// fromBody returns the body of a stored event, nil for a kind that this version
// doesn't know.
func fromBody(e *chatv1.Event) chat.Body {
	if r := e.GetRoomChanged(); r != nil {
		return chat.RoomChanged{Profile: chat.Profile{DisplayName: r.GetDisplayName(), Topic: r.GetTopic()}}
	}
	return fromSendable(e)
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
		e.Body = &chatv1.Event_MemberCount{MemberCount: toMemberCount(b)}
	case chat.RoomChanged:
		e.Body = &chatv1.Event_RoomChanged{RoomChanged: &chatv1.RoomChanged{DisplayName: b.DisplayName, Topic: b.Topic}}
	}
}

func toMemberCount(b chat.MemberCount) *chatv1.MemberCount {
	count := &chatv1.MemberCount{Members: uint32(b.Members), Joined: uint32(b.Joined), Left: uint32(b.Left)}
	for _, m := range b.Sample {
		count.Sample = append(count.Sample, toMember(m))
	}
	return count
}

func toChanges(c *chat.Changes) *chatv1.Changes {
	if c == nil {
		return nil
	}
	changes := &chatv1.Changes{Sequence: c.Sequence, EditTime: toTime(c.EditTime)}
	for _, r := range c.Reactions {
		changes.Reactions = append(changes.Reactions, &chatv1.Reactions{Emoji: r.Emoji, MemberIds: r.Members})
	}
	return changes
}

// post returns what is to be said. Whether the payload of an application's kind is
// a good one is known here alone: the domain sees bytes.
func (s *Server) post(r *chatv1.SendRequest) (chat.Post, error) {
	post := chat.Post{Room: r.GetRoom(), ID: r.GetId(), Body: fromSendable(r)}
	if custom := r.GetCustom(); custom != nil {
		if err := s.config.Schema.Check(custom.GetPayload()); err != nil {
			return post, inPayload(err)
		}
	}
	return post, nil
}
