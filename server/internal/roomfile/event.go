package roomfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/anypb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/schema"
)

const (
	maxMemberID = 512 // bytes
	maxName     = 640 // bytes
	// maxDisplayName is in code points: a character may have a letter and four marks.
	maxDisplayName = 5 * chat.MaxDisplayName
	// maxDepth bounds how deep messages may be nested: an event, and the payload in it.
	maxDepth = schema.MaxDepth + 8
)

// event decodes and checks the line of an event that follows the event last.
func (r *Reader) event(line []byte, room string, last uint64) (*chat.Event, error) {
	var m chatv1.Event
	options := protojson.UnmarshalOptions{Resolver: r.kinds.Resolver(), RecursionLimit: maxDepth}
	if err := options.Unmarshal(line, &m); err != nil {
		return nil, r.invalid("", undecodable(err))
	}
	switch {
	case m.GetRoom() != room:
		return nil, r.invalid("room", fmt.Sprintf("must be %q, as in the header", room))
	case m.GetSequence() <= last:
		return nil, r.invalid("sequence", fmt.Sprintf("must be greater than %d, that of the event before it, not %d", last, m.GetSequence()))
	case m.GetSequence() > MaxSequence:
		return nil, r.invalid("sequence", fmt.Sprintf("must be at most %d", uint64(MaxSequence)))
	case m.GetPrevious() != last:
		return nil, r.invalid("previous", fmt.Sprintf("must be %d, the sequence of the event before it, not %d: events are missing", last, m.GetPrevious()))
	case m.GetChanges() != nil:
		return nil, r.invalid("changes", "must not be set")
	}
	if err := r.checkSender(m.GetSender()); err != nil {
		return nil, err
	}
	e := eventpb.ToEvent(&m)
	if e.Body == nil || !e.Body.Durable() {
		return nil, r.invalid("body", "must be a message, an edit, a deletion, a reaction, or a custom event that is not ephemeral")
	}
	return e, r.checkBody(e)
}

func (r *Reader) checkSender(m *chatv1.Member) error {
	switch {
	case len(m.GetId()) > maxMemberID:
		return r.invalid("sender.id", fmt.Sprintf("must be at most %d bytes", maxMemberID))
	case len(m.GetName()) > maxName:
		return r.invalid("sender.name", fmt.Sprintf("must be at most %d bytes", maxName))
	case m.GetPicture() != "":
		return r.invalid("sender.picture", "must not be set")
	}
	return nil
}

// earlier are the rules that events may break which earlier versions have stored.
var earlier = map[string]bool{"text.visible": true, "emoji.rgi": true, "id.length": true}

// checkBody checks an event as if it were sent, but for what earlier versions have accepted.
func (r *Reader) checkBody(e *chat.Event) error {
	if len(e.ID) > chat.MaxID {
		return r.invalid("id", fmt.Sprintf("must be at most %d bytes", chat.MaxID))
	}
	// Without an id that is too short the rest is checked.
	_, err := chat.Post{Room: e.Room, ID: "-", Body: e.Body}.Clean()
	if field, ok := errors.AsType[*chat.FieldError](err); ok && !earlier[field.Rule] {
		return r.invalid(field.Field, field.Bound)
	}
	field, target := targetOf(e.Body)
	if target >= e.Sequence {
		return r.invalid(field, fmt.Sprintf("must be less than %d, the sequence of the event itself", e.Sequence))
	}
	switch body := e.Body.(type) {
	case chat.Reaction:
		if len(body.Emoji) < 1 || len(body.Emoji) > chat.MaxEmoji {
			return r.invalid("reaction.emoji", fmt.Sprintf("must be 1 to %d bytes", chat.MaxEmoji))
		}
	case chat.Custom:
		if bound := r.unknownType(body.Type); bound != "" {
			return r.invalid("custom.payload", bound)
		}
	}
	return nil
}

// unknownType returns what the type of a payload must be, "" if it may be sent. Its content is
// not judged by the rules of the type: those may be newer than the event.
func (r *Reader) unknownType(url string) string {
	err := r.kinds.Check(&anypb.Any{TypeUrl: url})
	invalid, ok := errors.AsType[*schema.InvalidError](err)
	if ok && strings.HasPrefix(invalid.Violations[0].GetRuleId(), "type.") {
		return invalid.Violations[0].GetMessage()
	}
	return ""
}

// position is how errors of protojson begin. Its spaces differ between builds.
var position = regexp.MustCompile(`^proto:\s*(?:syntax error\s*)?(?:\(line 1:(\d+)\):\s*)?`)

// undecodable says what is wrong with a line that can't be decoded.
func undecodable(err error) string {
	text := strings.Map(func(c rune) rune {
		if unicode.IsSpace(c) {
			return ' '
		}
		return c
	}, err.Error())
	at := position.FindStringSubmatch(text)
	text = strings.TrimPrefix(text, at[0])
	if len(text) > 500 {
		text = strings.ToValidUTF8(text[:500], "") + " …"
	}
	if at[1] != "" {
		return fmt.Sprintf("must be a chat.v1.Event in JSON form: byte %s: %s", at[1], text)
	}
	return "must be a chat.v1.Event in JSON form: " + text
}

// targetOf returns the field of a body that refers to another event, and the sequence in it.
func targetOf(b chat.Body) (field string, target uint64) {
	switch b := b.(type) {
	case chat.Message:
		return "message.reply_to", b.ReplyTo
	case chat.Edit:
		return "edit.target", b.Target
	case chat.Deletion:
		return "deletion.target", b.Target
	case chat.Reaction:
		return "reaction.target", b.Target
	}
	return "", 0
}

// Shift returns an event whose sequence is greater by a number, and so are those to which it
// refers.
func Shift(e *chat.Event, by uint64) *chat.Event {
	body := e.Body
	switch b := body.(type) {
	case chat.Message:
		if b.ReplyTo != 0 {
			b.ReplyTo += by
		}
		body = b
	case chat.Edit:
		b.Target += by
		body = b
	case chat.Deletion:
		b.Target += by
		body = b
	case chat.Reaction:
		b.Target += by
		body = b
	}
	shifted := e.With(0, body, nil)
	shifted.Sequence += by
	return shifted
}
