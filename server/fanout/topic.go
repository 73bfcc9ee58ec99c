package fanout

import (
	"errors"
	"sync"
)

// DefaultWindow is the window of a topic whose Config leaves it zero.
const DefaultWindow = 1024

// initialRing is the capacity of a topic's ring at its first value. The ring doubles
// up to the window, so that a quiet topic stays small.
const initialRing = 16

// ErrClosed is returned when the topic or the subscription is closed and nothing is
// pending.
var ErrClosed = errors.New("fanout: closed")

// ErrLagged is returned when values that the subscriber had not taken have left the
// topic's window. It is returned until the subscriber calls Rejoin.
var ErrLagged = errors.New("fanout: reader fell behind the window")

// Config configures a topic. The zero value is valid.
type Config[T any] struct {
	// Window is how many recent values a topic keeps for subscribers that are
	// behind. Zero means DefaultWindow.
	Window int
	// Budget bounds the windows of all topics that share it. When it is exhausted,
	// the values that were published longest ago leave their windows, and subscribers
	// that have not taken them get ErrLagged. A topic with a budget must be closed:
	// until then its window is charged. Nil means that only Window bounds the topic.
	Budget *Budget
	// Size returns the number of bytes to charge for a value, including what it
	// refers to. It is called once for each value. It is required if Budget is set,
	// and unused otherwise.
	Size func(T) int64
}

// Topic delivers values to its subscribers. Create it with New.
type Topic[T any] struct {
	window uint64
	budget *Budget // may be nil
	size   func(T) int64
	share  windowShare // its fields are guarded by Budget.mu

	mu          sync.Mutex // guards below; held for no longer than a copy takes
	ring        []T        // value number p is at ring[p%len(ring)]
	charges     []charge   // of the values in ring; nil without a budget
	inBudget    bool       // share was added to the budget, or is about to be
	next        uint64     // the number of the next value
	kept        uint64     // how many values before next are in the ring
	subscribers int
	closed      bool

	// waiting are the subscribers that have taken everything and want to be
	// woken. A publisher swaps the slice out and wakes them after it has
	// released mu: those woken first take their values while the others are
	// still being woken. generation tells whether the slot of a subscriber is
	// still valid.
	waiting    []*Subscription[T]
	generation uint64

	publishing sync.Mutex         // held while publishing, taken before mu; guards below
	spare      []*Subscription[T] // an empty slice to swap with waiting
	sizes      []int64            // of the values being published
}

// New returns a topic without values or subscribers. It panics if c has a Budget
// and no Size.
func New[T any](c Config[T]) *Topic[T] {
	window := c.Window
	if window <= 0 {
		window = DefaultWindow
	}
	if c.Budget != nil && c.Size == nil {
		panic("fanout: a Config with a Budget needs a Size")
	}
	// Generation 0 is that of subscriptions that are not in waiting.
	t := &Topic[T]{window: uint64(window), budget: c.Budget, size: c.Size, generation: 1}
	t.share = windowShare{window: t, index: -1}
	return t
}

// Publish delivers values to all subscribers, in the given order and with no other
// values between them. It never waits for a subscriber. It returns ErrClosed if the
// topic is closed.
func (t *Topic[T]) Publish(values ...T) error {
	t.publishing.Lock()
	defer t.publishing.Unlock()

	bytes := t.reserve(values)
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		t.budget.release(bytes)
		return ErrClosed
	}
	displaced := t.pushLocked(values)
	addShare := t.budget != nil && !t.inBudget && t.kept > 0
	if addShare {
		t.inBudget = true
	}
	oldest := t.oldestLocked()
	woken := t.takeWaitingLocked()
	t.mu.Unlock()

	t.budget.release(displaced)
	if addShare {
		t.budget.add(&t.share, oldest)
	}
	t.wake(woken)
	return nil
}

// Subscribe returns a subscription to everything that is published from now on.
func (t *Topic[T]) Subscribe() *Subscription[T] {
	return t.SubscribeWith(make(chan struct{}, 1))
}

// SubscribeWith is like Subscribe for a goroutine that reads several subscriptions:
// they share the channel, and a receive from it means that any of them may have
// something to take. The channel must have capacity 1. The package only sends to it,
// without blocking.
func (t *Topic[T]) SubscribeWith(ready chan struct{}) *Subscription[T] {
	if cap(ready) != 1 {
		panic("fanout: the ready channel must have capacity 1")
	}
	return t.subscribe(&Subscription[T]{topic: t, ready: ready})
}

// SubscribeFunc is like Subscribe for a reader that is not woken by a channel: notify
// is called instead of a send to Ready. It must not block, and must not call methods
// of the topic or the subscription. Ready returns nil, and Next and All must not be
// used.
func (t *Topic[T]) SubscribeFunc(notify func()) *Subscription[T] {
	return t.subscribe(&Subscription[T]{topic: t, notify: notify})
}

func (t *Topic[T]) subscribe(s *Subscription[T]) *Subscription[T] {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscribers++
	s.pos = t.next
	s.waitLocked()
	return s
}

// Subscribers returns how many subscriptions are open.
func (t *Topic[T]) Subscribers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.subscribers
}

// Close ends the topic: Publish returns ErrClosed from now on, and so do subscribers
// once they have taken what is pending. The topic releases its values when its last
// subscription is closed. Close may be called more than once.
func (t *Topic[T]) Close() {
	t.publishing.Lock()
	defer t.publishing.Unlock()

	t.mu.Lock()
	t.closed = true
	woken := t.takeWaitingLocked()
	unused := t.subscribers == 0
	t.mu.Unlock()

	if unused {
		t.dropAll()
	}
	t.wake(woken)
}

// takeWaitingLocked returns the waiting subscribers and starts a new, empty
// generation.
func (t *Topic[T]) takeWaitingLocked() []*Subscription[T] {
	woken := t.waiting
	t.waiting = t.spare[:0]
	t.generation++
	return woken
}

// wake signals subscribers. The caller holds publishing, and not mu.
func (t *Topic[T]) wake(woken []*Subscription[T]) {
	for i, s := range woken {
		s.signal()
		woken[i] = nil
	}
	t.spare = woken
}
