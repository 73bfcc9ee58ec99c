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

const (
	largeRoom = "large"
	smallRoom = "small"
	// quietly is what follows a variant's name while nothing is said in the large
	// room.
	quietly = ", large room quiet"
)

// busy is about the latency in a small room while messages are published in a large
// one, and while none are.
type busy struct {
	large, small                   int // subscribers
	largePerSecond, smallPerSecond float64
	warmup, duration               time.Duration
}

func (b busy) Name() string { return "busy" }

func (b busy) Title() string {
	return fmt.Sprintf("Latency in a room of %d with %g messages per second, while a room of %d gets %g per second; "+
		"the server's CPU is per delivery of both",
		b.small, b.smallPerSecond, b.large, b.largePerSecond)
}

func (b busy) Variants() []Variant { return named(connectH2, connectHTTP1, natsCore) }

func (b busy) Rounds(int) int { return 1 }

func (b busy) Measure(ctx context.Context, l *Lab, v Variant) (all []report.Figures, err error) {
	err = l.with(ctx, v, func(server *proc.Process) error {
		return converse(ctx, server, v, []string{largeRoom}, func(large *load.Session) error {
			return converse(ctx, server, v, []string{smallRoom}, func(small *load.Session) error {
				all, err = b.compare(ctx, server, large, small)
				for i := range all {
					all[i].Variant = v.Name + all[i].Variant
				}
				return err
			})
		})
	})
	return all, err
}

// compare measures the small room with the large one quiet, and with it busy.
func (b busy) compare(ctx context.Context, server *proc.Process, large, small *load.Session) ([]report.Figures, error) {
	if err := large.ClientPool.Grow(ctx, b.large, func(int) string { return largeRoom }, large.Next()); err != nil {
		return nil, err
	}
	if err := small.ClientPool.Grow(ctx, b.small, func(int) string { return smallRoom }, small.Next()); err != nil {
		return nil, err
	}
	if _, err := large.Rate(ctx, b.largePerSecond, b.warmup); err != nil {
		return nil, err
	}
	quiet, err := verified(server, small, func() (*load.Outcome, error) { return small.Rate(ctx, b.smallPerSecond, b.duration) })
	quiet.Variant, quiet.Subscribers = quietly, b.small
	if err != nil {
		return nil, err
	}
	loaded, err := verified(server, small, func() (*load.Outcome, error) { return b.both(ctx, large, small) })
	loaded.Subscribers = b.small
	judge(&loaded, large.Verdict())
	return []report.Figures{quiet, loaded}, err
}

// both publishes in both rooms. The deliveries are those of both, the latency is the
// small room's.
func (b busy) both(ctx context.Context, large, small *load.Session) (*load.Outcome, error) {
	type result struct {
		outcome *load.Outcome
		err     error
	}
	background := make(chan result, 1)
	go func() {
		outcome, err := large.Rate(ctx, b.largePerSecond, b.duration)
		background <- result{outcome, err}
	}()
	outcome, err := small.Rate(ctx, b.smallPerSecond, b.duration)
	other := <-background
	if err := errors.Join(err, other.err); err != nil {
		return nil, err
	}
	outcome.Deliveries += other.outcome.Deliveries
	outcome.Elapsed = max(outcome.Elapsed, other.outcome.Elapsed)
	return outcome, nil
}
