package fanout

import (
	"context"
	"iter"
)

// Subscription is one reader's position in a topic. Its methods must be called by
// one goroutine, except for Close and Behind, which any goroutine may call.
type Subscription[T any] struct {
	topic  *Topic[T]
	ready  chan struct{} // nil if notify is set
	notify func()

	// Guarded by topic.mu.
	pos        uint64 // the number of the next value to take
	closed     bool
	generation uint64 // slot is valid while this is the topic's generation
	slot       int    // the index in topic.waiting
}

// Ready returns a channel that receives a signal when Take may return values or an
// error. Call Take once after each receive; if it leaves values pending, another
// signal follows.
func (s *Subscription[T]) Ready() <-chan struct{} { return s.ready }

// Take copies pending values into buf, oldest first, and returns their number. It
// does not block: 0 means that nothing is pending. It returns ErrLagged if values
// were missed, and ErrClosed if the subscription is closed, or if the topic is closed
// and everything was taken. buf must not be empty.
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
	if n == 0 && t.closed && s.pos == t.next {
		return 0, ErrClosed
	}
	if s.pos != t.next {
		s.signal()
	} else {
		s.waitLocked()
	}
	return n, nil
}

// Next waits until values or an error are pending, and then behaves like Take. It
// returns the context's error once ctx is done, even if values are pending.
// Subscriptions that share a ready channel must not use it.
func (s *Subscription[T]) Next(ctx context.Context, buf []T) (int, error) {
	// ctx is checked even if values are pending: if they come faster than they are
	// taken, values are always pending.
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

// All returns an iterator over the values, which waits for each. It ends after it
// yields an error: ErrLagged, ErrClosed or the error of ctx.
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

// Rejoin moves the subscription to the end of the topic: Take returns what is
// published from now on. Rejoin returns how many values were skipped. A reader that
// needs them must read them from where they are stored after it called Rejoin. It
// then misses none, but may get some of them twice and must skip the duplicates.
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

// Behind returns how many values have been published that the subscription has not taken,
// also of those that it will not get. Any goroutine may call it.
func (s *Subscription[T]) Behind() uint64 {
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next - s.pos
}

// Close ends the subscription. Take and Next return ErrClosed from now on, and so
// does a call of Next that waits. Any goroutine may call Close, more than once.
func (s *Subscription[T]) Close() {
	if s.close() {
		s.topic.dropAll()
	}
}

// close ends the subscription, and reports whether the topic is closed and has no
// subscribers left.
func (s *Subscription[T]) close() bool {
	t := s.topic
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.closed {
		return false
	}
	s.closed = true
	t.subscribers--
	if s.generation == t.generation {
		last := len(t.waiting) - 1
		t.waiting[s.slot] = t.waiting[last]
		t.waiting[s.slot].slot = s.slot
		t.waiting[last] = nil
		t.waiting = t.waiting[:last]
		s.generation = 0
	}
	s.signal()
	return t.closed && t.subscribers == 0
}

// waitLocked adds the subscription to those that the next Publish wakes. If the topic
// is closed, it is signalled at once instead, to take ErrClosed.
func (s *Subscription[T]) waitLocked() {
	t := s.topic
	if t.closed {
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

// signal does not block: a signal that is pending already covers this one.
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
