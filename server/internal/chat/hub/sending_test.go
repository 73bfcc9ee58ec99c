package hub_test

import (
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"buf.build/go/protovalidate"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

func TestSendRefuses(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	text := func(s string) chat.Body { return chat.Message{Text: s} }
	for _, tt := range []struct {
		name        string
		post        chat.Post
		field, rule string // empty if the post is good
	}{
		{"good", chat.Post{Room: "room", ID: "1", Body: text("hi")}, "", ""},
		{"longest", chat.Post{Room: strings.Repeat("z", 64), ID: strings.Repeat("i", 64), Body: text(strings.Repeat("é", 4000))}, "", ""},
		{"all of a name's characters", chat.Post{Room: "az09._-", ID: "\x00", Body: text("\n.\n")}, "", ""},
		{"no room", chat.Post{ID: "1", Body: text("hi")}, "room", "room.name"},
		{"long room", chat.Post{Room: strings.Repeat("z", 65), ID: "1", Body: text("hi")}, "room", "room.name"},
		{"capital", chat.Post{Room: "Room", ID: "1", Body: text("hi")}, "room", "room.name"},
		{"space", chat.Post{Room: "ro om", ID: "1", Body: text("hi")}, "room", "room.name"},
		{"newline", chat.Post{Room: "room\n", ID: "1", Body: text("hi")}, "room", "room.name"},
		{"slash", chat.Post{Room: "a/b", ID: "1", Body: text("hi")}, "room", "room.name"},
		{"not ASCII", chat.Post{Room: "é", ID: "1", Body: text("hi")}, "room", "room.name"},
		{"no id", chat.Post{Room: "room", Body: text("hi")}, "id", "id.length"},
		{"long id", chat.Post{Room: "room", ID: strings.Repeat("i", 65), Body: text("hi")}, "id", "id.length"},
		{"long id in bytes", chat.Post{Room: "room", ID: strings.Repeat("é", 33), Body: text("hi")}, "id", "id.length"},
		{"id not UTF-8", chat.Post{Room: "room", ID: "a\xff", Body: text("hi")}, "id", "id.utf8"},
		{"no body", chat.Post{Room: "room", ID: "1"}, "body", "body.required"},
		{"no text", chat.Post{Room: "room", ID: "1", Body: text("")}, "message.text", "text.length"},
		{"long text", chat.Post{Room: "room", ID: "1", Body: text(strings.Repeat("é", 4001))}, "message.text", "text.length"},
		{"white space", chat.Post{Room: "room", ID: "1", Body: text(" \t\r\n\u00a0\u2003")}, "message.text", "text.visible"},
		{"invisible", chat.Post{Room: "room", ID: "1", Body: text("\u2800 \u200b\u3164\u00ad")}, "message.text", "text.visible"},
		{"text not UTF-8", chat.Post{Room: "room", ID: "1", Body: text("a\xff")}, "message.text", "text.utf8"},
		{"half a surrogate pair", chat.Post{Room: "room", ID: "1", Body: text("\xed\xa0\x80")}, "message.text", "text.utf8"},
	} {
		_, err := h.Send(t.Context(), gopher, tt.post)
		if good := tt.field == ""; good && err != nil || !good && !isField(err, tt.field, tt.rule) {
			t.Errorf("Send, %s = %v, want a FieldError for %q, %q", tt.name, err, tt.field, tt.rule)
		}
	}
	page, err := h.Directory().List(t.Context(), directory.Query{Limit: 10})
	if err != nil || len(page.Rooms) != 3 {
		t.Errorf("Rooms() = %v, %v, want the 3 of the good posts", page.Rooms, err)
	}
}

// A retry is answered as the first attempt was, however much later it comes.
func TestSendDuplicates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{RoomEvents: 3})
		post := chat.Post{Room: "room", ID: "1", Body: chat.Message{Text: "first"}}
		first, err := h.Send(t.Context(), gopher, post)
		if err != nil || first.Duplicate || !first.Time.Equal(time.Now()) {
			t.Fatalf("Send = %+v, %v, want a new event at %v", first, err, time.Now())
		}
		<-time.After(time.Minute)
		want := first
		want.Duplicate = true
		if got, err := h.Send(t.Context(), gopher, post); err != nil || !got.Time.Equal(want.Time) || got.At != want.At || !got.Duplicate {
			t.Errorf("Send again = %+v, %v, want %+v", got, err, want)
		}
		h.sendMany(t, "room", 3)
		if got, err := h.Send(t.Context(), gopher, post); err != nil || !got.Time.IsZero() || got.At != want.At || !got.Duplicate {
			t.Errorf("Send again when the first is dropped = %+v, %v, want %v without a time", got, err, want.At)
		}
		post.Body = chat.Message{Text: "another text"}
		if got, err := h.Send(t.Context(), gopher, post); err != nil || got.At != want.At || !got.Duplicate {
			t.Errorf("Send of another text when the first is dropped = %+v, %v, want a duplicate: there is nothing to compare with", got, err)
		}
	})
}

