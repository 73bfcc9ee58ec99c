package messages

import (
	"fmt"
	"strings"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// onEveryProtocol runs a test in a room of its own on each protocol and in each mode.
func onEveryProtocol(t *testing.T, test func(t *testing.T, n *harness.Pair)) {
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				test(t, s.JoinPair(harness.Context(t), t, d, m, fmt.Sprintf("room-%d-%d", i, m)))
			})
		}
	}
}

// A text that shows nothing is refused like white space, in a message and in an edit.
func TestInvisibleTexts(t *testing.T) {
	t.Parallel()
	onEveryProtocol(t, func(t *testing.T, n *harness.Pair) {
		target := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "Hello"})
		for i, text := range []string{"\u200b", "\u3164", "\u2800", "\u00ad", " \u3000\n", "\u202e\u2066\u2069", "\u2800 \u200b\u3164\u00ad", "\ufe0f"} {
			_, refused := n.Ada.TrySend(harness.MessageRequest(n.Room, fmt.Sprint("text-", i), &chatv1.Message{Text: text}))
			refused.Check(t, harness.InvalidArgument("message.text", "at least one of them visible"))
			_, refused = n.Ada.TrySend(harness.EditRequest(n.Room, fmt.Sprint("edit-", i), target, text))
			refused.Check(t, harness.InvalidArgument("edit.text", "at least one of them visible"))
		}
		for _, text := range []string{"\u200b.", "❤️", "क्\u200dष", "\u2801", "\u202eabc"} {
			n.SendMessage(t, n.Ada, &chatv1.Message{Text: text})
		}
	})
}

// A reaction is one emoji, and has one form whichever form it is sent in.
func TestReactionsAreEmoji(t *testing.T) {
	t.Parallel()
	const kiss = "👩🏽‍❤️‍💋‍👩🏻" // 35 bytes
	onEveryProtocol(t, func(t *testing.T, n *harness.Pair) {
		target := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "Hello"})
		react := func(a *harness.Participant, emoji, want string) {
			t.Helper()
			said := a.MustSend(t, harness.ReactionRequest(n.Room, n.NewID(), target, emoji, false))
			if e := n.Ben.AwaitSequence(t, said.GetSequence()); e.GetReaction().GetEmoji() != want {
				t.Errorf("a reaction with %+q was received as %v, want %+q", emoji, e, want)
			}
		}
		react(n.Ada, "❤", "❤️")
		react(n.Ben, "❤️", "❤️")
		react(n.Ada, kiss, kiss)
		react(n.Ben, strings.ReplaceAll(kiss, "\ufe0f", ""), kiss)
		react(n.Ada, "🇩🇪", "🇩🇪")
		for i, emoji := range []string{"hello", "\u200b", "\u202e", "1", "❤❤", "👍 ", "a", "🇩", "\ufe0f", "❤️\u200d"} {
			for _, removed := range []bool{false, true} {
				_, refused := n.Ada.TrySend(harness.ReactionRequest(n.Room, fmt.Sprint("refused-", i, removed), target, emoji, removed))
				refused.Check(t, harness.InvalidArgument("reaction.emoji", "must be one emoji"))
			}
		}
		page, err := n.Ada.ListEvents(harness.Context(t), &chatv1.ListEventsRequest{Room: n.Room})
		harness.Must(t, err)
		var got []string
		for _, r := range page.GetEvents()[0].GetChanges().GetReactions() {
			got = append(got, fmt.Sprint(r.GetEmoji(), len(r.GetMemberIds())))
		}
		if want := "❤️2 🇩🇪1 " + kiss + "2"; strings.Join(got, " ") != want {
			t.Errorf("the reactions are %q, want %q", got, want)
		}
	})
}

// The same id with another body is an error that says so, and stores nothing; with the
// same body it is the first send.
func TestReusedIDs(t *testing.T) {
	t.Parallel()
	reused := harness.WantError{Code: connect.CodeAlreadyExists, Info: "ID_REUSED", Bound: "a new event needs a new id"}
	onEveryProtocol(t, func(t *testing.T, n *harness.Pair) {
		target := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "Hello"})
		first := harness.MessageRequest(n.Room, "same", &chatv1.Message{Text: "first"})
		said := n.Ada.MustSend(t, first)
		others := []*chatv1.SendRequest{
			harness.MessageRequest(n.Room, "same", &chatv1.Message{Text: "second"}),
			harness.MessageRequest(n.Room, "same", &chatv1.Message{Text: "first", ReplyTo: target}),
			harness.EditRequest(n.Room, "same", target, "first"),
			harness.ReactionRequest(n.Room, "same", target, "👍", false),
		}
		for _, other := range others {
			_, refused := n.Ada.TrySend(other)
			refused.Check(t, reused)
		}
		n.Ada.MustSend(t, harness.EditRequest(n.Room, "edit", said.GetSequence(), "second"))
		if again := n.Ada.MustSend(t, first); !again.GetDuplicate() || again.GetSequence() != said.GetSequence() {
			t.Errorf("the same send was answered %v, want the duplicate of %v", again, said)
		}
		_, refused := n.Ada.TrySend(others[0]) // what it was edited to
		refused.Check(t, reused)
		// Emoji in two forms are the same body.
		reacted := n.Ada.MustSend(t, harness.ReactionRequest(n.Room, "react", target, "❤", false))
		if again := n.Ada.MustSend(t, harness.ReactionRequest(n.Room, "react", target, "❤️", false)); !again.GetDuplicate() || again.GetSequence() != reacted.GetSequence() {
			t.Errorf("the same reaction was answered %v, want the duplicate of %v", again, reacted)
		}
		// When the first event is deleted there is nothing to compare with.
		n.Ada.MustSend(t, harness.DeletionRequest(n.Room, "delete", said.GetSequence()))
		if again := n.Ada.MustSend(t, others[0]); !again.GetDuplicate() || again.GetSequence() != said.GetSequence() {
			t.Errorf("the id of a deleted message was answered %v, want the duplicate of %v", again, said)
		}
		page, err := n.Ben.ListEvents(harness.Context(t), &chatv1.ListEventsRequest{Room: n.Room})
		harness.Must(t, err)
		if n := len(page.GetEvents()); n != 3 { // the greeting, the reaction and the deletion
			t.Errorf("the room has %d events, want 3: %v", n, page.GetEvents())
		}
	})
}
