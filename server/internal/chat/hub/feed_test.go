package hub_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

func TestFeedStarts(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	var at []chat.Cursor
	for i := range 5 {
		at = append(at, h.send(t, "room", fmt.Sprint(i)))
		h.send(t, "others", "gaps between the room's sequences")
	}
	last := at[4].Sequence
	events := func(from int) []string {
		var texts []string
		for _, c := range at[from:] {
			texts = append(texts, fmt.Sprintf("room %d", c.Sequence))
		}
		return texts
	}
	after := func(sequence uint64) hub.Start {
		return hub.Start{Room: "room", After: &chat.Cursor{Epoch: at[0].Epoch, Sequence: sequence}}
	}
	for _, tt := range []struct {
		name  string
		start hub.Start
		want  []string
	}{
		{"live", hub.Start{Room: "room"}, nil},
		{"after nothing", after(0), events(0)},
		{"after the first", after(at[0].Sequence), events(1)},
		{"between events", after(at[1].Sequence + 1), events(2)},
		{"after the last", after(last), nil},
		{"recent 1", hub.Start{Room: "room", Recent: 1}, events(4)},
		{"recent 3", hub.Start{Room: "room", Recent: 3}, events(2)},
		{"recent 5", hub.Start{Room: "room", Recent: 5}, events(0)},
		{"recent 1000", hub.Start{Room: "room", Recent: chat.MaxRecent}, events(0)},
		{"after and recent", hub.Start{Room: "room", After: after(at[3].Sequence).After, Recent: 3}, events(4)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := append(append([]string{fmt.Sprintf("joined room@%d members=1", last)}, tt.want...), "caught up room")
			for _, size := range []int{1, 2, 64} {
				f := h.newFeed(gopher)
				join(t, f, tt.start)
				if got := show(drain(t, f, size)...); !slices.Equal(got, want) {
					t.Errorf("items, %d at a time = %q, want %q", size, got, want)
				}
				f.Close()
			}
		})
	}
}

// A live feed begins behind the head that Joined gives, to the event.
func TestFeedLive(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.sendMany(t, "room", 3)
	f := h.feed(t, gopher, hub.Start{Room: "room"})
	between := h.send(t, "room", "said before the first Next")
	want := []string{"joined room@3 members=1", "caught up room", fmt.Sprintf("room %d", between.Sequence)}
	if got := show(drain(t, f, 64)...); !slices.Equal(got, want) {
		t.Errorf("items = %q, want %q", got, want)
	}
	h.send(t, "others", "elsewhere")
	at := h.send(t, "room", "live")
	items := drain(t, f, 64)
	if len(items) != 1 {
		t.Fatalf("items = %q, want one event", show(items...))
	}
	e, ok := items[0].(*chat.Event)
	if !ok || e.Sequence != at.Sequence || e.Previous != between.Sequence || e.Room != "room" || e.Sender != gopher || e.Body != (chat.Message{Text: "live"}) || e.Time.IsZero() || e.ID == "" {
		t.Errorf("event = %+v, want the one sent, as it was sent", e)
	}
}

func TestFeedJoinsOncePerJoin(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.sendMany(t, "a", 2)
	f := h.feed(t, gopher, hub.Start{Room: "a", Recent: 5}, hub.Start{Room: "b"})
	join(t, f, hub.Start{Room: "c", Recent: 5})
	want := []string{"joined a@2 members=1 b@0 members=1", "joined c@0 members=1"}
	items := show(drain(t, f, 64)...)
	if len(items) < 2 || !slices.Equal(items[:2], want) {
		t.Fatalf("items = %q, want %q first", items, want)
	}
	rest := items[2:]
	slices.Sort(rest)
	if want := []string{"a 1", "a 2", "caught up a", "caught up b", "caught up c"}; !slices.Equal(rest, want) {
		t.Errorf("items after Joined = %q, want %q in some order", rest, want)
	}
}

