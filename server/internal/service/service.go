// Package service puts the parts of the server together and runs them in one process:
// Run starts them in the order in which they depend on each other, and stops them in
// the order that loses nothing. It knows neither flags nor environment.
package service

import (
	"context"
	"errors"
	"sync"
	"time"

	"chatroom/server/internal/metrics"
)

// Run serves until ctx ends, and then stops gracefully, which takes no longer than
// Config.Drain, whatever clients do. It returns nil after a graceful stop.
func Run(ctx context.Context, c Config) error {
	c = c.withDefaults()
	if c.Admin != "" || len(c.Sockets.Admin) > 0 {
		c.Log, c.logLines = metrics.CountLogLines(c.Log)
	}
	defer c.Sockets.Close()
	prepared, err := c.prepare()
	if err != nil {
		return err
	}
	defer prepared.close()
	// The ports are opened before the data directory is: a service that can't have its
	// ports touches nothing in there.
	state := newHealth(&c)
	ports, err := openPorts(&c, &prepared.access, state)
	if err != nil {
		return err
	}
	defer ports.close(&c)
	data, err := openData(ctx, &c, ports.clients.Addresses(), c.Log)
	if err != nil {
		return c.endStart(ctx, err, nil)
	}
	parts, err := openParts(ctx, &c, prepared, ports, data, state)
	if err != nil {
		return c.endStart(ctx, err, data.Close())
	}
	err = parts.serve(ctx, &c)
	flushing := c.flush(parts.times.flushUntil(time.Now()))
	err = errors.Join(err, data.Close())
	flushing.Wait()
	took := time.Since(parts.times.begin).Round(time.Millisecond)
	if err != nil {
		c.Log.Error("stopped with an error", "took", took, "err", err)
		return err
	}
	c.Log.Info("stopped", "took", took)
	return nil
}

// endStart returns the error of a start, and of closing what it has opened. A start that fails because
// it is to stop is a stop like any other.
func (c *Config) endStart(ctx context.Context, err, closing error) error {
	if ctx.Err() == nil || !errors.Is(err, context.Canceled) || closing != nil {
		return errors.Join(err, closing)
	}
	c.Log.Info("stopped before it was ready")
	return nil
}

// flush exports the last spans, at most until a time.
func (c *Config) flush(until time.Time) *sync.WaitGroup {
	var flushing sync.WaitGroup
	flushing.Go(func() {
		ctx, cancel := context.WithDeadline(context.Background(), until)
		defer cancel()
		if err := c.Tracing.Shutdown(ctx); err != nil {
			c.Log.Warn("the last spans were not exported", "err", err)
		}
	})
	return &flushing
}
