package chat

import (
	"context"
	"errors"
	"fmt"

	"chatroom/server/fanout"
)

// roomReader is where a feed stands in one room. It replays the journal until it has
// reached the end, then takes from the topic. Falling out of the topic's window
// takes it back to replaying. Either way the newest ephemeral events come first.
type roomReader struct {
	service *Service
	room    *room
	present *roomPresence
	sub     *fanout.Subscription[*Event]

	// Used by Feed.Next alone, once the feed has the reader.
	last      uint64 // everything up to here was delivered, or not asked for
	replaying bool
	arrived   bool     // live since the last take; CaughtUp comes next
	carried   []*Event // the newest ephemeral events when the subscription began
	links     chain
}

// start finds where to begin. It fills in state, and returns a Reset if the
// cursor can't be honoured.
func (r *roomReader) start(ctx context.Context, start Start, state *RoomState) (*Reset, error) {
	head, err := r.service.journal.Head(ctx, start.Room)
	if err != nil {
		return nil, fmt.Errorf("head of room %q: %w", start.Room, err)
	}
	state.Epoch, state.Head = head.Epoch, head.Last
	r.last = max(head.Last, head.Evicted)
	switch {
	case start.After != nil:
		if head.check(start.Room, *start.After) != nil {
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
		r.arrived = true
	}
	return nil, nil
}

// reset gives up on what comes after r.last, and goes live.
func (r *roomReader) reset(head Head) *Reset {
	r.last, r.replaying, r.arrived = head.Last, false, true
	return &Reset{Room: r.room.name, Epoch: head.Epoch, Oldest: head.First, Head: head.Last}
}

// before returns the sequence that the newest n events up to last come after.
func (r *roomReader) before(ctx context.Context, last uint64, n int) (uint64, error) {
	for last > 0 && n > 0 {
		page, err := r.service.journal.ReadBack(ctx, r.room.name, last+1, min(n, replayChunk))
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

// take puts what is pending into buf, and says whether more is known to be
// pending.
func (r *roomReader) take(ctx context.Context, buf []Item) (n int, more bool, err error) {
	if len(buf) == 0 {
		return 0, true, nil
	}
	if r.replaying {
		return r.replay(ctx, buf)
	}
	if r.arrived {
		r.arrived = false
		buf[0], n = CaughtUp{Room: r.room.name}, 1
	}
	for n < len(buf) && len(r.carried) > 0 {
		n += r.pick(buf[n:], r.carried[:1], hidden{})
		r.carried = r.carried[1:]
	}
	var events [64]*Event
	for n < len(buf) {
		hidden := r.room.deletions.hidden()
		k, err := r.sub.Take(events[:min(len(events), len(buf)-n)])
		switch {
		case errors.Is(err, fanout.ErrLagged):
			r.carried = r.room.rejoin(r.sub)
			r.replaying, r.links = true, chain{}
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

// pick puts those events into buf that are to be delivered: of the durable ones
// those that were not delivered yet and are not deleted, of the ephemeral ones those
// that no newer one has replaced.
func (r *roomReader) pick(buf []Item, events []*Event, h hidden) (n int) {
	for _, e := range events {
		switch {
		case e.Sequence == 0:
			if e.outdated.Load() {
				continue
			}
		case e.Sequence <= r.last:
			continue
		case h.has(e):
			r.last = e.Sequence
			r.links.skip(e)
			continue
		default:
			r.last = e.Sequence
			e = r.links.link(e)
		}
		buf[n] = e
		n++
	}
	return n
}

// replay reads on in the journal. The subscription was made, or made to rejoin,
// before: what is appended while the end is being reached comes by it, and what
// comes both ways is known by its sequence.
func (r *roomReader) replay(ctx context.Context, buf []Item) (n int, more bool, err error) {
	limit := min(len(buf), replayChunk)
	stored, err := r.service.journal.Read(ctx, r.room.name, r.last, limit)
	if err != nil {
		return 0, false, fmt.Errorf("read room %q: %w", r.room.name, err)
	}
	// Asked after reading: what retention drops while it is read is noticed.
	head, err := r.service.journal.Head(ctx, r.room.name)
	if err != nil {
		return 0, false, fmt.Errorf("head of room %q: %w", r.room.name, err)
	}
	if r.last < head.Evicted {
		buf[0] = *r.reset(head)
		return 1, true, nil
	}
	for i, st := range stored {
		buf[i] = r.service.decode(r.room.name, st)
		r.last = st.Sequence
	}
	if len(stored) < limit {
		r.replaying, r.arrived = false, true
	}
	return len(stored), true, nil
}
