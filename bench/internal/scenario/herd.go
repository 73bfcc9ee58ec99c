package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/proc"
	"chatroom/bench/internal/report"
)

// herd kills a server and starts it again, and all its subscribers come back at
// once, each with events to catch up on.
type herd struct {
	subscribers int
	events      int // in the room
	missed      int // by each subscriber
}

// herdShared has herdStreams subscribers on each connection.
const (
	herdShared  = "chatroom, Connect h2, 100 on each connection"
	herdStreams = 100
)

func (h herd) Name() string { return "herd" }

func (h herd) Title() string {
	return fmt.Sprintf("%d subscribers resume after a SIGKILL, each with %d missed events: "+
		"the time from the start of the server until all are live, and its peak memory", h.subscribers, h.missed)
}

func (h herd) Variants() []Variant {
	return append(named(connectH2, connectHTTP1),
		Variant{Name: herdShared, Protocol: load.ConnectH2.Shared(herdStreams)})
}

func (h herd) Rounds(asked int) int { return min(asked, 2) }

func (h herd) Measure(ctx context.Context, l *Lab, v Variant) (all []report.Figures, err error) {
	data, err := os.MkdirTemp(l.Dir, "data")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(data)
	missed, err := h.fill(ctx, l, v, data)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	server, err := l.serve(ctx, v, data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	figures, err := h.resume(ctx, server, v, missed, start)
	return []report.Figures{figures}, err
}

// fill publishes events to a server, kills it, and returns where in the log the
// subscribers stopped.
func (h herd) fill(ctx context.Context, l *Lab, v Variant, data string) (load.Subscription, error) {
	missed := load.Subscription{Room: room, First: uint64(h.events-h.missed) + 1}
	server, err := l.serve(ctx, v, data)
	if err != nil {
		return missed, err
	}
	publisher, err := load.Dial(ctx, server.Address, v.Protocol)
	if err == nil {
		missed.After, err = publisher.Publish(ctx, room, h.events-h.missed, h.missed)
	}
	if err == nil {
		_, err = publisher.Publish(ctx, room, h.missed, h.missed)
	}
	err = errors.Join(err, server.Kill())
	if publisher != nil {
		err = errors.Join(err, publisher.Close())
	}
	return missed, err
}

// resume measures until all subscribers are live. The server began to start at start.
func (h herd) resume(ctx context.Context, server *proc.Process, v Variant, missed load.Subscription, start time.Time) (report.Figures, error) {
	figures := report.Figures{Subscribers: h.subscribers}
	own := proc.OwnCPU()
	pool, err := load.NewClientPool(server.Address, v.Protocol)
	if err != nil {
		return figures, err
	}
	defer pool.Close()
	if err := pool.Resume(ctx, h.subscribers, missed); err != nil {
		return figures, err
	}
	figures.LiveSeconds = time.Since(start).Seconds()
	generator := proc.OwnCPU() - own
	cpu, errCPU := server.CPU()
	peak, errPeak := server.PeakRSS()
	if err := errors.Join(errCPU, errPeak); err != nil {
		return figures, err
	}
	figures.Deliveries = pool.Deliveries()
	figures.ServerMicros = micros(cpu) / float64(figures.Deliveries)
	figures.GeneratorMicros = micros(generator) / float64(figures.Deliveries)
	figures.PeakMiB = float64(peak) / (1 << 20)
	judge(&figures, pool.Verdict(func(int) uint64 { return uint64(h.events) }))
	return figures, nil
}
