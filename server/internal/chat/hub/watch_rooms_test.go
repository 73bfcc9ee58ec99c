package hub_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

// watching returns a feed that watches the list of rooms, and has taken the first,
// incomplete RoomsChanged.
func (h *testHub) watching(t *testing.T) *testFeed {
	t.Helper()
	f := h.newFeed(gopher)
	t.Cleanup(f.Close)
	watchRooms(t, f)
	return f
}

func watchRooms(t *testing.T, f *testFeed) {
	t.Helper()
	if err := f.WatchRooms(t.Context()); err != nil {
		t.Fatalf("WatchRooms = %v, want nil", err)
	}
	if got := roomsChanged(t, f); len(got) != 1 || !got[0].Incomplete || len(got[0].Rooms) != 0 {
		t.Fatalf("a watch begins with %v, want one that is empty and incomplete", got)
	}
}

// roomsChanged takes all that is pending of a feed in no room.
func roomsChanged(t *testing.T, f *testFeed) []*chat.RoomsChanged {
	t.Helper()
	synctest.Wait()
	var all []*chat.RoomsChanged
	for _, item := range drainAll(t, f, 64) {
		changed, ok := item.(*chat.RoomsChanged)
		if !ok {
			t.Fatalf("item = %T, want a RoomsChanged", item)
		}
		all = append(all, changed)
	}
	return all
}

// inSecond takes what a feed receives within a second, which must be one RoomsChanged.
func inSecond(t *testing.T, f *testFeed) *chat.RoomsChanged {
	t.Helper()
	<-time.After(time.Second)
	got := roomsChanged(t, f)
	if len(got) != 1 {
		t.Fatalf("received %d RoomsChanged in a second, want 1", len(got))
	}
	return got[0]
}

func TestWatchRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{Rooms: []string{"lobby"}}, memory.Config{})
		h.send(t, "before", "hi")
		f, other := h.watching(t), h.watching(t)
		if err := f.WatchRooms(t.Context()); err != nil {
			t.Errorf("WatchRooms, twice = %v, want nil", err)
		}
		<-time.After(10 * time.Second)
		if got := roomsChanged(t, f); len(got) != 0 {
			t.Errorf("received %v while nothing has changed, want nothing", got)
		}

		h.sendMany(t, "busy", 100)
		if err := h.SetProfile(t.Context(), gopher, "named", chat.Profile{Topic: "a topic"}); err != nil {
			t.Fatalf("SetProfile = %v, want nil", err)
		}
		guest := h.feed(t, gopher, hub.Start{Room: "joined"})
		changed := inSecond(t, f)
		if got, want := namesOf(changed.Rooms), []string{"joined", "named", "busy"}; !slices.Equal(got, want) || changed.Incomplete {
			t.Fatalf("changed = %q, incomplete %t, want %q", got, changed.Incomplete, want)
		}
		if joined, named, busy := changed.Rooms[0], changed.Rooms[1], changed.Rooms[2]; joined.Members != 1 ||
			named.Profile.Topic != "a topic" || busy.Head != 101 || busy.Messages != 100 || busy.LastActivity.IsZero() || busy.Unread != -1 {
			t.Errorf("changed = %+v, want the rooms as they are now", changed.Rooms)
		}
		if got := roomsChanged(t, other); len(got) != 1 || got[0] != changed {
			t.Errorf("the other feed received %v, want the same", got)
		}

		if err := guest.Leave("joined"); err != nil {
			t.Fatalf("Leave = %v, want nil", err)
		}
		if changed := inSecond(t, f); len(changed.Rooms) != 0 || !slices.Equal(changed.Removed, []string{"joined"}) {
			t.Errorf("changed = %+v, want a removed room", changed)
		}
	})
}

// A feed does not receive changes from before it watches.
func TestUnwatchRooms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		f := h.newFeed(gopher)
		f.UnwatchRooms() // harmless
		watchRooms(t, f)
		f.UnwatchRooms()
		h.send(t, "room", "hi")
		<-time.After(3 * time.Second)
		if got := roomsChanged(t, f); len(got) != 0 {
			t.Errorf("received %v after the watch has ended, want nothing", got)
		}
		watchRooms(t, f)
		<-time.After(3 * time.Second)
		if got := roomsChanged(t, f); len(got) != 0 {
			t.Errorf("received %v from before the watch, want nothing", got)
		}
		f.Close()
		if err := f.WatchRooms(t.Context()); !errors.Is(err, chat.ErrClosed) {
			t.Errorf("WatchRooms after Close = %v, want %v", err, chat.ErrClosed)
		}
	})
}

// More rooms than fit are delivered as incomplete, with the newest ones.
func TestWatchRoomsIncomplete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		f := h.watching(t)
		for i := range chat.MaxRoomsChanged + 1 {
			h.send(t, fmt.Sprint("room-", i), "hi")
		}
		changed := inSecond(t, f)
		if !changed.Incomplete || len(changed.Rooms) != chat.MaxRoomsChanged || changed.Rooms[0].Name != "room-100" {
			t.Errorf("changed = %d rooms, incomplete %t, want the newest %d and incomplete", len(changed.Rooms), changed.Incomplete, chat.MaxRoomsChanged)
		}
		h.send(t, "room-7", "again")
		if changed := inSecond(t, f); changed.Incomplete || !slices.Equal(namesOf(changed.Rooms), []string{"room-7"}) {
			t.Errorf("changed = %+v, want one room", changed)
		}
	})
}

