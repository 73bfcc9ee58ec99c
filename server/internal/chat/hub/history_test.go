package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

func sequencesOfPage(p history.Page) []uint64 {
	var all []uint64
	for _, e := range p.Events {
		all = append(all, e.Sequence)
	}
	return all
}

func TestHistoryPages(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	var at []uint64
	for i := range 60 {
		at = append(at, h.send(t, "room", fmt.Sprint(i)).Sequence)
		h.send(t, "others", "gaps between the room's sequences")
	}
	last := at[59]
	epoch := h.head(t, "room").Epoch
	c := func(sequence uint64) *chat.Cursor { return &chat.Cursor{Epoch: epoch, Sequence: sequence} }
	for _, tt := range []struct {
		name  string
		query history.Query
		want  []uint64
		more  bool
		next  uint64
	}{
		{"newest", history.Query{}, at[10:], true, last},
		{"newest 60", history.Query{Limit: 60}, at, false, last},
		{"newest 59", history.Query{Limit: 59}, at[1:], true, last},
		{"newest 1", history.Query{Limit: 1}, at[59:], true, last},
		{"newest of all", history.Query{Limit: chat.MaxPage}, at, false, last},
		{"after the beginning", history.Query{After: c(0)}, at[:50], true, at[49]},
		{"after an event", history.Query{After: c(at[2]), Limit: 3}, at[3:6], true, at[5]},
		{"after a gap", history.Query{After: c(at[2] + 1), Limit: 3}, at[3:6], true, at[5]},
		{"after, the rest", history.Query{After: c(at[56]), Limit: 3}, at[57:], false, last},
		{"after, more than the rest", history.Query{After: c(at[56]), Limit: 9}, at[57:], false, last},
		{"after the last", history.Query{After: c(last)}, nil, false, last},
		{"before an event", history.Query{Before: c(at[9]), Limit: 3}, at[6:9], true, at[8]},
		{"before a gap", history.Query{Before: c(at[9] - 1), Limit: 3}, at[6:9], true, at[8]},
		{"before, the rest", history.Query{Before: c(at[3]), Limit: 3}, at[:3], false, at[2]},
		{"before the first", history.Query{Before: c(at[0])}, nil, false, 0},
		{"before 0", history.Query{Before: c(0)}, nil, false, 0},
		{"before any end", history.Query{Before: c(math.MaxUint64), Limit: 1}, at[59:], true, last},
		{"before the end", history.Query{Before: c(last + 1), Limit: 1}, at[59:], true, last},
	} {
		tt.query.Room = "room"
		page, err := h.History(t.Context(), tt.query, 0)
		if err != nil {
			t.Errorf("History, %s = %v, want nil", tt.name, err)
			continue
		}
		if got := sequencesOfPage(page); !slices.Equal(got, tt.want) || page.More != tt.more {
			t.Errorf("History, %s = %v, more %t, want %v, more %t", tt.name, got, page.More, tt.want, tt.more)
		}
		if page.Epoch != epoch || page.Next != *c(tt.next) {
			t.Errorf("History, %s: Epoch %q and Next %v, want %q and %d", tt.name, page.Epoch, page.Next, epoch, tt.next)
		}
	}
}

