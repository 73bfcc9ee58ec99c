package hub_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/presence"
	"chatroom/server/internal/store/memory"
)

// watcher adds up what it is notified of.
type watcher struct {
	count int
	named map[string]bool
}

func (w *watcher) take(items []chat.Item) {
	for _, item := range items {
		switch item := item.(type) {
		case chat.Joined:
			w.count = item.Rooms[0].Members
		case *chat.Event:
			switch body := item.Body.(type) {
			case chat.MemberJoined:
				w.count, w.named[item.Sender.ID] = body.Members, true
			case chat.MemberLeft:
				w.count = body.Members
				delete(w.named, item.Sender.ID)
			case chat.MemberCount:
				w.count = body.Members
			}
		}
	}
}

// members lists who is in a room, page by page.
func (h *testHub) members(t *testing.T, room string) []string {
	t.Helper()
	var ids []string
	after := ""
	for {
		page, total, more, err := h.Members(t.Context(), room, after, 3)
		if err != nil {
			t.Fatalf("Members(%q) = %v, want nil", room, err)
		}
		for _, m := range page {
			ids = append(ids, m.ID)
		}
		if !more {
			if total < len(ids) {
				t.Errorf("Members(%q): %d in all, and %d listed", room, total, len(ids))
			}
			return ids
		}
		after = ids[len(ids)-1]
	}
}

// Members come, go, come back and lose connections at random. When the grace period
// has passed, all members know exactly who is present.
func TestPresenceUnderChurn(t *testing.T) {
	for round := range 20 {
		synctest.Test(t, func(t *testing.T) { testChurn(t, rand.New(rand.NewPCG(uint64(round), 1))) })
	}
}

func testChurn(t *testing.T, r *rand.Rand) {
	h := newTestHub(t, hub.Config{Presence: presence.Config{SummarizeAbove: 6}}, memory.Config{})
	w := &watcher{named: make(map[string]bool)}
	watching := h.feed(t, chat.Anonymous, hub.Start{Room: "room"})
	open := make(map[*testFeed]chat.Member)
	for range 200 {
		<-time.After(time.Duration(r.IntN(3000)) * time.Millisecond)
		if r.IntN(2) == 0 {
			m := chat.Member{ID: fmt.Sprint("member-", r.IntN(12))}
			if r.IntN(5) == 0 {
				m = chat.Anonymous
			}
			f := h.newFeed(m)
			join(t, f, hub.Start{Room: "room"})
			open[f] = m
		} else {
			for f := range open { // any one
				if r.IntN(3) == 0 {
					if err := f.Leave("room"); err != nil {
						t.Errorf("Leave = %v, want nil", err)
					}
				}
				f.Close()
				delete(open, f)
				break
			}
		}
		w.take(drainAll(t, watching, 16))
	}
	<-time.After(presence.DefaultGrace + presence.DefaultInterval)
	synctest.Wait()
	w.take(drainAll(t, watching, 16))
	var want []string
	anonymous := 1 // the watcher
	for f, m := range open {
		if m.ID == "" {
			anonymous++
		} else {
			want = append(want, m.ID)
		}
		defer f.Close()
	}
	slices.Sort(want)
	want = slices.Compact(want)
	if got := h.members(t, "room"); !slices.Equal(got, want) {
		t.Errorf("Members = %v, want %v", got, want)
	}
	if w.count != len(want)+anonymous {
		t.Errorf("the watcher has counted %d, want %d members and %d without an id", w.count, len(want), anonymous)
	}
}

// A member that is lost and comes back within the grace period has never left; one
// that leaves in so many words is gone at once.
func TestPresenceAnnouncements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		watching := h.feed(t, alice, hub.Start{Room: "room"})
		drainAll(t, watching, 16)
		delivered := func() (all []string) {
			synctest.Wait()
			for _, item := range drainAll(t, watching, 16) {
				e := item.(*chat.Event)
				all = append(all, fmt.Sprintf("%T %s", e.Body, e.Sender.ID))
			}
			return all
		}
		want := func(what string, events ...string) {
			t.Helper()
			if got := delivered(); !slices.Equal(got, events) {
				t.Errorf("%s: notified of %q, want %q", what, got, events)
			}
		}
		first := h.newFeed(bob)
		join(t, first, hub.Start{Room: "room"})
		want("joining", "chat.MemberJoined B")
		second := h.newFeed(bob)
		join(t, second, hub.Start{Room: "room"})
		want("joining once more")
		first.Close()
		second.Close()
		<-time.After(presence.DefaultGrace - 1)
		want("losing both connections")
		third := h.newFeed(bob)
		join(t, third, hub.Start{Room: "room"})
		<-time.After(2 * presence.DefaultGrace)
		want("coming back in time")
		if err := third.Leave("room"); err != nil {
			t.Fatalf("Leave = %v, want nil", err)
		}
		want("leaving", "chat.MemberLeft B")
		third.Close()
	})
}

// BenchmarkPresence has 10,000 members join a room within 10 s of the clock's, with
// one who watches. It says what a join costs and how often the watcher is notified.
func BenchmarkPresence(b *testing.B) {
	const members = 10_000
	for b.Loop() {
		store := memory.Open(memory.Config{})
		s := hub.New(hub.Config{Journal: store, State: store, Rooms: []string{"room"}})
		watching := newTestFeed(s, chat.Member{ID: "watcher"})
		join(b, watching, hub.Start{Room: "room"})
		feeds := make([]*testFeed, members)
		for i := range feeds {
			feeds[i] = newTestFeed(s, chat.Member{ID: fmt.Sprint("member-", i)})
			join(b, feeds[i], hub.Start{Room: "room"})
		}
		b.StopTimer()
		b.ReportMetric(float64(len(drainAll(b, watching, 64))), "notices")
		watching.Close()
		for _, f := range feeds {
			f.Close()
		}
		s.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/members, "µs/join")
}
