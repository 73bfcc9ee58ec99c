package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

// maxBehind is how many messages may be under way while a sender publishes as fast
// as answers come: as many as the peers queue for each subscriber.
const maxBehind = 256

// Session publishes to a pool.
type Session struct {
	ClientPool *ClientPool
	Publisher  *Publisher
	// Rooms are published to in turn. With one room all subscribers are in it; with
	// more, one subscriber is in each.
	Rooms []string
	// DeliveryTimeout is how long to wait for the next delivery. Zero means 30 s.
	DeliveryTimeout time.Duration

	sent uint64
}

// Outcome is what a run delivered.
type Outcome struct {
	Deliveries uint64
	// Elapsed is the time until the last delivery.
	Elapsed time.Duration
	Latency Histogram
}

// Verdict counts what must not happen.
type Verdict struct {
	Lost, Duplicated, Reordered uint64
	// Broken counts events whose previous is not the sequence seen before.
	Broken uint64
}

// Next returns the number of the next message: what subscribers that come now
// expect first.
func (s *Session) Next() uint64 { return s.sent/uint64(len(s.Rooms)) + 1 }

// Sent returns how many messages were published.
func (s *Session) Sent() uint64 { return s.sent }

// Rate publishes so many messages per second for a duration, each after the answer
// to the one before, and returns when all subscribers have all of them. With zero
// per second it publishes as fast as answers come. Either way it pauses while
// maxBehind messages have not reached every subscriber.
//
// A server that can't keep up gets the messages later than they are due, and what
// is not sent after twice the duration, or a second more than it, is left out. One
// that keeps up is not credited with more than the rate: Elapsed is at least the
// time that so many messages take.
func (s *Session) Rate(ctx context.Context, perSecond float64, duration time.Duration) (*Outcome, error) {
	start, before := s.begin(), s.sent
	end := start + int64(duration)
	// at returns when the n-th message is due.
	at := func(n uint64) int64 {
		if perSecond == 0 {
			return now()
		}
		return start + int64(float64(n)/perSecond*1e9)
	}
	for now() < end+int64(max(duration, time.Second)) {
		due := at(s.sent - before)
		if due >= end {
			break
		}
		sleepUntil(due)
		if err := s.sendOne(ctx, due); err != nil {
			return nil, err
		}
	}
	outcome, err := s.finish(ctx, start)
	if err == nil && perSecond > 0 {
		outcome.Elapsed = max(outcome.Elapsed, time.Duration(at(s.sent-before)-start))
	}
	return outcome, err
}

// sendOne publishes a message and waits for its answer, and for those that are
// behind.
func (s *Session) sendOne(ctx context.Context, due int64) error {
	s.add(due)
	if err := s.flush(ctx); err != nil {
		return err
	}
	if err := s.Publisher.wait(ctx, s.Publisher.added); err != nil {
		return err
	}
	for s.sent-s.completed() >= maxBehind {
		if err := s.wait(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Saturate publishes as fast as messages are delivered, with at most window of
// them under way, and returns when all subscribers have all of them.
func (s *Session) Saturate(ctx context.Context, window int, duration time.Duration) (*Outcome, error) {
	start := s.begin()
	for at := start; at < start+int64(duration); at = now() {
		free := uint64(window) - (s.sent - s.completed())
		if free == 0 {
			if err := s.wait(ctx); err != nil {
				return nil, err
			}
			continue
		}
		for range free {
			s.add(at)
		}
		if err := s.flush(ctx); err != nil {
			return nil, err
		}
	}
	return s.finish(ctx, start)
}

// begin clears what was counted before and returns the time.
func (s *Session) begin() int64 {
	c := s.ClientPool
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.latency = Histogram{}
	c.tally.deliveries = 0
	c.tally.window.fan = 1
	if len(s.Rooms) == 1 {
		c.tally.window.fan = uint32(len(c.subscribers))
	}
	return now()
}

func (s *Session) add(due int64) {
	room := s.Rooms[s.sent%uint64(len(s.Rooms))]
	s.Publisher.add(room, s.Next(), due)
	s.sent++
}

func (s *Session) flush(ctx context.Context) error {
	return errors.Join(s.Publisher.flush(ctx), s.ClientPool.Err())
}

func (s *Session) completed() uint64 { return s.ClientPool.tally.window.completed.Load() }

// wait returns when more messages have been delivered.
func (s *Session) wait(ctx context.Context) error {
	longest := cmp.Or(s.DeliveryTimeout, answerTimeout)
	timeout := time.NewTimer(longest)
	defer timeout.Stop()
	for {
		if err := s.Publisher.Err(); err != nil {
			return err
		}
		select {
		case <-s.ClientPool.tally.window.wake:
			return s.ClientPool.Err()
		case <-s.Publisher.changed:
		case <-timeout.C:
			return fmt.Errorf("%d of %d messages are delivered, and no more within %v: %w",
				s.completed(), s.sent, longest, errors.Join(s.ClientPool.Err(), errUndelivered))
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var errUndelivered = errors.New("load: messages did not arrive")

// finish waits for messages in flight.
func (s *Session) finish(ctx context.Context, start int64) (*Outcome, error) {
	for s.completed() < s.sent {
		if err := s.wait(ctx); err != nil {
			return nil, err
		}
	}
	c := s.ClientPool
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Outcome{
		Deliveries: c.tally.deliveries,
		Elapsed:    time.Duration(c.tally.now - start),
		Latency:    c.tally.latency,
	}, c.err
}

// Verdict returns what has gone wrong so far.
func (s *Session) Verdict() Verdict {
	return s.ClientPool.Verdict(func(i int) uint64 {
		if rooms := uint64(len(s.Rooms)); rooms > 1 {
			return (s.sent + rooms - 1 - uint64(i)) / rooms
		}
		return s.sent
	})
}

// sleepUntil sleeps without the runtime's timers, which are late by up to a
// millisecond.
func sleepUntil(due int64) {
	if d := due - now(); d > 0 {
		pause := syscall.NsecToTimespec(d)
		_ = syscall.Nanosleep(&pause, nil) // a signal makes it return early, and the caller looks at the time
	}
}
