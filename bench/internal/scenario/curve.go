package scenario

import (
	"context"
	"fmt"
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// curve delivers the same number of messages per second to more and more
// subscribers of one room.
type curve struct {
	subscribers []int
	perSecond   float64 // deliveries
	duration    time.Duration
}

const curveName = "curve"

func (c curve) Name() string { return curveName }

func (c curve) Title() string {
	return fmt.Sprintf("One room with %d to %d subscribers, %g deliveries per second to all of them together, of one sender that waits for each answer",
		c.subscribers[0], c.subscribers[len(c.subscribers)-1], c.perSecond)
}

func (c curve) Variants() []Variant { return named(rawTCP, grpcChannels, connectH2, connectHTTP1) }

func (c curve) Rounds(asked int) int { return min(asked, 2) }

func (c curve) Measure(ctx context.Context, l *Lab, v Variant) (points []report.Figures, err error) {
	err = l.with(ctx, v, func(server *proc.Process) error {
		return converse(ctx, server, v, []string{room}, func(s *load.Session) error {
			for _, n := range c.subscribers {
				point, err := c.point(ctx, server, s, n)
				points = append(points, point)
				if err != nil {
					return fmt.Errorf("%d subscribers: %w", n, err)
				}
			}
			return nil
		})
	})
	return points, err
}

// point lets in subscribers until there are n, and measures.
func (c curve) point(ctx context.Context, server *proc.Process, s *load.Session, n int) (report.Figures, error) {
	figures := report.Figures{Subscribers: n}
	if err := s.ClientPool.Grow(ctx, n, inRoom, s.Next()); err != nil {
		return figures, err
	}
	// What the newcomers have left behind is cleaned up during a second of the
	// same.
	rate := c.perSecond / float64(n)
	if _, err := s.Rate(ctx, rate, min(time.Second, c.duration)); err != nil {
		return figures, err
	}
	figures, err := verified(server, s, func() (*load.Outcome, error) { return s.Rate(ctx, rate, c.duration) })
	figures.Subscribers = n
	figures.Achieved = figures.PerSecond / c.perSecond
	return figures, err
}
