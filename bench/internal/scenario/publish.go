package scenario

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// publish is about how fast events are accepted when nobody listens.
type publish struct {
	clients  int // that call Send at once
	window   int // texts that are not answered yet, on Chat
	duration time.Duration
}

func (p publish) Name() string { return "publish" }

func (p publish) Title() string {
	return fmt.Sprintf("Publishing: Send by %d clients at once, each waiting for its answer, and one Chat stream with up to %d unanswered",
		p.clients, p.window)
}

// The two ways to publish, which the names of the variants begin with.
const (
	bySend = "Send"
	byChat = "Chat"
)

func (p publish) Variants() []Variant {
	var variants []Variant
	for _, way := range []string{bySend, byChat} {
		variants = append(variants,
			Variant{Name: way, Door: load.GRPC},
			Variant{Name: way + ", -fsync=false", Door: load.GRPC, Flags: []string{"-fsync=false"}},
			Variant{Name: way + ", -data memory", Door: load.GRPC, Memory: true},
		)
	}
	return variants
}

func (p publish) Again() bool { return false }

func (p publish) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	figures := report.Figures{}
	err := l.with(ctx, v, func(server *proc.Process) error {
		var err error
		figures, err = meter(server, func() (*load.Outcome, error) { return p.run(ctx, server.Address, v) })
		return err
	})
	figures.Messages, figures.Deliveries = figures.Deliveries, 0
	return []report.Figures{figures}, err
}

func (p publish) run(ctx context.Context, address string, v Variant) (*load.Outcome, error) {
	if strings.HasPrefix(v.Name, bySend) {
		return load.Send(ctx, address, room, p.clients, p.duration)
	}
	publisher, err := load.Dial(ctx, address, v.Door)
	if err != nil {
		return nil, err
	}
	defer publisher.Close()
	return publisher.Pipeline(ctx, room, p.window, p.duration)
}
