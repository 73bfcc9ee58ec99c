package hub_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

// list returns all rooms in an order, read size at a time.
func (h *testHub) list(t testing.TB, q directory.Query) []chat.RoomInfo {
	t.Helper()
	var rooms []chat.RoomInfo
	for {
		page, err := h.Directory().List(t.Context(), q)
		if err != nil {
			t.Fatalf("Rooms(%+v) = %v, want nil", q, err)
		}
		rooms = append(rooms, page.Rooms...)
		if q.After = page.Next; q.After == "" {
			return rooms
		}
		if len(page.Rooms) != q.Limit {
			t.Fatalf("Rooms(%+v) = %d rooms and more", q, len(page.Rooms))
		}
	}
}

func namesOf(rooms []chat.RoomInfo) []string {
	var names []string
	for _, r := range rooms {
		names = append(names, r.Name)
	}
	return names
}

// A room is listed with events, members or a profile, or if it is configured.
func TestRoomsAreListed(t *testing.T) {
	h := newTestHub(t, hub.Config{Rooms: []string{"lobby"}}, memory.Config{})
	h.send(t, "spoken", "hi")
	if err := h.SetProfile(t.Context(), gopher, "named", chat.Profile{DisplayName: "Named"}); err != nil {
		t.Fatalf("SetProfile = %v, want nil", err)
	}
	f := h.feed(t, gopher, hub.Start{Room: "joined"})
	rooms := h.list(t, directory.Query{Limit: 2})
	if got, want := namesOf(rooms), []string{"joined", "lobby", "named", "spoken"}; !slices.Equal(got, want) {
		t.Errorf("rooms = %q, want %q", got, want)
	}
	for _, r := range rooms {
		spoken, joined := r.Name == "spoken", r.Name == "joined"
		if (r.Head == 1) != spoken || (r.Messages == 1) != spoken || r.LastActivity.IsZero() == spoken || (r.Members == 1) != joined || (r.Profile.DisplayName == "Named") != (r.Name == "named") || r.Unread != -1 {
			t.Errorf("room = %+v, want only what it holds", r)
		}
	}
	if err := f.Leave("joined"); err != nil {
		t.Fatalf("Leave = %v, want nil", err)
	}
	if got, want := namesOf(h.list(t, directory.Query{Limit: 10, Order: directory.ByActivity})), []string{"spoken", "lobby", "named"}; !slices.Equal(got, want) {
		t.Errorf("rooms by activity, after leaving = %q, want %q", got, want)
	}
}

// A room exists while it is in the list, also before an earlier run's rooms are read.
func TestExists(t *testing.T) {
	h := newTestHub(t, hub.Config{Rooms: []string{"lobby"}}, memory.Config{})
	h.send(t, "spoken", "hi")
	if err := h.SetProfile(t.Context(), gopher, "named", chat.Profile{DisplayName: "Named"}); err != nil {
		t.Fatalf("SetProfile = %v, want nil", err)
	}
	f := h.feed(t, gopher, hub.Start{Room: "joined"})
	check := func(h *testHub, when string, rooms map[string]bool) {
		t.Helper()
		for room, want := range rooms {
			exists, err1 := h.Exists(t.Context(), room)
			listed, err2 := h.Listed(t.Context(), room)
			if exists != want || listed != want || err1 != nil || err2 != nil {
				t.Errorf("%s: Exists(%q) = %t, %v and Listed %t, %v, want %t", when, room, exists, err1, listed, err2, want)
			}
		}
	}
	check(h, "with a member", map[string]bool{"lobby": true, "spoken": true, "named": true, "joined": true, "other": false})
	if err := f.Leave("joined"); err != nil {
		t.Fatalf("Leave = %v, want nil", err)
	}
	check(h, "without members", map[string]bool{"lobby": true, "spoken": true, "named": true, "joined": false, "other": false})
	check(h.another(t), "after a restart", map[string]bool{"spoken": true, "named": true, "joined": false})
	if n, err := h.Directory().Len(t.Context()); n != 3 || err != nil {
		t.Errorf("Len = %d, %v, want 3", n, err)
	}
}

// Another service on the same store has the same list.
func TestRoomsOfAnEarlierRun(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	const n = 1_234 // more than are read at once
	for i := range n {
		h.send(t, fmt.Sprintf("room-%04d", i), "hi")
	}
	if err := h.SetProfile(t.Context(), gopher, "named", chat.Profile{Topic: "a topic"}); err != nil {
		t.Fatalf("SetProfile = %v, want nil", err)
	}
	want := h.list(t, directory.Query{Limit: 100})
	got := h.another(t).list(t, directory.Query{Limit: 100})
	if len(got) != n+1 || !slices.Equal(namesOf(got), namesOf(want)) {
		t.Fatalf("%d rooms after a restart, want the same %d", len(got), n+1)
	}
	for i, r := range got {
		if r.Head != want[i].Head || r.Messages != want[i].Messages || r.Profile != want[i].Profile {
			t.Errorf("room after a restart = %+v, want %+v", r, want[i])
		}
	}
}

