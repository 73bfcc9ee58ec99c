package hub_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/presence"
	"chatroom/server/internal/store/memory"
	"chatroom/server/internal/text"
)

// shownNames returns the members of a room as "ID:name", and with a mark "ID:name!mark".
func (h *testHub) shownNames(t testing.TB, room string) []string {
	t.Helper()
	members, _, _, err := h.Members(t.Context(), room, "", 100)
	if err != nil {
		t.Fatalf("Members(%q) = %v, want nil", room, err)
	}
	var names []string
	for _, m := range members {
		names = append(names, showMember(m))
	}
	return names
}

func showMember(m chat.Member) string {
	if m.Mark != chat.Unmarked {
		return fmt.Sprintf("%s:%s!%v", m.ID, m.Name, m.Mark)
	}
	return m.ID + ":" + m.Name
}

func (h *testHub) checkShown(t testing.TB, when, room string, want ...string) {
	t.Helper()
	if got := h.shownNames(t, room); !slices.Equal(got, want) {
		t.Errorf("Members %s = %q, want %q", when, got, want)
	}
}

// enter joins a room, and returns the feed and how its member is shown.
func (h *testHub) enter(t *testing.T, room string, m chat.Member) (*testFeed, string) {
	t.Helper()
	f := h.newFeed(m)
	join(t, f, hub.Start{Room: room})
	t.Cleanup(f.Close)
	for _, item := range drainAll(t, f, 8) {
		if joined, ok := item.(chat.Joined); ok {
			return f, showMember(joined.Rooms[0].Member)
		}
	}
	t.Fatal("the feed has no Joined")
	return nil, ""
}

func guest(id, name string) chat.Member { return chat.Member{ID: id, Name: name, Guest: true} }

func TestNamesAreUniqueInARoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		first, _ := h.enter(t, "room", guest("1", "Ada"))
		for _, tt := range []struct {
			m    chat.Member
			want string
		}{
			{guest("2", "Ada"), "2:Ada 2"},
			{guest("3", "ADA"), "3:ADA 3"},
			{guest("2", "Ada"), "2:Ada 2"}, // another connection
			{guest("4", "Mark"), "4:Mark"},
			{guest("5", "M\u0430rk"), "5:M\u0430rk!resembles"},
			{guest("6", "admin"), "6:admin!reserved"},
			{chat.Member{ID: "7", Name: "Support"}, "7:Support"}, // an account
			{guest("8", "J\u043ehn"), "8:J\u043ehn!mixed_scripts"},
			{guest("9", "anonymous"), "9:anonymous!reserved"},
			{chat.Anonymous, ":anonymous"},
		} {
			if _, got := h.enter(t, "room", tt.m); got != tt.want {
				t.Errorf("%+v is shown as %q, want %q", tt.m, got, tt.want)
			}
		}
		if _, got := h.enter(t, "another-room", guest("2", "Ada")); got != "2:Ada" {
			t.Errorf("in another room Ada is shown as %q, want 2:Ada", got)
		}
		want := []string{"1:Ada", "2:Ada 2", "3:ADA 3", "4:Mark", "5:M\u0430rk!resembles", "6:admin!reserved", "7:Support", "8:J\u043ehn!mixed_scripts", "9:anonymous!reserved"}
		h.checkShown(t, "with all", "room", want...)

		// Those who stay keep their names; the name is free again after the grace.
		first.Close()
		if _, got := h.enter(t, "room", guest("a", "Ada")); got != "a:Ada 4" {
			t.Errorf("Ada, beside one in grace, is shown as %q, want a:Ada 4", got)
		}
		<-time.After(presence.DefaultGrace)
		synctest.Wait()
		if _, got := h.enter(t, "room", guest("b", "Ada")); got != "b:Ada" {
			t.Errorf("Ada, after the first has left, is shown as %q, want b:Ada", got)
		}
		h.checkShown(t, "after the first has left", "room", append(want[1:], "a:Ada 4", "b:Ada")...)
	})
}

