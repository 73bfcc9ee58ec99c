package directory_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat/directory"
)

// More removals than are remembered make what is asked since then incomplete.
func TestRemovedAreBounded(t *testing.T) {
	d := directory.New()
	start := d.Version()
	const removals = 5_000
	for i := range removals {
		name := fmt.Sprint("room-", i)
		d.SetMembers(name, 1)
		d.SetMembers(name, 0)
	}
	if c := d.Changes(start, removals); !c.Incomplete || len(c.Removed) < 500 || len(c.Removed) > 1_000 || c.Removed[0] != "room-4999" {
		t.Errorf("Changes since the start = %d removed, incomplete %t, want 500 to 1,000 of the newest and incomplete", len(c.Removed), c.Incomplete)
	}
	if c := d.Changes(d.Version()-2, 10); c.Incomplete || !slices.Equal(c.Removed, []string{"room-4999"}) {
		t.Errorf("Changes since the last two = %+v, want the last room", c)
	}
	if n := d.Len(); n != 0 {
		t.Errorf("Len() = %d, want 0", n)
	}
}

// A room that is back is a changed room and not a removed one, and one that was
// removed twice is named once.
func TestRemovedAndBack(t *testing.T) {
	d := directory.New()
	start := d.Version()
	for range 2 {
		d.SetMembers("again", 1)
		d.SetMembers("again", 0)
	}
	if c := d.Changes(start, 10); len(c.Rooms) != 0 || !slices.Equal(c.Removed, []string{"again"}) {
		t.Errorf("Changes = %+v, want one removed room", c)
	}
	d.SetMembers("again", 1)
	if c := d.Changes(start, 10); len(c.Rooms) != 1 || len(c.Removed) != 0 {
		t.Errorf("Changes = %+v, want one changed room", c)
	}
}

// Heads may come in any order: the newest stays, with its number of messages.
func TestOlderHeadIsIgnored(t *testing.T) {
	d := directory.New()
	at := time.UnixMilli(1_000).UTC()
	d.SetHeads(directory.Head{Room: "a", Last: 5, Time: at, Messages: 3}, directory.Head{Room: "a", Last: 4, Time: at.Add(time.Hour), Messages: 2})
	d.Append("a", 7, at, true)
	d.Append("a", 6, at.Add(time.Hour), true)
	want := directory.Room{Name: "a", Head: 7, LastActivity: at, Messages: 4}
	if got, found := d.Find("a"); !found || got != want {
		t.Errorf("Find = %v, %t, want %v", got, found, want)
	}
	d.SetHeads(directory.Head{Room: "a", Last: 7, Time: at, Messages: 5})
	if got, _ := d.Find("a"); got.Messages != 5 {
		t.Errorf("Find = %v, want the 5 messages of its head", got)
	}
	if _, found := d.Find("b"); found {
		t.Error("Find of a room that does not exist = true, want false")
	}
}

// The directory is used by many at once.
func TestConcurrentUse(t *testing.T) {
	d := directory.New("lobby")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 500 {
				name := fmt.Sprint("room-", i%20)
				d.SetHeads(directory.Head{Room: name, Last: uint64(g*1_000 + i), Time: time.UnixMilli(int64(i))})
				d.SetMembers(name, i%3)
				d.SetProfile(name, directory.Profile{Topic: name})
				d.RemoveProfile(name)
			}
		})
		wg.Go(func() {
			since := uint64(0)
			for range 500 {
				d.ByName("room-1", 5)
				d.ByActivity(nil, 5)
				d.Find("lobby")
				since = d.Changes(since, 5).Version
			}
		})
	}
	wg.Wait()
	if n := d.Len(); n != 21 {
		t.Errorf("Len() = %d, want 21", n)
	}
}
