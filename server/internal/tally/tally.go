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

// Add counts one. The reason must be one of a few that the code has, and nothing that a
// client chooses; beyond the bound it is counted as "other".
func (t *Tally) Add(reason string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = make(map[string]uint64)
	}
	if _, known := t.counts[reason]; !known && len(t.counts) >= maxReasons {
		reason = "other"
	}
	t.counts[reason]++
}

// Counts returns the counts so far.
func (t *Tally) Counts() map[string]uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
