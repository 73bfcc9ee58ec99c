package chat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/journal/memory"
)

// Readers who replay the same events share them.
func TestReplaysShareEvents(t *testing.T) {
	h := newHouse(t, chat.Config{}, memory.Config{})
	for i := range 20 {
		h.say(t, "room", fmt.Sprint(i))
	}
	replay := func() []chat.Item {
		f := h.NewFeed(gopher)
		defer f.Close()
		join(t, f, chat.Start{Room: "room", Recent: 20})
		items := drain(t, f, 64)
		return slices.DeleteFunc(items, func(item chat.Item) bool { _, ok := item.(*chat.Event); return !ok })
	}
	first, second := replay(), replay()
	if len(first) != 20 || !slices.Equal(first, second) {
		t.Errorf("two replays = %d and %d events, want the same 20", len(first), len(second))
	}
}

// What is too large to be remembered, and what has another event before it than it
// had, is read anew.
func TestReplaysReadAnew(t *testing.T) {
	h := newHouse(t, chat.Config{}, memory.Config{RoomEvents: 3})
	h.say(t, "room", "first")
	h.say(t, "room", strings.Repeat("🙂", 1200))
	h.say(t, "room", "third")
	newest := func() []*chat.Event {
		page, err := h.History(t.Context(), chat.Query{Room: "room"})
		if err != nil || len(page.Events) != 3 {
			t.Fatalf("History = %d events, %v, want 3", len(page.Events), err)
		}
		return page.Events
	}
	before, again := newest(), newest()
	if before[0] != again[0] || before[1] == again[1] || before[2] != again[2] {
		t.Errorf("read twice = %v and %v, want all but the large one to be the same", before, again)
	}
	h.say(t, "room", "fourth") // the first one goes
	h.say(t, "room", "fifth")  // and the large one
	if got := newest()[0]; got == before[2] || got.Previous != 0 {
		t.Errorf("the oldest event = %+v, want it to come after nothing", got)
	}
}