// The same id with another body is an error, whatever has happened to the message since,
// and nothing is stored.
func TestSendReusedIDs(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	target := h.send(t, "room", "target").Sequence
	bodies := map[string]chat.Body{
		"text":     chat.Message{Text: "first"},
		"another":  chat.Message{Text: "second"},
		"reply":    chat.Message{Text: "first", ReplyTo: target},
		"edit":     chat.Edit{Target: target, Text: "first"},
		"reaction": chat.Reaction{Target: target, Emoji: "❤️"},
		"removal":  chat.Reaction{Target: target, Emoji: "❤️", Removed: true},
		"custom":   chat.Custom{Type: "type.googleapis.com/game.v1.Move", Payload: []byte{8, 1}},
		"custom 2": chat.Custom{Type: "type.googleapis.com/game.v1.Move", Payload: []byte{8, 2}},
	}
	for first, body := range bodies {
		receipt, err := h.Send(t.Context(), gopher, chat.Post{Room: "room", ID: first, Body: body})
		if err != nil {
			t.Fatalf("Send, %s = %v, want nil", first, err)
		}
		head, err := h.journal.Head(t.Context(), "room")
		if err != nil {
			t.Fatal(err)
		}
		for other, body := range bodies {
			got, err := h.Send(t.Context(), gopher, chat.Post{Room: "room", ID: first, Body: body})
			if other == first && (err != nil || !got.Duplicate || got.At != receipt.At) || other != first && !errors.Is(err, chat.ErrIDReused) {
				t.Errorf("Send, %s with the id of %s = %+v, %v, want a duplicate of the same body only", other, first, got, err)
			}
		}
		if after, err := h.journal.Head(t.Context(), "room"); err != nil || after.Last != head.Last {
			t.Errorf("the head after Send with the id of %s = %d, %v, want it still at %d", first, after.Last, err, head.Last)
		}
	}
	post := chat.Post{Room: "room", ID: "edited", Body: chat.Message{Text: "before"}}
	receipt, err := h.Send(t.Context(), gopher, post)
	if err != nil {
		t.Fatal(err)
	}
	h.post(t, gopher, "room", chat.Edit{Target: receipt.At.Sequence, Text: "after"})
	if got, err := h.Send(t.Context(), gopher, post); err != nil || !got.Duplicate {
		t.Errorf("Send again of a message that was edited = %+v, %v, want a duplicate", got, err)
	}
	post.Body = chat.Message{Text: "after"}
	if got, err := h.Send(t.Context(), gopher, post); !errors.Is(err, chat.ErrIDReused) {
		t.Errorf("Send of what a message was edited to = %+v, %v, want %v", got, err, chat.ErrIDReused)
	}
	h.post(t, gopher, "room", chat.Deletion{Target: receipt.At.Sequence})
	if got, err := h.Send(t.Context(), gopher, post); err != nil || !got.Duplicate || got.At != receipt.At {
		t.Errorf("Send with the id of a deleted message = %+v, %v, want a duplicate: there is nothing to compare with", got, err)
	}
}

