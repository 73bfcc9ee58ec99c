package fanout

// Hold is memory outside the windows of topics, such as a cache entry, that is
// charged to a Budget. Its methods are safe for concurrent use.
type Hold struct {
	budget *Budget
	evict  func()

	// Guarded by budget.mu.
	bytes        int64
	stamp        uint64 // the time of the last use, by Budget.clock
	older, newer *Hold  // nil when released or evicted
}

// Hold charges bytes to the budget until Release is called or the space is needed
// for something newer. In the latter case evict is called once and must free the
// memory. Hold returns nil if there is no space even with everything else evicted.
//
// evict is called by the goroutine of the Publish, Hold or Resize that needs the
// space. It must not block, publish to a topic or close one. The callers of Publish,
// Hold and Resize must not hold a lock that an evict function takes. Use and Release
// never call evict functions.
func (b *Budget) Hold(bytes int64, evict func()) *Hold {
	h := &Hold{budget: b, evict: evict}
	if !h.charge(bytes) {
		return nil
	}
	return h
}

// Use marks the hold as used most recently, and reports whether it is still held.
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

// Resize changes how many bytes are charged, marks the hold as used most recently,
// and reports whether it is still held. If there is no space for it even with
// everything else evicted, the hold ends and Resize returns false without calling
// evict.
func (h *Hold) Resize(bytes int64) bool {
	return h.Release() && h.charge(bytes)
}

// Release ends the hold. It returns false if evict was called or is about to be.
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

// charge makes space for h, which must not be held, and reports whether it succeeded.
func (h *Hold) charge(bytes int64) bool {
	b := h.budget
	bytes = max(0, bytes)
	b.mu.Lock()
	fits := bytes <= b.limit
	var evicted []*Hold
	if fits {
		b.used.Add(bytes)
		evicted = b.shrinkLocked()
		// Bytes reserved by a concurrent Publish can't be evicted.
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
	sentinel := &h.budget.holds
	h.stamp = h.budget.clock.Add(1)
	h.older, h.newer = sentinel.older, sentinel
	h.older.newer, h.newer.older = h, h
}

func (h *Hold) unlinkLocked() {
	h.older.newer, h.newer.older = h.newer, h.older
	h.older, h.newer = nil, nil
}
