package chat_test

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/text"
)

// FuzzReaction checks that a reaction that is accepted is one emoji, in the form that all
// its forms have.
func FuzzReaction(f *testing.F) {
	for _, emoji := range []string{"❤", "❤️", "👍🏽", "👩🏽‍❤️‍💋‍👩🏻", "🇩🇪", "1⃣", "hello", "\u200b", "\u202e", "", "\xff", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", strings.Repeat("\ufe0f", 30)} {
		f.Add(emoji, false)
		f.Add(emoji, true)
	}
	f.Fuzz(func(t *testing.T, emoji string, removed bool) {
		post := chat.Post{Room: "room", ID: "id", Body: chat.Reaction{Target: 1, Emoji: emoji, Removed: removed}}
		clean, err := post.Clean()
		if err != nil {
			if !isField(err, "reaction.emoji", "emoji.rgi") {
				t.Fatalf("Clean(%+v) = %v, want nil or a FieldError", post.Body, err)
			}
			return
		}
		reaction := clean.Body.(chat.Reaction)
		if again, err := clean.Clean(); err != nil || !reflect.DeepEqual(again, clean) {
			t.Errorf("Clean(%+v) = %+v, %v, want it unchanged", clean.Body, again.Body, err)
		}
		if !reaction.IsEmoji() {
			if !removed || reaction.Emoji != emoji {
				t.Errorf("Clean(%+v) = %+v, want an emoji, or a removal as it is", post.Body, reaction)
			}
			return
		}
		if len(reaction.Emoji) > chat.MaxEmoji || !utf8.ValidString(reaction.Emoji) || !text.Visible(reaction.Emoji) {
			t.Errorf("Clean(%+v) = %+q, want it visible and at most %d bytes", post.Body, reaction.Emoji, chat.MaxEmoji)
		}
		bare := chat.Reaction{Emoji: strings.ReplaceAll(reaction.Emoji, "\ufe0f", "")}
		if got := bare.Canonical().Emoji; got != reaction.Emoji {
			t.Errorf("Canonical(%+q) = %+q, want %+q", bare.Emoji, got, reaction.Emoji)
		}
	})
}

func TestSameBody(t *testing.T) {
	bodies := []chat.Body{
		chat.Message{Text: "a"}, chat.Message{Text: "b"}, chat.Message{Text: "a", ReplyTo: 1},
		chat.Edit{Target: 1, Text: "a"}, chat.Deletion{Target: 1}, chat.Typing{}, chat.MemberRenamed{},
		chat.Reaction{Target: 1, Emoji: "👍"}, chat.Reaction{Target: 1, Emoji: "👍", Removed: true},
		chat.Custom{Type: "t"}, chat.Custom{Type: "t", Payload: []byte{1}}, chat.Custom{Type: "u", Payload: []byte{1}},
		chat.Custom{Type: "t", Ephemeral: true}, chat.Custom{Type: "t", Ephemeral: true, Key: "k"}, nil,
	}
	for i, a := range bodies {
		for j, b := range bodies {
			if got := chat.SameBody(a, b); got != (i == j) {
				t.Errorf("SameBody(%+v, %+v) = %t, want %t", a, b, got, i == j)
			}
		}
	}
	if !chat.SameBody(chat.Custom{Type: "t"}, chat.Custom{Type: "t", Payload: []byte{}}) {
		t.Error("SameBody of an empty payload and none = false, want true")
	}
}
