package kit

import (
	"context"
	"sync"
	"time"
)

// monitor guards what a scenario knows, and wakes those who wait for a change of it.
type monitor struct {
	mu      sync.Mutex // guards what a scenario knows, and changed
	changed chan struct{}
}

func newMonitor() *monitor { return &monitor{changed: make(chan struct{})} }

// do runs f alone.
func (m *monitor) do(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
	close(m.changed)
	m.changed = make(chan struct{})
}

// wait returns whether a condition became true within d. The condition must not change
// anything.
func (m *monitor) wait(ctx context.Context, d time.Duration, condition func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		m.mu.Lock()
		ok, changed := condition(), m.changed
		m.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-timer.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}