// What a member sends carries the name by which it is shown, also if it is not present.
func TestSendersAreShownByTheirNames(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	watching, _ := h.enter(t, "room", guest("1", "Ada"))
	h.enter(t, "room", guest("2", "Ada"))
	drainAll(t, watching, 8)
	for _, tt := range []struct {
		m    chat.Member
		want string
	}{
		{guest("1", "Ada"), "1:Ada"},
		{guest("2", "Ada"), "2:Ada 2"},
		{guest("3", "Ada"), "3:Ada 3"},
		{guest("4", "\u0410da"), "4:\u0410da!resembles"},
		{guest("5", "moderator"), "5:moderator!reserved"},
		{chat.Anonymous, ":anonymous"},
	} {
		for _, body := range []chat.Body{
			chat.Message{Text: "hi"},
			chat.Custom{Type: "type.googleapis.com/game.v1.Move", Ephemeral: true},
		} {
			if _, err := h.Send(t.Context(), tt.m, chat.Post{Room: "room", ID: fmt.Sprint(tt.m.ID, body.Durable()), Body: body}); err != nil {
				t.Fatalf("Send by %+v = %v, want nil", tt.m, err)
			}
			items := drainAll(t, watching, 8)
			if len(items) != 1 || showMember(items[0].(*chat.Event).Sender) != tt.want {
				t.Errorf("a %T by %+v came as %q, want one by %s", body, tt.m, show(items...), tt.want)
			}
		}
	}
	h.checkShown(t, "after messages of others", "room", "1:Ada", "2:Ada 2")

	// How a member who is not present is shown depends on those who are.
	bob := guest("6", "Bob")
	check := func(room, want string) {
		t.Helper()
		for range 2 {
			if got := showMember(h.ShownIn(room, bob)); got != want {
				t.Errorf("ShownIn(%q, %+v) = %s, want %s", room, bob, got, want)
			}
		}
	}
	check("empty", "6:Bob")
	check("room", "6:Bob")
	another, _ := h.enter(t, "room", guest("7", "Bob"))
	check("room", "6:Bob 2")
	check("empty", "6:Bob")
	bob.Name = "B\u043eb"
	check("room", "6:B\u043eb!resembles")
	check("empty", "6:B\u043eb!mixed_scripts")
	if err := another.Leave("room"); err != nil {
		t.Fatal(err)
	}
	check("room", "6:B\u043eb!mixed_scripts")
}

// A member who joins while it is renamed is shown by the new name, whichever comes first.
func TestRenameWhileJoining(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	for i := range 300 {
		id := fmt.Sprint("member-", i)
		f := h.newFeed(guest(id, "former"))
		var both sync.WaitGroup
		both.Go(func() { h.Rename(guest(id, "later")) })
		both.Go(func() {
			if err := f.Join(t.Context(), hub.Start{Room: id}, hub.Start{Room: id + "-too"}); err != nil {
				t.Errorf("Join = %v, want nil", err)
			}
		})
		both.Wait()
		own, _ := h.enter(t, id+"-another", guest(id, f.Member().Name))
		for _, room := range []string{id, id + "-too", id + "-another"} {
			if got := h.shownNames(t, room); !slices.Equal(got, []string{id + ":" + f.Member().Name}) {
				t.Fatalf("Members = %q, want %q in all rooms", got, f.Member().Name)
			}
		}
		own.Close()
		f.Close()
	}
}

func TestRename(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		watching, _ := h.enter(t, "room", guest("1", "Ada"))
		h.enter(t, "room", guest("2", "Bob"))
		streaming, _ := h.enter(t, "another-room", guest("2", "Bob"))
		gone, _ := h.enter(t, "left", guest("2", "Bob"))
		if err := gone.Leave("left"); err != nil {
			t.Fatal(err)
		}
		drainAll(t, watching, 8)
		rename := func(m chat.Member, want ...string) {
			t.Helper()
			h.Rename(m)
			var got []string
			for _, item := range drainAll(t, watching, 8) {
				if e := item.(*chat.Event); e.Body == (chat.MemberRenamed{}) {
					got = append(got, showMember(e.Sender))
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("Rename(%+v) is announced as %q, want %q", m, got, want)
			}
		}
		rename(guest("2", "ada"), "2:ada 2")
		h.checkShown(t, "after a rename", "room", "1:Ada", "2:ada 2")
		h.checkShown(t, "in another room", "another-room", "2:ada")
		// A stream that was opened before, with the former name, joins another room.
		join(t, streaming, hub.Start{Room: "third"})
		h.checkShown(t, "in a room that is joined later", "third", "2:ada")
		h.checkShown(t, "after another room was joined", "room", "1:Ada", "2:ada 2")
		rename(guest("2", "ada")) // as it is
		rename(guest("3", "Cy"))  // who is nowhere
		rename(guest("1", "admin"), "1:admin!reserved")
		rename(guest("2", "Ada"), "2:Ada")
		rename(guest("1", "Bob"), "1:Bob")
		// One that is opened later has the name that it comes with.
		h.enter(t, "room", guest("1", "Ben"))
		h.checkShown(t, "at last", "room", "1:Ben", "2:Ada")
	})
}

