package hub_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

// Readers who ask for the same page at once have its changes looked up once, also when
// the one of them who reads goes away.
func TestReadersShareALookup(t *testing.T) {
	for _, firstGoes := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			h := newTestHub(t, hub.Config{}, memory.Config{})
			for _, at := range h.sendMany(t, "room", 50) {
				h.post(t, alice, "room", chat.Reaction{Target: at.Sequence, Emoji: "👍"})
			}
			reading, cancel := context.WithCancel(t.Context())
			defer cancel()
			before := h.journal.lookups.Load()
			proceed := make(chan struct{})
			h.journal.duringLookup = func() { <-proceed }
			query := history.Query{Room: "room", After: h.cursor(t, "room", 0)}
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := h.History(reading, query, 0); firstGoes != errors.Is(err, context.Canceled) {
					t.Errorf("History of the first reader, who goes: %t = %v", firstGoes, err)
				}
			})
			synctest.Wait()
			for range 15 {
				wg.Go(func() {
					page, err := h.History(t.Context(), query, 0)
					if err != nil || len(page.Events) != 50 || page.Events[49].Changes == nil {
						t.Errorf("History = %d events, %v, want 50 with their reactions", len(page.Events), err)
					}
				})
			}
			synctest.Wait()
			if firstGoes {
				cancel()
			}
			close(proceed)
			wg.Wait()
			want := int32(1)
			if firstGoes {
				want = 2 // of the first reader, and of one of the others for all of them
			}
			if n := h.journal.lookups.Load() - before; n != want {
				t.Errorf("16 readers, the first of whom goes: %t, made %d look-ups, want %d", firstGoes, n, want)
			}
		})
	}
}

// What a page costs does not depend on the size of the room.
func TestPagesLookUpTheirOwnMessages(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{RoomEvents: 10_000})
	at := h.sendMany(t, "room", 4000)
	h.post(t, alice, "room", chat.Reaction{Target: at[3].Sequence, Emoji: "👍"})
	h.post(t, gopher, "room", chat.Edit{Target: at[3999].Sequence, Text: "edited"})
	reads, lookups, found := h.journal.reads.Load(), h.journal.lookups.Load(), h.journal.found.Load()
	query := history.Query{Room: "room", After: h.cursor(t, "room", 0)}
	for range 3 {
		page, err := h.History(t.Context(), query, 0)
		if err != nil || page.Events[3].Changes == nil || page.Events[4].Changes != nil {
			t.Fatalf("History = %+v, %v, want a reaction to the fourth message", page, err)
		}
	}
	reads, lookups, found = h.journal.reads.Load()-reads, h.journal.lookups.Load()-lookups, h.journal.found.Load()-found
	if reads != 3 || lookups != 1 || found != 1 {
		t.Errorf("three pages took %d reads and %d look-ups, which found %d events, want 3, 1 and 1", reads, lookups, found)
	}
	reads = h.journal.reads.Load()
	h.post(t, gopher, "room", chat.Deletion{Target: at[0].Sequence})
	if n := h.journal.reads.Load() - reads; n != 1 {
		t.Errorf("a deletion of an old message took %d reads, want 1", n)
	}
}