// The two forms of one emoji are one reaction, also from what earlier versions have
// stored. What those have stored that is no emoji can be removed, and nothing else.
func TestReactionsOfEarlierVersions(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	target := h.send(t, "room", "target").Sequence
	for i, stored := range []string{"❤", "hello"} {
		payload, err := eventpb.Encoding{}.Encode(&chat.Event{ID: stored, Sender: alice, Body: chat.Reaction{Target: target, Emoji: stored}})
		if err != nil {
			t.Fatal(err)
		}
		entry := chat.Entry{Room: "room", Key: fmt.Sprint(i), Payload: payload, Relation: chat.Annotates, Target: target, Author: alice.ID}
		if _, _, err := chat.Append(t.Context(), h.journal, entry); err != nil {
			t.Fatal(err)
		}
	}
	h.post(t, bob, "room", chat.Reaction{Target: target, Emoji: "❤️"})
	h.post(t, bob, "room", chat.Reaction{Target: target, Emoji: "❤"})
	check := func(want ...chat.Reactions) {
		t.Helper()
		page, err := h.History(t.Context(), history.Query{Room: "room"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := page.Events[0].Changes.Reactions; !reflect.DeepEqual(got, want) {
			t.Errorf("Reactions = %+v, want %+v", got, want)
		}
		for _, e := range page.Events[1:] {
			if r, ok := e.Body.(chat.Reaction); ok && r.Emoji == "❤" {
				t.Errorf("event %d has the reaction %+q, want its one form", e.Sequence, r.Emoji)
			}
		}
	}
	check(chat.Reactions{Emoji: "hello", Members: []string{alice.ID}}, chat.Reactions{Emoji: "❤️", Members: []string{alice.ID, bob.ID}})
	for _, tt := range []struct {
		from    chat.Member
		emoji   string
		removed bool
		refused bool
	}{
		{bob, "hello", false, true},
		{bob, "hello", true, true},
		{alice, "bye", true, true},
		{alice, "a b", true, true},
		{alice, "hello", true, false},
		{alice, "❤", true, false},
		{bob, "👍", true, false}, // has no effect
	} {
		post := chat.Post{Room: "room", ID: fmt.Sprint(tt), Body: chat.Reaction{Target: target, Emoji: tt.emoji, Removed: tt.removed}}
		for range 2 { // a retry is answered in the same way
			if _, err := h.Send(t.Context(), tt.from, post); isField(err, "reaction.emoji", "emoji.rgi") != tt.refused || err != nil && !tt.refused {
				t.Errorf("Send of %+v by %s = %v, want it refused: %t", post.Body, tt.from.ID, err, tt.refused)
			}
		}
	}
	check(chat.Reactions{Emoji: "❤️", Members: []string{bob.ID}})
}

// Whose id it is decides about what is the same send.
func TestSendKeys(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	type send struct {
		from           chat.Member
		room, id, text string
		duplicate      bool
	}
	other := chat.Member{ID: "O", Name: "gopher", Guest: true}
	renamed := chat.Member{ID: "G", Name: "renamed"}
	for i, s := range []send{
		{gopher, "room", "1", "hi", false},
		{gopher, "room", "1", "hi", true},
		{renamed, "room", "1", "hi", true},
		{gopher, "room", "2", "hi", false},
		{gopher, "another-room", "1", "hi", false},
		{other, "room", "1", "hi", false},
		{chat.Anonymous, "room", "1", "hi", false},
		{chat.Anonymous, "room", "1", "hi", true},
		{chat.Anonymous, "room", "1", "else", false}, // two who both begin with 1
		{chat.Anonymous, "room", "2", "hi", false},
		{chat.Member{ID: "a"}, "room", "b:c", "hi", false},
		{chat.Member{ID: "a:b"}, "room", "c", "hi", false}, // ids of other providers may hold anything
		{chat.Member{ID: "a:b:c"}, "room", "c", "hi", false},
		{chat.Member{ID: `a" "b`}, "room", "c", "hi", false},
		{chat.Member{ID: "a"}, "room", `b" "c`, "hi", false},
		{chat.Member{ID: "ab"}, "room", "c", "hi", false},
		{chat.Member{ID: "a"}, "room", "bc", "hi", false},
	} {
		receipt, err := h.Send(t.Context(), s.from, chat.Post{Room: s.room, ID: s.id, Body: chat.Message{Text: s.text}})
		if err != nil || receipt.Duplicate != s.duplicate {
			t.Errorf("send %d: Send(%q as %q, id %q, %q) = duplicate %t, %v, want %t", i, s.room, s.from.ID, s.id, s.text, receipt.Duplicate, err, s.duplicate)
		}
	}
}

func TestSendWithFailingJournal(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	post := chat.Post{Room: "room", ID: "1", Body: chat.Message{Text: "hi"}}
	h.journal.failing("Submit")
	if _, err := h.Send(t.Context(), gopher, post); !errors.Is(err, errBroken) {
		t.Errorf("Send with a failing journal = %v, want %v", err, errBroken)
	}
	h.journal.failing("Read")
	for attempt, want := range []error{nil, errBroken} {
		if _, err := h.Send(t.Context(), gopher, post); !errors.Is(err, want) {
			t.Errorf("Send, attempt %d with a journal that can't read = %v, want %v", attempt, err, want)
		}
	}
}

// An event that can't be decoded keeps its sequence, so that receivers do not see a gap.
func TestUnreadableEventKeepsItsPlace(t *testing.T) {
	journal := &probe{Store: memory.Open(memory.Config{})}
	s := hub.New(hub.Config{Journal: journal, State: journal, Encoding: eventpb.Encoding{}, Log: slog.New(slog.DiscardHandler)})
	h := &testHub{Hub: s, journal: journal}
	defer s.Close()
	f := h.feed(t, gopher, hub.Start{Room: "room"})
	drain(t, f, 8)
	h.send(t, "room", "before")
	if _, _, err := chat.Append(t.Context(), journal, chat.Entry{Room: "room", Key: "key", Payload: []byte("\xff\xff")}); err != nil {
		t.Fatalf("Append = %v, want nil", err)
	}
	h.send(t, "room", "after")
	page, err := h.History(t.Context(), history.Query{Room: "room"}, 0)
	if err != nil || len(page.Events) != 3 {
		t.Fatalf("History = %d events, %v, want 3", len(page.Events), err)
	}
	items := drain(t, f, 8)
	if len(items) != 3 {
		t.Fatalf("items = %q, want 3 events", show(items...))
	}
	for i, item := range items {
		for by, e := range map[string]*chat.Event{"a feed": item.(*chat.Event), "History": page.Events[i]} {
			if e.Room != "room" || e.Sequence != uint64(i+1) || e.Previous != uint64(i) || (e.Body == nil) != (i == 1) {
				t.Errorf("event %d by %s = %+v, want it in its place, and only the second without a body", i, by, e)
			}
		}
	}
}

// FuzzSend compares what Send refuses with what the contract says is refused.
func FuzzSend(f *testing.F) {
	long := strings.Repeat("é", 4000)
	for _, seed := range [][3]string{
		{"lobby", "1", "hi"}, {"", "", ""}, {"Lobby", "1", "hi"}, {"lobby\n", "1", "hi"}, {"a/b", "1", "hi"}, {"é", "é", "é"},
		{strings.Repeat("a", 64), strings.Repeat("i", 64), long}, {strings.Repeat("a", 65), strings.Repeat("i", 65), long + "é"},
		{"room", strings.Repeat("é", 33), " \n\u2003"}, {"room", "\xff", "\xff"}, {"..", "\x00", "\x00"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	validator, err := protovalidate.New()
	if err != nil {
		f.Fatalf("New() = %v, want nil", err)
	}
	f.Fuzz(func(t *testing.T, room, id, text string) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		_, err := h.Send(t.Context(), gopher, chat.Post{Room: room, ID: id, Body: chat.Message{Text: text}})
		field, refused := errors.AsType[*chat.FieldError](err)
		if err != nil && !refused {
			t.Fatalf("Send(%q, %q, %q) = %v, want nil or a FieldError", room, id, text, err)
		}
		if !utf8.ValidString(room + " " + id + " " + text) {
			if !refused {
				t.Errorf("Send(%q, %q, %q) = nil, want what is not UTF-8 refused", room, id, text)
			}
			return
		}
		contract := validator.Validate(&chatv1.SendRequest{Room: room, Id: id, Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}}})
		stricter := refused && field.Rule == "text.visible" // more than a rule of the contract can say
		if (contract != nil) != refused && !stricter {
			t.Errorf("Send(%q, %q, %q) = %v, but the contract's rules say %v", room, id, text, err, contract)
		}
	})
}
