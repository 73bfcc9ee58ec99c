package history

import (
	"sync"

	"chatroom/server/fanout"
)

// cache holds values that are charged to a memory budget, which evicts the least recently
// used ones. All methods are safe for concurrent use.
type cache[K, V comparable] struct {
	budget *fanout.Budget

	mu      sync.Mutex // guards below; not held while calling the budget
	entries map[K]*cached[V]
}

type cached[V comparable] struct {
	value V
	hold  *fanout.Hold

	charging sync.Mutex // held while resizing or releasing hold; taken before cache.mu; guards below
	size     int64

	// Guarded by cache.mu.
	evicted bool
}

// cacheOverhead is the size of an entry without its value, in bytes.
const cacheOverhead = 256

func newCache[K, V comparable](budget *fanout.Budget) *cache[K, V] {
	return &cache[K, V]{budget: budget, entries: make(map[K]*cached[V])}
}

// get returns the value of a key, and marks it as used.
func (c *cache[K, V]) get(key K) (value V, found bool) {
	c.mu.Lock()
	e, found := c.entries[key]
	c.mu.Unlock()
	if !found {
		return value, false
	}
	e.hold.Use()
	return e.value, true
}

// getOr returns the cached value if it is accepted, else it caches another, whose size is
// in bytes, and returns that.
func (c *cache[K, V]) getOr(key K, accept func(V) bool, other V, size int64) V {
	if value, found := c.get(key); found && accept(value) {
		return value
	}
	return c.add(key, other, size, accept)
}

// put caches a value, whose size is in bytes, in place of any that is cached.
func (c *cache[K, V]) put(key K, value V, size int64) {
	c.add(key, value, size, func(V) bool { return false })
}

// add caches a value unless the cached one is accepted, and returns the one or the other.
func (c *cache[K, V]) add(key K, value V, size int64, accept func(V) bool) V {
	e := &cached[V]{value: value, size: size}
	e.hold = c.budget.Hold(size+cacheOverhead, func() { c.evict(key, e) })
	if e.hold == nil {
		return value // larger than the budget
	}
	c.mu.Lock()
	old := c.entries[key]
	if old != nil && accept(old.value) {
		c.mu.Unlock()
		e.hold.Release()
		return old.value
	}
	if !e.evicted {
		c.entries[key] = e
	} else if old != nil {
		delete(c.entries, key)
	}
	c.mu.Unlock()
	if old != nil {
		old.release()
	}
	return value
}

// resize changes what a value is charged, if it is still cached.
func (c *cache[K, V]) resize(key K, value V, size int64) {
	c.mu.Lock()
	e := c.entries[key]
	c.mu.Unlock()
	if e == nil || e.value != value {
		return
	}
	e.charging.Lock()
	defer e.charging.Unlock()
	if e.size == size || !c.holds(key, e) {
		return
	}
	e.size = size
	if !e.hold.Resize(size + cacheOverhead) {
		c.evict(key, e)
	}
}

func (c *cache[K, V]) holds(key K, e *cached[V]) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.entries[key] == e
}

func (c *cache[K, V]) remove(key K) {
	c.mu.Lock()
	e := c.entries[key]
	delete(c.entries, key)
	c.mu.Unlock()
	if e != nil {
		e.release()
	}
}

func (e *cached[V]) release() {
	e.charging.Lock()
	defer e.charging.Unlock()
	e.hold.Release()
}

// evict removes an entry. The budget calls it.
func (c *cache[K, V]) evict(key K, e *cached[V]) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e.evicted = true
	if c.entries[key] == e {
		delete(c.entries, key)
	}
}
