package hub_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/history"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/store/memory"
)

// answers are the deletions that were answered, and when.
type answers struct {
	clock   atomic.Int64
	deleted sync.Map // the answer's time, by target
}

func (a *answers) add(target uint64) { a.deleted.Store(target, a.clock.Add(1)) }

// before reports whether the message that an event has the text of was deleted, and
// that answered, before a time.
func (a *answers) before(e *chat.Event, time int64) bool {
	at, deleted := a.deleted.Load(targetOf(e))
	return deleted && at.(int64) <= time
}

// Members send, edit and delete while readers pause, lag and read pages: none of them is
// given what was deleted before it asked, or takes for missing what was deleted, or
// misses anything.
func TestDeletionsUnderStress(t *testing.T) {
	const members, each, readers = 4, 200, 6
	h := newTestHub(t, hub.Config{Window: 16, MemoryBytes: 1 << 20}, memory.Config{})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var a answers
	ctx, finish := context.WithCancel(t.Context())
	defer finish()
	got := make([][]uint64, readers)
	var reading, sending sync.WaitGroup
	for i := range got {
		f := h.feed(t, gopher, hub.Start{Room: "room"})
		reading.Go(func() {
			got[i] = readWhileDeleted(ctx, t, h, f, &a, rand.New(rand.NewPCG(seed, uint64(i))))
		})
	}
	for m := range members {
		sending.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(100+m)))
			var own []uint64
			for i := range each {
				var body chat.Body = chat.Message{Text: "hi"}
				target := uint64(0)
				if len(own) > 0 && r.IntN(3) > 0 {
					at := r.IntN(len(own))
					target, body = own[at], chat.Edit{Target: own[at], Text: "edited"}
					if r.IntN(2) == 0 {
						own, body = slices.Delete(own, at, at+1), chat.Deletion{Target: target}
					}
				}
				receipt, err := h.Send(t.Context(), chat.Member{ID: fmt.Sprint(m)}, chat.Post{Room: "room", ID: fmt.Sprint(i), Body: body})
				if err != nil {
					t.Errorf("Send(%+v) = %v, want nil", body, err)
				}
				switch body.(type) {
				case chat.Message:
					own = append(own, receipt.At.Sequence)
				case chat.Deletion:
					a.add(target)
				}
			}
		})
	}
	sending.Wait()
	finish()
	reading.Wait()
	for i, all := range got {
		for _, sequence := range h.sequences(t, "room") {
			if _, found := slices.BinarySearch(all, sequence); !found {
				t.Errorf("seed %d: reader %d has not got event %d", seed, i, sequence)
			}
		}
	}
}

// readWhileDeleted returns the sequences that a feed gives until ctx has ended and
// nothing is left.
func readWhileDeleted(ctx context.Context, t *testing.T, h *testHub, f *testFeed, a *answers, r *rand.Rand) (all []uint64) {
	last := uint64(0)
	buf := make([]chat.Item, 24)
	for {
		select {
		case <-f.Ready():
		default:
			select {
			case <-f.Ready():
			case <-ctx.Done():
				if len(f.Ready()) == 0 {
					return all
				}
				continue
			}
		}
		now := a.clock.Load()
		n, err := f.Next(t.Context(), buf[:1+r.IntN(len(buf))])
		if err != nil {
			t.Errorf("Next = %v, want nil", err)
			return all
		}
		for _, e := range durable(buf[:n]) {
			if a.before(e, now) {
				t.Errorf("a stream gave %+v, which was deleted before", e)
			}
			if e.Previous > last {
				t.Errorf("event %d came after %d, but says that %d was before it", e.Sequence, last, e.Previous)
			}
			last = e.Sequence
			all = append(all, last)
		}
		if r.IntN(8) > 0 {
			continue
		}
		now = a.clock.Load()
		page, err := h.History(t.Context(), history.Query{Room: "room", Limit: 1 + r.IntN(40)}, 0)
		if err != nil && !errors.Is(err, chat.ErrUnknownRoom) {
			t.Errorf("History = %v, want nil", err)
		}
		for _, e := range page.Events {
			if a.before(e, now) {
				t.Errorf("a page has %+v, which was deleted before", e)
			}
		}
	}
}
