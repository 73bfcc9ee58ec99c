package jetstream

import (
	"context"
	"time"
)

// barrierTimeout bounds the wait for a leader. Without a leader nothing is acknowledged, and
// calls answer from what this node has.
const barrierTimeout = time.Second

// barrier makes a call see all that was acknowledged to any node before the call: it asks
// the leader for the newest sequence, and waits until the feed has handled it. Concurrent
// callers share a request; one is in flight at a time.
type barrier struct {
	feed    *feed
	callers chan chan<- uint64 // each receives the newest sequence, 0 without an answer
}

func newBarrier(f *feed) *barrier { return &barrier{f, make(chan chan<- uint64)} }

// wait returns when the feed has handled all that was stored before the call.
func (b *barrier) wait(ctx context.Context) error {
	answer := make(chan uint64, 1)
	select {
	case b.callers <- answer:
	case <-ctx.Done():
		return ctx.Err()
	case <-b.feed.ended:
		return context.Canceled
	}
	select {
	case newest := <-answer:
		return b.feed.wait(ctx, newest)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run makes the requests, each for all callers since the last one, until ctx ends.
func (b *barrier) run(ctx context.Context) {
	for {
		var waiting []chan<- uint64
		select {
		case first := <-b.callers:
			waiting = append(waiting, first)
		case <-ctx.Done():
			return
		}
		for more := true; more; {
			select {
			case next := <-b.callers:
				waiting = append(waiting, next)
			default:
				more = false
			}
		}
		newest := b.ask(ctx)
		for _, answer := range waiting {
			answer <- newest
		}
	}
}

func (b *barrier) ask(ctx context.Context) uint64 {
	ctx, cancel := context.WithTimeout(ctx, barrierTimeout)
	defer cancel()
	m, _, err := b.feed.source.last(ctx, ">")
	if err != nil {
		return 0
	}
	return m.sequence
}
