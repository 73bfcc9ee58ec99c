package load

import (
	"errors"
	"fmt"
	"time"
)

// tally is what all subscribers of a pool have received. It belongs to the
// pool's goroutine, or to the holder of ClientPool.mu.
type tally struct {
	now        int64 // when the bytes at hand were read
	latency    Histogram
	deliveries uint64
	live       int
	broken     uint64 // events whose previous is not the one seen last
	window     *window
}

// subscriber is one subscriber's state, and where its protocol reports to.
type subscriber struct {
	*tally
	sequence Sequence
	last     uint64 // the sequence of the last event, for protocols that have them
	resumes  bool   // messages come before the subscriber is live
	isLive   bool
}

func newSubscriber(t *tally, s Subscription) *subscriber {
	return &subscriber{tally: t, sequence: NewSequence(s.First), last: s.After.Sequence, resumes: s.After != Cursor{}}
}

// joined is called with the sequence of the newest event of the room. A subscriber
// that resumes gets some of what is before it.
func (s *subscriber) joined(head uint64) {
	if !s.resumes {
		s.last = head
	}
}

// ready is called when the subscriber receives everything from now on.
func (s *subscriber) ready() {
	if !s.isLive {
		s.isLive = true
		s.live++
	}
}

// event is called with the position of an event, before its text.
func (s *subscriber) event(previous, sequence uint64) {
	if previous != s.last {
		s.broken++
	}
	s.last = sequence
}

// text is called for each message received.
func (s *subscriber) text(text []byte) error {
	number, due, ok := parseText(text)
	if !ok {
		return fmt.Errorf("received %q, which was not sent", text)
	}
	if !s.isLive && !s.resumes {
		return errors.New("received a message before being ready")
	}
	s.deliveries++
	s.latency.Add(time.Duration(s.now - due))
	if s.sequence.Take(number) {
		s.window.deliver(number)
	}
	return nil
}
