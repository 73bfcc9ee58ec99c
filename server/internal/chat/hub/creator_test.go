package hub_test

import (
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

func (h *testHub) expectCreator(t *testing.T, room, want string) {
	t.Helper()
	if got, err := h.Creator(t.Context(), room); got != want || err != nil {
		t.Errorf("Creator(%q) = %q, %v, want %q", room, got, err, want)
	}
}

// The creator of a room is who stores its first event or profile, unless another member was
// in it before. It stays the same, also for a hub that is opened later.
func TestCreator(t *testing.T) {
	h := newTestHub(t, hub.Config{Rooms: []string{"lobby"}}, memory.Config{})
	ada := chat.Member{ID: "ADA", Name: "Ada"}
	post := func(m chat.Member, room, id string) {
		t.Helper()
		if _, err := h.Send(t.Context(), m, chat.Post{Room: room, ID: id, Body: chat.Message{Text: "hi"}}); err != nil {
			t.Fatal(err)
		}
	}
	post(gopher, "lobby", "1")
	post(gopher, "sent", "2")
	post(ada, "sent", "3")
	post(chat.Anonymous, "anonymous", "4")
	post(ada, "anonymous", "5")
	if err := h.SetProfile(t.Context(), ada, "set", chat.Profile{Topic: "tea"}); err != nil {
		t.Fatal(err)
	}
	post(gopher, "set", "6")

	first, second := h.newFeed(ada), h.newFeed(gopher)
	t.Cleanup(first.Close)
	t.Cleanup(second.Close)
	for _, feed := range []*testFeed{first, second} {
		if err := feed.Join(t.Context(), hub.Start{Room: "joined"}); err != nil {
			t.Fatal(err)
		}
	}
	h.expectCreator(t, "joined", ada.ID) // before anything of it is stored
	post(gopher, "joined", "7")

	visitor := h.newFeed(chat.Anonymous)
	t.Cleanup(visitor.Close)
	if err := visitor.Join(t.Context(), hub.Start{Room: "visited"}); err != nil {
		t.Fatal(err)
	}
	post(gopher, "visited", "8")
	if err := visitor.Join(t.Context(), hub.Start{Room: "sent"}); err != nil {
		t.Fatal(err)
	}

	later := hub.New(hub.Config{Journal: h.journal, State: h.journal, Encoding: eventpb.Encoding{}, Rooms: []string{"lobby"}})
	t.Cleanup(later.Close)
	for _, h := range []*testHub{h, {Hub: later}} {
		h.expectCreator(t, "lobby", "")
		h.expectCreator(t, "unknown", "")
		h.expectCreator(t, "anonymous", "")
		h.expectCreator(t, "visited", gopher.ID)
		h.expectCreator(t, "sent", gopher.ID)
		h.expectCreator(t, "set", ada.ID)
		h.expectCreator(t, "joined", ada.ID)
	}
}

// A moderator deletes the messages of others, and edits none of them.
func TestModeratedDeletion(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	ada := chat.Member{ID: "ADA", Name: "Ada"}
	target := h.send(t, "lobby", "something bad").Sequence
	for name, tt := range map[string]struct {
		body      chat.Body
		moderates bool
		refused   bool
	}{
		"a deletion":                {chat.Deletion{Target: target}, false, true},
		"an edit of a moderator":    {chat.Edit{Target: target, Text: "good"}, true, true},
		"a deletion of a moderator": {chat.Deletion{Target: target}, true, false},
	} {
		_, err := h.Send(t.Context(), ada, chat.Post{Room: "lobby", ID: name, Body: tt.body, Moderates: tt.moderates})
		if (err != nil) != tt.refused {
			t.Errorf("%s = %v, want it refused: %t", name, err, tt.refused)
		}
	}
}