// Each reaction to a message is looked up once, however many there are; and a message
// takes no more than it may have.
func TestReactionsAreBounded(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	target := h.send(t, "room", "popular").Sequence
	member := func(i int) chat.Member { return chat.Member{ID: fmt.Sprint("member-", i)} }
	react := func(i, attempt int, removed bool) (chat.Receipt, error) {
		body := chat.Reaction{Target: target, Emoji: []string{"❤️", "👍"}[i%2], Removed: removed}
		return h.Send(t.Context(), member(i), chat.Post{Room: "room", ID: fmt.Sprint("reaction-", attempt), Body: body})
	}
	for i := range chat.MaxReactors {
		if _, err := react(i, 1, false); err != nil {
			t.Fatalf("reaction %d = %v, want nil", i, err)
		}
	}
	if n := h.journal.found.Load(); n > chat.MaxReactors {
		t.Errorf("%d reactions had %d events looked up, want each once", chat.MaxReactors, n)
	}
	late := chat.MaxReactors
	if _, err := react(late, 1, false); !isField(err, "reaction.target", "reaction.count") {
		t.Errorf("reaction %d = %v, want a FieldError", late, err)
	}
	if r, err := react(7, 1, false); err != nil || !r.Duplicate {
		t.Errorf("a retry at the bound = %+v, %v, want a duplicate", r, err)
	}
	if _, err := react(7, 2, false); err != nil {
		t.Errorf("a reaction that stands already, at the bound = %v, want nil", err)
	}
	if _, err := react(7, 3, true); err != nil {
		t.Errorf("taking a reaction away, at the bound = %v, want nil", err)
	}
	if _, err := react(late, 2, false); err != nil {
		t.Errorf("a reaction in place of one that was removed = %v, want nil", err)
	}
	if r, err := react(7, 1, false); err != nil || !r.Duplicate {
		t.Errorf("a retry of what was taken away, at the bound = %+v, %v, want a duplicate", r, err)
	}
	n := 0
	page, err := h.History(t.Context(), history.Query{Room: "room", After: h.cursor(t, "room", 0)}, 0)
	if err != nil {
		t.Fatalf("History = %v, want nil", err)
	}
	for _, r := range page.Events[0].Changes.Reactions {
		n += len(r.Members)
	}
	if n != chat.MaxReactors {
		t.Errorf("the message has %d reactions, want %d", n, chat.MaxReactors)
	}
}

// animal returns one of many emoji.
func animal(i int) string { return string(rune(0x1F400 + i)) }

func TestEmojiAreBounded(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	target := h.send(t, "room", "popular").Sequence
	for i := range chat.MaxReactions {
		h.post(t, alice, "room", chat.Reaction{Target: target, Emoji: animal(i)})
	}
	one := chat.Post{Room: "room", ID: "one more", Body: chat.Reaction{Target: target, Emoji: "👍"}}
	if _, err := h.Send(t.Context(), bob, one); !isField(err, "reaction.emoji", "emoji.count") {
		t.Errorf("one more emoji = %v, want a FieldError", err)
	}
	h.post(t, bob, "room", chat.Reaction{Target: target, Emoji: animal(7)})
	h.post(t, alice, "room", chat.Reaction{Target: target, Emoji: animal(8), Removed: true})
	if _, err := h.Send(t.Context(), bob, one); err != nil {
		t.Errorf("an emoji in place of one that was removed = %v, want nil", err)
	}
}

// Reactions count for the size of a page, too.
func TestPageSizeIncludesReactions(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{Bytes: 1 << 30})
	at := h.sendMany(t, "room", 6)
	for i := range chat.MaxReactors {
		for _, c := range at {
			from := chat.Member{ID: fmt.Sprint(strings.Repeat("long", 100), i)}
			h.post(t, from, "room", chat.Reaction{Target: c.Sequence, Emoji: "👍"})
		}
	}
	forward, err := h.History(t.Context(), history.Query{Room: "room", Limit: 6, After: h.cursor(t, "room", 0)}, 0)
	if got := len(forward.Events); err != nil || got != 2 || !forward.More || forward.Next.Sequence != at[1].Sequence {
		t.Errorf("page forward = %d events, more %t, next %v, %v, want 2, and to go on after them", got, forward.More, forward.Next, err)
	}
	backward, err := h.History(t.Context(), history.Query{Room: "room", Limit: 6, Before: &at[5]}, 0)
	if got := len(backward.Events); err != nil || got != 2 || !backward.More || backward.Events[1].Sequence != at[4].Sequence {
		t.Errorf("page backward = %d events, more %t, %v, want the 2 before the last", got, backward.More, err)
	}
}

func TestHistoryWithFailingLookup(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.sendMany(t, "room", 2)
	h.journal.failing("Changes")
	if _, err := h.History(t.Context(), history.Query{Room: "room"}, 0); !errors.Is(err, errBroken) {
		t.Errorf("History = %v, want %v", err, errBroken)
	}
	h.journal.failing("")
	if events := h.pageOf(t, "room"); len(events) != 2 {
		t.Errorf("History after that = %d events, want 2", len(events))
	}
}
