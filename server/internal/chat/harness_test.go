package chat_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/journal/memory"
	"chatroom/server/internal/rpc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds the wait for what is sure to come.
const patience = 10 * time.Second

// probe is a journal that counts its tails, and lets a test come between a
// service and its journal.
type probe struct {
	chat.Journal
	tails        atomic.Int32
	beforeRead   func() // called before each Read and ReadBack
	beforeAppend func() // called once, before the next Append
	broken       string // the method that fails

	mu      sync.Mutex          // guards below
	deliver func([]chat.Stored) // of the newest tail
}

var errBroken = errors.New("the journal is broken")

func (p *probe) failing(method string) { p.broken = method }

func (p *probe) failed(method string) error {
	if method == p.broken {
		return errBroken
	}
	return nil
}

func (p *probe) Append(ctx context.Context, room, key string, payload []byte) (chat.Cursor, bool, error) {
	if err := p.failed("Append"); err != nil {
		return chat.Cursor{}, false, err
	}
	if f := p.beforeAppend; f != nil {
		p.beforeAppend = nil
		f()
	}
	return p.Journal.Append(ctx, room, key, payload)
}

func (p *probe) Submit(ctx context.Context, room, key string, payload []byte, done func(chat.Appended)) {
	at, duplicate, err := p.Append(ctx, room, key, payload)
	done(chat.Appended{At: at, Duplicate: duplicate, Err: err})
}

func (p *probe) Read(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	if p.beforeRead != nil {
		p.beforeRead()
	}
	if err := p.failed("Read"); err != nil {
		return nil, err
	}
	return p.Journal.Read(ctx, room, after, limit)
}

func (p *probe) ReadBack(ctx context.Context, room string, before uint64, limit int) ([]chat.Stored, error) {
	if p.beforeRead != nil {
		p.beforeRead()
	}
	if err := p.failed("ReadBack"); err != nil {
		return nil, err
	}
	return p.Journal.ReadBack(ctx, room, before, limit)
}

func (p *probe) Erase(ctx context.Context, room string, sequence uint64) error {
	if err := p.failed("Erase"); err != nil {
		return err
	}
	return p.Journal.Erase(ctx, room, sequence)
}

func (p *probe) Head(ctx context.Context, room string) (chat.Head, error) {
	if err := p.failed("Head"); err != nil {
		return chat.Head{}, err
	}
	return p.Journal.Head(ctx, room)
}

func (p *probe) Tail(ctx context.Context, room string, fn func([]chat.Stored)) (func(), error) {
	if err := p.failed("Tail"); err != nil {
		return nil, err
	}
	stop, err := p.Journal.Tail(ctx, room, fn)
	if err != nil {
		return nil, err
	}
	if room == "!rooms" {
		return stop, nil // the service's own
	}
	p.tails.Add(1)
	p.mu.Lock()
	p.deliver = fn
	p.mu.Unlock()
	detach := context.AfterFunc(ctx, stop) // a journal may well end a tail with its context
	return func() {
		p.tails.Add(-1)
		detach()
		stop()
	}, nil
}

// late calls the newest tail once more with what was stored long ago.
func (p *probe) late(stored chat.Stored) {
	p.mu.Lock()
	deliver := p.deliver
	p.mu.Unlock()
	deliver([]chat.Stored{stored})
}

// house is a service and what it stands on.
type house struct {
	*chat.Service
	journal *probe
	sent    int
}

// newHouse returns a service whose end checks that nobody is left in it.
func newHouse(t *testing.T, config chat.Config, keep memory.Config) *house {
	t.Helper()
	h := &house{journal: &probe{Journal: memory.Open(keep)}}
	config.Journal, config.Encoding = h.journal, rpc.Encoding{}
	h.Service = chat.New(config)
	t.Cleanup(func() {
		h.checkEmpty(t)
		h.Close()
		if err := h.journal.Close(); err != nil {
			t.Errorf("Close of the journal = %v, want nil", err)
		}
	})
	return h
}

func (h *house) checkEmpty(t *testing.T) {
	t.Helper()
	if n := h.OpenRooms(); n != 0 {
		t.Errorf("%d rooms are left, want 0", n)
	}
	if n := h.journal.tails.Load(); n != 0 {
		t.Errorf("%d tails are left in the journal, want 0", n)
	}
}

var gopher = chat.Member{ID: "G", Name: "gopher", Guest: true}

// say sends a message that must be new, and returns its place.
func (h *house) say(t testing.TB, room, text string) chat.Cursor {
	t.Helper()
	h.sent++
	receipt, err := h.Send(t.Context(), gopher, chat.Post{Room: room, ID: fmt.Sprint("id-", h.sent), Body: chat.Message{Text: text}})
	if err != nil || receipt.Duplicate {
		t.Fatalf("Send(%q, %q) = %+v, %v, want a new event", room, text, receipt, err)
	}
	return receipt.At
}

// sayMany sends n messages and returns the place of each.
func (h *house) sayMany(t testing.TB, room string, n int) []chat.Cursor {
	t.Helper()
	at := make([]chat.Cursor, n)
	for i := range at {
		at[i] = h.say(t, room, fmt.Sprint("message ", i))
	}
	return at
}

func (h *house) cursor(t testing.TB, room string, sequence uint64) *chat.Cursor {
	t.Helper()
	return &chat.Cursor{Epoch: h.head(t, room).Epoch, Sequence: sequence}
}

func (h *house) head(t testing.TB, room string) chat.Head {
	t.Helper()
	head, err := h.journal.Head(t.Context(), room)
	if err != nil {
		t.Fatalf("Head(%q) = %v, want nil", room, err)
	}
	return head
}

// sequences returns what the journal holds of a room.
func (h *house) sequences(t testing.TB, room string) []uint64 {
	t.Helper()
	stored, err := h.journal.Journal.Read(t.Context(), room, 0, 1<<20)
	if err != nil {
		t.Fatalf("Read(%q) = %v, want nil", room, err)
	}
	var all []uint64
	for _, st := range stored {
		all = append(all, st.Sequence)
	}
	return all
}

// feed returns a feed that has joined, and that is closed when the test ends.
func (h *house) feed(t testing.TB, m chat.Member, starts ...chat.Start) *chat.Feed {
	t.Helper()
	f := h.NewFeed(m)
	t.Cleanup(f.Close)
	join(t, f, starts...)
	return f
}

func join(t testing.TB, f *chat.Feed, starts ...chat.Start) {
	t.Helper()
	if err := f.Join(t.Context(), starts...); err != nil {
		t.Fatalf("Join(%v) = %v, want nil", starts, err)
	}
}

// drain takes all that is pending, size items at a time, and leaves out what is
// ephemeral.
func drain(t testing.TB, f *chat.Feed, size int) []chat.Item {
	t.Helper()
	return slices.DeleteFunc(drainAll(t, f, size), func(item chat.Item) bool {
		e, ok := item.(*chat.Event)
		return ok && e.Sequence == 0
	})
}

func drainAll(t testing.TB, f *chat.Feed, size int) []chat.Item {
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
