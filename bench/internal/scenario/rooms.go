package scenario

import (
	"context"
	"fmt"
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// rooms is about many rooms with one subscriber in each. They are published to
// in turn.
type rooms struct {
	rooms            int
	window           int
	warmup, duration time.Duration
}

func (r rooms) Name() string { return "rooms" }

func (r rooms) Title() string {
	return fmt.Sprintf("%d rooms with a subscriber each, as fast as it goes with %d messages under way", r.rooms, r.window)
}

func (r rooms) Variants() []Variant {
	return []Variant{
		{Name: connectH2, Protocol: load.ConnectH2},
		{Name: connectH2Memory, Protocol: load.ConnectH2, Memory: true},
		{Name: natsCore, Protocol: load.PeerNATS, Peer: "nats"},
	}
}

func (r rooms) Rounds(asked int) int { return min(asked, 2) }

func (r rooms) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	names := roomNames(r.rooms)
	figures := report.Figures{}
	err := l.with(ctx, v, func(server *proc.Process) error {
		return converse(ctx, server, v, names, func(s *load.Session) error {
			if err := s.ClientPool.Grow(ctx, r.rooms, func(i int) string { return names[i] }, s.Next()); err != nil {
				return err
			}
			if _, err := s.Saturate(ctx, r.window, r.warmup); err != nil {
				return err
			}
			var err error
			figures, err = verified(server, s, func() (*load.Outcome, error) {
				return s.Saturate(ctx, r.window, r.duration)
			})
			return err
		})
	})
	figures.Subscribers, figures.Rooms = r.rooms, r.rooms
	return []report.Figures{figures}, err
}
