package hub_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/store/memory"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// waitTimeout bounds the wait for what is sure to come.
const waitTimeout = 10 * time.Second

// testHub is a hub and its store.
type testHub struct {
	*hub.Hub
	journal *probe
	sent    int
}

// newTestHub returns a hub. The end of the test checks that its rooms have no listeners left.
func newTestHub(t *testing.T, config hub.Config, keep memory.Config) *testHub {
	t.Helper()
	h := &testHub{journal: &probe{Store: memory.Open(keep)}}
	config.Journal, config.State, config.Encoding = h.journal, h.journal, eventpb.Encoding{}
	h.Hub = hub.New(config)
	t.Cleanup(func() {
		h.checkEmpty(t)
		h.Close()
		if err := h.journal.Close(); err != nil {
			t.Errorf("Close of the journal = %v, want nil", err)
		}
	})
	return h
}

func (h *testHub) checkEmpty(t *testing.T) {
	t.Helper()
	if n := h.OpenRooms(); n != 0 {
		t.Errorf("%d rooms are left, want 0", n)
	}
	if n := h.journal.tails.Load(); n != 0 {
		t.Errorf("%d tails are left in the journal, want 0", n)
	}
}

var gopher = chat.Member{ID: "G", Name: "gopher", Guest: true}

// send sends a message that must be new, and returns its cursor.
func (h *testHub) send(t testing.TB, room, text string) chat.Cursor {
	t.Helper()
	h.sent++
	receipt, err := h.Send(t.Context(), gopher, chat.Post{Room: room, ID: fmt.Sprint("id-", h.sent), Body: chat.Message{Text: text}})
	if err != nil || receipt.Duplicate {
		t.Fatalf("Send(%q, %q) = %+v, %v, want a new event", room, text, receipt, err)
	}
	return receipt.At
}

// sendMany sends n messages and returns the cursor of each.
func (h *testHub) sendMany(t testing.TB, room string, n int) []chat.Cursor {
	t.Helper()
	at := make([]chat.Cursor, n)
	for i := range at {
		at[i] = h.send(t, room, fmt.Sprint("message ", i))
	}
	return at
}

func (h *testHub) cursor(t testing.TB, room string, sequence uint64) *chat.Cursor {
	t.Helper()
	return &chat.Cursor{Epoch: h.head(t, room).Epoch, Sequence: sequence}
}

func (h *testHub) head(t testing.TB, room string) chat.Head {
	t.Helper()
	head, err := h.journal.Head(t.Context(), room)
	if err != nil {
		t.Fatalf("Head(%q) = %v, want nil", room, err)
	}
	return head
}

// sequences returns what the journal holds of a room.
func (h *testHub) sequences(t testing.TB, room string) []uint64 {
	t.Helper()
	stored, err := h.journal.Store.Read(t.Context(), room, 0, 1<<20)
	if err != nil {
		t.Fatalf("Read(%q) = %v, want nil", room, err)
	}
	var all []uint64
	for _, st := range stored {
		all = append(all, st.Sequence)
	}
	return all
}

type joiner interface {
	Join(ctx context.Context, starts ...hub.Start) error
}

// testFeed is a feed whose notifications arrive on a channel.
type testFeed struct {
	*hub.Feed
	ready chan struct{} // capacity 1
}

func (h *testHub) newFeed(m chat.Member) *testFeed { return newTestFeed(h.Hub, m) }

func newTestFeed(h *hub.Hub, m chat.Member) *testFeed {
	ready := make(chan struct{}, 1)
	notify := func(bool) {
		select {
		case ready <- struct{}{}:
		default: // a notification that is there covers this one
		}
	}
	return &testFeed{h.NewFeed(m, notify), ready}
}

// Ready returns the channel of notifications.
func (f *testFeed) Ready() <-chan struct{} { return f.ready }

// Next takes what is pending, and may read the journal.
func (f *testFeed) Next(ctx context.Context, buf []chat.Item) (int, error) {
	n, _, err := f.Take(ctx, buf, true)
	return n, err
}

// feed returns a feed that has joined, and that is closed when the test ends.
func (h *testHub) feed(t testing.TB, m chat.Member, starts ...hub.Start) *testFeed {
	t.Helper()
	f := h.newFeed(m)
	t.Cleanup(f.Close)
	join(t, f, starts...)
	return f
}

func join(t testing.TB, f joiner, starts ...hub.Start) {
	t.Helper()
	if err := f.Join(t.Context(), starts...); err != nil {
		t.Fatalf("Join(%v) = %v, want nil", starts, err)
	}
}

// drain takes all that is pending, size items at a time, and leaves out what is
// ephemeral.
func drain(t testing.TB, f *testFeed, size int) []chat.Item {
	t.Helper()
	return slices.DeleteFunc(drainAll(t, f, size), func(item chat.Item) bool {
		e, ok := item.(*chat.Event)
		return ok && e.Sequence == 0
	})
}

func drainAll(t testing.TB, f *testFeed, size int) []chat.Item {
	t.Helper()
	var all []chat.Item
	buf := make([]chat.Item, size)
	for {
		select {
		case <-f.Ready():
		default:
			return all
		}
		n, err := f.Next(t.Context(), buf)
		if err != nil {
			t.Fatalf("Next() = %v, want nil", err)
		}
		all = append(all, buf[:n]...)
	}
}

// show says in short what items are, for comparison and for messages.
func show(items ...chat.Item) []string {
	var texts []string
	for _, item := range items {
		switch item := item.(type) {
		case chat.Joined:
			text := "joined"
			for _, r := range item.Rooms {
				text += fmt.Sprintf(" %s@%d members=%d", r.Room, r.Head, r.Members)
			}
			texts = append(texts, text)
		case chat.CaughtUp:
			texts = append(texts, "caught up "+item.Room)
		case chat.Reset:
			texts = append(texts, fmt.Sprintf("reset %s oldest=%d head=%d", item.Room, item.Oldest, item.Head))
		case *chat.Event:
			texts = append(texts, fmt.Sprintf("%s %d", item.Room, item.Sequence))
		default:
			texts = append(texts, fmt.Sprintf("%T", item))
		}
	}
	return texts
}

func sequencesOf(items []chat.Item) []uint64 {
	var all []uint64
	for _, item := range items {
		if e, ok := item.(*chat.Event); ok {
			all = append(all, e.Sequence)
		}
	}
	return all
}

// isField says whether err is a FieldError for a field and rule.
func isField(err error, field, rule string) bool {
	f, ok := errors.AsType[*chat.FieldError](err)
	return ok && f.Field == field && f.Rule == rule && f.Bound != ""
}

// lockedBuffer takes what is logged.
type lockedBuffer struct {
	mu   sync.Mutex // guards below
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
