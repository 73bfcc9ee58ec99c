package fanout

import (
	"context"
	"iter"
)

// Subscription is one reader's place in a topic. Its methods are for one
// goroutine, except for Close.
type Subscription[T any] struct {
	topic  *Topic[T]
	ready  chan struct{} // nil if there is notify
	notify func()

	// Guarded by topic.mu.
	pos        uint64 // the number of the next value to take
	closed     bool
	generation uint64 // the topic's generation in which slot was given
	slot       int    // the index in topic.waiting
}

// Ready returns the channel on which a receive means that Take may have
// something: values, or an error. Nothing is pending for ever without a signal
// on it: after each receive, call Take once.
func (s *Subscription[T]) Ready() <-chan struct{} { return s.ready }

// Take copies pending values into buf, oldest first, and returns how many. It
// does not block; 0 means that nothing is pending. It returns ErrLagged after
// values were missed, and ErrClosed after Close of the subscription, or after
// Close of the topic once everything was taken. buf must not be empty.
func (s *Subscription[T]) Take(buf []T) (int, error) {
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.closed {
		return 0, ErrClosed
	}
	if s.pos < t.next-t.kept {
		return 0, ErrLagged
	}
	n := 0
	for n < len(buf) && s.pos != t.next {
		buf[n] = t.ring[s.pos%uint64(len(t.ring))]
		s.pos++
		n++
	}
	if n == 0 && t.done && s.pos == t.next {
		return 0, ErrClosed
	}
	if s.pos != t.next {
		s.signal()
	} else {
		s.waitLocked()
	}
	return n, nil
}

// Next waits until something is pending, and takes it as Take does. It returns
// the context's error once ctx has ended, and leaves what is pending. It is not
// for subscriptions that share a ready channel.
func (s *Subscription[T]) Next(ctx context.Context, buf []T) (int, error) {
	// Checked also when something is pending: where values come faster than they
	// are taken, there is always something.
	for ctx.Err() == nil {
		if n, err := s.Take(buf); n > 0 || err != nil {
			return n, err
		}
		select {
		case <-s.ready:
		case <-ctx.Done():
		}
	}
	return 0, ctx.Err()
}

// All yields one value after the other, waiting for each. It ends after yielding
// an error: ErrLagged, ErrClosed or that of ctx.
func (s *Subscription[T]) All(ctx context.Context) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var buf [64]T
		for {
			n, err := s.Next(ctx, buf[:])
			for _, v := range buf[:n] {
				if !yield(v, nil) {
					return
				}
			}
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
		}
	}
}

// Rejoin moves the subscription to the topic's end: Take goes on with what is
// published from now on. It returns how many values were skipped. A reader that
// needs them reads them from where they are kept, after calling Rejoin: then it
// misses none, and knows those that it gets twice.
func (s *Subscription[T]) Rejoin() (skipped uint64) {
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	skipped = t.next - s.pos
	s.pos = t.next
	if !s.closed {
		s.waitLocked()
	}
	return skipped
}

// Close ends the subscription. Take and Next return ErrClosed from now on, a
// waiting Next included. It may be called by any goroutine, and twice.
func (s *Subscription[T]) Close() {
	if s.close() {
		s.topic.empty()
	}
}

// close ends the subscription, and reports whether the topic is done with its
// values by that.
func (s *Subscription[T]) close() bool {
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	t.subs--
	if s.generation == t.generation {
		last := len(t.waiting) - 1
		t.waiting[s.slot] = t.waiting[last]
		t.waiting[s.slot].slot = s.slot
		t.waiting[last] = nil
		t.waiting = t.waiting[:last]
		s.generation = 0
	}
	s.signal()
	return t.done && t.subs == 0
}

// waitLocked asks to be woken by the next publish. A topic that is done has no
// next one, and wakes the subscriber at once to take its error.
func (s *Subscription[T]) waitLocked() {
	t := s.topic
	if t.done {
		s.signal()
		return
	}
	if s.generation == t.generation {
		return
	}
	s.generation = t.generation
	s.slot = len(t.waiting)
	t.waiting = append(t.waiting, s)
}

// signal never blocks: a signal that is already there covers this one.
func (s *Subscription[T]) signal() {
	if s.notify != nil {
		s.notify()
		return
	}
	select {
	case s.ready <- struct{}{}:
	default:
	}
}
