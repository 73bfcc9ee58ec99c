package scenario

import (
	"context"
	"fmt"
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// room is where everybody is, unless a scenario is about rooms.
const room = "bench"

func inRoom(int) string { return room }

// fanout delivers each message to all subscribers of one room.
type fanout struct {
	name        string
	subscribers int
	// perSecond is how many messages are published per second. Zero saturates
	// the server, with window messages under way.
	perSecond float64
	window    int
	// warmup comes before duration and is not measured.
	warmup, duration time.Duration
}

func (f fanout) Name() string { return f.name }

func (f fanout) Title() string {
	if f.perSecond > 0 {
		return fmt.Sprintf("%d subscribers of one room, %g messages per second", f.subscribers, f.perSecond)
	}
	return fmt.Sprintf("%d subscribers of one room, as fast as it goes with %d messages under way", f.subscribers, f.window)
}

func (f fanout) Variants() []Variant { return everyone() }

func (f fanout) Again() bool { return true }

func (f fanout) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	figures := report.Figures{}
	err := l.with(ctx, v, func(server *proc.Process) error {
		return converse(ctx, server, v, []string{room}, func(s *load.Session) error {
			if err := s.Crowd.Grow(ctx, f.subscribers, inRoom, s.Next()); err != nil {
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
	return []report.Figures{figures}, err
}

func (f fanout) publish(ctx context.Context, s *load.Session, d time.Duration) (*load.Outcome, error) {
	if f.perSecond > 0 {
		return s.Rate(ctx, f.perSecond, d)
	}
	return s.Saturate(ctx, f.window, d)
}
