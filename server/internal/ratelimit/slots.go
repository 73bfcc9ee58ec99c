package ratelimit

import (
	"fmt"
	"sync"
)

// Slots bounds what is held at the same time, by each holder and in total.
type Slots[K comparable] struct {
	perHolder, total         int
	perHolderName, totalName string

	mu   sync.Mutex // guards below
	held map[K]int
	all  int
}

// FullError says which count is reached.
type FullError struct {
	Limit string // "connections.address"
	Bound int
}

func (e *FullError) Error() string {
	return fmt.Sprintf("ratelimit: limit %s of %d at the same time is reached", e.Limit, e.Bound)
}

// NewSlots returns slots that are bounded by two counts. Either may be zero, for none.
func NewSlots[K comparable](c *Counts, perHolder, total Count) *Slots[K] {
	return &Slots[K]{
		perHolder: c[perHolder], total: c[total],
		perHolderName: perHolder.String(), totalName: total.String(),
		held: make(map[K]int),
	}
}

// NewHolderSlots returns slots that are bounded for each holder.
func NewHolderSlots[K comparable](c *Counts, perHolder Count) *Slots[K] {
	return &Slots[K]{perHolder: c[perHolder], perHolderName: perHolder.String(), held: make(map[K]int)}
}

// Acquire takes a slot, and returns the function that gives it back, to be called once
// or more. It returns a *FullError if there is none.
func (s *Slots[K]) Acquire(holder K) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := s.held[holder]
	switch {
	case s.perHolder > 0 && held >= s.perHolder:
		return nil, &FullError{s.perHolderName, s.perHolder}
	case s.total > 0 && s.all >= s.total:
		return nil, &FullError{s.totalName, s.total}
	}
	s.held[holder] = held + 1
	s.all++
	return sync.OnceFunc(func() { s.release(holder) }), nil
}

// AcquireUnheld takes a slot that counts in total alone.
func (s *Slots[K]) AcquireUnheld() (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total > 0 && s.all >= s.total {
		return nil, &FullError{s.totalName, s.total}
	}
	s.all++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
	}), nil
}

func (s *Slots[K]) release(holder K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.held[holder]--; s.held[holder] == 0 {
		delete(s.held, holder)
	}
}

// Held returns how many slots are taken in total.
func (s *Slots[K]) Held() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all
}
