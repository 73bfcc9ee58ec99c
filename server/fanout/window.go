package fanout

// charge is what a value costs in a budget, and when it was published.
type charge struct {
	bytes int64
	stamp uint64 // by Budget.clock
}

// reserve makes space for values in the budget. The caller holds publishing.
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

// pushLocked adds values for which reserve was called, and returns the bytes of the
// values that they displace from the window.
func (t *Topic[T]) pushLocked(values []T) (displaced int64) {
	var stamp uint64
	if t.budget != nil {
		stamp = t.budget.clock.Add(1)
	}
	for i, v := range values {
		capacity := uint64(len(t.ring))
		if t.kept == capacity && capacity < t.window {
			t.growLocked()
			capacity = uint64(len(t.ring))
		}
		index := t.next % capacity
		if t.budget != nil {
			if t.kept == capacity {
				displaced += t.charges[index].bytes
			}
			t.charges[index] = charge{t.sizes[i], stamp}
		}
		t.ring[index] = v
		t.next++
		t.kept = min(t.kept+1, capacity)
	}
	return displaced
}

func (t *Topic[T]) growLocked() {
	capacity := uint64(len(t.ring))
	ring := make([]T, min(max(2*capacity, initialRing), t.window))
	var charges []charge
	if t.budget != nil {
		charges = make([]charge, len(ring))
	}
	for p := t.next - t.kept; p != t.next; p++ {
		index := p % uint64(len(ring))
		ring[index] = t.ring[p%capacity]
		if charges != nil {
			charges[index] = t.charges[p%capacity]
		}
	}
	t.ring, t.charges = ring, charges
}

// oldestLocked returns the stamp of the oldest value, or 0 if there is none.
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
		index := (t.next - t.kept) % uint64(len(t.ring))
		freed += t.charges[index].bytes
		var zero T
		t.ring[index] = zero // releases what it refers to
		t.kept--
	}
	if t.kept == 0 {
		t.inBudget = false
		if len(t.ring) > initialRing {
			t.ring, t.charges = nil, nil
		}
	}
	return freed, t.oldestLocked()
}

// dropAll releases the values of a topic that is closed and has no subscribers.
func (t *Topic[T]) dropAll() {
	if t.budget != nil {
		t.budget.remove(&t.share)
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ring, t.kept = nil, 0
}
