package chat_test

import (
	"errors"
	"fmt"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/journal/memory"
)

var (
	alice = chat.Member{ID: "A", Name: "alice", Guest: true}
	bob   = chat.Member{ID: "B", Name: "bob", Guest: true}
)

// post sends something that must be taken.
func (h *house) post(t testing.TB, from chat.Member, room string, body chat.Body) chat.Receipt {
	t.Helper()
	h.sent++
	receipt, err := h.Send(t.Context(), from, chat.Post{Room: room, ID: fmt.Sprint("id-", h.sent), Body: body})
	if err != nil {
		t.Fatalf("Send(%+v) = %v, want nil", body, err)
	}
	return receipt
}

func TestTargetRules(t *testing.T) {
	h := newHouse(t, chat.Config{}, memory.Config{})
	message := h.post(t, alice, "room", chat.Message{Text: "mine"}).At.Sequence
	elsewhere := h.post(t, alice, "elsewhere", chat.Message{Text: "mine"}).At.Sequence
	deleted := h.post(t, alice, "room", chat.Message{Text: "gone"}).At.Sequence
	edit := h.post(t, alice, "room", chat.Edit{Target: message, Text: "edited"}).At.Sequence
	h.post(t, alice, "room", chat.Deletion{Target: deleted})
	reaction := func(target uint64) chat.Body { return chat.Reaction{Target: target, Emoji: "+"} }
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
			"in another room":                 {alice, elsewhere, chat.ErrUnknownTarget},
			"deleted":                         {alice, deleted, chat.ErrUnknownTarget},
			"not a message":                   {alice, edit, chat.ErrUnknownTarget},
			"someone else's":                  {bob, message, chat.ErrNotYours},
			"without an id":                   {chat.Anonymous, message, chat.ErrSignIn},
			"someone else's, in another room": {bob, elsewhere, chat.ErrUnknownTarget},
		} {
			want := tt.want
			anyone := field == "reaction.target" || field == "message.reply_to"
			if anyone && errors.Is(want, chat.ErrNotYours) || field == "message.reply_to" && errors.Is(want, chat.ErrSignIn) {
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

// pageOf returns the newest events.
func (h *house) pageOf(t testing.TB, room string) []*chat.Event {
	t.Helper()
	page, err := h.History(t.Context(), chat.Query{Room: room})
	if err != nil {
		t.Fatalf("History = %v, want nil", err)
	}
	return page.Events
}

// A deletion of which the second half failed shows nothing of the message, and is
// completed by whoever reads there or by a retry.
func TestDeletionIsCompleted(t *testing.T) {
	for _, by := range []string{"a reader", "a retry"} {
		t.Run(by, func(t *testing.T) {
			h := newHouse(t, chat.Config{}, memory.Config{})
			before := h.post(t, bob, "room", chat.Message{Text: "before"}).At.Sequence
			target := h.post(t, alice, "room", chat.Message{Text: "secret"}).At.Sequence
			edit := h.post(t, alice, "room", chat.Edit{Target: target, Text: "still a secret"}).At.Sequence
			h.post(t, bob, "room", chat.Message{Text: "after"})
			h.journal.failing("Erase")
			deletion := chat.Post{Room: "room", ID: "deletion", Body: chat.Deletion{Target: target}}
			if _, err := h.Send(t.Context(), alice, deletion); !errors.Is(err, errBroken) {
				t.Fatalf("Send of a deletion = %v, want %v", err, errBroken)
			}
			if _, err := h.History(t.Context(), chat.Query{Room: "room"}); !errors.Is(err, errBroken) {
				t.Errorf("History over a message that can't be erased = %v, want %v", err, errBroken)
			}
			h.journal.failing("")
			if by == "a reader" {
				events := h.pageOf(t, "room")
				if len(events) != 3 || events[0].Sequence != before || events[1].Previous != before {
					t.Errorf("the page = %+v, want what is left, without a gap", events)
				}
			} else if r, err := h.Send(t.Context(), alice, deletion); err != nil || !r.Duplicate || r.At.Epoch == "" || r.Time.IsZero() {
				t.Errorf("Send of the deletion again = %+v, %v, want a duplicate", r, err)
			}
			for _, e := range h.stored(t, "room") {
				if e.Sequence == target || e.Sequence == edit {
					t.Errorf("the journal holds %+v, want it erased", e)
				}
			}
			again := chat.Post{Room: "room", ID: "another", Body: chat.Deletion{Target: target}}
			if _, err := h.Send(t.Context(), alice, again); !errors.Is(err, chat.ErrUnknownTarget) {
				t.Errorf("Send of another deletion = %v, want %v", err, chat.ErrUnknownTarget)
			}
			if _, err := h.Send(t.Context(), bob, deletion); !errors.Is(err, chat.ErrUnknownTarget) {
				t.Errorf("Send of the deletion by another = %v, want %v", err, chat.ErrUnknownTarget)
			}
		})
	}
}

// An edit that is stored while its message is being deleted is refused, and shown
// to nobody who reads history.
func TestEditOfWhatIsBeingDeleted(t *testing.T) {
	h := newHouse(t, chat.Config{}, memory.Config{})
	target := h.post(t, alice, "room", chat.Message{Text: "secret"}).At.Sequence
	h.post(t, bob, "room", chat.Message{Text: "after"})
	h.journal.beforeAppend = func() { h.post(t, alice, "room", chat.Deletion{Target: target}) }
	edit := chat.Post{Room: "room", ID: "edit", Body: chat.Edit{Target: target, Text: "still a secret"}}
	if _, err := h.Send(t.Context(), alice, edit); !errors.Is(err, chat.ErrUnknownTarget) {
		t.Errorf("Send of an edit, overtaken by the deletion = %v, want %v", err, chat.ErrUnknownTarget)
	}
	h.post(t, bob, "room", chat.Message{Text: "the newest event can't be erased"})
	for _, e := range h.pageOf(t, "room") {
		if _, ok := e.Body.(chat.Edit); ok {
			t.Errorf("the page has %+v, want nothing of the message", e)
		}
	}
	for _, e := range h.stored(t, "room") {
		if about(e) == target {
			t.Errorf("the journal holds %+v, want it erased", e)
		}
	}
}
