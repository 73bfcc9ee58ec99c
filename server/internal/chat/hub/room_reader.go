package hub

import (
	"context"
	"errors"
	"fmt"

	"chatroom/server/fanout"
	"chatroom/server/internal/chat"
)

// roomReader reads one room for a feed. It replays the journal up to its end, then takes
// from the topic. When it falls out of the topic's window it replays again. Either way the
// newest ephemeral events come first once it is live.
type roomReader struct {
	hub     *Hub
	room    *room
	present *roomPresence
	sub     *fanout.Subscription[*chat.Event]

	// Used by Feed.Take alone, once the feed has the reader.
	last      uint64 // everything up to here was delivered, or not asked for
	replaying bool
	caughtUp  bool          // it has become live, and CaughtUp is to be delivered
	ephemeral []*chat.Event // the newest ephemeral events as of subscribing, to be delivered
	chain     chat.Chain
}

// start finds where to begin. It fills in state, and returns a Reset if the cursor can't be
// honoured.
func (r *roomReader) start(ctx context.Context, start Start, state *chat.RoomState) (*chat.Reset, error) {
	head, err := r.hub.head(ctx, start.Room)
	if err != nil {
		return nil, err
	}
	state.Epoch, state.Head = head.Epoch, head.Last
	r.last = max(head.Last, head.Evicted)
	switch {
	case start.After != nil:
		if head.Check(start.Room, *start.After) != nil {
			return r.reset(head), nil
		}
		r.last, r.replaying = max(start.After.Sequence, head.Evicted), true
	case start.Recent > 0:
		before, err := r.before(ctx, head.Last, start.Recent)
		if err != nil {
			return nil, err
		}
		r.last, r.replaying = max(before, head.Evicted), true
	default:
		r.caughtUp = true
	}
	if r.replaying {
		r.hub.catchUps.resumed.Add(1)
	}
	return nil, nil
}

// reset skips what comes after r.last, and becomes live.
func (r *roomReader) reset(head chat.Head) *chat.Reset {
	r.last, r.replaying, r.caughtUp = head.Last, false, true
	return &chat.Reset{Room: r.room.name, Epoch: head.Epoch, Oldest: head.First, Head: head.Last}
}

// before returns the sequence after which the newest n events up to last come.
func (r *roomReader) before(ctx context.Context, last uint64, n int) (uint64, error) {
	for last > 0 && n > 0 {
		page, err := r.hub.journal.ReadBack(ctx, r.room.name, last+1, min(n, replayChunk))
		if err != nil {
			return 0, fmt.Errorf("read back in room %q: %w", r.room.name, err)
		}
		if len(page) == 0 {
			return 0, nil
		}
		n -= len(page)
		last = page[0].Previous
	}
	return last, nil
}

// take puts what is pending into buf, and reports whether more is known to be pending.
func (r *roomReader) take(ctx context.Context, buf []chat.Item) (n int, more bool, err error) {
	if len(buf) == 0 {
		return 0, true, nil
	}
	if r.replaying {
		return r.replay(ctx, buf)
	}
	if r.caughtUp {
		r.caughtUp = false
		buf[0], n = chat.CaughtUp{Room: r.room.name}, 1
	}
	for n < len(buf) && len(r.ephemeral) > 0 {
		n += r.pick(buf[n:], r.ephemeral[:1], hidden{})
		r.ephemeral = r.ephemeral[1:]
	}
	var events [64]*chat.Event
	for n < len(buf) {
		hidden := r.room.deletions.hidden()
		k, err := r.sub.Take(events[:min(len(events), len(buf)-n)])
		switch {
		case errors.Is(err, fanout.ErrLagged):
			r.ephemeral = r.room.ephemeral.Rejoin(r.sub)
			r.replaying, r.chain = true, chat.Chain{}
			r.hub.catchUps.lagged.Add(1)
			return n, true, nil
		case errors.Is(err, fanout.ErrClosed):
			return n, false, nil // the feed has left the room
		}
		if k == 0 {
			return n, false, nil
		}
		n += r.pick(buf[n:], events[:k], hidden)
	}
	return n, true, nil
}

// pick puts those events into buf that are to be delivered: the durable ones that were not
// delivered yet and are not deleted, and the ephemeral ones that are not superseded.
func (r *roomReader) pick(buf []chat.Item, events []*chat.Event, h hidden) (n int) {
	for _, e := range events {
		switch {
		case e.Sequence == 0:
			if e.Superseded() {
				continue
			}
		case e.Sequence <= r.last:
			continue
		case h.has(e):
			r.last = e.Sequence
			r.chain.Skip(e)
			continue
		default:
			r.last = e.Sequence
			e = r.chain.Link(e)
		}
		buf[n] = e
		n++
	}
	return n
}

// replay reads the next events from the journal. The reader subscribed, or rejoined, before
// that: events that are appended while it reaches the end of the journal come by the
// subscription, and pick drops those that come both ways by their sequence.
func (r *roomReader) replay(ctx context.Context, buf []chat.Item) (n int, more bool, err error) {
	limit := min(len(buf), replayChunk)
	stored, err := r.hub.journal.Read(ctx, r.room.name, r.last, limit)
	if err != nil {
		return 0, false, fmt.Errorf("read room %q: %w", r.room.name, err)
	}
	// The head after reading shows whether retention dropped events meanwhile.
	head, err := r.hub.head(ctx, r.room.name)
	if err != nil {
		return 0, false, err
	}
	if r.last < head.Evicted {
		buf[0] = *r.reset(head)
		return 1, true, nil
	}
	for i, st := range stored {
		buf[i] = r.hub.history.Event(r.room.name, st)
		r.last = st.Sequence
	}
	r.hub.catchUps.replayed.Add(uint64(len(stored)))
	if len(stored) < limit {
		r.replaying, r.caughtUp = false, true
	}
	return len(stored), true, nil
}