// A long replay of one room must not hold up what is live in another.
func TestFeedRoomsTakeTurns(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.sendMany(t, "long", 1000)
	f := h.feed(t, gopher, hub.Start{Room: "long", After: h.cursor(t, "long", 0)}, hub.Start{Room: "live"}, hub.Start{Room: "live-too"})
	buf := make([]chat.Item, 16)
	if n, err := f.Next(t.Context(), buf[:1]); n != 1 || err != nil { // Joined
		t.Fatalf("Next() = %d, %v, want 1", n, err)
	}
	for i := range 20 {
		for _, room := range []string{"live", "live-too"} {
			at := h.send(t, room, fmt.Sprint(i))
			found := false
			// With three rooms, each has its turn within three calls.
			for range 3 {
				n, err := f.Next(t.Context(), buf)
				if err != nil {
					t.Fatalf("Next() = %v, want nil", err)
				}
				found = found || slices.Contains(sequencesOf(buf[:n]), at.Sequence)
			}
			if !found {
				t.Fatalf("%q was not delivered in 3 calls of Next during the replay of another room", room)
			}
		}
	}
}

// A reader that falls behind the window goes back to the journal.
func TestFeedLagging(t *testing.T) {
	for _, window := range []int{1, 2, 16} {
		h := newTestHub(t, hub.Config{Window: window}, memory.Config{})
		f := h.feed(t, gopher, hub.Start{Room: "room"})
		drain(t, f, 64)
		var want []uint64
		for _, c := range h.sendMany(t, "room", 700) {
			want = append(want, c.Sequence)
		}
		items := drain(t, f, 64)
		if got := sequencesOf(items); !slices.Equal(got, want) {
			t.Errorf("window %d: got %d events %v, want all %d", window, len(got), got, len(want))
		}
		if last := items[len(items)-1]; last != (chat.CaughtUp{Room: "room"}) {
			t.Errorf("window %d: last item = %v, want caught up", window, last)
		}
		live := h.send(t, "room", "live again")
		if got := show(drain(t, f, 64)...); !slices.Equal(got, []string{fmt.Sprintf("room %d", live.Sequence)}) {
			t.Errorf("window %d: after the replay = %q, want the live event", window, got)
		}
	}
}

func TestFeedResets(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{RoomEvents: 5})
	at := h.sendMany(t, "room", 12)
	epoch := at[0].Epoch
	reset := []string{"joined room@12 members=1", "reset room oldest=8 head=12", "caught up room"}
	for _, tt := range []struct {
		name  string
		after chat.Cursor
		want  []string
	}{
		{"another epoch", chat.Cursor{Epoch: "other", Sequence: 10}, reset},
		{"another epoch, at 0", chat.Cursor{Epoch: "other"}, reset},
		{"no epoch", chat.Cursor{Sequence: 10}, reset},
		{"beyond the end", chat.Cursor{Epoch: epoch, Sequence: 13}, reset},
		{"dropped", chat.Cursor{Epoch: epoch, Sequence: 6}, reset},
		{"long dropped", chat.Cursor{Epoch: epoch, Sequence: 1}, reset},
		{"the newest dropped", chat.Cursor{Epoch: epoch, Sequence: 7}, []string{
			"joined room@12 members=1", "room 8", "room 9", "room 10", "room 11", "room 12", "caught up room"}},
		{"from the beginning", chat.Cursor{Epoch: epoch}, []string{
			"joined room@12 members=1", "room 8", "room 9", "room 10", "room 11", "room 12", "caught up room"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := h.newFeed(gopher)
			defer f.Close()
			join(t, f, hub.Start{Room: "room", After: &tt.after})
			items := drain(t, f, 64)
			if got := show(items...); !slices.Equal(got, tt.want) {
				t.Fatalf("items = %q, want %q", got, tt.want)
			}
			if r, ok := items[1].(chat.Reset); ok && r.Epoch != epoch {
				t.Errorf("Reset.Epoch = %q, want %q", r.Epoch, epoch)
			}
		})
	}
}

// A request for more recent events than are retained gets those that are.
func TestFeedRecentUnderRetention(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{RoomEvents: 5})
	h.sendMany(t, "room", 12)
	for recent, want := range map[int][]uint64{1: {12}, 4: {9, 10, 11, 12}, 5: {8, 9, 10, 11, 12}, 6: {8, 9, 10, 11, 12}, 1000: {8, 9, 10, 11, 12}} {
		f := h.newFeed(gopher)
		join(t, f, hub.Start{Room: "room", Recent: recent})
		items := drain(t, f, 64)
		if got := sequencesOf(items); !slices.Equal(got, want) || len(items) != len(want)+2 {
			t.Errorf("recent %d of 5 = %q, want the events %v between Joined and CaughtUp", recent, show(items...), want)
		}
		f.Close()
	}
}

