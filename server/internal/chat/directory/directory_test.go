package directory_test

import (
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var ada = chat.Member{ID: "ADA", Name: "Ada"}

// open returns a directory on a store, and the profile events that it has announced.
func open(t *testing.T, store *memory.Store, rooms ...string) (*directory.Directory, *[]*chat.Event) {
	t.Helper()
	announced := new([]*chat.Event)
	d := directory.New(directory.Config{
		Journal: store, State: store, Encoding: eventpb.Encoding{}, Rooms: rooms, Log: slog.New(slog.DiscardHandler),
		ProfileChanged: func(e *chat.Event) { *announced = append(*announced, e) },
	})
	t.Cleanup(d.Close)
	return d, announced
}

func appendTo(t *testing.T, store *memory.Store, room, key string) {
	t.Helper()
	if _, _, err := chat.Append(t.Context(), store, chat.Entry{Room: room, Key: key, Counted: true}); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, d *directory.Directory, order directory.Order) (all []string) {
	t.Helper()
	for q := (directory.Query{Order: order, Limit: 2}); ; {
		page, err := d.List(t.Context(), q)
		if err != nil {
			t.Fatalf("List(%+v) = %v, want nil", q, err)
		}
		for _, r := range page.Rooms {
			all = append(all, r.Name)
		}
		if q.After = page.Next; q.After == "" {
			return all
		}
	}
}

// The list has the rooms of the journal, those with a profile and the configured ones, also
// what another node stores later.
func TestListFollowsTheStores(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.Open(memory.Config{})
		defer store.Close()
		appendTo(t, store, "early", "1")
		d, _ := open(t, store, "configured")
		other, _ := open(t, store)
		if got, want := names(t, d, directory.ByName), []string{"configured", "early"}; !slices.Equal(got, want) {
			t.Errorf("List = %v, want %v", got, want)
		}
		<-time.After(time.Second)
		appendTo(t, store, "late", "2")
		if err := other.SetProfile(t.Context(), ada, "profiled", chat.Profile{Topic: "tea"}); err != nil {
			t.Fatal(err)
		}
		if got, want := names(t, d, directory.ByActivity), []string{"late", "early", "configured", "profiled"}; !slices.Equal(got, want) {
			t.Errorf("List by activity = %v, want %v", got, want)
		}
		for room, want := range map[string]bool{"configured": true, "profiled": true, "early": false, "unknown": false} {
			if got, err := d.Exists(t.Context(), room); got != want || err != nil {
				t.Errorf("Exists(%q) = %t, %v, want %t", room, got, err, want)
			}
		}
	})
}

// A profile is announced once on each node that follows the state.
func TestProfileIsAnnounced(t *testing.T) {
	store := memory.Open(memory.Config{})
	defer store.Close()
	d, own := open(t, store)
	other, others := open(t, store)
	if err := other.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := chat.Profile{DisplayName: "Tea", Topic: "leaves"}
	if err := d.SetProfile(t.Context(), ada, "tea", want); err != nil {
		t.Fatal(err)
	}
	for node, announced := range map[string]*[]*chat.Event{"this node": own, "the other node": others} {
		if len(*announced) != 1 || (*announced)[0].Sender != ada || (*announced)[0].Body != (chat.RoomChanged{Profile: want}) {
			t.Errorf("%s has announced %+v, want the profile once", node, *announced)
		}
	}
	if got, err := other.Profile(t.Context(), "tea"); got != want || err != nil {
		t.Errorf("Profile = %+v, %v, want %+v", got, err, want)
	}
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := memory.Open(memory.Config{})
		defer store.Close()
		d, _ := open(t, store)
		if err := d.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		w, err := d.Watch(func() {})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		var buf [4]chat.Item
		if n := w.Take(buf[:]); n != 1 || !buf[0].(*chat.RoomsChanged).Incomplete {
			t.Errorf("Take at first = %v, want one incomplete change", buf[:n])
		}
		d.SetMembers("a", 2)
		d.SetMembers("b", 1)
		<-time.After(time.Second)
		synctest.Wait()
		n := w.Take(buf[:])
		if n != 1 {
			t.Fatalf("Take after a second = %v, want one change", buf[:n])
		}
		if c := buf[0].(*chat.RoomsChanged); c.Incomplete || len(c.Rooms) != 2 || c.Rooms[0].Name != "b" || c.Rooms[1].Members != 2 {
			t.Errorf("Take after a second = %+v, want both rooms, the newest change first", c)
		}
	})
}

func TestClosedDirectory(t *testing.T) {
	store := memory.Open(memory.Config{})
	defer store.Close()
	d, _ := open(t, store)
	d.Close()
	if _, err := d.List(t.Context(), directory.Query{Limit: 1}); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("List = %v, want %v", err, chat.ErrClosed)
	}
	if _, err := d.Watch(func() {}); !errors.Is(err, chat.ErrClosed) {
		t.Errorf("Watch = %v, want %v", err, chat.ErrClosed)
	}
}
