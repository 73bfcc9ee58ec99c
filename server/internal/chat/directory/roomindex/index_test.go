package roomindex_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory/roomindex"
)

// More removals than are remembered make what is asked since then incomplete.
func TestRemovedAreBounded(t *testing.T) {
	x := roomindex.New()
	start := x.Version()
	const removals = 5_000
	for i := range removals {
		name := fmt.Sprint("room-", i)
		x.SetMembers(name, 1)
		x.SetMembers(name, 0)
	}
	if c := x.Changes(start, removals); !c.Incomplete || len(c.Removed) < 500 || len(c.Removed) > 1_000 || c.Removed[0] != "room-4999" {
		t.Errorf("Changes since the start = %d removed, incomplete %t, want 500 to 1,000 of the newest and incomplete", len(c.Removed), c.Incomplete)
	}
	if c := x.Changes(x.Version()-2, 10); c.Incomplete || !slices.Equal(c.Removed, []string{"room-4999"}) {
		t.Errorf("Changes since the last two = %+v, want the last room", c)
	}
	if n := x.Len(); n != 0 {
		t.Errorf("Len() = %d, want 0", n)
	}
}

// A room that is back is a changed room and not a removed one, and one that was
// removed twice is named once.
func TestRemovedAndBack(t *testing.T) {
	x := roomindex.New()
	start := x.Version()
	for range 2 {
		x.SetMembers("again", 1)
		x.SetMembers("again", 0)
	}
	if c := x.Changes(start, 10); len(c.Rooms) != 0 || !slices.Equal(c.Removed, []string{"again"}) {
		t.Errorf("Changes = %+v, want one removed room", c)
	}
	x.SetMembers("again", 1)
	if c := x.Changes(start, 10); len(c.Rooms) != 1 || len(c.Removed) != 0 {
		t.Errorf("Changes = %+v, want one changed room", c)
	}
}

// Heads may come in any order: the newest stays, with its number of messages.
func TestOlderHeadIsIgnored(t *testing.T) {
	x := roomindex.New()
	at := time.UnixMilli(1_000).UTC()
	x.SetHeads(chat.RoomHead{Room: "a", Last: 5, Time: at, Counted: 3}, chat.RoomHead{Room: "a", Last: 4, Time: at.Add(time.Hour), Counted: 2})
	x.Append("a", 7, at, true)
	x.Append("a", 6, at.Add(time.Hour), true)
	want := chat.RoomInfo{Name: "a", Head: 7, LastActivity: at, Messages: 4, Unread: -1}
	if got, found := x.Find("a"); !found || got != want {
		t.Errorf("Find = %v, %t, want %v", got, found, want)
	}
	x.SetHeads(chat.RoomHead{Room: "a", Last: 7, Time: at, Counted: 5})
	if got, _ := x.Find("a"); got.Messages != 5 {
		t.Errorf("Find = %v, want the 5 messages of its head", got)
	}
	if !x.Has("a") || x.Has("b") {
		t.Errorf("Has = %t of a room in the index, and %t of another one, want true and false", x.Has("a"), x.Has("b"))
	}
	if _, found := x.Find("b"); found {
		t.Error("Find of a room that does not exist = true, want false")
	}
}

// The index is used by many at once.
func TestConcurrentUse(t *testing.T) {
	x := roomindex.New("lobby")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				name := fmt.Sprint("room-", i%20)
				x.SetHeads(chat.RoomHead{Room: name, Last: uint64(g*1_000 + i), Time: time.UnixMilli(int64(i))})
				x.SetMembers(name, i%3)
				x.SetProfile(name, chat.Profile{Topic: name})
				x.RemoveProfile(name)
			}
		})
		wg.Go(func() {
			since := uint64(0)
			for range 500 {
				x.ByName("room-1", 5)
				x.ByActivity(nil, 5)
				x.Find("lobby")
				x.Has("lobby")
				since = x.Changes(since, 5).Version
			}
		})
	}
	wg.Wait()
	if n := x.Len(); n != 21 {
		t.Errorf("Len() = %d, want 21", n)
	}
}