// A feed that is behind receives one incomplete RoomsChanged, and continues.
func TestWatchRoomsLagging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		f := h.watching(t)
		for range 60 {
			h.send(t, "room", "hi")
			<-time.After(time.Second)
		}
		if got := roomsChanged(t, f); len(got) != 1 || !got[0].Incomplete {
			t.Errorf("a feed that is behind received %v, want one that is incomplete", got)
		}
		h.send(t, "room", "hi")
		if changed := inSecond(t, f); changed.Incomplete || len(changed.Rooms) != 1 {
			t.Errorf("changed = %+v, want one room", changed)
		}
	})
}

// A service that closes ends watches without an error.
func TestWatchRoomsOfAClosedService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		f := h.watching(t)
		h.Close()
		if got := roomsChanged(t, f); len(got) != 0 {
			t.Errorf("received %v, want nothing", got)
		}
		if err := h.newFeed(gopher).WatchRooms(t.Context()); !errors.Is(err, chat.ErrClosed) {
			t.Errorf("WatchRooms = %v, want %v", err, chat.ErrClosed)
		}
	})
}

// A watcher that does what docs/PROTOCOL.md says has the list of rooms as it is in the
// end, whatever was done meanwhile and however slowly it reads.
func TestWatchersConverge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{Rooms: []string{"lobby"}}, memory.Config{})
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		var doing, watching sync.WaitGroup
		ctx, finish := context.WithCancel(t.Context())
		defer finish()
		lists := make([]map[string]chat.RoomInfo, 4)
		for i := range lists {
			f := h.newFeed(gopher)
			t.Cleanup(f.Close)
			watching.Go(func() { lists[i] = followRooms(ctx, t, h, f, rand.New(rand.NewPCG(seed, uint64(i)))) })
		}
		for i := range 4 {
			doing.Go(func() { actInRooms(t, h, fmt.Sprint(i), rand.New(rand.NewPCG(seed, uint64(100+i)))) })
		}
		doing.Wait()
		<-time.After(time.Minute) // for the slowest
		finish()
		watching.Wait()
		want := make(map[string]chat.RoomInfo)
		for _, r := range h.list(t, directory.Query{Limit: 1_000}) {
			want[r.Name] = r
		}
		for i, got := range lists {
			if !maps.Equal(got, want) {
				t.Errorf("seed %d: watcher %d has %d rooms, want these %d:\n%v\nwant\n%v", seed, i, len(got), len(want), got, want)
			}
		}
	})
}

// followRooms keeps a list of rooms up to date until ctx ends.
func followRooms(ctx context.Context, t *testing.T, h *testHub, f *testFeed, r *rand.Rand) map[string]chat.RoomInfo {
	if err := f.WatchRooms(ctx); err != nil {
		t.Errorf("WatchRooms = %v, want nil", err)
	}
	rooms := make(map[string]chat.RoomInfo)
	buf := make([]chat.Item, 3)
	for {
		select {
		case <-f.Ready():
		case <-ctx.Done():
			return rooms
		}
		n, err := f.Next(ctx, buf)
		if err != nil {
			t.Errorf("Next = %v, want nil", err)
		}
		for _, item := range buf[:n] {
			changed := item.(*chat.RoomsChanged)
			for _, r := range changed.Rooms {
				if r.Head >= rooms[r.Name].Head {
					rooms[r.Name] = r
				}
			}
			for _, name := range changed.Removed {
				delete(rooms, name)
			}
			if changed.Incomplete {
				clear(rooms)
				page, err := h.Directory().List(t.Context(), directory.Query{Limit: 1_000, Order: directory.ByActivity})
				if err != nil {
					t.Errorf("Rooms = %v, want nil", err)
				}
				for _, r := range page.Rooms {
					rooms[r.Name] = r
				}
			}
		}
		if r.IntN(10) == 0 {
			<-time.After(time.Duration(r.IntN(20)) * time.Second) // it falls behind
		}
	}
}

// actInRooms says something in rooms, joins and leaves them, and gives them profiles.
func actInRooms(t *testing.T, h *testHub, id string, r *rand.Rand) {
	m := chat.Member{ID: id, Name: id}
	f := h.newFeed(m)
	defer f.Close()
	for i := range 600 {
		room := fmt.Sprint("room-", r.IntN(200))
		var err error
		switch r.IntN(6) {
		case 0:
			err = h.SetProfile(t.Context(), m, room, chat.Profile{Topic: fmt.Sprint(i)})
		case 1:
			_, err = h.Send(t.Context(), m, chat.Post{Room: room, ID: fmt.Sprint(i), Body: chat.Message{Text: "hi"}})
		default:
			room = fmt.Sprint("visited-", r.IntN(20))
			if err = f.Join(t.Context(), hub.Start{Room: room}); err == nil {
				err = f.Leave(room)
			}
		}
		if err != nil {
			t.Errorf("in %q: %v, want nil", room, err)
		}
		if r.IntN(20) == 0 {
			<-time.After(time.Duration(r.IntN(1_500)) * time.Millisecond)
		}
	}
}