// After a Reset a feed is live, as Joined said.
func TestFeedContinuesAfterReset(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.sendMany(t, "room", 3)
	f := h.feed(t, gopher, hub.Start{Room: "room", After: &chat.Cursor{Epoch: "other"}})
	h.sendMany(t, "room", 2)
	want := []string{"joined room@3 members=1", "reset room oldest=1 head=3", "caught up room", "room 4", "room 5"}
	if got := show(drain(t, f, 64)...); !slices.Equal(got, want) {
		t.Errorf("items = %q, want %q", got, want)
	}
}

// Retention may overtake a reader that is far behind: it gets a Reset, and continues.
func TestFeedOvertakenByRetention(t *testing.T) {
	h := newTestHub(t, hub.Config{Window: 4}, memory.Config{RoomEvents: 10})
	f := h.feed(t, gopher, hub.Start{Room: "room"})
	drain(t, f, 64)
	h.sendMany(t, "room", 50)
	want := []string{"reset room oldest=41 head=50", "caught up room"}
	if got := show(drain(t, f, 64)...); !slices.Equal(got, want) {
		t.Errorf("items = %q, want %q", got, want)
	}
	h.sendMany(t, "room", 2)
	if got, want := show(drain(t, f, 64)...), []string{"room 51", "room 52"}; !slices.Equal(got, want) {
		t.Errorf("items = %q, want %q", got, want)
	}
}

// The same, at the worst moment: between the look at the head and the read.
func TestFeedOvertakenWhileItReads(t *testing.T) {
	h := newTestHub(t, hub.Config{Window: 4}, memory.Config{RoomEvents: 10})
	h.sendMany(t, "room", 10)
	f := h.feed(t, gopher, hub.Start{Room: "room", After: h.cursor(t, "room", 2)})
	once := true
	h.journal.beforeRead = func() {
		if once {
			once = false
			h.sendMany(t, "room", 20)
		}
	}
	last := uint64(2)
	for _, item := range drain(t, f, 64) {
		switch item := item.(type) {
		case chat.Reset:
			last = item.Head
		case *chat.Event:
			if last+1 != item.Sequence {
				t.Fatalf("event %d came after %d without a Reset, so that events are lost unnoticed", item.Sequence, last)
			}
			last = item.Sequence
		}
	}
	if last != 30 {
		t.Errorf("the feed ended at %d, want 30", last)
	}
}

// Joining live a room whose events are all dropped, and lagging there, is no
// reason for a Reset: nothing that was asked for is lost.
func TestFeedLagsInEmptiedRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{Window: 2}, memory.Config{Age: time.Minute})
		keeper := h.feed(t, gopher, hub.Start{Room: "room"})
		h.sendMany(t, "room", 3)
		<-time.After(2 * time.Minute)
		if head := h.head(t, "room"); head.Last != 0 {
			t.Fatalf("Head = %+v, want an emptied room", head)
		}
		f := h.feed(t, gopher, hub.Start{Room: "room"})
		h.sendMany(t, "room", 5)
		want := h.sequences(t, "room")
		if got := sequencesOf(drain(t, f, 64)); len(want) != 5 || !slices.Equal(got, want) {
			t.Errorf("events = %v, want %v: all 5 are retained", got, want)
		}
		keeper.Close()
	})
}

// Stats count readers that begin in the past, and those that fall behind, with what they read
// of the journal, and Behind says how far a feed is.
func TestCatchUpsAreCounted(t *testing.T) {
	h := newTestHub(t, hub.Config{Window: 4}, memory.Config{})
	h.sendMany(t, "room", 5)
	live, past := h.feed(t, gopher, hub.Start{Room: "room"}), h.feed(t, gopher, hub.Start{Room: "room", Recent: 3})
	drain(t, live, 64)
	drain(t, past, 64)
	if s := h.Stats(); s.Resumed != 1 || s.Lagged != 0 || s.Replayed != 3 || s.Rooms != 1 || s.Members != 1 {
		t.Errorf("Stats() = %+v, want one that has resumed, with 3 events, in one room with one member", s)
	}
	h.sendMany(t, "room", 10)
	behind := 0
	live.Behind(func(events uint64) { behind += int(events) })
	if behind != 10 {
		t.Errorf("Behind = %d, want 10", behind)
	}
	drain(t, live, 64)
	if s := h.Stats(); s.Resumed != 1 || s.Lagged != 1 || s.Replayed != 13 {
		t.Errorf("Stats() = %+v, want one that has lagged, with 10 events", s)
	}
}

