package hub_test

import (
	"fmt"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

// BenchmarkFirstRooms lists rooms for the first time after a start, with 100,000 in
// the store.
func BenchmarkFirstRooms(b *testing.B) {
	const many = 100_000
	store := memory.Open(memory.Config{})
	b.Cleanup(func() { _ = store.Close() })
	for i := range many {
		entry := chat.Entry{Room: fmt.Sprintf("room-%06d", i), Key: "1", Payload: []byte("hi"), Counted: true}
		if _, _, err := chat.Append(b.Context(), store, entry); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		s := hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}})
		page, err := s.Directory().List(b.Context(), directory.Query{Limit: 100})
		if err != nil || page.Next == "" {
			b.Fatalf("Rooms = %v, %v, want a page and more", page, err)
		}
		s.Close()
	}
}
