package hub_test

import (
	"fmt"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

// largeRoom returns a store with a room of 100,000 messages, of which every tenth has a
// reaction.
func largeRoom(b *testing.B) *memory.Store {
	b.Helper()
	const messages = 100_000
	store := memory.Open(memory.Config{RoomEvents: 2 * messages, Bytes: 1 << 30})
	add := func(key string, body chat.Body, e chat.Entry) uint64 {
		payload, err := eventpb.Encoding{}.Encode(&chat.Event{ID: key, Sender: gopher, Body: body})
		if err != nil {
			b.Fatalf("Encode = %v, want nil", err)
		}
		e.Room, e.Key, e.Payload = "room", key, payload
		at, _, err := chat.Append(b.Context(), store, e)
		if err != nil {
			b.Fatalf("Append = %v, want nil", err)
		}
		return at.Sequence
	}
	for i := range messages {
		at := add(fmt.Sprint(i), chat.Message{Text: "hello"}, chat.Entry{Counted: true})
		if i%10 == 0 {
			add(fmt.Sprint("reaction-", i), chat.Reaction{Target: at, Emoji: "👍"}, chat.Entry{Relation: chat.Annotates, Target: at})
		}
	}
	return store
}

// BenchmarkFirstPage reads the first page of a room of 100,000 messages, each time with a
// service that has read nothing yet.
func BenchmarkFirstPage(b *testing.B) {
	store := largeRoom(b)
	head, err := store.Head(b.Context(), "room")
	if err != nil {
		b.Fatalf("Head = %v, want nil", err)
	}
	for b.Loop() {
		s := hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}})
		page, err := s.History(b.Context(), history.Query{Room: "room", After: &chat.Cursor{Epoch: head.Epoch}}, 0)
		if err != nil || len(page.Events) != 50 {
			b.Fatalf("History = %d events, %v, want 50", len(page.Events), err)
		}
		s.Close()
	}
}

// BenchmarkOldDeletion deletes old messages of a room of 100,000.
func BenchmarkOldDeletion(b *testing.B) {
	store := largeRoom(b)
	s := hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}})
	defer s.Close()
	page, err := s.History(b.Context(), history.Query{Room: "room", Limit: 1}, 0)
	if err != nil {
		b.Fatalf("History = %v, want nil", err)
	}
	target := page.Next.Sequence / 2
	for i := 0; b.Loop(); i++ {
		for sent := false; !sent; target++ { // a reaction is no target
			_, err := s.Send(b.Context(), gopher, chat.Post{Room: "room", ID: fmt.Sprint("deletion-", target), Body: chat.Deletion{Target: target}})
			sent = err == nil
		}
	}
}

// BenchmarkReactions sends 5,000 reactions to one message: the time of the last thousand
// should be that of the first.
func BenchmarkReactions(b *testing.B) {
	for b.Loop() {
		store := memory.Open(memory.Config{})
		s := hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}})
		receipt, err := s.Send(b.Context(), gopher, chat.Post{Room: "room", ID: "message", Body: chat.Message{Text: "hello"}})
		if err != nil {
			b.Fatalf("Send = %v, want nil", err)
		}
		for i := range 5000 {
			from := chat.Member{ID: fmt.Sprint("member-", i%1000)}
			body := chat.Reaction{Target: receipt.At.Sequence, Emoji: "👍", Removed: i/1000%2 == 1}
			if _, err := s.Send(b.Context(), from, chat.Post{Room: "room", ID: fmt.Sprint(i), Body: body}); err != nil {
				b.Fatalf("Send = %v, want nil", err)
			}
		}
		s.Close()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/5000, "µs/reaction")
}

// BenchmarkReplay reads the newest 1,000 events of a room, as those do who reconnect
// together.
func BenchmarkReplay(b *testing.B) {
	store := largeRoom(b)
	s := hub.New(hub.Config{Journal: store, State: store, Encoding: eventpb.Encoding{}})
	defer s.Close()
	buf := make([]chat.Item, 64)
	for b.Loop() {
		f := newTestFeed(s, gopher)
		join(b, f, hub.Start{Room: "room", Recent: 1000})
		for live := false; !live; {
			n, err := f.Next(b.Context(), buf)
			if err != nil {
				b.Fatalf("Next = %v, want nil", err)
			}
			for _, item := range buf[:n] {
				if _, ok := item.(chat.CaughtUp); ok {
					live = true
				}
			}
		}
		f.Close()
	}
}
