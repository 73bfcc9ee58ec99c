package scenario

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"chatroom/bench/internal/attack"
	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// flood is about what a client costs that floods HTTP/2 connections, and what others
// notice of it.
type flood struct {
	subscribers int
	perSecond   float64
	duration    time.Duration
}

const (
	floodName = "flood"
	// reconnecting follows the name of a variant whose attacker connects again when
	// its connection is closed.
	reconnecting = ", reconnecting"
	// zeroWindow is not a flood, but state that is held; it is freed by the write
	// timeout.
	zeroWindow = "zero-window streams"
)

func (f flood) Name() string { return floodName }

func (f flood) Title() string {
	return fmt.Sprintf("A process sends one kind of HTTP/2 frame as fast as it can for %v; "+
		"%d others in a room get %g messages per second meanwhile. "+
		"Cores spent are those of the server beyond what it uses without the attack, of which the quiet p99 is, too",
		f.duration, f.subscribers, f.perSecond)
}

func (f flood) Variants() []Variant {
	var variants []Variant
	for _, kind := range attack.Kinds() {
		for _, name := range []string{kind, kind + reconnecting} {
			variants = append(variants, Variant{Name: name, Protocol: load.ConnectH2, Memory: true})
		}
	}
	return variants
}

func (f flood) Rounds(asked int) int { return min(asked, 2) }

func (f flood) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	return amongOthers(ctx, l, v, f.subscribers, func(server *proc.Process, s *load.Session) (report.Figures, error) {
		return f.compare(ctx, l, server, s, v)
	})
}

// compare measures the others without the attack, and with it.
func (f flood) compare(ctx context.Context, l *Lab, server *proc.Process, s *load.Session, v Variant) (report.Figures, error) {
	talk := func() (*load.Outcome, error) { return s.Rate(ctx, f.perSecond, f.duration) }
	quiet, err := verified(server, s, talk)
	if err != nil {
		return quiet, err
	}
	result, wait, err := f.start(ctx, l, server, v)
	if err != nil {
		return quiet, err
	}
	figures, err := verified(server, s, talk)
	if err = errors.Join(err, wait()); err != nil {
		return figures, err
	}
	figures.Subscribers = f.subscribers
	figures.SpentCores = max(cores(figures)-cores(quiet), 0)
	figures.QuietP99 = quiet.P99
	figures.ClosedMillis = millis(result.Closed)
	figures.Connections, figures.Refused = result.Connections, result.Refused
	figures.ServerMicros, figures.GeneratorMicros = 0, 0 // would be per delivery
	return figures, nil
}

// start runs the attacker as a process of its own. The result is complete when wait
// has returned.
func (f flood) start(ctx context.Context, l *Lab, server *proc.Process, v Variant) (result *attack.Result, wait func() error, err error) {
	kind, again := strings.CutSuffix(v.Name, reconnecting)
	result = new(attack.Result)
	wait, err = attacker(ctx, l, result, kind, server.Address, f.duration.String(), strconv.FormatBool(again))
	return result, wait, err
}

// attacker starts an attack as a process of its own. The result is complete when wait has
// returned.
func attacker(ctx context.Context, l *Lab, result any, args ...string) (wait func() error, err error) {
	command := exec.CommandContext(ctx, l.Self, append([]string{"attack"}, args...)...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Start(); err != nil {
		return nil, err
	}
	return func() error {
		if err := command.Wait(); err != nil {
			return fmt.Errorf("attack: %w\n%s", err, &stderr)
		}
		return json.Unmarshal(stdout.Bytes(), result)
	}, nil
}

// cores returns the server's share of processor time.
func cores(f report.Figures) float64 {
	return f.ServerMicros * float64(f.Deliveries) / 1e6 / f.Seconds
}

// amongOthers calls compare with a server on which n others are in the room.
func amongOthers(ctx context.Context, l *Lab, v Variant, n int,
	compare func(*proc.Process, *load.Session) (report.Figures, error),
) ([]report.Figures, error) {
	var figures report.Figures
	err := l.with(ctx, v, func(server *proc.Process) error {
		return converse(ctx, server, v, []string{room}, func(s *load.Session) error {
			if err := s.ClientPool.Grow(ctx, n, inRoom, s.Next()); err != nil {
				return err
			}
			var err error
			figures, err = compare(server, s)
			return err
		})
	})
	return []report.Figures{figures}, err
}
