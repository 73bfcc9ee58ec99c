package hub_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/presence"
	"chatroom/server/internal/store/memory"
)

func TestFeedLeave(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	f := h.feed(t, gopher, hub.Start{Room: "a"}, hub.Start{Room: "b"}, hub.Start{Room: "c"})
	drain(t, f, 64)
	if err := f.Leave("b"); err != nil {
		t.Fatalf("Leave(%q) = %v, want nil", "b", err)
	}
	for _, room := range []string{"b", "unknown", ""} {
		if err := f.Leave(room); !isField(err, "room", "room.joined") {
			t.Errorf("Leave(%q), which is not joined = %v, want a FieldError", room, err)
		}
	}
	for _, room := range []string{"a", "b", "c"} {
		h.send(t, room, "after")
	}
	got := show(drain(t, f, 64)...)
	slices.Sort(got)
	if want := []string{"a 1", "c 3"}; !slices.Equal(got, want) {
		t.Errorf("items after Leave = %q, want %q", got, want)
	}
	if n := h.OpenRooms(); n != 2 {
		t.Errorf("%d rooms have listeners, want 2", n)
	}
	join(t, f, hub.Start{Room: "b", Recent: 1})
	if got, want := show(drain(t, f, 64)...), []string{"joined b@2 members=1", "b 2", "caught up b"}; !slices.Equal(got, want) {
		t.Errorf("items after joining again = %q, want %q", got, want)
	}
}

// Leaving in the middle of a replay ends it.
func TestFeedLeaveDuringReplay(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.sendMany(t, "room", 100)
	f := h.feed(t, gopher, hub.Start{Room: "room", After: h.cursor(t, "room", 0)})
	buf := make([]chat.Item, 10)
	for range 3 {
		if _, err := f.Next(t.Context(), buf); err != nil {
			t.Fatalf("Next() = %v, want nil", err)
		}
	}
	if err := f.Leave("room"); err != nil {
		t.Fatalf("Leave = %v, want nil", err)
	}
	if got := drain(t, f, 10); len(got) != 0 {
		t.Errorf("items after Leave = %q, want none", show(got...))
	}
}

func TestFeedClose(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	f := h.newFeed(gopher)
	f.Close() // in no room
	if err := f.Join(t.Context(), hub.Start{Room: "room"}); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("Join after Close = %v, want %v", err, chat.ErrClosed)
	}
	h.checkEmpty(t)

	f = h.feed(t, gopher, hub.Start{Room: "a"}, hub.Start{Room: "b"})
	h.send(t, "a", "pending")
	f.Close()
	f.Close()
	h.checkEmpty(t)
	if n, err := f.Next(t.Context(), make([]chat.Item, 8)); n != 0 || err != nil {
		t.Errorf("Next after Close = %d, %v, want 0", n, err)
	}
	if err := f.Leave("a"); !isField(err, "room", "room.joined") {
		t.Errorf("Leave after Close = %v, want a FieldError", err)
	}
}

// A Join that fails leaves nothing behind, of none of its rooms.
func TestFeedJoinErrors(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	f := h.feed(t, gopher, hub.Start{Room: "joined"})
	drain(t, f, 64)
	many := make([]hub.Start, chat.MaxRooms)
	for i := range many {
		many[i].Room = fmt.Sprint("room-", i)
	}
	for _, tt := range []struct {
		name        string
		starts      []hub.Start
		field, rule string
	}{
		{"no name", []hub.Start{{Room: "good"}, {Room: ""}}, "room", "room.name"},
		{"long name", []hub.Start{{Room: strings.Repeat("a", 65)}}, "room", "room.name"},
		{"capital", []hub.Start{{Room: "good"}, {Room: "Lobby"}}, "room", "room.name"},
		{"joined before", []hub.Start{{Room: "good"}, {Room: "joined"}}, "room", "room.once"},
		{"joined twice at once", []hub.Start{{Room: "good"}, {Room: "good"}}, "room", "room.once"},
		{"negative recent", []hub.Start{{Room: "good", Recent: -1}}, "recent", "recent.range"},
		{"much recent", []hub.Start{{Room: "good", Recent: chat.MaxRecent + 1}}, "recent", "recent.range"},
		{"too many rooms", many, "room", "rooms.count"},
	} {
		if err := f.Join(t.Context(), tt.starts...); !isField(err, tt.field, tt.rule) {
			t.Errorf("Join, %s = %v, want a FieldError for %s, %s", tt.name, err, tt.field, tt.rule)
		}
		if n := h.OpenRooms(); n != 1 {
			t.Errorf("Join, %s: %d rooms have listeners, want 1", tt.name, n)
		}
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		broken string
		start  hub.Start
	}{
		{"Tail", hub.Start{Room: "second"}},
		{"Head", hub.Start{Room: "second"}},
		{"ReadBack", hub.Start{Room: "joined-by-nobody", Recent: 3}},
	} {
		h.send(t, tt.start.Room, "something to read back")
		h.journal.failing(tt.broken)
		if err := f.Join(t.Context(), hub.Start{Room: "first"}, tt.start); !errors.Is(err, errBroken) {
			t.Errorf("Join with a failing %s = %v, want %v", tt.broken, err, errBroken)
		}
		h.journal.failing("")
	}
	if err := f.Join(cancelled, hub.Start{Room: "first"}); !errors.Is(err, context.Canceled) {
		t.Errorf("Join with a cancelled context = %v, want %v", err, context.Canceled)
	}
	if n, tails := h.OpenRooms(), h.journal.tails.Load(); n != 1 || tails != 1 {
		t.Errorf("%d rooms and %d tails are open, want 1", n, tails)
	}
	if got := drain(t, f, 64); len(got) != 0 {
		t.Errorf("items after failed joins = %q, want none", show(got...))
	}
	join(t, f, many[1:]...)
	if n := h.OpenRooms(); n != chat.MaxRooms {
		t.Errorf("%d rooms have listeners, want %d", n, chat.MaxRooms)
	}
}

