package hub_test

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

// another returns a second service on the store of a testHub, as another node has it.
func (h *testHub) another(t *testing.T) *testHub {
	t.Helper()
	other := &testHub{journal: &probe{Store: h.journal.Store}}
	other.Hub = hub.New(hub.Config{Journal: other.journal, State: other.journal, Encoding: eventpb.Encoding{}})
	t.Cleanup(other.Close)
	return other
}

func (h *testHub) setProfile(t *testing.T, by chat.Member, room string, p chat.Profile) {
	t.Helper()
	if err := h.SetProfile(t.Context(), by, room, p); err != nil {
		t.Errorf("SetProfile(%q, %+v) = %v, want nil", room, p, err)
	}
}

// profiles returns those of all rooms.
func (h *testHub) profiles(t *testing.T) map[string]chat.Profile {
	t.Helper()
	all := make(map[string]chat.Profile)
	for _, r := range h.list(t, directory.Query{Limit: 100}) {
		all[r.Name] = r.Profile
	}
	return all
}

// A profile that is set on one node is known on all, and announced there.
func TestProfilesOnAllNodes(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{RoomEvents: 3})
	h.setProfile(t, alice, "room", chat.Profile{DisplayName: "first"})
	other := h.another(t)
	f := other.feed(t, bob, hub.Start{Room: "room"})
	items := drainAll(t, f, 16)
	joined, ok := items[0].(chat.Joined)
	if !ok || joined.Rooms[0].Profile.DisplayName != "first" || len(items) != 2 {
		t.Fatalf("items = %+v, want Joined with the profile, and CaughtUp", items)
	}
	for i, node := range []*testHub{h, other, h, h, other} {
		want := chat.Profile{DisplayName: fmt.Sprint("name ", i), Topic: fmt.Sprint("topic ", i)}
		node.setProfile(t, alice, "room", want)
		for _, node := range []*testHub{h, other} {
			if got := node.profiles(t)["room"]; got != want {
				t.Errorf("after change %d a node has %+v, want %+v", i, got, want)
			}
		}
		items := drainAll(t, f, 16)
		if len(items) != 1 {
			t.Fatalf("change %d brought %q, want one announcement", i, show(items...))
		}
		if e := items[0].(*chat.Event); e.Body != (chat.RoomChanged{Profile: want}) || e.Sender != alice || e.Time.IsZero() {
			t.Errorf("change %d brought %+v, want who set which profile, and when", i, e)
		}
	}
	if got := h.sequences(t, "room"); len(got) != 0 {
		t.Errorf("the journal holds %v, want no events of profiles", got)
	}
}

// No retention of events touches the profiles.
func TestProfilesAreRetained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{RoomEvents: 3, Age: time.Minute, Bytes: 10_000})
		for i := range 6 {
			h.setProfile(t, alice, fmt.Sprint("room-", i), chat.Profile{DisplayName: fmt.Sprint("name ", i)})
		}
		h.sendMany(t, "flood", 200)
		<-time.After(time.Hour)
		got := h.another(t).profiles(t)
		for i := range 6 {
			if got := got[fmt.Sprint("room-", i)].DisplayName; got != fmt.Sprint("name ", i) {
				t.Errorf("room %d is called %q after a restart, want its name", i, got)
			}
		}
	})
}

// Of profiles that are set at once one stays, the same on all nodes.
func TestProfilesSetAtOnce(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	nodes := []*testHub{h, h.another(t)}
	for round := range 20 {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				nodes[i%2].setProfile(t, alice, "room", chat.Profile{DisplayName: fmt.Sprint(round, " by ", i)})
			})
		}
		wg.Wait()
		first, second := nodes[0].profiles(t)["room"], nodes[1].profiles(t)["room"]
		if first != second || !strings.HasPrefix(first.DisplayName, fmt.Sprint(round)) {
			t.Fatalf("round %d: the nodes have %q and %q, want one of this round", round, first, second)
		}
	}
}

// All profiles are loaded, however many; what can't be read is left out, loudly.
func TestProfilesAreLoaded(t *testing.T) {
	var log lockedBuffer
	h := newTestHub(t, hub.Config{Log: slog.New(slog.DiscardHandler)}, memory.Config{})
	const rooms = 1203
	for i := range rooms {
		h.setProfile(t, alice, fmt.Sprint("room-", i), chat.Profile{DisplayName: fmt.Sprint("name ", i)})
	}
	for key, value := range map[string]string{
		"rooms/garbled/profile": "\xff", "rooms/empty/profile": "", "rooms/Capital/profile": "x", "rooms/other/members": "x", "rooms/a/b/profile": "x",
	} {
		if _, err := h.journal.Put(t.Context(), key, []byte(value), 0); err != nil {
			t.Fatalf("Put(%q) = %v, want nil", key, err)
		}
	}
	s := hub.New(hub.Config{Journal: h.journal, State: h.journal, Encoding: eventpb.Encoding{}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer s.Close()
	if page, err := s.History(t.Context(), history.Query{Room: "room-7"}, 0); err != nil || len(page.Events) != 0 {
		t.Errorf("History of a room that has a profile alone = %+v, %v, want an empty page", page, err)
	}
	got := (&testHub{Hub: s}).profiles(t)
	if len(got) != rooms {
		t.Errorf("%d rooms have a profile, want %d", len(got), rooms)
	}
	for i := range rooms {
		if got := got[fmt.Sprint("room-", i)].DisplayName; got != fmt.Sprint("name ", i) {
			t.Errorf("room %d is called %q, want its name", i, got)
		}
	}
	if n := strings.Count(log.String(), "level=ERROR"); n != 2 || !strings.Contains(log.String(), "room=garbled") {
		t.Errorf("the log has %d errors, want one for each record that can't be read:\n%s", n, log.String())
	}
}

// A profile whose record is deleted is gone, and can be set again.
func TestProfileIsDeleted(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	for range 3 {
		h.setProfile(t, alice, "room", chat.Profile{DisplayName: "name"})
		record, err := h.journal.Get(t.Context(), "rooms/room/profile")
		if err != nil {
			t.Fatalf("Get = %v, want nil", err)
		}
		if err := h.journal.Delete(t.Context(), record.Key, record.Revision); err != nil {
			t.Fatalf("Delete = %v, want nil", err)
		}
		if got := h.profiles(t); len(got) != 0 {
			t.Errorf("rooms after the deletion = %v, want none", got)
		}
	}
}
