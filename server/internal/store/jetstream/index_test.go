package jetstream

import (
	"fmt"
	"slices"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/store/storetest"
	"chatroom/server/internal/testenv"
)

// An index that has space for next to nothing is as good as a large one.
func TestSmallIndex(t *testing.T) {
	testenv.RequireFull(t, "TestStore runs the suite with a large index")
	t.Parallel()
	servers := startNATS(t)
	storetest.Run(t, func(t *testing.T) storetest.Store {
		return open(t, Config{URL: servers.fresh(t), IndexBytes: 1})
	})
}

// A node that comes later reads deep into a room whose events are far apart.
func TestColdRoom(t *testing.T) {
	t.Parallel()
	const events, apart = 400, 40
	servers := startNATS(t)
	url := servers.fresh(t)
	s := open(t, Config{URL: url})
	var want []uint64
	answers := make(chan chat.Appended, events)
	for i := range events * apart {
		e := chat.Entry{Room: "others", Key: fmt.Sprint(i)}
		if i%apart == 0 {
			e.Room, e.Counted = "room", true
		}
		s.Submit(t.Context(), e, func(a chat.Appended) {
			if e.Room == "room" {
				answers <- a
			}
		})
	}
	for range events {
		want = append(want, (<-answers).At.Sequence)
	}
	if _, err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	// As if the store were opened a while later.
	if err := s.mark.change(t.Context(), func(h *highwater) bool {
		h.Scrubbed = s.feed.position()
		return true
	}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ from, limit int }{{0, 50}, {200, 50}, {390, 50}, {events, 50}} {
		cold := open(t, Config{URL: url})
		after := uint64(0)
		if tt.from > 0 {
			after = want[tt.from-1]
		}
		got, err := cold.Read(t.Context(), "room", after, tt.limit)
		if err != nil || !slices.Equal(sequencesOf(t, after, got), want[tt.from:min(events, tt.from+tt.limit)]) {
			t.Errorf("Read(%d, %d) = %d events, %v, want those from %d on", after, tt.limit, len(got), err, tt.from)
		}
		back, err := cold.ReadBack(t.Context(), "room", after+1, tt.limit)
		first := max(0, tt.from-tt.limit)
		if err != nil || len(back) != tt.from-first || len(back) > 0 && back[0].Sequence != want[first] {
			t.Errorf("ReadBack(%d, %d) = %d events, %v, want those from %d on", after+1, tt.limit, len(back), err, first)
		}
		if n, err := cold.Count(t.Context(), "room", after, "", 1000); err != nil || n != events-tt.from {
			t.Errorf("Count(%d) = %d, %v, want %d", after, n, err, events-tt.from)
		}
		closed(t, cold)
	}
}

// sequencesOf returns the sequences of a chain of events that comes after one.
func sequencesOf(t *testing.T, previous uint64, events []chat.Stored) (all []uint64) {
	t.Helper()
	for _, e := range events {
		if e.Previous != previous {
			t.Errorf("event %d comes after %d, want %d", e.Sequence, e.Previous, previous)
		}
		previous = e.Sequence
		all = append(all, e.Sequence)
	}
	return all
}

// An edit that the index does not have is hidden with its message: Head does not name it.
func TestHeadHidesEditsBeyondTheIndex(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	s := open(t, Config{URL: servers.fresh(t), IndexBytes: 1})
	submit := func(e chat.Entry) uint64 {
		t.Helper()
		at, _, err := chat.Append(t.Context(), s, e)
		if err != nil {
			t.Fatal(err)
		}
		return at.Sequence
	}
	message := submit(chat.Entry{Room: "room", Key: "message", Payload: []byte("message"), Counted: true})
	submit(chat.Entry{Room: "room", Key: "edit", Payload: []byte("edit"), Relation: chat.Revises, Target: message})
	for i := range 100 { // so that the index drops what it has of the room
		submit(chat.Entry{Room: fmt.Sprint("other-", i), Key: "message"})
	}
	deletion := submit(chat.Entry{Room: "room", Key: "deletion", Relation: chat.Erases, Target: message})
	head, err := s.Head(t.Context(), "room")
	if err != nil || head.First != deletion || head.Last != deletion {
		t.Errorf("Head = %+v, %v, want First and Last %d, the deletion", head, err, deletion)
	}
}
