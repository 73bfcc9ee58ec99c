package hub_test

import (
	"fmt"
	"slices"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

// Readers who replay the same events share them.
func TestReplaysShareEvents(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	for i := range 20 {
		h.send(t, "room", fmt.Sprint(i))
	}
	replay := func() []chat.Item {
		f := h.newFeed(gopher)
		defer f.Close()
		join(t, f, hub.Start{Room: "room", Recent: 20})
		items := drain(t, f, 64)
		return slices.DeleteFunc(items, func(item chat.Item) bool { _, ok := item.(*chat.Event); return !ok })
	}
	first, second := replay(), replay()
	if len(first) != 20 || !slices.Equal(first, second) {
		t.Errorf("two replays = %d and %d events, want the same 20", len(first), len(second))
	}
}

// What has another event before it than it had is read anew, and so is what there is no
// memory for.
func TestReplaysReadAnew(t *testing.T) {
	for _, memoryBytes := range []int{0, 1} {
		h := newTestHub(t, hub.Config{MemoryBytes: memoryBytes}, memory.Config{RoomEvents: 3})
		h.sendMany(t, "room", 3)
		before, again := h.pageOf(t, "room"), h.pageOf(t, "room")
		for i := range before {
			if shared := before[i] == again[i]; shared != (memoryBytes == 0) {
				t.Errorf("with memory %d, event %d was read twice as %p and %p", memoryBytes, i, before[i], again[i])
			}
		}
		h.send(t, "room", "fourth") // the first one goes
		if got := h.pageOf(t, "room")[0]; got == before[1] || got.Previous != 0 {
			t.Errorf("the oldest event = %+v, want it to come after nothing", got)
		}
	}
}
