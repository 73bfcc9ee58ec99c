package harness

import (
	"strings"

	chatv1 "chatroom/gen/chat/v1"
)

// TextRequest returns a request to send a text, whose id is the text.
func TextRequest(room, text string) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: text, Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}}}
}

func JoinAction(s *chatv1.Subscription) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Join{Join: s}}
}

func LeaveAction(room string) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Leave{Leave: &chatv1.Leave{Room: room}}}
}

func SendAction(s *chatv1.SendRequest) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: s}}
}

// SubscribeTo makes a request to subscribe to one room.
func SubscribeTo(s *chatv1.Subscription) *chatv1.SubscribeRequest {
	return &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{s}}
}

// The fillers make messages of 2 KB, and of 16 KB: what is allowed at most.
var (
	LongText    = strings.Repeat(".", 2_000)
	LongestText = strings.Repeat("\U0001f4ac", 3_900)
)

func CustomRequest(room, id string, c *chatv1.Custom) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Custom{Custom: c}}
}

// MessageRequest makes a request of the member's own, under an id.
func MessageRequest(room, id string, m *chatv1.Message) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Message{Message: m}}
}

func EditRequest(room, id string, target uint64, text string) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: target, Text: text}}}
}

func DeletionRequest(room, id string, target uint64) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Deletion{Deletion: &chatv1.Deletion{Target: target}}}
}

func ReactionRequest(room, id string, target uint64, emoji string, removed bool) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Reaction{
		Reaction: &chatv1.Reaction{Target: target, Emoji: emoji, Removed: removed},
	}}
}

func TypingRequest(room, id string, stopped bool) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Typing{Typing: &chatv1.Typing{Stopped: stopped}}}
}
