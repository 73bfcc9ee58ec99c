package service

import (
	"slices"

	"chatroom/server/internal/health"
)

// newHealth returns the health of a service that is starting. It has the store report to it.
func newHealth(c *Config) *health.Health {
	h := health.New()
	c.writable = func(works bool) {
		switch changed := h.Set(health.StoreFailed, !works); {
		case !changed || slices.Contains(h.Causes(), health.Draining): // the store disconnects then
		case works:
			c.Manager.Status("serving")
			c.Log.Info("ready again: the store can write")
		default:
			c.Manager.Status("not ready: the store can't write")
			c.Log.Warn("not ready: the store can't write")
		}
	}
	return h
}