func TestServiceClose(t *testing.T) {
	h := newTestHub(t, hub.Config{Rooms: []string{"lobby"}}, memory.Config{})
	open := h.feed(t, gopher, hub.Start{Room: "room"})
	h.Close()
	h.Close()
	if err := h.newFeed(gopher).Join(t.Context(), hub.Start{Room: "room"}); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("Join after Close = %v, want %v", err, chat.ErrClosed)
	}
	if _, err := h.Send(t.Context(), gopher, chat.Post{Room: "room", ID: "1", Body: chat.Message{Text: "hi"}}); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("Send after Close = %v, want %v", err, chat.ErrClosed)
	}
	if _, err := h.History(t.Context(), history.Query{Room: "lobby"}, 1); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("History that waits, after Close = %v, want %v", err, chat.ErrClosed)
	}
	if got := len(drain(t, open, 64)); got != 2 {
		t.Errorf("an open feed got %d items after Close, want Joined and CaughtUp", got)
	}
}

// A member is counted once, however many connections it has; callers without an
// id are counted each.
func TestMembers(t *testing.T) { synctest.Test(t, testMembers) }

func testMembers(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	members := func() int {
		for _, r := range h.list(t, directory.Query{Limit: 10}) {
			if r.Name == "room" {
				return r.Members
			}
		}
		return 0
	}
	other := chat.Member{ID: "O", Name: "gopher"}
	renamed := chat.Member{ID: "G", Name: "another name"}
	var feeds []*testFeed
	for _, step := range []struct {
		who  chat.Member
		want int
	}{{gopher, 1}, {gopher, 1}, {renamed, 1}, {other, 2}, {chat.Anonymous, 3}, {chat.Anonymous, 4}, {gopher, 4}} {
		f := h.feed(t, step.who, hub.Start{Room: "room"})
		feeds = append(feeds, f)
		joined, ok := drain(t, f, 64)[0].(chat.Joined)
		if !ok || joined.Rooms[0].Members != step.want || members() != step.want {
			t.Errorf("%v joined: Joined = %+v, Rooms says %d, want %d members", step.who, joined, members(), step.want)
		}
	}
	for i, want := range []int{4, 4, 4, 3, 2, 1, 0} {
		feeds[i].Close()
		<-time.After(presence.DefaultGrace) // lost, and not back
		synctest.Wait()
		if got := members(); got != want {
			t.Errorf("%d members after %d feeds were closed, want %d", got, i+1, want)
		}
	}
	h.checkEmpty(t)
}

func TestRooms(t *testing.T) {
	h := newTestHub(t, hub.Config{Rooms: []string{"lobby", "a-lasting"}}, memory.Config{})
	h.send(t, "said", "something")
	h.send(t, "lobby", "something")
	h.feed(t, gopher, hub.Start{Room: "listened"}, hub.Start{Room: "said"})
	all := []chat.RoomInfo{{Name: "a-lasting"}, {Name: "listened", Members: 1}, {Name: "lobby", Head: 2, Messages: 1}, {Name: "said", Head: 1, Messages: 1, Members: 1}}
	for _, tt := range []struct {
		after string
		limit int
		want  []chat.RoomInfo
		more  bool
	}{
		{"", 100, all, false},
		{"", 4, all, false},
		{"", 3, all[:3], true},
		{"", 1, all[:1], true},
		{"a-lasting", 2, all[1:3], true},
		{"listened", 2, all[2:], false},
		{"lobbx", 1, all[2:3], true},
		{"said", 1, nil, false},
	} {
		page, err := h.Directory().List(t.Context(), directory.Query{After: tt.after, Limit: tt.limit})
		got, more := page.Rooms, page.Next != ""
		for i := range got {
			if spoken := got[i].Head > 0; got[i].LastActivity.IsZero() == spoken || got[i].Unread != -1 {
				t.Errorf("Rooms(%q, %d): %+v, want the time of its newest event, and no count of unread messages", tt.after, tt.limit, got[i])
			}
			got[i].LastActivity, got[i].Unread = time.Time{}, 0
		}
		if err != nil || !slices.Equal(got, tt.want) || more != tt.more {
			t.Errorf("Rooms(%q, %d) = %v, %t, %v, want %v, %t", tt.after, tt.limit, got, more, err, tt.want, tt.more)
		}
	}
}

