package jetstream

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"chatroom/server/internal/logsample"
)

const (
	// feedQueue is how many republished messages are queued for the feed. Messages above
	// that are dropped, and read from the stream.
	feedQueue = 8192
	// feedBatch bounds what is handled at once.
	feedBatch = 256
	// republishWait is how long the feed waits until a message that is known to be stored
	// is republished, before it reads the stream.
	republishWait = 20 * time.Millisecond
	// checkEvery is how often the feed asks for the end of the stream: if the newest
	// message is lost in transit, no later sequence shows that.
	checkEvery = 2 * time.Second
	// repairEvery is the pause before a failed read of the stream is retried.
	repairEvery = 250 * time.Millisecond
)

// feed calls a function with every message of a stream, in order and each once. It takes
// them from what the stream republishes, which costs the servers no consumer. The sequences
// show which messages are missing; those are read from the stream.
type feed struct {
	source  source
	subject string                           // of what is republished
	handle  func(batch []message, at uint64) // all messages up to at were handled, or are not in the stream any more
	log     *slog.Logger
	repeats *logsample.Logger // what may fail again each second
	inbox   chan *nats.Msg
	sub     *nats.Subscription
	wake    chan struct{} // capacity 1
	ended   chan struct{} // closed when run has returned

	mu        sync.Mutex // guards below
	at        uint64     // every message up to here was handled, or is not in the stream any more
	expected  uint64     // the newest message that is known to be stored
	suspected bool       // messages may have been lost unnoticed
	advanced  chan struct{}
}

func newFeed(s source, subject string, log *slog.Logger, handle func([]message, uint64)) *feed {
	return &feed{
		source:   s,
		subject:  subject,
		handle:   handle,
		log:      log,
		repeats:  &logsample.Logger{Log: log, Burst: 1, Interval: time.Minute},
		inbox:    make(chan *nats.Msg, feedQueue),
		wake:     make(chan struct{}, 1),
		ended:    make(chan struct{}),
		advanced: make(chan struct{}),
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
	late := time.NewTimer(republishWait)
	defer late.Stop()
	for {
		select {
		case m := <-f.inbox:
			f.receive(ctx, m)
		case <-f.wake:
			if f.takeSuspected() {
				f.catchUp(ctx)
			}
			late.Reset(republishWait)
		case <-late.C:
			if target := f.target(); target > f.position() {
				f.retryRepair(ctx, target)
			}
		case <-check.C:
			f.catchUp(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// receive handles a republished message and those that are queued behind it.
func (f *feed) receive(ctx context.Context, first *nats.Msg) {
	var batch []message
	at := f.position()
	for m, more := first, true; more; {
		next, err := fromRepublished(m)
		switch {
		case err != nil:
			f.repeats.Warn(ctx, "a republished message can't be decoded", "subject", m.Subject, "err", err)
		case next.sequence == at+1:
			batch = append(batch, next)
			at++
		case next.sequence > at:
			f.advance(batch, at)
			batch = nil
			f.retryRepair(ctx, next.sequence)
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

// catchUp asks for the end of the stream, and expects the messages up to it. If the request
// fails the next check repeats it.
func (f *feed) catchUp(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	state, err := f.source.state(asking)
	switch {
	case ctx.Err() != nil:
	case err != nil:
		f.repeats.Warn(ctx, "the end of the stream can't be read", "stream", f.source.name, "err", err)
	case state.LastSeq > f.position():
		// The message may be in transit: it counts as lost after republishWait.
		f.expect(state.LastSeq)
	}
}

// retryRepair calls repair until it succeeds.
func (f *feed) retryRepair(ctx context.Context, target uint64) {
	for ctx.Err() == nil {
		err := f.repair(ctx, target)
		if err == nil || ctx.Err() != nil {
			return
		}
		f.repeats.Warn(ctx, "missed messages can't be read, trying again", "stream", f.source.name, "after", f.position(), "err", err)
		select {
		case <-time.After(repairEvery):
		case <-ctx.Done():
		}
	}
}

// repair reads the messages after the feed's position from the stream, at least up to the
// sequence target.
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
		// The server that has answered may be behind the leader.
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
	close(f.advanced)
	f.advanced = make(chan struct{})
}

func (f *feed) position() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.at
}

func (f *feed) target() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.expected
}

// expect notes that a message is stored.
func (f *feed) expect(sequence uint64) {
	f.mu.Lock()
	behind := sequence > f.at
	f.expected = max(f.expected, sequence)
	f.mu.Unlock()
	if behind {
		f.signal()
	}
}

// suspect notes that messages may have been lost, as after a lost connection.
func (f *feed) suspect() {
	f.mu.Lock()
	f.suspected = true
	f.mu.Unlock()
	f.signal()
}

func (f *feed) takeSuspected() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	suspected := f.suspected
	f.suspected = false
	return suspected
}

func (f *feed) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// wait returns when the feed has handled the messages up to a sequence.
func (f *feed) wait(ctx context.Context, sequence uint64) error {
	f.expect(sequence)
	for {
		f.mu.Lock()
		at, advanced := f.at, f.advanced
		f.mu.Unlock()
		if at >= sequence {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return ctx.Err()
		case <-f.ended:
			return context.Canceled
		}
	}
}
