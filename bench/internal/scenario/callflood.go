package scenario

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chatroom/bench/internal/attack"
	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// callFlood is about what a client costs that makes calls as fast as it can, with the limits
// that are on by default, and what others notice of it.
type callFlood struct {
	subscribers int
	perSecond   float64
	duration    time.Duration
}

const callFloodName = "call-flood"

func (f callFlood) Name() string { return callFloodName }

func (f callFlood) Title() string {
	return fmt.Sprintf("With the default limits, a process makes calls of one kind for %v, as one member and from one address, "+
		"16 at a time and each after the answer to the one before; %d others in a room get %g messages per second meanwhile. "+
		"Cores spent are those of the server beyond what it uses without the flood, of which the quiet p99 is, too",
		f.duration, f.subscribers, f.perSecond)
}

func (f callFlood) Variants() []Variant {
	var variants []Variant
	for _, kind := range attack.CallKinds() {
		variants = append(variants, Variant{Name: kind, Protocol: load.ConnectH2, Limited: true})
	}
	return variants
}

func (f callFlood) Rounds(asked int) int { return min(asked, 2) }

func (f callFlood) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	return amongOthers(ctx, l, v, f.subscribers, func(server *proc.Process, s *load.Session) (report.Figures, error) {
		return f.compare(ctx, l, server, s, v)
	})
}

// compare measures the others without the flood, and with it.
func (f callFlood) compare(ctx context.Context, l *Lab, server *proc.Process, s *load.Session, v Variant) (report.Figures, error) {
	talk := func() (*load.Outcome, error) { return s.Rate(ctx, f.perSecond, f.duration) }
	quiet, err := verified(server, s, talk)
	if err != nil {
		return quiet, err
	}
	result := new(attack.CallResult)
	wait, err := attacker(ctx, l, result, v.Name, server.Address, f.duration.String(), "calls")
	if err != nil {
		return quiet, err
	}
	figures, err := verified(server, s, talk)
	if err = errors.Join(err, wait()); err != nil {
		return figures, err
	}
	peak, err := server.PeakRSS()
	if err != nil {
		return figures, err
	}
	seconds := f.duration.Seconds()
	figures.Subscribers = f.subscribers
	figures.SpentCores = max(cores(figures)-cores(quiet), 0)
	figures.QuietP99 = quiet.P99
	figures.PeakMiB = float64(peak) / (1 << 20)
	figures.AnsweredCalls = float64(result.Passed+result.Refused+result.Failed) / seconds
	figures.RefusedCalls = float64(result.Refused+result.Failed) / seconds
	figures.Connections, figures.Refused = int(result.Connections), int(result.Ended)
	figures.ServerMicros, figures.GeneratorMicros = 0, 0 // would be per delivery
	return figures, nil
}
