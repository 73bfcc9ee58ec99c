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

// publish is about how fast events of one room are accepted without subscribers.
type publish struct {
	clients          int // that call Send at once
	window           int // texts that are not answered yet, on Chat
	warmup, duration time.Duration
}

func (p publish) Name() string { return "publish" }

func (p publish) Title() string {
	return fmt.Sprintf("Publishing to one room: Send by %d clients at once, each waiting for its answer, and one Chat stream with up to %d unanswered",
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
			Variant{Name: way, Protocol: load.GRPC},
			Variant{Name: way + ", -fsync=false", Protocol: load.GRPC, Flags: []string{"-fsync=false"}},
			Variant{Name: way + ", -data memory", Protocol: load.GRPC, Memory: true},
		)
	}
	return variants
}

func (p publish) Rounds(asked int) int { return asked }

func (p publish) Measure(ctx context.Context, l *Lab, v Variant) ([]report.Figures, error) {
	figures := report.Figures{}
	err := l.with(ctx, v, func(server *proc.Process) error {
		var err error
		if strings.HasPrefix(v.Name, bySend) {
			figures, err = sending(ctx, server, load.SendConfig{Clients: p.clients, Rooms: []string{room}}, p.warmup, p.duration)
		} else {
			figures, err = p.chatting(ctx, server, v)
		}
		return err
	})
	return []report.Figures{figures}, err
}

func (p publish) chatting(ctx context.Context, server *proc.Process, v Variant) (report.Figures, error) {
	publisher, err := load.Dial(ctx, server.Address, v.Protocol)
	if err != nil {
		return report.Figures{}, err
	}
	defer publisher.Close()
	if _, err := publisher.Pipeline(ctx, room, p.window, p.warmup); err != nil {
		return report.Figures{}, err
	}
	figures, err := meter(server, func() (*load.Outcome, error) { return publisher.Pipeline(ctx, room, p.window, p.duration) })
	return published(figures), err
}
