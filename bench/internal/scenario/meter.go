package scenario

import (
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// meter takes the figures of what run delivers.
func meter(server *proc.Process, run func() (*load.Outcome, error)) (report.Figures, error) {
	before, err := server.CPU()
	if err != nil {
		return report.Figures{}, err
	}
	own := proc.OwnCPU()
	outcome, err := run()
	if err != nil {
		return report.Figures{}, err
	}
	after, err := server.CPU()
	if err != nil {
		return report.Figures{}, err
	}
	deliveries := float64(outcome.Deliveries)
	return report.Figures{
		Deliveries:      outcome.Deliveries,
		Seconds:         outcome.Elapsed.Seconds(),
		PerSecond:       deliveries / outcome.Elapsed.Seconds(),
		ServerMicros:    micros(after-before) / deliveries,
		GeneratorMicros: micros(proc.OwnCPU()-own) / deliveries,
		P50:             millis(outcome.Latency.Quantile(0.5)),
		P99:             millis(outcome.Latency.Quantile(0.99)),
		P999:            millis(outcome.Latency.Quantile(0.999)),
	}, nil
}

// verified is meter, with the verdict on everything since the session began.
func verified(server *proc.Process, s *load.Session, run func() (*load.Outcome, error)) (report.Figures, error) {
	sent := s.Sent()
	figures, err := meter(server, run)
	figures.Messages = s.Sent() - sent
	judge(&figures, s.Verdict())
	return figures, err
}

// judge adds a verdict to figures.
func judge(f *report.Figures, v load.Verdict) {
	f.Lost += v.Lost
	f.Duplicated += v.Duplicated
	f.Reordered += v.Reordered
	f.Broken += v.Broken
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
