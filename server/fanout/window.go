package fanout

// charge is what a value takes in a budget, and when it was published.
type charge struct {
	bytes int64
	stamp uint64
}

// reserve has the budget make space for values. It is called with publishing held.
func (t *Topic[T]) reserve(values []T) (bytes int64) {
	if t.budget == nil {
		return 0
	}
	t.sizes = t.sizes[:0]
	for _, v := range values {
		size := max(0, t.size(v))
		t.sizes = append(t.sizes, size)
		bytes += size
	}
	t.budget.reserve(bytes)
	return bytes
}

// pushLocked adds values for which reserve was called, and returns the bytes of
// those that the window's length leaves no place for.
func (t *Topic[T]) pushLocked(values []T) (displaced int64) {
	var stamp uint64
	if t.budget != nil {
		stamp = t.budget.clock.Add(1)
	}
	for i, v := range values {
		size := uint64(len(t.ring))
		if t.kept == size && size < t.window {
			t.growLocked()
			size = uint64(len(t.ring))
		}
		at := t.next % size
		if t.budget != nil {
			if t.kept == size {
				displaced += t.charges[at].bytes
			}
			t.charges[at] = charge{t.sizes[i], stamp}
		}
		t.ring[at] = v
		t.next++
		t.kept = min(t.kept+1, size)
	}
	return displaced
}

func (t *Topic[T]) growLocked() {
	size := uint64(len(t.ring))
	ring := make([]T, min(max(2*size, firstRing), t.window))
	var charges []charge
	if t.budget != nil {
		charges = make([]charge, len(ring))
	}
	for p := t.next - t.kept; p != t.next; p++ {
		at := p % uint64(len(ring))
		ring[at] = t.ring[p%size]
		if charges != nil {
			charges[at] = t.charges[p%size]
		}
	}
	t.ring, t.charges = ring, charges
}

// oldestLocked returns the stamp of the oldest value, or 0.
func (t *Topic[T]) oldestLocked() uint64 {
	if t.charges == nil || t.kept == 0 {
		return 0
	}
	return t.charges[(t.next-t.kept)%uint64(len(t.ring))].stamp
}

// drop implements window.
func (t *Topic[T]) drop(until uint64, bytes int64) (freed int64, oldest uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.kept > 0 && freed < bytes && t.oldestLocked() <= until {
		at := (t.next - t.kept) % uint64(len(t.ring))
		freed += t.charges[at].bytes
		var none T
		t.ring[at] = none // lets go of what it refers to
		t.kept--
	}
	if t.kept == 0 {
		t.shared = false
		if len(t.ring) > firstRing {
			t.ring, t.charges = nil, nil
		}
	}
	return freed, t.oldestLocked()
}

// empty lets go of the values of a topic that is done and has no subscribers.
func (t *Topic[T]) empty() {
	if t.budget != nil {
		t.budget.empty(&t.share)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring, t.kept = nil, 0
}
