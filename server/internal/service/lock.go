package service

import (
	"context"
	"errors"
	"time"

	"chatroom/server/internal/datadir"
)

// lockInterval is how often a service that waits for the data directory tries to lock it.
const lockInterval = 5 * time.Millisecond

// lockData locks the data directory. For at most Config.DataWait it waits for the process that
// holds it, which may be draining.
func lockData(ctx context.Context, c *Config, addresses []string) (*datadir.Dir, error) {
	dir, err := datadir.Open(c.Data, addresses...)
	inUse, is := errors.AsType[*datadir.InUseError](err)
	if !is || c.DataWait <= 0 {
		return dir, err
	}
	c.Log.Info("waiting for the process that uses the data directory", "data", c.Data, "process", inUse.Holder.PID, "at_most", c.DataWait)
	c.Manager.Status("waiting for the process that uses the data directory")
	patience := time.After(c.DataWait)
	again := time.NewTicker(lockInterval)
	defer again.Stop()
	for begun := time.Now(); ; {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-patience:
			return nil, err
		case <-again.C:
		}
		dir, err = datadir.Open(c.Data, addresses...)
		if _, is := errors.AsType[*datadir.InUseError](err); !is {
			c.Log.Info("the data directory is free", "data", c.Data, "waited", time.Since(begun).Round(time.Millisecond))
			return dir, err
		}
	}
}
