package chat

import (
	"context"
	"errors"
	"fmt"

	"chatroom/server/fanout"
)

// place is where a feed stands in one room. It replays the journal until it has
// reached the end, then takes from the topic. Falling out of the topic's window
// takes it back to replaying. Either way it goes on with the newest ephemeral
// events.
type place struct {
	service *Service
	room    *room
	crowd   *crowd
	sub     *fanout.Subscription[*Event]

	// Used by Feed.Next alone, once the feed has the place.
	last      uint64 // everything up to here was delivered, or not asked for
	replaying bool
	arrived   bool     // live since the last take; CaughtUp is to be said
	carried   []*Event // the newest ephemeral events when the subscription began
}

// start finds where to begin. It fills in state, and returns a Reset if the
// cursor can't be honoured.
func (p *place) start(ctx context.Context, start Start, state *RoomState) (*Reset, error) {
	head, err := p.service.journal.Head(ctx, start.Room)
	if err != nil {
		return nil, fmt.Errorf("head of room %q: %w", start.Room, err)
	}
	state.Epoch, state.Head = head.Epoch, head.Last
	p.last = max(head.Last, head.Evicted)
	switch {
	case start.After != nil:
		if head.check(start.Room, *start.After) != nil {
			return p.reset(head), nil
		}
		p.last, p.replaying = max(start.After.Sequence, head.Evicted), true
	case start.Recent > 0:
		before, err := p.before(ctx, head.Last, start.Recent)
		if err != nil {
			return nil, err
		}
		p.last, p.replaying = max(before, head.Evicted), true
	default:
		p.arrived = true
	}
	return nil, nil
}

// reset gives up on what comes after p.last, and goes live.
func (p *place) reset(head Head) *Reset {
	p.last, p.replaying, p.arrived = head.Last, false, true
	return &Reset{Room: p.room.name, Epoch: head.Epoch, Oldest: head.First, Head: head.Last}
}

// before returns the sequence that the newest n events up to last come after.
func (p *place) before(ctx context.Context, last uint64, n int) (uint64, error) {
	for last > 0 && n > 0 {
		page, err := p.service.journal.ReadBack(ctx, p.room.name, last+1, min(n, replayChunk))
		if err != nil {
			return 0, fmt.Errorf("read back in room %q: %w", p.room.name, err)
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
func (p *place) take(ctx context.Context, buf []Item) (n int, more bool, err error) {
	if len(buf) == 0 {
		return 0, true, nil
	}
	if p.replaying {
		apart(func() { n, more, err = p.replay(ctx, buf) })
		return n, more, err
	}
	if p.arrived {
		p.arrived = false
		buf[0], n = CaughtUp{Room: p.room.name}, 1
	}
	for n < len(buf) && len(p.carried) > 0 {
		n += p.pick(buf[n:], p.carried[:1])
		p.carried = p.carried[1:]
	}
	var events [64]*Event
	for n < len(buf) {
		k, err := p.sub.Take(events[:min(len(events), len(buf)-n)])
		switch {
		case errors.Is(err, fanout.ErrLagged):
			p.carried = p.room.rejoin(p.sub)
			p.replaying = true
			return n, true, nil
		case errors.Is(err, fanout.ErrClosed):
			return n, false, nil // the feed has left the room
		}
		if k == 0 {
			return n, false, nil
		}
		n += p.pick(buf[n:], events[:k])
	}
	return n, true, nil
}

// pick puts those events into buf that are to be delivered: of the durable ones
// those that were not delivered yet, of the ephemeral ones those that no newer one
// has replaced.
func (p *place) pick(buf []Item, events []*Event) (n int) {
	for _, e := range events {
		switch {
		case e.Sequence == 0:
			if e.outdated.Load() {
				continue
			}
		case e.Sequence <= p.last:
			continue
		default:
			p.last = e.Sequence
		}
		buf[n] = e
		n++
	}
	return n
}

// replay reads on in the journal. The subscription was made, or made to rejoin,
// before: what is appended while the end is being reached comes by it, and what
// comes both ways is known by its sequence.
func (p *place) replay(ctx context.Context, buf []Item) (n int, more bool, err error) {
	limit := min(len(buf), replayChunk)
	stored, err := p.service.journal.Read(ctx, p.room.name, p.last, limit)
	if err != nil {
		return 0, false, fmt.Errorf("read room %q: %w", p.room.name, err)
	}
	// Asked after reading: what retention drops while it is read is noticed.
	head, err := p.service.journal.Head(ctx, p.room.name)
	if err != nil {
		return 0, false, fmt.Errorf("head of room %q: %w", p.room.name, err)
	}
	if p.last < head.Evicted {
		buf[0] = *p.reset(head)
		return 1, true, nil
	}
	for i, st := range stored {
		buf[i] = p.service.decode(p.room.name, st)
		p.last = st.Sequence
	}
	if len(stored) < limit {
		p.replaying, p.arrived = false, true
	}
	return len(stored), true, nil
}
