package fanout

import (
	"container/heap"
	"math"
	"sync"
	"sync/atomic"
)

// maxSlack is how many bytes at most a budget frees beyond what is needed, so that
// most calls of Publish find space.
const maxSlack = 64 << 10

// Budget bounds the bytes that the windows of any number of topics hold together,
// and other memory that is charged to it as a [Hold]. When there is no space for
// something new, what was published or last used longest ago goes first, over all
// topics and holds. Create a Budget with NewBudget.
//
// The bound holds at every moment, with one exception: values are always delivered
// to the subscribers that wait for them. If the values of one Publish, or of several
// at the same moment, exceed what can be freed for them, they are over the bound
// until the next Publish or Hold.
//
// A Budget is safe for use by any number of goroutines, and starts none. As long as
// there is space, it costs a Publish two atomic additions and the calls of
// Config.Size.
type Budget struct {
	limit int64
	slack int64
	used  atomic.Int64  // what is held, and what is about to be
	clock atomic.Uint64 // the newest stamp

	mu      sync.Mutex // guards below; taken after Topic.publishing, before Topic.mu
	windows windowHeap // the topics whose windows hold values
	holds   Hold       // the ring of holds, oldest first: holds.newer is the oldest
}

// NewBudget returns a budget of so many bytes. It panics unless that is positive.
func NewBudget(bytes int64) *Budget {
	if bytes <= 0 {
		panic("fanout: a budget must be positive")
	}
	b := &Budget{limit: bytes, slack: min(bytes/64, maxSlack)}
	b.holds.older, b.holds.newer = &b.holds, &b.holds
	return b
}

// Used returns how many bytes are charged: those of what is held, and of what is being
// published.
func (b *Budget) Used() int64 { return b.used.Load() }

// reserve charges bytes that are about to be held, and makes space for them as far
// as possible. It is called without Topic.mu, and calls evicted holds' functions.
func (b *Budget) reserve(bytes int64) {
	if b.used.Add(bytes) <= b.limit {
		return
	}
	b.mu.Lock()
	evicted := b.shrinkLocked()
	b.mu.Unlock()
	for _, h := range evicted {
		h.evict()
	}
}

// release takes back what reserve has charged. Nothing was charged to a nil Budget.
func (b *Budget) release(bytes int64) {
	if bytes != 0 {
		b.used.Add(-bytes)
	}
}

// shrinkLocked frees what is oldest, until the budget is kept or nothing is left.
// It returns the holds that went, whose functions are to be called without mu.
func (b *Budget) shrinkLocked() (evicted []*Hold) {
	if b.used.Load() <= b.limit {
		return nil
	}
	for {
		excess := b.used.Load() - b.limit + b.slack
		hold := b.holds.newer
		switch {
		case excess <= 0 || len(b.windows) == 0 && hold == &b.holds:
			return evicted
		case len(b.windows) == 0 || hold != &b.holds && hold.stamp < b.windows[0].oldest:
			hold.dropLocked()
			evicted = append(evicted, hold)
		default:
			b.trimLocked(b.windows[0], excess)
		}
	}
}

// trimLocked drops the oldest values of the window that comes first, as long as
// nothing else is older.
func (b *Budget) trimLocked(s *windowShare, excess int64) {
	until := uint64(math.MaxUint64)
	for _, other := range b.windows[1:min(3, len(b.windows))] { // its children in the heap
		until = min(until, other.oldest)
	}
	if hold := b.holds.newer; hold != &b.holds {
		until = min(until, hold.stamp)
	}
	freed, oldest := s.window.drop(until, excess)
	b.release(freed)
	if oldest == 0 {
		heap.Remove(&b.windows, s.at)
		return
	}
	s.oldest = oldest
	heap.Fix(&b.windows, s.at)
}

// add has a window that was empty take part in the budget.
func (b *Budget) add(s *windowShare, oldest uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.oldest = oldest
	heap.Push(&b.windows, s)
}

// empty drops all of a window that no value is added to any more.
func (b *Budget) empty(s *windowShare) {
	b.mu.Lock()
	defer b.mu.Unlock()
	freed, _ := s.window.drop(math.MaxUint64, math.MaxInt64)
	b.release(freed)
	if s.at >= 0 {
		heap.Remove(&b.windows, s.at)
	}
}

// window is a Topic of any type.
type window interface {
	// drop drops values, oldest first, whose stamp is until or less, until so many
	// bytes are freed. It returns a lower bound of the stamps of those that are left,
	// or 0 when none is, and the window has to be added again. Called with Budget.mu.
	drop(until uint64, bytes int64) (freed int64, oldest uint64)
}

// windowShare is a topic's part in a budget.
type windowShare struct {
	window window

	// Guarded by Budget.mu. oldest is the stamp of the oldest value, or less: what a
	// window loses by its length does not change it.
	oldest uint64
	at     int // the index in Budget.windows, or -1
}

// windowHeap has the window with the oldest value first.
type windowHeap []*windowShare

func (h windowHeap) Len() int           { return len(h) }
func (h windowHeap) Less(i, k int) bool { return h[i].oldest < h[k].oldest }

func (h windowHeap) Swap(i, k int) {
	h[i], h[k] = h[k], h[i]
	h[i].at, h[k].at = i, k
}

func (h *windowHeap) Push(x any) {
	s := x.(*windowShare)
	s.at = len(*h)
	*h = append(*h, s)
}

func (h *windowHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	s.at = -1
	return s
}