// Next of any page leads on without a gap.
func TestHistoryNextReadsOn(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	h.sendMany(t, "room", 20)
	all := h.sequences(t, "room")
	for name, query := range map[string]history.Query{
		"newest":           {Room: "room", Limit: 3},
		"after":            {Room: "room", Limit: 3, After: h.cursor(t, "room", 4)},
		"before":           {Room: "room", Limit: 3, Before: h.cursor(t, "room", 9)},
		"before the first": {Room: "room", Limit: 3, Before: h.cursor(t, "room", 1)},
	} {
		page, err := h.History(t.Context(), query, 0)
		if err != nil {
			t.Fatalf("History, %s = %v, want nil", name, err)
		}
		want := all[page.Next.Sequence:] // in a room of its own, sequences grow by one
		var got []uint64
		for more := true; more; more = page.More {
			if page, err = h.History(t.Context(), history.Query{Room: "room", Limit: 7, After: &page.Next}, 0); err != nil {
				t.Fatalf("History after Next of %s = %v, want nil", name, err)
			}
			got = append(got, sequencesOfPage(page)...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("read on after %s = %v, want %v", name, got, want)
		}
	}
}

// A page stops at 1 MiB of what was said, but not before its first event.
func TestHistoryPagesAreBoundInBytes(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	text := strings.Repeat("🙂", chat.MaxText) // 16,000 bytes
	for range 200 {
		h.send(t, "room", text)
	}
	all := h.sequences(t, "room")
	newest, err := h.History(t.Context(), history.Query{Room: "room", Limit: 200}, 0)
	if err != nil {
		t.Fatalf("History = %v, want nil", err)
	}
	n := len(newest.Events)
	if n < 60 || n > 65 || !newest.More || !slices.Equal(sequencesOfPage(newest), all[200-n:]) {
		t.Errorf("newest page = %d events %v, more %t, want the newest MiB", n, sequencesOfPage(newest), newest.More)
	}
	var forward []uint64
	cursor := h.cursor(t, "room", 0)
	for more := true; more; {
		page, err := h.History(t.Context(), history.Query{Room: "room", Limit: 200, After: cursor}, 0)
		if err != nil || len(page.Events) == 0 || len(page.Events) > 65 {
			t.Fatalf("page after %v = %d events, %v, want about a MiB", cursor, len(page.Events), err)
		}
		forward = append(forward, sequencesOfPage(page)...)
		cursor, more = &page.Next, page.More
	}
	if !slices.Equal(forward, all) {
		t.Errorf("pages forward = %v, want %v", forward, all)
	}
	var backward []uint64
	for before := (*chat.Cursor)(nil); ; {
		page, err := h.History(t.Context(), history.Query{Room: "room", Limit: 200, Before: before}, 0)
		if err != nil || len(page.Events) == 0 {
			t.Fatalf("page before %v = %d events, %v, want some", before, len(page.Events), err)
		}
		backward = slices.Concat(sequencesOfPage(page), backward)
		if !page.More {
			break
		}
		before = h.cursor(t, "room", page.Events[0].Sequence)
	}
	if !slices.Equal(backward, all) {
		t.Errorf("pages backward = %v, want %v", backward, all)
	}
}

func TestHistoryErrors(t *testing.T) {
	h := newTestHub(t, hub.Config{Rooms: []string{"lobby"}}, memory.Config{RoomEvents: 5})
	h.sendMany(t, "room", 12)
	c := h.cursor(t, "room", 10)
	for _, tt := range []struct {
		name        string
		query       history.Query
		wait        time.Duration
		field, rule string
	}{
		{"no room", history.Query{}, 0, "room", "room.name"},
		{"a bad room", history.Query{Room: "Lobby"}, 0, "room", "room.name"},
		{"negative limit", history.Query{Room: "room", Limit: -1}, 0, "limit", "limit.range"},
		{"large limit", history.Query{Room: "room", Limit: chat.MaxPage + 1}, 0, "limit", "limit.range"},
		{"both directions", history.Query{Room: "room", After: c, Before: c}, 0, "before", "page.one"},
		{"waiting backward", history.Query{Room: "room", Before: c}, time.Second, "wait", "wait.after"},
	} {
		if _, err := h.History(t.Context(), tt.query, tt.wait); !isField(err, tt.field, tt.rule) {
			t.Errorf("History, %s = %v, want a FieldError for %s, %s", tt.name, err, tt.field, tt.rule)
		}
	}
	for name, query := range map[string]history.Query{
		"after, another epoch":  {After: &chat.Cursor{Epoch: "other", Sequence: 10}},
		"after, beyond the end": {After: h.cursor(t, "room", 13)},
		"after, dropped":        {After: h.cursor(t, "room", 6)},
		"before, another epoch": {Before: &chat.Cursor{Epoch: "other", Sequence: 10}},
	} {
		query.Room = "room"
		var wait time.Duration
		if query.Before == nil {
			wait = time.Hour // a lost cursor is not waited for
		}
		_, err := h.History(t.Context(), query, wait)
		lost, ok := errors.AsType[*chat.CursorLostError](err)
		if !ok || *lost != (chat.CursorLostError{Room: "room", Epoch: c.Epoch, Oldest: 8}) {
			t.Errorf("History, %s = %#v, want a CursorLostError with the oldest at 8", name, err)
		}
	}
	h.journal.failing("ReadBack")
	if _, err := h.History(t.Context(), history.Query{Room: "room"}, 0); !errors.Is(err, errBroken) {
		t.Errorf("History with a failing journal = %v, want %v", err, errBroken)
	}
}

// A page after a cursor never leaves out what retention drops meanwhile.
func TestHistoryOvertakenWhileItReads(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{RoomEvents: 10})
	h.sendMany(t, "room", 10)
	once := true
	h.journal.beforeRead = func() {
		if once {
			once = false
			h.sendMany(t, "room", 20)
		}
	}
	page, err := h.History(t.Context(), history.Query{Room: "room", After: h.cursor(t, "room", 2)}, 0)
	if _, lost := errors.AsType[*chat.CursorLostError](err); !lost && (len(page.Events) == 0 || page.Events[0].Sequence != 3) {
		t.Errorf("History after 2 = %v, %v, want a page from 3 on or a CursorLostError", sequencesOfPage(page), err)
	}
}

func TestHistoryOfEmptyRooms(t *testing.T) {
	h := newTestHub(t, hub.Config{Rooms: []string{"lobby", "b", "z"}}, memory.Config{})
	h.feed(t, gopher, hub.Start{Room: "listened-to"})
	for room, known := range map[string]bool{"lobby": true, "b": true, "z": true, "listened-to": true, "unknown": false, "lobb": false} {
		for _, wait := range []time.Duration{0, 1} {
			page, err := h.History(t.Context(), history.Query{Room: room}, wait)
			if known && (err != nil || len(page.Events) != 0 || page.More || page.Epoch == "" || page.Next != chat.Cursor{Epoch: page.Epoch}) {
				t.Errorf("History(%q), wait %v = %+v, %v, want an empty page", room, wait, page, err)
			}
			if !known && !errors.Is(err, chat.ErrUnknownRoom) {
				t.Errorf("History(%q), wait %v = %v, want %v", room, wait, err, chat.ErrUnknownRoom)
			}
		}
	}
	if n := h.OpenRooms(); n != 1 {
		t.Errorf("%d rooms have listeners, want 1: waiting for history does not make a room", n)
	}
}

