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

// idle is about the memory of subscribers that receive nothing.
type idle struct {
	subscribers int
	settle      time.Duration // until memory is looked at
}

func (i idle) Name() string { return "idle" }

func (i idle) Title() string {
	return fmt.Sprintf("Memory (RSS) per idle subscriber, with %d of them", i.subscribers)
}

func (i idle) Variants() []Variant { return everyone() }

func (i idle) Again() bool { return false }

func (i idle) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	figures := report.Figures{Subscribers: i.subscribers}
	err := l.with(ctx, v, func(server *proc.Process) error {
		crowd, err := load.NewCrowd(server.Address, v.Door)
		if err != nil {
			return err
		}
		defer crowd.Close()
		before, err := i.memory(ctx, server, crowd, few)
		if err != nil {
			return err
		}
		after, err := i.memory(ctx, server, crowd, few+i.subscribers)
		figures.IdleKiB = float64(after-before) / float64(i.subscribers) / 1024
		return err
	})
	return []report.Figures{figures}, err
}

// memory lets in subscribers until there are n, and returns what the server has
// resident a moment later.
func (i idle) memory(ctx context.Context, server *proc.Process, crowd *load.Crowd, n int) (int64, error) {
	if err := crowd.Grow(ctx, n, inRoom, 1); err != nil {
		return 0, err
	}
	select {
	case <-time.After(i.settle):
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	rss, err := server.RSS()
	return rss, errors.Join(err, crowd.Err())
}
