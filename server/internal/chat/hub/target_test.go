package hub_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

var (
	alice = chat.Member{ID: "A", Name: "alice", Guest: true}
	bob   = chat.Member{ID: "B", Name: "bob", Guest: true}
)

// post sends something that must be taken.
func (h *testHub) post(t testing.TB, from chat.Member, room string, body chat.Body) chat.Receipt {
	t.Helper()
	h.sent++
	receipt, err := h.Send(t.Context(), from, chat.Post{Room: room, ID: fmt.Sprint("id-", h.sent), Body: body})
	if err != nil {
		t.Fatalf("Send(%+v) = %v, want nil", body, err)
	}
	return receipt
}

func TestTargetRules(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	message := h.post(t, alice, "room", chat.Message{Text: "mine"}).At.Sequence
	elsewhere := h.post(t, alice, "elsewhere", chat.Message{Text: "mine"}).At.Sequence
	deleted := h.post(t, alice, "room", chat.Message{Text: "gone"}).At.Sequence
	edit := h.post(t, alice, "room", chat.Edit{Target: message, Text: "edited"}).At.Sequence
	h.post(t, alice, "room", chat.Deletion{Target: deleted})
	reaction := func(target uint64) chat.Body { return chat.Reaction{Target: target, Emoji: "👍"} }
	bodies := map[string]func(target uint64) chat.Body{
		"edit.target":      func(target uint64) chat.Body { return chat.Edit{Target: target, Text: "x"} },
		"deletion.target":  func(target uint64) chat.Body { return chat.Deletion{Target: target} },
		"reaction.target":  reaction,
		"message.reply_to": func(target uint64) chat.Body { return chat.Message{Text: "x", ReplyTo: target} },
	}
	for field, body := range bodies {
		for name, tt := range map[string]struct {
			from   chat.Member
			target uint64
			want   error
		}{
			"none like it":                    {alice, 999, chat.ErrUnknownTarget},
			"beyond all sequences":            {alice, math.MaxUint64, chat.ErrUnknownTarget},
			"in another room":                 {alice, elsewhere, chat.ErrUnknownTarget},
			"deleted":                         {alice, deleted, chat.ErrUnknownTarget},
			"not a message":                   {alice, edit, chat.ErrUnknownTarget},
			"someone else's":                  {bob, message, chat.ErrNotOwner},
			"without an id":                   {chat.Anonymous, message, chat.ErrSignIn},
			"someone else's, in another room": {bob, elsewhere, chat.ErrUnknownTarget},
		} {
			want := tt.want
			anyone := field == "reaction.target" || field == "message.reply_to"
			if anyone && errors.Is(want, chat.ErrNotOwner) || field == "message.reply_to" && errors.Is(want, chat.ErrSignIn) {
				want = nil
			}
			h.sent++
			_, err := h.Send(t.Context(), tt.from, chat.Post{Room: "room", ID: fmt.Sprint("try-", h.sent), Body: body(tt.target)})
			target, named := errors.AsType[*chat.TargetError](err)
			if !errors.Is(err, want) || named && target.Field != field {
				t.Errorf("%s, %s: Send = %v, want %v", field, name, err, want)
			}
		}
	}
}

// A member edits and deletes what it has sent under a former id, and nothing else.
func TestFormerIDsOwnTheirMessages(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	user := chat.Member{ID: "U", Name: "Alice Liddell"}
	mine := h.post(t, alice, "room", chat.Message{Text: "mine"}).At.Sequence
	other := h.post(t, bob, "room", chat.Message{Text: "other"}).At.Sequence
	anonymous := h.post(t, chat.Anonymous, "room", chat.Message{Text: "anonymous"}).At.Sequence
	for n, tt := range []struct {
		body   chat.Body
		former []string
		want   error
	}{
		{chat.Edit{Target: mine, Text: "x"}, nil, chat.ErrNotOwner},
		{chat.Edit{Target: mine, Text: "x"}, []string{"Z"}, chat.ErrNotOwner},
		{chat.Edit{Target: other, Text: "x"}, []string{"Z", alice.ID}, chat.ErrNotOwner},
		{chat.Edit{Target: anonymous, Text: "x"}, []string{""}, chat.ErrNotOwner},
		{chat.Edit{Target: mine, Text: "edited"}, []string{"Z", alice.ID}, nil},
		{chat.Deletion{Target: mine}, []string{alice.ID}, nil},
	} {
		_, err := h.Send(t.Context(), user, chat.Post{Room: "room", ID: fmt.Sprint("former-", n), Body: tt.body, Former: tt.former})
		if !errors.Is(err, tt.want) {
			t.Errorf("Send(%+v) with former ids %q = %v, want %v", tt.body, tt.former, err, tt.want)
		}
	}
	if own, err := h.Sent(t.Context(), "room", other, user, []string{alice.ID}); own || err != nil {
		t.Errorf("Sent = %t, %v, want false: it is bob's", own, err)
	}
	if own, err := h.Sent(t.Context(), "room", other, user, []string{bob.ID}); !own || err != nil {
		t.Errorf("Sent = %t, %v, want true", own, err)
	}
}

// pageOf returns the newest events.
func (h *testHub) pageOf(t testing.TB, room string) []*chat.Event {
	t.Helper()
	page, err := h.History(t.Context(), history.Query{Room: room}, 0)
	if err != nil {
		t.Fatalf("History = %v, want nil", err)
	}
	return page.Events
}
