package fanout

// Hold is memory beside the windows of topics, such as an entry of a cache, that is
// charged to a Budget. Its methods are safe for use by any goroutine.
type Hold struct {
	budget *Budget
	evict  func()

	// Guarded by budget.mu.
	bytes        int64
	stamp        uint64 // when it was last used
	older, newer *Hold  // nil when it is not held
}

// Hold charges bytes to the budget until Release, or until they are needed for
// something newer: then evict is called, once, and must let go of the memory. Hold
// returns nil if there is no space even with everything else evicted.
//
// evict is called in the middle of a Publish, Hold or Resize that needs the space, by
// the goroutine of that. It must not block, publish or close a topic. Publish, Hold
// and Resize must not be called with a lock that an evict function takes. Use and
// Release never call one.
func (b *Budget) Hold(bytes int64, evict func()) *Hold {
	h := &Hold{budget: b, evict: evict}
	if !h.charge(bytes) {
		return nil
	}
	return h
}

// Use makes a hold the newest, and reports whether it is still held.
func (h *Hold) Use() bool {
	b := h.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if h.newer == nil {
		return false
	}
	h.unlinkLocked()
	h.linkLocked()
	return true
}

// Resize changes how many bytes are charged, makes the hold the newest, and reports
// whether it is still held. It is not when there is no space for it even with
// everything else evicted: evict is not called then.
func (h *Hold) Resize(bytes int64) bool {
	return h.Release() && h.charge(bytes)
}

// Release ends the hold. It reports false if evict was called, or is about to be.
func (h *Hold) Release() bool {
	b := h.budget
	b.mu.Lock()
	defer b.mu.Unlock()
	if h.newer == nil {
		return false
	}
	h.dropLocked()
	return true
}

// charge makes space for a hold that is not held, and reports whether it is now.
func (h *Hold) charge(bytes int64) bool {
	b := h.budget
	bytes = max(0, bytes)
	b.mu.Lock()
	fits := bytes <= b.limit
	var evicted []*Hold
	if fits {
		b.used.Add(bytes)
		evicted = b.shrinkLocked()
		// What is being published at the same time can't be evicted.
		if fits = b.used.Load() <= b.limit; fits {
			h.bytes = bytes
			h.linkLocked()
		} else {
			b.release(bytes)
		}
	}
	b.mu.Unlock()
	for _, other := range evicted {
		other.evict()
	}
	return fits
}

// dropLocked ends the hold.
func (h *Hold) dropLocked() {
	h.unlinkLocked()
	h.budget.release(h.bytes)
}

func (h *Hold) linkLocked() {
	ends := &h.budget.holds
	h.stamp = h.budget.clock.Add(1)
	h.older, h.newer = ends.older, ends
	h.older.newer, h.newer.older = h, h
}

func (h *Hold) unlinkLocked() {
	h.older.newer, h.newer.older = h.newer, h.older
	h.older, h.newer = nil, nil
}
