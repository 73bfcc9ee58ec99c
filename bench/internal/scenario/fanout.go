package scenario

import (
	"context"
	"fmt"
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// room is the one room of scenarios that are not about rooms.
const room = "bench"

func inRoom(int) string { return room }

// fanout delivers each message to all subscribers of one room.
type fanout struct {
	name        string
	variants    []Variant
	subscribers int
	// window is how many messages are under way, to saturate the server. Zero means
	// one sender that waits for each answer.
	window int
	// perSecond is how many messages that sender publishes. Zero means as fast as
	// answers come.
	perSecond float64
	// warmup comes before duration and is not measured.
	warmup, duration time.Duration
}

func (f fanout) Name() string { return f.name }

func (f fanout) Title() string {
	title := fmt.Sprintf("%d subscribers of one room, ", f.subscribers)
	switch {
	case f.window > 0:
		return title + fmt.Sprintf("as fast as it goes with %d messages under way until all have them", f.window)
	case f.perSecond > 0:
		return title + fmt.Sprintf("%g messages per second of one sender that waits for each answer", f.perSecond)
	default:
		return title + "one sender that waits for each answer, as fast as answers come"
	}
}

func (f fanout) Variants() []Variant { return f.variants }

func (f fanout) Rounds(asked int) int { return asked }

func (f fanout) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	figures := report.Figures{}
	err := l.with(ctx, v, func(server *proc.Process) error {
		return converse(ctx, server, v, []string{room}, func(s *load.Session) error {
			if err := s.ClientPool.Grow(ctx, f.subscribers, inRoom, s.Next()); err != nil {
				return err
			}
			if _, err := f.publish(ctx, s, f.warmup); err != nil {
				return err
			}
			var err error
			figures, err = verified(server, s, func() (*load.Outcome, error) { return f.publish(ctx, s, f.duration) })
			return err
		})
	})
	figures.Subscribers = f.subscribers
	if f.window == 0 && f.perSecond > 0 {
		figures.Achieved = figures.PerSecond / (f.perSecond * float64(f.subscribers))
	}
	return []report.Figures{figures}, err
}

func (f fanout) publish(ctx context.Context, s *load.Session, d time.Duration) (*load.Outcome, error) {
	if f.window > 0 {
		return s.Saturate(ctx, f.window, d)
	}
	return s.Rate(ctx, f.perSecond, d)
}
