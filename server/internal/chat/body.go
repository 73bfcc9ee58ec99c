package chat

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
)

// Body is what happened: one of the types below.
type Body interface {
	// Durable tells whether the event is stored. One that is not has no sequence.
	Durable() bool
	// check returns a *FieldError for what no caller may send.
	check() error
}

// Message is something said.
type Message struct {
	Text    string // 1 to MaxText characters of valid UTF-8
	ReplyTo uint64 // the sequence of the message that it answers, 0 for none
}

// Edit gives a message another text.
type Edit struct {
	Target uint64 // the message's sequence
	Text   string // as in Message
}

// Deletion deletes a message.
type Deletion struct {
	Target uint64 // the message's sequence
}

// Reaction puts an emoji to a message, or takes it away.
type Reaction struct {
	Target  uint64 // the message's sequence
	Emoji   string // 1 to MaxEmoji bytes
	Removed bool
}

// Custom is an event of a kind that an application defines.
type Custom struct {
	Type      string // the URL of the payload's type
	Payload   []byte // never changed
	Ephemeral bool
	Key       string // of ephemeral ones: the newest with the sender's key replaces those before it
}

// Typing says that the sender is writing a message.
type Typing struct {
	Stopped bool
}

// MemberJoined says that the sender is in the room now.
type MemberJoined struct {
	Members int // how many there are now
}

// MemberLeft says that the sender is not in the room any more.
type MemberLeft struct {
	Members int // how many there are now
}

// MemberRenamed says that the sender has another name now.
type MemberRenamed struct{}

// MemberCount says that members have come or gone who are not named.
type MemberCount struct {
	Members      int // how many there are now
	Joined, Left int // since the last event about members
	Sample       []Member
}

// RoomChanged says how the room presents itself from now on.
type RoomChanged struct {
	Profile
}

// Profile is how a room presents itself.
type Profile struct {
	DisplayName string // up to MaxDisplayName characters
	Topic       string // up to MaxTopic characters
}

// Relate returns what an Entry says of a body: how it relates to another event, and
// whether it is counted.
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
	bad := func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) || c == utf8.RuneError }
	if len(r.Emoji) < 1 || len(r.Emoji) > MaxEmoji || strings.ContainsFunc(r.Emoji, bad) {
		return &FieldError{"reaction.emoji", "emoji.characters", fmt.Sprintf("must be 1 to %d bytes without white space or control characters", MaxEmoji)}
	}
	return nil
}

func (c Custom) check() error {
	switch {
	case len(c.Type)+len(c.Payload) > MaxPayload:
		return &FieldError{"custom.payload", "payload.size", fmt.Sprintf("must be at most %d bytes", MaxPayload)}
	case len(c.Key) > MaxID || !utf8.ValidString(c.Key):
		return &FieldError{"custom.key", "key.length", fmt.Sprintf("must be at most %d bytes of valid UTF-8", MaxID)}
	case c.Key != "" && !c.Ephemeral:
		return &FieldError{"custom.key", "key.ephemeral", "must be empty for an event that is not ephemeral: each of those is kept"}
	}
	return nil
}

func (Typing) check() error { return nil }

// What the server says about members and rooms is not sent by callers.

func (MemberJoined) check() error  { return errNotSent }
func (MemberLeft) check() error    { return errNotSent }
func (MemberRenamed) check() error { return errNotSent }
func (MemberCount) check() error   { return errNotSent }
func (RoomChanged) check() error   { return errNotSent }

var errNotSent = &FieldError{"body", "body.sendable", "must be of a kind that can be sent"}

func checkText(field, text string) error {
	switch {
	case !utf8.ValidString(text):
		return &FieldError{field, "text.utf8", "must be valid UTF-8"}
	case text == "" || utf8.RuneCountInString(text) > MaxText:
		return &FieldError{field, "text.length", "must be 1 to 4,000 characters"}
	case strings.TrimSpace(text) == "":
		return &FieldError{field, "text.visible", "must be 1 to 4,000 characters that are not only white space"}
	}
	return nil
}

func checkTarget(field string, target uint64) error {
	if target == 0 {
		return &FieldError{field, "target.set", "must be the sequence of a message in the room"}
	}
	return nil
}

// check returns the profile as it is shown: a name in normal form, without white
// space around it.
func (p Profile) check() (Profile, error) {
	const bound = "must be up to 80 characters, none of them invisible or changing the direction of text"
	if p.DisplayName != "" {
		clean, err := precis.Nickname.String(p.DisplayName)
		if err != nil || utf8.RuneCountInString(clean) > MaxDisplayName {
			return Profile{}, &FieldError{"display_name", "name.characters", bound}
		}
		p.DisplayName = clean
	}
	p.Topic = strings.TrimSpace(p.Topic)
	hidden := func(c rune) bool { return c == utf8.RuneError || !unicode.IsGraphic(c) }
	if utf8.RuneCountInString(p.Topic) > MaxTopic || strings.ContainsFunc(p.Topic, hidden) {
		return Profile{}, &FieldError{"topic", "topic.characters", "must be one line of up to 300 characters"}
	}
	return p, nil
}
