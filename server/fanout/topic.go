package fanout

import (
	"errors"
	"sync"
)

// DefaultWindow is the window of a topic whose Config leaves it zero.
const DefaultWindow = 1024

// firstRing is what a topic allocates at its first value. Rings double up to
// the window, so that a quiet topic stays small.
const firstRing = 16

// ErrClosed is returned when the topic or the subscription was closed, and
// nothing is pending any more.
var ErrClosed = errors.New("fanout: closed")

// ErrLagged is returned when values that the subscriber had not taken yet have
// left the topic's window. It is returned until the subscriber calls Rejoin.
var ErrLagged = errors.New("fanout: reader fell behind the window")

// Config is how a topic behaves. Its zero value is ready to use.
type Config[T any] struct {
	// Window is how many recent values a topic keeps for subscribers that are
	// behind. Zero means DefaultWindow.
	Window int
	// Budget bounds the windows of all topics that share it. When it is exhausted,
	// values leave the windows that were published longest ago, and subscribers that
	// have not taken them get ErrLagged. A topic with a budget must be closed: until
	// then its window is charged. Nil means that only Window bounds a topic.
	Budget *Budget
	// Size returns how many bytes a value takes in the budget, with what it refers
	// to. It is called once for each value, and not if Budget is nil.
	Size func(T) int64
}

// Topic delivers values to its subscribers. Create it with New.
type Topic[T any] struct {
	window uint64
	budget *Budget // may be nil
	size   func(T) int64
	share  windowShare // its fields are guarded by Budget.mu

	mu      sync.Mutex // guards below; held for no longer than a copy takes
	ring    []T        // value number p is at ring[p%len(ring)]
	charges []charge   // those of the values in ring; nil without a budget
	shared  bool       // share is in the budget, or is about to be
	next    uint64     // the number of the next value
	kept    uint64     // how many values before next are in the ring
	subs    int
	done    bool

	// waiting are the subscribers that have taken everything and want to be
	// woken. A publisher swaps the slice out and wakes them after it has
	// released mu: those woken first take their values while the others are
	// still being woken. generation tells whether a subscriber's place in the
	// slice is still valid.
	waiting    []*Subscription[T]
	generation uint64

	publishing sync.Mutex // held while publishing, taken before mu; guards below
	spare      []*Subscription[T]
	sizes      []int64 // those of the values that are being published
}

// New returns a topic without values or subscribers. It panics if c has a Budget
// and no Size.
func New[T any](c Config[T]) *Topic[T] {
	window := c.Window
	if window <= 0 {
		window = DefaultWindow
	}
	if c.Budget != nil && c.Size == nil {
		panic("fanout: a topic with a budget needs a size")
	}
	// Generation zero is that of a subscriber which never waited.
	t := &Topic[T]{window: uint64(window), budget: c.Budget, size: c.Size, generation: 1}
	t.share = windowShare{window: t, at: -1}
	return t
}

// Publish gives values to all subscribers, in this order and with nothing in
// between. It returns ErrClosed if the topic is closed. It never waits for a
// subscriber.
func (t *Topic[T]) Publish(values ...T) error {
	t.publishing.Lock()
	defer t.publishing.Unlock()

	bytes := t.reserve(values)
	t.mu.Lock()
	if t.done {
		t.mu.Unlock()
		t.budget.release(bytes)
		return ErrClosed
	}
	displaced := t.pushLocked(values)
	joins := t.budget != nil && !t.shared && t.kept > 0
	if joins {
		t.shared = true
	}
	oldest := t.oldestLocked()
	woken := t.takeWaitingLocked()
	t.mu.Unlock()

	t.budget.release(displaced)
	if joins {
		t.budget.add(&t.share, oldest)
	}
	t.wake(woken)
	return nil
}

// Subscribe returns a subscription to everything that is published from now on.
func (t *Topic[T]) Subscribe() *Subscription[T] {
	return t.SubscribeWith(make(chan struct{}, 1))
}

// SubscribeWith is like Subscribe for a goroutine that reads several
// subscriptions: they share the channel, and a receive from it means that any of
// them may have something to take. The channel must have capacity 1; the package
// only ever sends to it, without blocking.
func (t *Topic[T]) SubscribeWith(ready chan struct{}) *Subscription[T] {
	if cap(ready) != 1 {
		panic("fanout: the ready channel must have capacity 1")
	}
	return t.subscribe(&Subscription[T]{topic: t, ready: ready})
}

// SubscribeFunc is like Subscribe for a reader that is scheduled by other means than
// a channel: notify is called where otherwise Ready would fire. It must not block,
// and must not call the topic or the subscription. Ready returns nil, and Next and All
// are not for such a subscription.
func (t *Topic[T]) SubscribeFunc(notify func()) *Subscription[T] {
	return t.subscribe(&Subscription[T]{topic: t, notify: notify})
}

func (t *Topic[T]) subscribe(s *Subscription[T]) *Subscription[T] {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subs++
	s.pos = t.next
	s.waitLocked()
	return s
}

// Subscribers returns how many subscriptions are open.
func (t *Topic[T]) Subscribers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.subs
}

// Close ends the topic: Publish fails from now on, and subscribers get ErrClosed
// when they have taken what is pending. With the last subscription the topic lets
// go of its values. Closing twice is harmless.
func (t *Topic[T]) Close() {
	t.publishing.Lock()
	defer t.publishing.Unlock()

	t.mu.Lock()
	t.done = true
	woken := t.takeWaitingLocked()
	unused := t.subs == 0
	t.mu.Unlock()

	if unused {
		t.empty()
	}
	t.wake(woken)
}

// takeWaitingLocked returns those who wait and starts a new, empty generation.
func (t *Topic[T]) takeWaitingLocked() []*Subscription[T] {
	woken := t.waiting
	t.waiting = t.spare[:0]
	t.generation++
	return woken
}

// wake is called with publishing held and mu released.
func (t *Topic[T]) wake(woken []*Subscription[T]) {
	for i, s := range woken {
		s.signal()
		woken[i] = nil
	}
	t.spare = woken
}
