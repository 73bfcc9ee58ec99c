package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// few subscribers come before those that are counted, so that what a server
// needs once is not.
const few = 100

// idle is about the memory of subscribers that receive nothing. What a Go
// program has resident depends on where its garbage collector is, between what
// it needs and twice that. So it is measured with several numbers of
// subscribers, of which the last should be about twice the first, and the mean is
// taken.
type idle struct {
	subscribers []int
	settle      time.Duration // until memory is looked at
}

func (i idle) Name() string { return "idle" }

func (i idle) Title() string {
	return fmt.Sprintf("Resident memory (RSS) per idle subscriber, mean of what it is with %d to %d of them",
		i.subscribers[0], i.subscribers[len(i.subscribers)-1])
}

func (i idle) Variants() []Variant {
	return named(rawTCP, gorilla, grpcChannels, connectH2, connectHTTP1, natsCore)
}

func (i idle) Rounds(int) int { return 1 }

func (i idle) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	figures := report.Figures{Subscribers: i.subscribers[len(i.subscribers)-1]}
	err := l.with(ctx, v, func(server *proc.Process) error {
		pool, err := load.NewClientPool(server.Address, v.Protocol)
		if err != nil {
			return err
		}
		defer pool.Close()
		before, err := i.memory(ctx, server, pool, few)
		if err != nil {
			return err
		}
		var sum float64
		for _, n := range i.subscribers {
			after, err := i.memory(ctx, server, pool, few+n)
			if err != nil {
				return err
			}
			sum += float64(after-before) / float64(n)
		}
		figures.IdleKiB = sum / float64(len(i.subscribers)) / 1024
		return nil
	})
	return []report.Figures{figures}, err
}

// memory lets in subscribers until there are n, and returns what the server has
// resident a moment later.
func (i idle) memory(ctx context.Context, server *proc.Process, pool *load.ClientPool, n int) (int64, error) {
	if err := pool.Grow(ctx, n, inRoom, 1); err != nil {
		return 0, err
	}
	select {
	case <-time.After(i.settle):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	rss, err := server.RSS()
	return rss, errors.Join(err, pool.Err())
}