func TestRoomsRefused(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	for _, tt := range []struct {
		query       directory.Query
		field, rule string
	}{
		{directory.Query{Seen: map[string]chat.Cursor{"The Room": {}}}, "seen.room", "room.name"},
		{directory.Query{After: "The Room"}, "page_token", "page_token.order"},
		{directory.Query{After: "17/room"}, "page_token", "page_token.order"},
		{directory.Query{After: "room", Order: directory.ByActivity}, "page_token", "page_token.order"},
		{directory.Query{After: "17/The Room", Order: directory.ByActivity}, "page_token", "page_token.order"},
		{directory.Query{After: "99999999999999999999/room", Order: directory.ByActivity}, "page_token", "page_token.order"},
	} {
		tt.query.Limit = 1
		if _, err := h.Directory().List(t.Context(), tt.query); !isField(err, tt.field, tt.rule) {
			t.Errorf("Rooms(%+v) = %v, want a FieldError for %s, %s", tt.query, err, tt.field, tt.rule)
		}
	}
}

// A cursor at the head has nothing unread, and the journal is not asked: not for the
// rooms without a cursor either.
func TestUnreadAtTheHead(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	at := h.sendMany(t, "room", 3)
	h.sendMany(t, "other", 3)
	h.list(t, directory.Query{Limit: 10}) // reads the rooms
	for _, tt := range []struct {
		seen chat.Cursor
		asks int32
	}{{at[2], 0}, {at[1], 2}} {
		before := h.journal.counts.Load()
		rooms := h.list(t, directory.Query{Limit: 10, Seen: map[string]chat.Cursor{"room": tt.seen, "unknown": {}}, For: gopher})
		if len(rooms) != 2 || rooms[0].Unread != -1 || rooms[1].Unread != 0 {
			t.Errorf("rooms = %+v, want two, and 0 unread in the second", rooms)
		}
		if asked := h.journal.counts.Load() - before; asked != tt.asks {
			t.Errorf("%v seen: the journal was asked %d times, want %d", tt.seen, asked, tt.asks)
		}
	}
}

// A list that can't be read is read again by the next caller.
func TestRoomsReadFails(t *testing.T) {
	for _, method := range []string{"Rooms", "Activity"} {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		h.send(t, "room", "hi")
		h.journal.failing(method)
		if _, err := h.Directory().List(t.Context(), directory.Query{Limit: 1}); !errors.Is(err, errBroken) {
			t.Errorf("Rooms while %s fails = %v, want %v", method, err, errBroken)
		}
		h.journal.failing("")
		if got := namesOf(h.list(t, directory.Query{Limit: 1})); !slices.Equal(got, []string{"room"}) {
			t.Errorf("rooms after %s failed = %q, want one", method, got)
		}
	}
}

// A room that retention has emptied leaves the list when the rooms are read again,
// which the first caller after 10 minutes starts and does not wait for.
func TestRoomsAreReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lockedBuffer
		h := newTestHub(t, hub.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, memory.Config{Age: time.Minute})
		h.send(t, "old", "hi")
		listed := func() []string {
			names := namesOf(h.list(t, directory.Query{Limit: 10}))
			synctest.Wait()
			return names
		}
		listed()
		<-time.After(9 * time.Minute)
		h.send(t, "new", "hi")
		if got := listed(); !slices.Equal(got, []string{"new", "old"}) {
			t.Errorf("rooms after 9 minutes = %q, want both", got)
		}
		<-time.After(2 * time.Minute)
		h.journal.failing("Rooms")
		if listed(); !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("logged %q, want a warning that the rooms can't be read again", log.String())
		}
		<-time.After(11 * time.Minute)
		h.journal.failing("")
		h.send(t, "new", "hi")
		listed()
		if got := listed(); !slices.Equal(got, []string{"new"}) {
			t.Errorf("rooms after they were read again = %q, want the new one", got)
		}
	})
}

// Reading the list outlives the caller who began it, and ends with the service.
func TestRoomsReadIsShared(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.send(t, "room", "hi")
	entered, leave := make(chan struct{}, 9), make(chan struct{})
	h.journal.duringRooms = func(ctx context.Context) {
		entered <- struct{}{}
		select {
		case <-leave:
		case <-ctx.Done():
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := h.Directory().List(ctx, directory.Query{Limit: 1})
		gone <- err
	}()
	<-entered
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("Rooms of a caller who has gone = %v, want %v", err, context.Canceled)
	}
	h.send(t, "another", "other calls don't wait for the list")
	close(leave)
	if got := namesOf(h.list(t, directory.Query{Limit: 1})); !slices.Equal(got, []string{"another", "room"}) {
		t.Errorf("rooms = %q, want two", got)
	}
	if n := len(entered); n != 0 {
		t.Errorf("the list was read %d times more, want once", n)
	}

	h = newTestHub(t, hub.Config{}, memory.Config{})
	blocked := make(chan struct{})
	h.journal.duringRooms = func(ctx context.Context) {
		close(blocked)
		<-ctx.Done()
	}
	go func() {
		_, err := h.Directory().List(context.WithoutCancel(t.Context()), directory.Query{Limit: 1})
		gone <- err
	}()
	<-blocked
	h.Close()
	if err := <-gone; !errors.Is(err, chat.ErrClosed) {
		t.Errorf("Rooms while the service closes = %v, want %v", err, chat.ErrClosed)
	}
	if _, err := h.Directory().List(t.Context(), directory.Query{Limit: 1}); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("Rooms after Close = %v, want %v", err, chat.ErrClosed)
	}
}