// An error of the journal is Next's, and costs the feed nothing.
func TestFeedWithFailingJournal(t *testing.T) {
	h := newTestHub(t, hub.Config{Window: 2}, memory.Config{})
	f := h.feed(t, gopher, hub.Start{Room: "room", After: h.cursor(t, "room", 0)})
	want := h.sendMany(t, "room", 10)
	buf := make([]chat.Item, 8)
	if n, err := f.Next(t.Context(), buf[:1]); n != 1 || err != nil { // Joined
		t.Fatalf("Next() = %d, %v, want 1", n, err)
	}
	for _, call := range []string{"Head", "Read"} {
		h.journal.failing(call)
		if _, err := f.Next(t.Context(), buf); !errors.Is(err, errBroken) {
			t.Errorf("Next() with a failing %s = %v, want %v", call, err, errBroken)
		}
	}
	h.journal.failing("")
	n, err := f.Next(t.Context(), buf)
	if err != nil {
		t.Fatalf("Next() = %v, want nil", err)
	}
	if got := sequencesOf(append(buf[:n:n], drain(t, f, 8)...)); len(got) != len(want) {
		t.Errorf("events once the journal works again = %v, want all %d", got, len(want))
	}
}

// Take leaves rooms that are to be replayed to a caller that may wait for the journal,
// and delivers the events of the others.
func TestFeedTakesWithoutReading(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	for _, text := range []string{"1", "2", "3"} {
		h.send(t, "replayed", text)
	}
	var notified []bool
	f := h.NewFeed(gopher, func(many bool) { notified = append(notified, many) })
	t.Cleanup(f.Close)
	join(t, f, hub.Start{Room: "replayed", Recent: 3}, hub.Start{Room: "live"})
	if len(notified) == 0 {
		t.Error("notify was not called for Joined")
	}
	h.send(t, "live", "4")

	take := func(mayRead bool) (items []chat.Item, replay bool) {
		t.Helper()
		buf := make([]chat.Item, 32)
		n, replay, err := f.Take(t.Context(), buf, mayRead)
		if err != nil {
			t.Fatalf("Take() = %v, want nil", err)
		}
		return slices.DeleteFunc(buf[:n], func(item chat.Item) bool {
			e, ok := item.(*chat.Event)
			return ok && e.Sequence == 0
		}), replay
	}
	count := func(items []chat.Item, room string) (n int) {
		for _, item := range items {
			if e, ok := item.(*chat.Event); ok && e.Room == room {
				n++
			}
		}
		return n
	}
	items, replay := take(false)
	if !replay || count(items, "replayed") != 0 || count(items, "live") != 1 {
		t.Errorf("Take without reading = %v, %t, want the event of the live room, and true", show(items...), replay)
	}
	notified = nil
	items, replay = take(true)
	if replay || count(items, "replayed") != 3 {
		t.Errorf("Take with reading = %v, %t, want the events that were asked for, and false", show(items...), replay)
	}
	for range 3 { // CaughtUp, and nothing
		_, replay = take(false)
	}
	if replay {
		t.Error("Take = true for a feed that has caught up")
	}
	notified = nil
	h.send(t, "replayed", "5")
	if !slices.Contains(notified, false) {
		t.Errorf("notify was called with %v for an event in a small room, want false", notified)
	}
}

// notify is called with true for an event in a room of many listeners.
func TestFeedsOfLargeRoomsAreNotifiedOfMany(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	var notified []bool
	f := h.NewFeed(gopher, func(many bool) { notified = append(notified, many) })
	t.Cleanup(f.Close)
	join(t, f, hub.Start{Room: "large"})
	for range 300 {
		h.feed(t, chat.Member{}, hub.Start{Room: "large"})
	}
	buf := make([]chat.Item, 64)
	for n := len(buf); n > 0; {
		var err error
		if n, _, err = f.Take(t.Context(), buf, true); err != nil {
			t.Fatal(err)
		}
	}
	notified = nil
	h.send(t, "large", "hi")
	if !slices.Contains(notified, true) {
		t.Errorf("notify was called with %v for an event in a large room, want true", notified)
	}
}
