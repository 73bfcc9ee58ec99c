package chat

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// firstEraseRetry and maxEraseRetry are the pauses between attempts that fail.
	firstEraseRetry = time.Second
	maxEraseRetry   = time.Minute
	// maxEraseWait is how long a deletion waits until its target is erased. Answers on
	// a stream come in order, and must not wait for a disk that hangs.
	maxEraseWait = 10 * time.Second
)

var errEraseWait = fmt.Errorf("chat: erasing takes longer than %v", maxEraseWait)

// ErasureDelayedError says that a deletion is stored, so that no reader is given the
// message any more, but that its text may still be in the journal's files. The
// service tries to erase it until that succeeds, also after a restart. Sending the
// deletion again with the same ID waits for it.
type ErasureDelayedError struct {
	Receipt Receipt
	Err     error
}

func (e *ErasureDelayedError) Error() string {
	return fmt.Sprintf("the message is deleted, but not erased from the journal's files yet: %v", e.Err)
}

func (e *ErasureDelayedError) Unwrap() error { return e.Err }

// eraser has the journal erase from its files what deletions took away, for all
// deletions that are waiting at once. It tries again until it succeeds.
type eraser struct {
	journal Journal
	log     *slog.Logger
	wake    chan struct{} // capacity 1: there are deletions in waiting

	mu        sync.Mutex // guards below
	waiting   []*erasing // no attempt has begun for them
	pending   int        // deletions since the last attempt that succeeded
	deletions uint64     // that were added
	erased    uint64
	failures  uint64
	closed    bool
}

// erasing is a stored deletion whose target is to be erased.
type erasing struct {
	sending  *Sending
	timeout  *time.Timer
	answered atomic.Bool
}

// answer finishes a deletion, with an error if its target is not erased yet. Only the
// first answer counts.
func (d *erasing) answer(delayed error) {
	if !d.answered.CompareAndSwap(false, true) {
		return
	}
	if delayed != nil {
		delayed = &ErasureDelayedError{d.sending.receipt, delayed}
	}
	d.sending.finish(delayed)
}

// end answers a deletion that an attempt was made for, or that none will be made for.
func (d *erasing) end(delayed error) {
	d.timeout.Stop()
	d.answer(delayed)
}

func newEraser(j Journal, log *slog.Logger) *eraser {
	return &eraser{journal: j, log: log, wake: make(chan struct{}, 1)}
}

// add has a stored deletion answered once its target is erased.
func (e *eraser) add(x *Sending) {
	d := &erasing{sending: x}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		d.answer(ErrClosed)
		return
	}
	d.timeout = time.AfterFunc(maxEraseWait, func() { d.answer(errEraseWait) })
	e.waiting = append(e.waiting, d)
	e.pending++
	e.deletions++
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default: // a signal that is already there covers this one
	}
}

// run erases until ctx ends. What an earlier run of the service has left comes first.
func (e *eraser) run(ctx context.Context) {
	defer e.close()
	retry := time.NewTimer(firstEraseRetry)
	defer retry.Stop()
	erased, err := e.erase(ctx)
	if err == nil && erased > 0 && !e.used() {
		e.log.Info("erased deleted messages that an earlier run had left in the journal's files", "events", erased)
	}
	pause := firstEraseRetry
	failing, scheduled := false, true
	for {
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && failing:
			e.log.Info("erasing deleted messages works again", "events", erased)
			fallthrough
		case err == nil:
			retry.Stop()
			failing, pause = false, firstEraseRetry
		// A deletion makes an attempt of its own, so that it is answered soon: that must
		// not fill the log.
		case scheduled || !failing:
			e.log.Error("deleted messages can't be erased from the journal's files; trying again", "in", pause, "err", err)
			retry.Reset(pause)
			failing, pause = true, min(2*pause, maxEraseRetry)
		}
		select {
		case <-ctx.Done():
			return
		case <-e.wake:
			scheduled = false
		case <-retry.C:
			scheduled = true
		}
		erased, err = e.erase(ctx)
	}
}

// erase makes one attempt for all deletions that are waiting.
func (e *eraser) erase(ctx context.Context) (erased int, err error) {
	e.mu.Lock()
	waiting, covered := e.waiting, e.pending
	e.waiting = nil
	e.mu.Unlock()
	erased, err = e.journal.Scrub(ctx)
	e.mu.Lock()
	e.erased += uint64(erased)
	if err == nil {
		e.pending -= covered
	} else if ctx.Err() == nil {
		e.failures++
	}
	e.mu.Unlock()
	answer := err
	if ctx.Err() != nil && err != nil {
		answer = ErrClosed
	}
	for _, d := range waiting {
		d.end(answer)
	}
	return erased, err
}

// close answers the deletions that are still waiting.
func (e *eraser) close() {
	e.mu.Lock()
	waiting := e.waiting
	e.waiting, e.closed = nil, true
	e.mu.Unlock()
	for _, d := range waiting {
		d.end(ErrClosed)
	}
}

// used reports whether a deletion was added.
func (e *eraser) used() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.deletions > 0
}

func (e *eraser) stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Stats{ErasuresPending: e.pending, Erased: e.erased, ErasureFailures: e.failures}
}