// Whoever comes, goes and changes names: no two members have the same name, and nobody
// gets another one but by a change of its own.
func TestNamesUnderChurn(t *testing.T) {
	for round := range 40 {
		synctest.Test(t, func(t *testing.T) { testNames(t, rand.New(rand.NewPCG(uint64(round), 2))) })
	}
}

func testNames(t *testing.T, r *rand.Rand) {
	summarizeAbove := []int{3, 100}[r.IntN(2)]
	h := newTestHub(t, hub.Config{Presence: presence.Config{SummarizeAbove: summarizeAbove}}, memory.Config{})
	open := make(map[string][]*testFeed)
	own, shown := make(map[string]string), make(map[string]string) // of the members who are present
	names := []string{"a", "A", "a 2", "\u0430", "b"}
	for range 200 {
		m := guest(fmt.Sprint(r.IntN(6)), names[r.IntN(len(names))])
		switch action := r.IntN(8); {
		case action < 3:
			f := h.newFeed(m)
			join(t, f, hub.Start{Room: "room"})
			open[m.ID] = append(open[m.ID], f)
			if own[m.ID] != m.Name {
				own[m.ID], shown[m.ID] = m.Name, ""
			}
		case action == 3:
			h.Rename(m)
			if own[m.ID] != "" && own[m.ID] != m.Name {
				own[m.ID], shown[m.ID] = m.Name, ""
			}
		case action == 4:
			<-time.After(time.Duration(r.IntN(8)) * time.Second)
		case len(open[m.ID]) > 0:
			f := open[m.ID][0]
			if open[m.ID] = open[m.ID][1:]; r.IntN(2) == 0 {
				if err := f.Leave("room"); err != nil {
					t.Fatalf("Leave = %v, want nil", err)
				}
			}
			f.Close()
		}
		synctest.Wait()
		checkNames(t, h, own, shown)
	}
	for _, feeds := range open {
		for _, f := range feeds {
			f.Close()
		}
	}
	<-time.After(presence.DefaultGrace + presence.DefaultInterval)
	synctest.Wait()
	if n := h.NamesInUse(); n != 0 {
		t.Fatalf("%d names are in use after all have left, want none", n)
	}
}

// checkNames checks how the members of the room are shown, and takes note of it.
func checkNames(t *testing.T, h *testHub, own, shown map[string]string) {
	t.Helper()
	members, _, _, err := h.Members(t.Context(), "room", "", 100)
	if err != nil && !errors.Is(err, chat.ErrUnknownRoom) { // a room is unknown without members
		t.Fatalf("Members = %v, want nil", err)
	}
	present, keys := make(map[string]bool), make(map[string]bool)
	for _, m := range members {
		present[m.ID] = true
		switch key := text.NameKey(m.Name); {
		case keys[key]:
			t.Fatalf("%+v has a name that another member has", m)
		case shown[m.ID] != "" && shown[m.ID] != m.Name:
			t.Fatalf("%+v was shown as %q, want it to stay", m, shown[m.ID])
		case !strings.HasPrefix(m.Name, own[m.ID]):
			t.Fatalf("%+v is shown, want its name %q", m, own[m.ID])
		default:
			keys[key], shown[m.ID] = true, m.Name
		}
	}
	for id := range own {
		if !present[id] {
			delete(shown, id)
			delete(own, id)
		}
	}
}
