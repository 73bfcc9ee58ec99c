package scenario

import (
	"context"
	"errors"
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// room is where everybody is, unless a scenario is about rooms.
const room = "bench"

// Fanout delivers each message to all subscribers of one room.
type Fanout struct {
	Name        string
	Subscribers int
	// PerSecond is how many messages are published per second. Zero saturates
	// the server, with Window messages under way.
	PerSecond float64
	Window    int
	// Warmup comes before Duration and is not measured.
	Warmup, Duration time.Duration
}

// Measure runs the scenario once.
func (f Fanout) Measure(ctx context.Context, l *Lab, v Variant) (figures report.Figures, err error) {
	err = l.with(ctx, v, func(server *proc.Process) error {
		return converse(ctx, server, v, []string{room}, func(s *load.Session) error {
			if err := s.Crowd.Grow(ctx, f.Subscribers, func(int) string { return room }, s.Next()); err != nil {
				return err
			}
			if _, err := f.publish(ctx, s, f.Warmup); err != nil {
				return err
			}
			figures, err = meter(server, s, func() (*load.Outcome, error) { return f.publish(ctx, s, f.Duration) })
			return err
		})
	})
	figures.Scenario, figures.Variant, figures.Subscribers = f.Name, v.Name, f.Subscribers
	return figures, err
}

func (f Fanout) publish(ctx context.Context, s *load.Session, d time.Duration) (*load.Outcome, error) {
	if f.PerSecond > 0 {
		return s.Rate(ctx, f.PerSecond, d)
	}
	return s.Saturate(ctx, f.Window, d)
}

// converse connects a publisher, and a crowd that is still empty, to a server.
func converse(ctx context.Context, server *proc.Process, v Variant, rooms []string, talk func(*load.Session) error) (err error) {
	crowd, err := load.NewCrowd(server.Address, v.Door)
	if err != nil {
		return err
	}
	defer crowd.Close()
	publisher, err := load.Dial(ctx, server.Address, v.Door)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, publisher.Close()) }()
	return talk(&load.Session{Crowd: crowd, Publisher: publisher, Rooms: rooms})
}

// meter takes the figures of what run delivers. The verdict is on everything
// since the session began.
func meter(server *proc.Process, s *load.Session, run func() (*load.Outcome, error)) (report.Figures, error) {
	sent := s.Sent()
	before, err := server.CPU()
	if err != nil {
		return report.Figures{}, err
	}
	own := proc.OwnCPU()
	outcome, err := run()
	verdict := s.Verdict()
	figures := report.Figures{
		Lost: verdict.Lost, Duplicated: verdict.Duplicated, Reordered: verdict.Reordered, Broken: verdict.Broken,
	}
	if err != nil {
		return figures, err
	}
	after, err := server.CPU()
	if err != nil {
		return figures, err
	}
	deliveries := float64(outcome.Deliveries)
	figures.Messages = s.Sent() - sent
	figures.Deliveries = outcome.Deliveries
	figures.Seconds = outcome.Elapsed.Seconds()
	figures.PerSecond = deliveries / outcome.Elapsed.Seconds()
	figures.ServerMicros = micros(after-before) / deliveries
	figures.GeneratorMicros = micros(proc.OwnCPU()-own) / deliveries
	figures.P50 = millis(outcome.Latency.Quantile(0.5))
	figures.P99 = millis(outcome.Latency.Quantile(0.99))
	figures.P999 = millis(outcome.Latency.Quantile(0.999))
	return figures, nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
