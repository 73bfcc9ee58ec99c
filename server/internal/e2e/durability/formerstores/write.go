package formerstores

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
)

// The rooms that Write fills.
const (
	teaRoom   = "tea"
	lobbyRoom = "lobby"
)

// writer sends events as one guest.
type writer struct {
	client chatv1connect.ChatRoomClient
	sent   int
	err    error // the first one
}

func (w *writer) send(ctx context.Context, room string, r *chatv1.SendRequest) *chatv1.SendResponse {
	w.sent++
	r.Room = room
	if r.Id == "" {
		r.Id = fmt.Sprint("send-", w.sent)
	}
	response, err := w.client.Send(ctx, r)
	if err != nil {
		w.err = errors.Join(w.err, fmt.Errorf("send %v: %w", r, err))
		return &chatv1.SendResponse{}
	}
	return response
}

func (w *writer) say(ctx context.Context, room, text string, replyTo uint64) *chatv1.SendResponse {
	return w.send(ctx, room, &chatv1.SendRequest{Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text, ReplyTo: replyTo}}})
}

func (w *writer) react(ctx context.Context, target uint64, emoji string, remove bool) {
	w.send(ctx, teaRoom, &chatv1.SendRequest{Body: &chatv1.SendRequest_Reaction{Reaction: &chatv1.Reaction{Target: target, Emoji: emoji, Removed: remove}}})
}

// guest signs in.
func guest(ctx context.Context, caller connect.HTTPClient, url, name string) (*writer, *chatv1.Member, error) {
	identity, err := chatv1connect.NewChatRoomClient(caller, url).SignIn(ctx, &chatv1.SignInRequest{Name: name})
	if err != nil {
		return nil, nil, fmt.Errorf("SignIn: %w", err)
	}
	return &writer{client: chatv1connect.NewChatRoomClient(withKey{caller, identity.GetToken()}, url)}, identity.GetMember(), nil
}

// Write stores something of each kind: messages, a reply, edits, a deletion, reactions that are
// added and removed, an event of an application, a repeated send, and with a key a profile and a
// ban. It returns what a client that has read half of it keeps.
func (a *Application) Write(ctx context.Context, caller connect.HTTPClient, url, key string) (State, error) {
	state := State{Key: key, Cursors: make(map[string]*chatv1.Cursor)}
	move, err := a.event()
	if err != nil {
		return state, err
	}
	ada, _, err := guest(ctx, caller, url, "Ada")
	if err != nil {
		return state, err
	}
	bob, bobMember, err := guest(ctx, caller, url, "Bob")
	if err != nil {
		return state, err
	}
	first := ada.say(ctx, teaRoom, "first", 0)
	bob.say(ctx, teaRoom, "a reply", first.GetSequence())
	edited := ada.say(ctx, teaRoom, "tpyo", 0)
	ada.send(ctx, teaRoom, &chatv1.SendRequest{Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: edited.GetSequence(), Text: "type"}}})
	read := ada.send(ctx, teaRoom, &chatv1.SendRequest{Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: edited.GetSequence(), Text: "typo"}}})
	state.Cursors[teaRoom] = &chatv1.Cursor{Epoch: read.GetEpoch(), Sequence: read.GetSequence()}
	deleted := bob.say(ctx, teaRoom, "a secret that is deleted", 0)
	bob.send(ctx, teaRoom, &chatv1.SendRequest{Body: &chatv1.SendRequest_Deletion{Deletion: &chatv1.Deletion{Target: deleted.GetSequence()}}})
	ada.react(ctx, first.GetSequence(), "👍", false)
	bob.react(ctx, first.GetSequence(), "👍", false)
	bob.react(ctx, first.GetSequence(), "🎉", false)
	ada.react(ctx, first.GetSequence(), "👍", true)
	ada.send(ctx, teaRoom, &chatv1.SendRequest{Body: &chatv1.SendRequest_Custom{Custom: &chatv1.Custom{Payload: move}}})
	for range 2 { // stored once
		bob.send(ctx, teaRoom, &chatv1.SendRequest{Id: "twice", Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: "once"}}})
	}
	for i := range 30 {
		response := ada.say(ctx, lobbyRoom, fmt.Sprint("message ", i), 0)
		if i == 20 {
			state.Cursors[lobbyRoom] = &chatv1.Cursor{Epoch: response.GetEpoch(), Sequence: response.GetSequence()}
		}
	}
	return state, errors.Join(ada.err, bob.err, setUp(ctx, caller, url, key, ada, bobMember))
}

// setUp gives a room a profile, which needs the key or, in versions without keys, a guest, and bans
// a member from it if there is a key.
func setUp(ctx context.Context, caller connect.HTTPClient, url, key string, ada *writer, bob *chatv1.Member) error {
	client := ada.client
	if key != "" {
		client = chatv1connect.NewChatRoomClient(withKey{caller, key}, url)
	}
	if _, err := client.SetRoom(ctx, &chatv1.SetRoomRequest{Room: teaRoom, DisplayName: "Tea", Topic: "leaves"}); err != nil {
		return fmt.Errorf("SetRoom: %w", err)
	}
	if key == "" {
		return nil
	}
	moderation := chatv1connect.NewModerationClient(withKey{caller, key}, url)
	_, err := moderation.Ban(ctx, &chatv1.BanRequest{
		Room: teaRoom, Subject: &chatv1.Subject{Who: &chatv1.Subject_MemberId{MemberId: bob.GetId()}}, Reason: "for the upgrade test",
	})
	if err != nil {
		return fmt.Errorf("ban: %w", err)
	}
	return nil
}
