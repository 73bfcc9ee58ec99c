package client

import (
	"errors"
	"unicode/utf8"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
)

// Body is what Send sends: the result of Text, Reply, Edit, Delete, DeleteFor, React,
// Unreact, Typing, StopTyping, Custom, Ephemeral or Keyed.
type Body struct {
	set       func(*chatv1.SendRequest)
	ephemeral bool
	err       error
}

func setMessage(m *chatv1.Message) Body {
	return Body{set: func(r *chatv1.SendRequest) { r.Body = &chatv1.SendRequest_Message{Message: m} }, err: checkUTF8(m.GetText())}
}

// Text is a message: 1 to 4,000 characters, at least one of them visible.
func Text(text string) Body { return setMessage(&chatv1.Message{Text: text}) }

// Reply is a message that replies to another one, by its sequence in the same room.
func Reply(to uint64, text string) Body {
	return setMessage(&chatv1.Message{ReplyTo: to, Text: text})
}

// Edit replaces the text of one of the sender's own messages.
func Edit(target uint64, text string) Body {
	edit := &chatv1.Edit{Target: target, Text: text}
	return Body{set: func(r *chatv1.SendRequest) { r.Body = &chatv1.SendRequest_Edit{Edit: edit} }, err: checkUTF8(text)}
}

// Delete deletes one of the sender's own messages or, for a moderator of the room, any.
func Delete(target uint64) Body { return DeleteFor(target, "") }

// DeleteFor is Delete by a moderator, for a reason that is kept with the act for
// Moderation.ListAudit: one line of up to 300 characters.
func DeleteFor(target uint64, reason string) Body {
	deletion := &chatv1.Deletion{Target: target, Reason: reason}
	return Body{set: func(r *chatv1.SendRequest) { r.Body = &chatv1.SendRequest_Deletion{Deletion: deletion} }, err: checkUTF8(reason)}
}

// React adds an emoji of the sender to a message. Adding it twice has no effect.
func React(target uint64, emoji string) Body { return reaction(target, emoji, false) }

// Unreact removes an emoji of the sender from a message.
func Unreact(target uint64, emoji string) Body { return reaction(target, emoji, true) }

func reaction(target uint64, emoji string, removed bool) Body {
	r := &chatv1.Reaction{Target: target, Emoji: emoji, Removed: removed}
	return Body{set: func(to *chatv1.SendRequest) { to.Body = &chatv1.SendRequest_Reaction{Reaction: r} }, err: checkUTF8(emoji)}
}

// Typing tells that the sender is writing a message. It is ephemeral, and valid for 6 s:
// send it again every 3 s while the sender types.
func Typing() Body { return typing(false) }

// StopTyping tells that the sender has stopped writing. A message tells it, too.
func StopTyping() Body { return typing(true) }

func typing(stopped bool) Body {
	t := &chatv1.Typing{Stopped: stopped}
	return Body{set: func(r *chatv1.SendRequest) { r.Body = &chatv1.SendRequest_Typing{Typing: t} }, ephemeral: true}
}

// Custom is an event of an application's own kind: a message of a type that the server
// knows (its setting -schema), at most 16 KiB. An *anypb.Any is sent as it is.
func Custom(payload proto.Message) Body { return custom(payload, false, "") }

// Ephemeral is a Custom event that is not stored: those who are connected receive it.
func Ephemeral(payload proto.Message) Body { return custom(payload, true, "") }

// Keyed is an Ephemeral event that is the newest value of a state of the sender, such as a
// position in a game. The key has 1 to 64 bytes. Subscribers that join later receive the
// newest value.
func Keyed(key string, payload proto.Message) Body { return custom(payload, true, key) }

func custom(payload proto.Message, ephemeral bool, key string) Body {
	wrapped, isWrapped := payload.(*anypb.Any)
	err := checkUTF8(key)
	if !isWrapped && err == nil {
		wrapped, err = anypb.New(payload)
	}
	c := &chatv1.Custom{Payload: wrapped, Ephemeral: ephemeral, Key: key}
	return Body{set: func(r *chatv1.SendRequest) { r.Body = &chatv1.SendRequest_Custom{Custom: c} }, ephemeral: ephemeral, err: err}
}

// DecodeCustom returns the payload of a custom event as a message of type M, and whether
// the event has one:
//
//	if move, ok := client.DecodeCustom[*gamev1.Move](event); ok { … }
func DecodeCustom[M proto.Message](e Event) (M, bool) {
	var none M
	payload := e.GetCustom().GetPayload()
	if payload == nil || !payload.MessageIs(none) {
		return none, false
	}
	m := none.ProtoReflect().New().Interface().(M)
	return m, payload.UnmarshalTo(m) == nil
}

var errNotUTF8 = connect.NewError(connect.CodeInvalidArgument, errors.New("must be valid UTF-8"))

// checkUTF8 returns the server's code for text that can't be encoded.
func checkUTF8(texts ...string) error {
	for _, text := range texts {
		if !utf8.ValidString(text) {
			return errNotUTF8
		}
	}
	return nil
}