// Unread are the messages of others after a cursor.
func TestUnread(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{RoomEvents: 300})
	var at []chat.Cursor
	for i := range 10 {
		from := []chat.Member{alice, bob}[i%2]
		at = append(at, h.post(t, from, "room", chat.Message{Text: "hi"}).At)
	}
	h.post(t, alice, "room", chat.Reaction{Target: at[0].Sequence, Emoji: "👍"})
	h.post(t, bob, "room", chat.Deletion{Target: at[9].Sequence})
	h.post(t, bob, "other", chat.Message{Text: "hi"})
	unread := func(by chat.Member, c chat.Cursor) int {
		t.Helper()
		rooms := h.list(t, directory.Query{Limit: 10, Seen: map[string]chat.Cursor{"room": c}, For: by})
		if len(rooms) != 2 || rooms[0].Unread != -1 {
			t.Fatalf("Rooms = %+v, want a count in the second alone", rooms)
		}
		return rooms[1].Unread
	}
	for _, tt := range []struct {
		by    chat.Member
		after chat.Cursor
		want  int
	}{
		{alice, at[0], 4}, {bob, at[0], 4}, {gopher, at[0], 8}, {chat.Anonymous, at[0], 8}, {gopher, at[8], 0},
		{gopher, chat.Cursor{Epoch: at[0].Epoch}, 9}, {gopher, chat.Cursor{Epoch: "other", Sequence: 9}, 9}, {gopher, chat.Cursor{Epoch: at[0].Epoch, Sequence: 999}, 9},
	} {
		if got := unread(tt.by, tt.after); got != tt.want {
			t.Errorf("unread of %q after %v = %d, want %d", tt.by.Name, tt.after, got, tt.want)
		}
	}
	h.sendMany(t, "room", 200)
	if got := unread(alice, at[0]); got != chat.MaxUnread {
		t.Errorf("unread = %d, want %d at most", got, chat.MaxUnread)
	}
	if got := unread(gopher, at[8]); got != 0 {
		t.Errorf("unread after 200 messages of one's own = %d, want 0", got)
	}
}

// Rooms come and go while others listen, and in the end none is left.
func TestRoomsUnderChurn(t *testing.T) {
	h := newTestHub(t, hub.Config{Window: 4}, memory.Config{})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			who := chat.Member{ID: fmt.Sprint("member-", g%3)}
			for i := range 100 {
				f := h.newFeed(who)
				room := fmt.Sprint("room-", (g+i)%3)
				if err := f.Join(t.Context(), hub.Start{Room: room, Recent: 5}, hub.Start{Room: "all"}); err != nil {
					t.Errorf("Join = %v, want nil", err)
				}
				post := chat.Post{Room: room, ID: fmt.Sprint(g, "/", i), Body: chat.Message{Text: "hi"}}
				if _, err := h.Send(t.Context(), who, post); err != nil {
					t.Errorf("Send = %v, want nil", err)
				}
				if _, err := f.Next(t.Context(), make([]chat.Item, 8)); err != nil {
					t.Errorf("Next = %v, want nil", err)
				}
				if i%2 == 0 {
					_ = f.Leave("all")
				}
				wg.Go(f.Close)
			}
		})
	}
	wg.Wait()
	h.checkEmpty(t)
}

// A room stays open for the others when the call that has opened it ends.
func TestRoomOutlivesItsFirstCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		ctx, cancel := context.WithCancel(t.Context())
		first := h.newFeed(gopher)
		if err := first.Join(ctx, hub.Start{Room: "room"}); err != nil {
			t.Fatalf("Join = %v, want nil", err)
		}
		second := h.feed(t, gopher, hub.Start{Room: "room"})
		drain(t, second, 8)
		cancel()
		first.Close()
		synctest.Wait()
		h.send(t, "room", "still there?")
		if got, want := show(drain(t, second, 8)...), []string{"room 1"}; !slices.Equal(got, want) {
			t.Errorf("items = %q, want %q", got, want)
		}
	})
}

// After concurrent calls of Join and Close the room has no listeners.
func TestFeedJoinWhileClosing(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	for range 200 {
		f := h.newFeed(gopher)
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := f.Join(t.Context(), hub.Start{Room: "room"}); err != nil && !errors.Is(err, chat.ErrClosed) {
				t.Errorf("Join while closing = %v, want nil or %v", err, chat.ErrClosed)
			}
		})
		wg.Go(f.Close)
		wg.Wait()
		h.checkEmpty(t)
	}
}
