package chat

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatroom/server/internal/text"
)

// Body is the content of an event: one of the types below.
type Body interface {
	// Durable reports whether the event is stored. An ephemeral one has no sequence.
	Durable() bool
	// check returns a *FieldError for a body that no member may send.
	check() error
}

// Message is a text that a member sends.
type Message struct {
	Text    string // 1 to MaxText characters of valid UTF-8
	ReplyTo uint64 // the sequence of the message that it replies to, 0 for none
}

// Edit replaces the text of a message.
type Edit struct {
	Target uint64 // the message's sequence
	Text   string // as in Message
}

// Deletion deletes a message.
type Deletion struct {
	Target uint64 // the message's sequence
}

// Reaction adds an emoji to a message, or removes it.
type Reaction struct {
	Target  uint64 // the message's sequence
	Emoji   string // in its one form; events of earlier versions may hold other text
	Removed bool
}

// Custom is an event of a type that an application defines.
type Custom struct {
	Type      string // the URL of the payload's type
	Payload   []byte // never changed
	Ephemeral bool
	Key       string // of an ephemeral event: it supersedes those of the sender with the same key
}

// Typing says that the sender is writing a message.
type Typing struct {
	Stopped bool
}

// MemberJoined says that the sender has joined the room.
type MemberJoined struct {
	Members int // in the room, after it
}

// MemberLeft says that the sender has left the room.
type MemberLeft struct {
	Members int // in the room, after it
}

// MemberRenamed says that the sender has another name or picture, or has become a moderator
// or ceased to be one.
type MemberRenamed struct{}

// MemberCount says that members have joined or left, without naming all of them.
type MemberCount struct {
	Members      int      // in the room, after it
	Joined, Left int      // since the last event about members
	Sample       []Member // some of those who joined
}

// RoomChanged says that the room has another profile.
type RoomChanged struct {
	Profile
}

// SameBody reports whether two bodies are the same.
func SameBody(a, b Body) bool {
	if x, ok := a.(Custom); ok {
		y, ok := b.(Custom)
		return ok && x.Type == y.Type && bytes.Equal(x.Payload, y.Payload) && x.Ephemeral == y.Ephemeral && x.Key == y.Key
	}
	if _, ok := b.(Custom); ok {
		return false
	}
	return a == b
}

// Relate returns the fields of an Entry that follow from the body of its event.
func Relate(b Body) (r Relation, target uint64, counted bool) {
	switch body := b.(type) {
	case Message:
		return Standalone, 0, true
	case Edit:
		return Revises, body.Target, false
	case Deletion:
		return Erases, body.Target, false
	case Reaction:
		return Annotates, body.Target, false
	}
	return Standalone, 0, false
}

func (Message) Durable() bool       { return true }
func (Edit) Durable() bool          { return true }
func (Deletion) Durable() bool      { return true }
func (Reaction) Durable() bool      { return true }
func (c Custom) Durable() bool      { return !c.Ephemeral }
func (Typing) Durable() bool        { return false }
func (MemberJoined) Durable() bool  { return false }
func (MemberLeft) Durable() bool    { return false }
func (MemberRenamed) Durable() bool { return false }
func (MemberCount) Durable() bool   { return false }
func (RoomChanged) Durable() bool   { return false }

func (m Message) check() error { return checkText("message.text", m.Text) }

func (e Edit) check() error {
	if err := checkTarget("edit.target", e.Target); err != nil {
		return err
	}
	return checkText("edit.text", e.Text)
}

func (d Deletion) check() error { return checkTarget("deletion.target", d.Target) }

func (r Reaction) check() error {
	if err := checkTarget("reaction.target", r.Target); err != nil {
		return err
	}
	if r.IsEmoji() || r.Removed && mayBeStored(r.Emoji) {
		return nil
	}
	return ErrNotEmoji
}

// mayBeStored reports whether an earlier version may have stored a reaction with a text.
func mayBeStored(s string) bool {
	bad := func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) || c == utf8.RuneError }
	return s != "" && len(s) <= MaxEmoji && !strings.ContainsFunc(s, bad)
}

// ErrNotEmoji refuses a reaction with another text than an emoji.
var ErrNotEmoji = &FieldError{"reaction.emoji", "emoji.rgi", text.ErrNotEmoji.Error()}

// IsEmoji reports whether the reaction is with an emoji. Events of earlier versions may
// hold other text.
func (r Reaction) IsEmoji() bool {
	_, err := text.Emoji(r.Emoji)
	return err == nil
}

// Canonical returns the reaction with the one form of its emoji, so that ❤ and ❤️ are the
// same. Other text is left as it is.
func (r Reaction) Canonical() Reaction {
	if e, err := text.Emoji(r.Emoji); err == nil {
		r.Emoji = e
	}
	return r
}

func (c Custom) check() error {
	switch {
	case len(c.Type)+len(c.Payload) > MaxPayload:
		return &FieldError{"custom.payload", "payload.size", fmt.Sprintf("must be at most %d bytes", MaxPayload)}
	case len(c.Key) > MaxID || !utf8.ValidString(c.Key):
		return &FieldError{"custom.key", "key.length", fmt.Sprintf("must be at most %d bytes of valid UTF-8", MaxID)}
	case c.Key != "" && !c.Ephemeral:
		return &FieldError{"custom.key", "key.ephemeral", "must be empty unless the event is ephemeral"}
	}
	return nil
}

func (Typing) check() error { return nil }

// Events about members and rooms come from the server alone.

func (MemberJoined) check() error  { return errNotSent }
func (MemberLeft) check() error    { return errNotSent }
func (MemberRenamed) check() error { return errNotSent }
func (MemberCount) check() error   { return errNotSent }
func (RoomChanged) check() error   { return errNotSent }

var errNotSent = &FieldError{"body", "body.sendable", "must be of a kind that can be sent"}

func checkText(field, s string) error {
	switch {
	case !utf8.ValidString(s):
		return &FieldError{field, "text.utf8", "must be valid UTF-8"}
	case s == "" || utf8.RuneCountInString(s) > MaxText:
		return &FieldError{field, "text.length", "must be 1 to 4,000 characters"}
	case !text.Visible(s):
		return &FieldError{field, "text.visible", "must be 1 to 4,000 characters, at least one of them visible"}
	}
	return nil
}

func checkTarget(field string, target uint64) error {
	if target == 0 {
		return &FieldError{field, "target.set", "must be the sequence of a message in the room"}
	}
	return nil
}
