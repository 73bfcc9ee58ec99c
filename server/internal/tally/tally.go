// Package tally counts what happens, by its reason.
package tally

import (
	"maps"
	"sync"
)

// maxReasons bounds the memory of a Tally. Reasons are written in the code, so there are few.
const maxReasons = 200

// Tally counts. Its zero value is ready to use, and its methods are safe for concurrent use.
type Tally struct {
	mu     sync.Mutex // guards below
	counts map[string]uint64
}

// Begin has the counts of reasons begin at 0, so that they are there before the first one is counted: a
// metric that appears with its first value has no increase.
func (t *Tally) Begin(reasons ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, reason := range reasons {
		t.addLocked(reason, 0)
	}
}

// Add counts one. The reason must be one of a few that the code has, and nothing that a
// client chooses; beyond the bound it is counted as "other".
func (t *Tally) Add(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.addLocked(reason, 1)
}

func (t *Tally) addLocked(reason string, n uint64) {
	if t.counts == nil {
		t.counts = make(map[string]uint64)
	}
	if _, known := t.counts[reason]; !known && len(t.counts) >= maxReasons {
		reason = "other"
	}
	t.counts[reason] += n
}

// Counts returns the counts so far.
func (t *Tally) Counts() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
