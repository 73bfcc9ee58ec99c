package history

import (
	"math/rand/v2"
	"sync"
	"testing"

	"chatroom/server/fanout"
)

// A cache under contention charges what it keeps, and nothing else.
func TestCacheChargesWhatItKeeps(t *testing.T) {
	const limit = 64 << 10
	budget := fanout.NewBudget(limit)
	c := newCache[int, *int](budget)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(seed, uint64(g)))
			for range 5000 {
				key, size := r.IntN(200), r.Int64N(2000)
				value, found := c.get(key)
				switch r.IntN(6) {
				case 0:
					c.put(key, &key, size)
				case 1:
					c.remove(key)
				case 2, 3:
					if found {
						c.resize(key, value, size)
					}
				default:
					if kept := c.getOr(key, func(v *int) bool { return *v == key }, &key, size); *kept != key {
						t.Errorf("getOr(%d) = %d", key, *kept)
					}
				}
				if used := budget.Used(); used > limit+8*(2000+cacheOverhead) { // what is about to be held counts
					t.Errorf("%d bytes are charged, want %d at most", used, limit)
				}
			}
		})
	}
	wg.Wait()
	var kept int64
	for _, e := range c.entries {
		kept += e.size + cacheOverhead
	}
	if used := budget.Used(); used != kept || used > limit {
		t.Errorf("seed %d: %d bytes are charged, want the %d of what is kept", seed, used, kept)
	}
	for key := range 200 {
		c.remove(key)
	}
	if used := budget.Used(); used != 0 || len(c.entries) != 0 {
		t.Errorf("seed %d: %d bytes of %d entries are charged at the end, want none", seed, used, len(c.entries))
	}
}

// Without space nothing is kept, and what is asked for is returned all the same.
func TestCacheWithoutSpace(t *testing.T) {
	c := newCache[int, *int](fanout.NewBudget(1))
	value := 7
	if got := c.getOr(1, func(*int) bool { return true }, &value, 100); got != &value {
		t.Errorf("getOr = %p, want %p", got, &value)
	}
	if _, found := c.get(1); found || len(c.entries) != 0 {
		t.Error("a value is kept that there is no space for")
	}
}
