package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// feedQueue is how many republished messages wait for the feed. More are
	// dropped, and read from the stream.
	feedQueue = 8192
	// feedBatch bounds what is handled at once.
	feedBatch = 256
	// overdue is how long the feed waits for a message that is known to be stored
	// to be republished before it reads the stream.
	overdue = 20 * time.Millisecond
	// checkEvery is how often the feed asks for the end of the stream: what is the
	// last that was stored may be lost on its way without a sign of it.
	checkEvery = 2 * time.Second
	// repairEvery is how often a reading of the stream that fails is tried again.
	repairEvery = 250 * time.Millisecond
)

// feed hands every message of a stream to a function, in order and each once. They
// come from what the stream republishes, which costs the servers no consumer; the
// sequences show what is missing, and that is read from the stream.
type feed struct {
	source  source
	subject string                           // of what is republished
	handle  func(batch []message, at uint64) // all up to at have come, or are gone
	log     *slog.Logger
	inbox   chan *nats.Msg
	sub     *nats.Subscription
	wake    chan struct{} // capacity 1
	ended   chan struct{} // closed when run has returned

	mu     sync.Mutex // guards below
	at     uint64     // every message up to here was handled, or is gone
	wanted uint64     // the newest message that is known to be stored
	lost   bool       // messages may have been lost without a sign
	moved  chan struct{}
}

func newFeed(s source, subject string, log *slog.Logger, handle func([]message, uint64)) *feed {
	return &feed{
		source:  s,
		subject: subject,
		handle:  handle,
		log:     log,
		inbox:   make(chan *nats.Msg, feedQueue),
		wake:    make(chan struct{}, 1),
		ended:   make(chan struct{}),
		moved:   make(chan struct{}),
	}
}

// open subscribes, and handles what the stream holds after a sequence.
func (f *feed) open(ctx context.Context, after uint64) (err error) {
	if f.sub, err = f.source.conn.ChanSubscribe(f.subject, f.inbox); err != nil {
		return fmt.Errorf("subscribe to %s: %w", f.subject, err)
	}
	flush, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	if err := f.source.conn.FlushWithContext(flush); err != nil {
		return fmt.Errorf("subscribe to %s: %w", f.subject, err)
	}
	f.at = after
	state, err := f.source.state(ctx)
	if err != nil {
		return err
	}
	return f.repair(ctx, state.LastSeq)
}

// run follows the stream until ctx ends.
func (f *feed) run(ctx context.Context) {
	defer close(f.ended)
	check := time.NewTicker(checkEvery)
	defer check.Stop()
	late := time.NewTimer(overdue)
	defer late.Stop()
	for {
		select {
		case m := <-f.inbox:
			f.take(ctx, m)
		case <-f.wake:
			if f.mayHaveLost() {
				f.catchUp(ctx)
			}
			late.Reset(overdue)
		case <-late.C:
			if target := f.target(); target > f.position() {
				f.mend(ctx, target)
			}
		case <-check.C:
			f.catchUp(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// take handles a republished message and those that have come with it.
func (f *feed) take(ctx context.Context, first *nats.Msg) {
	var batch []message
	at := f.position()
	for m, more := first, true; more; {
		next, err := fromRepublished(m)
		switch {
		case err != nil:
			f.log.Warn("a republished message is not understood", "subject", m.Subject, "err", err)
		case next.sequence == at+1:
			batch = append(batch, next)
			at++
		case next.sequence > at:
			f.advance(batch, at)
			batch = nil
			f.mend(ctx, next.sequence)
			at = f.position()
		}
		if len(batch) == feedBatch {
			break
		}
		select {
		case m = <-f.inbox:
		default:
			more = false
		}
	}
	f.advance(batch, at)
}

// catchUp reads up to the end of the stream. If that is not known, the next check
// finds it out.
func (f *feed) catchUp(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	state, err := f.source.state(asking)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		f.log.Warn("the end of the stream is not known", "stream", f.source.name, "err", err)
	case state.LastSeq > f.position():
		// It may be on its way, and has not been lost before it is overdue.
		f.want(state.LastSeq)
	}
}

// mend reads up to a sequence, and tries again until it can.
func (f *feed) mend(ctx context.Context, target uint64) {
	for ctx.Err() == nil {
		err := f.repair(ctx, target)
		if err == nil || ctx.Err() != nil {
			return
		}
		f.log.Warn("missed messages can't be read, trying again", "stream", f.source.name, "after", f.position(), "err", err)
		select {
		case <-time.After(repairEvery):
		case <-ctx.Done():
		}
	}
}

// repair reads what comes after the feed's position, at least up to a sequence.
func (f *feed) repair(ctx context.Context, target uint64) error {
	for f.position() < target {
		at := f.position()
		missed, err := f.source.batch(ctx, "", at+1, batchMessages)
		if err != nil {
			return err
		}
		if len(missed) > 0 {
			f.advance(missed, missed[len(missed)-1].sequence)
			continue
		}
		// The server that has answered may lag behind.
		next, found, err := f.source.next(ctx, ">", at+1)
		if err != nil {
			return err
		}
		if found {
			f.advance([]message{next}, next.sequence)
			continue
		}
		state, err := f.source.state(ctx)
		if err != nil {
			return err
		}
		if state.LastSeq < target {
			return fmt.Errorf("%s ends at %d, before %d", f.source.name, state.LastSeq, target)
		}
		f.advance(nil, target)
	}
	return nil
}

func (f *feed) advance(batch []message, at uint64) {
	if at <= f.position() {
		return
	}
	f.handle(batch, at)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.at = at
	close(f.moved)
	f.moved = make(chan struct{})
}

func (f *feed) position() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *feed) target() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.wanted
}

// want says that a message is stored.
func (f *feed) want(sequence uint64) {
	f.mu.Lock()
	behind := sequence > f.at
	f.wanted = max(f.wanted, sequence)
	f.mu.Unlock()
	if behind {
		f.rouse()
	}
}

// suspect says that messages may have been lost, as when the connection was.
func (f *feed) suspect() {
	f.mu.Lock()
	f.lost = true
	f.mu.Unlock()
	f.rouse()
}

func (f *feed) mayHaveLost() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	lost := f.lost
	f.lost = false
	return lost
}

func (f *feed) rouse() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// wait returns once the feed has come to a message that is stored.
func (f *feed) wait(ctx context.Context, sequence uint64) error {
	f.want(sequence)
	for {
		f.mu.Lock()
		at, moved := f.at, f.moved
		f.mu.Unlock()
		if at >= sequence {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-f.ended:
			return context.Canceled
		}
	}
}
