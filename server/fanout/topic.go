package fanout

import (
	"errors"
	"sync"
	"time"
)

// DefaultWindow is the window of a topic whose Config leaves it zero.
const DefaultWindow = 1024

// firstRing is what a topic allocates at its first value. Rings double up to
// the window, so that a quiet topic stays small.
const firstRing = 16

// gatherShare is how much of Config.Gather a topic may use for each subscriber:
// about twice the CPU time that delivering to one costs. Where there are few,
// waking them again is cheap and waiting is not worth it.
const gatherShare = 20 * time.Microsecond

// ErrClosed is returned when the topic or the subscription was closed, and
// nothing is pending any more.
var ErrClosed = errors.New("fanout: closed")

// ErrLagged is returned when values that the subscriber had not taken yet have
// left the topic's window. It is returned until the subscriber calls Rejoin.
var ErrLagged = errors.New("fanout: reader fell behind the window")

// Config is how a topic behaves. Its zero value is ready to use.
type Config struct {
	// Window is how many recent values a topic keeps for subscribers that are
	// behind. Zero means DefaultWindow.
	Window int
	// Gather is for how long after waking its subscribers a topic may put off
	// waking them again, so that what is published meanwhile reaches them
	// together. What comes after a longer pause wakes them at once, so that an
	// idle topic adds no latency. The time is 20 µs for each subscriber, and
	// Gather at most. Zero means no time.
	Gather time.Duration
}

// Topic delivers values to its subscribers. Create it with New.
type Topic[T any] struct {
	window uint64
	gather time.Duration

	mu   sync.Mutex // guards below; held for no longer than a copy takes
	ring []T        // value number p is at ring[p%len(ring)]
	next uint64     // the number of the next value
	kept uint64     // how many values before next are in the ring
	subs int
	done bool

	// waiting are the subscribers that have taken everything and want to be
	// woken. A publisher swaps the slice out and wakes them after it has
	// released mu: those woken first take their values while the others are
	// still being woken. generation tells whether a subscriber's place in the
	// slice is still valid.
	waiting    []*Subscription[T]
	generation uint64

	publishing sync.Mutex // held while publishing, taken before mu; guards below
	spare      []*Subscription[T]
	woke       time.Time   // when subscribers were last woken; kept only to gather
	timer      *time.Timer // wakes them at the end of a gathering; nil before the first
	gathering  bool        // timer will fire
}

// New returns a topic without values or subscribers.
func New[T any](c Config) *Topic[T] {
	window := c.Window
	if window <= 0 {
		window = DefaultWindow
	}
	// Generation zero is that of a subscriber which never waited.
	return &Topic[T]{window: uint64(window), gather: c.Gather, generation: 1}
}

// Publish gives values to all subscribers, in this order and with nothing in
// between. It returns ErrClosed if the topic is closed. It never waits for a
// subscriber.
func (t *Topic[T]) Publish(values ...T) error {
	t.publishing.Lock()
	defer t.publishing.Unlock()

	t.mu.Lock()
	if t.done {
		t.mu.Unlock()
		return ErrClosed
	}
	for _, v := range values {
		t.pushLocked(v)
	}
	patience := min(t.gather, time.Duration(t.subs)*gatherShare)
	if patience > 0 && t.putOff(patience) {
		t.mu.Unlock()
		return nil
	}
	woken := t.takeWaitingLocked()
	t.mu.Unlock()

	t.wake(woken)
	return nil
}

// putOff tells whether subscribers were woken so recently that they are to be
// woken later. It is called with publishing held.
func (t *Topic[T]) putOff(patience time.Duration) bool {
	if t.gathering {
		return true
	}
	now := time.Now()
	pause := now.Sub(t.woke)
	if pause >= patience {
		t.woke = now
		return false
	}
	t.gathering = true
	if t.timer == nil {
		t.timer = time.AfterFunc(patience-pause, t.gathered)
	} else {
		t.timer.Reset(patience - pause)
	}
	return true
}

// gathered wakes the subscribers at the end of a gathering.
func (t *Topic[T]) gathered() {
	t.publishing.Lock()
	defer t.publishing.Unlock()
	if !t.gathering {
		return // the topic was closed meanwhile
	}
	t.gathering = false
	t.woke = time.Now()
	t.mu.Lock()
	woken := t.takeWaitingLocked()
	t.mu.Unlock()
	t.wake(woken)
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
	s := &Subscription[T]{topic: t, ready: ready}
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
// when they have taken what is pending. Closing twice is harmless.
func (t *Topic[T]) Close() {
	t.publishing.Lock()
	defer t.publishing.Unlock()

	if t.gathering {
		t.gathering = false
		t.timer.Stop()
	}
	t.mu.Lock()
	t.done = true
	woken := t.takeWaitingLocked()
	t.mu.Unlock()

	t.wake(woken)
}

func (t *Topic[T]) pushLocked(v T) {
	if size := uint64(len(t.ring)); t.kept == size && size < t.window {
		grown := make([]T, min(max(2*size, firstRing), t.window))
		for p := t.next - t.kept; p != t.next; p++ {
			grown[p%uint64(len(grown))] = t.ring[p%size]
		}
		t.ring = grown
	}
	t.ring[t.next%uint64(len(t.ring))] = v
	t.next++
	t.kept = min(t.kept+1, uint64(len(t.ring)))
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