func TestHistoryWaits(t *testing.T) {
	const wait = 20 * time.Second
	for _, tt := range []struct {
		name string
		// event happens after 5 s of waiting.
		event func(t *testing.T, h *testHub, cancel func())
		takes time.Duration
		want  int // events
		err   error
	}{
		{"for nothing", func(*testing.T, *testHub, func()) {}, wait, 0, nil},
		{"for a message", func(t *testing.T, h *testHub, _ func()) { h.send(t, "lobby", "hi") }, 5 * time.Second, 1, nil},
		{"while another room is busy", func(t *testing.T, h *testHub, _ func()) { h.send(t, "room", "hi") }, wait, 0, nil},
		{"until Close", func(_ *testing.T, h *testHub, _ func()) { h.Close() }, 5 * time.Second, 0, nil},
		{"until the caller goes", func(_ *testing.T, _ *testHub, cancel func()) { cancel() }, 5 * time.Second, 0, context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newTestHub(t, hub.Config{Rooms: []string{"lobby"}}, memory.Config{})
				h.send(t, "lobby", "seen")
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				happened := make(chan struct{})
				time.AfterFunc(5*time.Second, func() {
					defer close(happened)
					tt.event(t, h, cancel)
				})
				start := time.Now()
				page, err := h.History(ctx, history.Query{Room: "lobby", After: h.cursor(t, "lobby", 1)}, wait)
				<-happened
				if took := time.Since(start); took != tt.takes || !errors.Is(err, tt.err) || len(page.Events) != tt.want {
					t.Errorf("History = %d events, %v after %v, want %d, %v after %v", len(page.Events), err, took, tt.want, tt.err, tt.takes)
				}
				if err == nil && page.Next.Sequence != uint64(1+tt.want) {
					t.Errorf("Next = %v, want %d", page.Next, 1+tt.want)
				}
				h.checkEmpty(t)
			})
		})
	}
}

// What is there already is answered at once.
func TestHistoryDoesNotWaitForWhatIsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		h.sendMany(t, "room", 2)
		start := time.Now()
		for _, after := range []*chat.Cursor{nil, h.cursor(t, "room", 1)} {
			page, err := h.History(t.Context(), history.Query{Room: "room", After: after}, time.Hour)
			if err != nil || len(page.Events) == 0 || time.Since(start) != 0 {
				t.Errorf("History after %v = %v, %v after %v, want events at once", after, sequencesOfPage(page), err, time.Since(start))
			}
		}
	})
}

// A tail may be late with what the caller has seen, which is nothing new.
func TestHistoryWaitsBeyondWhatIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTestHub(t, hub.Config{}, memory.Config{})
		h.send(t, "room", "seen")
		seen, err := h.journal.Read(t.Context(), "room", 0, 1)
		if err != nil {
			t.Fatalf("Read = %v, want nil", err)
		}
		time.AfterFunc(time.Second, func() { h.journal.late(seen[0]) })
		said := make(chan struct{})
		time.AfterFunc(3*time.Second, func() {
			defer close(said)
			h.send(t, "room", "new")
		})
		start := time.Now()
		page, err := h.History(t.Context(), history.Query{Room: "room", After: h.cursor(t, "room", 1)}, time.Minute)
		<-said
		if got := sequencesOfPage(page); err != nil || !slices.Equal(got, []uint64{2}) || time.Since(start) != 3*time.Second {
			t.Errorf("History after 1 = %v, %v after %v, want 2 after 3 s", got, err, time.Since(start))
		}
	})
}

// An event that is larger than a page is a page.
func TestHistoryOfHugeEvents(t *testing.T) {
	h := newTestHub(t, hub.Config{}, memory.Config{})
	payload, err := eventpb.Encoding{}.Encode(&chat.Event{ID: "huge", Body: chat.Message{Text: strings.Repeat("a", 2<<20)}})
	if err != nil {
		t.Fatalf("Encode = %v, want nil", err)
	}
	for _, key := range []string{"1", "2"} {
		if _, _, err := chat.Append(t.Context(), h.journal, chat.Entry{Room: "room", Key: key, Payload: payload}); err != nil {
			t.Fatalf("Append = %v, want nil", err)
		}
	}
	for name, query := range map[string]history.Query{"after": {After: h.cursor(t, "room", 0)}, "newest": {}} {
		query.Room = "room"
		page, err := h.History(t.Context(), query, 0)
		if err != nil || len(page.Events) != 1 || !page.More {
			t.Errorf("History, %s = %v, more %t, %v, want one event and more", name, sequencesOfPage(page), page.More, err)
		}
	}
}
