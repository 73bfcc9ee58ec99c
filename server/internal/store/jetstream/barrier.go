package jetstream

import (
	"context"
	"time"
)

// barrierTimeout bounds the wait for a leader. Without one nothing is acknowledged,
// and what this node has is what there is.
const barrierTimeout = time.Second

// barrier has a call see all that any node was acknowledged before the call: it
// asks the leader for the newest message, and waits for the feed to come to it.
// Callers share the question; one is on its way at a time.
type barrier struct {
	feed    *feed
	callers chan chan<- uint64 // each is sent the newest sequence, 0 when there is no answer
}

func newBarrier(f *feed) *barrier { return &barrier{f, make(chan chan<- uint64)} }

// wait returns when the feed has come to what was stored before the call.
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

// run asks for all callers that have come since the last question, until ctx ends.
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
