package fanout

import (
	"container/heap"
	"math"
	"sync"
	"sync/atomic"
)

// maxSlack bounds the bytes that a budget frees beyond what is needed, so that most
// calls of Publish find space.
const maxSlack = 64 << 10

// Budget bounds the total bytes of the windows of any number of topics, and of other
// memory that is charged to it as a [Hold]. When space is needed, the value or hold
// that was published or used least recently is evicted first, across all topics and
// holds. Create a Budget with NewBudget.
//
// The bound always holds, with one exception: values are always delivered to the
// subscribers that wait for them. If the values of one Publish, or of several
// concurrent ones, exceed what can be freed for them, the budget is exceeded until
// the next Publish or Hold.
//
// A Budget is safe for concurrent use and starts no goroutines. While there is
// space, it costs a Publish two atomic additions and the calls of Config.Size.
type Budget struct {
	limit int64
	slack int64
	used  atomic.Int64  // bytes held, and bytes reserved by a Publish in progress
	clock atomic.Uint64 // the newest stamp

	mu      sync.Mutex // guards below; taken after Topic.publishing, before Topic.mu
	windows windowHeap // the topics whose windows are not empty
	holds   Hold       // sentinel of the ring of holds: holds.newer is the oldest
}

// NewBudget returns a budget of the given number of bytes. It panics if bytes is not
// positive.
func NewBudget(bytes int64) *Budget {
	if bytes <= 0 {
		panic("fanout: a budget must be positive")
	}
	b := &Budget{limit: bytes, slack: min(bytes/64, maxSlack)}
	b.holds.older, b.holds.newer = &b.holds, &b.holds
	return b
}

// Used returns how many bytes are charged: those of held values and holds, and those
// being published.
func (b *Budget) Used() int64 { return b.used.Load() }

// reserve charges bytes that are about to be held, and makes space for them as far
// as possible. It calls the evict functions of holds. The caller must not hold
// Topic.mu.
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

// release undoes reserve. It may be called on a nil Budget, to which nothing was
// charged.
func (b *Budget) release(bytes int64) {
	if bytes != 0 {
		b.used.Add(-bytes)
	}
}

// shrinkLocked frees the oldest values and holds until the budget is met or nothing
// is left. The caller must call the evict functions of the returned holds after
// releasing mu.
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

// trimLocked drops the oldest values of s, the first window of the heap, as long as
// no other window or hold is older.
func (b *Budget) trimLocked(s *windowShare, excess int64) {
	until := uint64(math.MaxUint64)
	for _, other := range b.windows[1:min(3, len(b.windows))] { // the children of s in the heap
		until = min(until, other.oldest)
	}
	if hold := b.holds.newer; hold != &b.holds {
		until = min(until, hold.stamp)
	}
	freed, oldest := s.window.drop(until, excess)
	b.release(freed)
	if oldest == 0 {
		heap.Remove(&b.windows, s.index)
		return
	}
	s.oldest = oldest
	heap.Fix(&b.windows, s.index)
}

// add adds a window that was empty to the budget.
func (b *Budget) add(s *windowShare, oldest uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s.oldest = oldest
	heap.Push(&b.windows, s)
}

// remove drops all values of a window and removes it from the budget. Nothing may be
// added to the window afterwards.
func (b *Budget) remove(s *windowShare) {
	b.mu.Lock()
	defer b.mu.Unlock()
	freed, _ := s.window.drop(math.MaxUint64, math.MaxInt64)
	b.release(freed)
	if s.index >= 0 {
		heap.Remove(&b.windows, s.index)
	}
}

// window is a Topic of any type.
type window interface {
	// drop drops values whose stamp is at most until, oldest first, until at least
	// the given number of bytes is freed. It returns a lower bound of the stamps of
	// the remaining values. 0 means that none remain: the window must be added again
	// before it gets new values. The caller holds Budget.mu.
	drop(until uint64, bytes int64) (freed int64, oldest uint64)
}

// windowShare is a topic's entry in a budget.
type windowShare struct {
	window window

	// Guarded by Budget.mu.
	oldest uint64 // lower bound of the stamps: values displaced by newer ones don't raise it
	index  int    // in Budget.windows, or -1
}

// windowHeap is a heap.Interface with the window of the oldest value first.
type windowHeap []*windowShare

func (h windowHeap) Len() int           { return len(h) }
func (h windowHeap) Less(i, k int) bool { return h[i].oldest < h[k].oldest }

func (h windowHeap) Swap(i, k int) {
	h[i], h[k] = h[k], h[i]
	h[i].index, h[k].index = i, k
}

func (h *windowHeap) Push(x any) {
	s := x.(*windowShare)
	s.index = len(*h)
	*h = append(*h, s)
}

func (h *windowHeap) Pop() any {
	last := len(*h) - 1
	s := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	s.index = -1
	return s
}
