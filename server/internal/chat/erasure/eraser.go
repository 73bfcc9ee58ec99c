package erasure

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"chatroom/server/internal/chat"
)

const (
	// firstRetry and maxRetry are the pauses after a failed scrub: the first one, which
	// doubles, and the longest one.
	firstRetry = time.Second
	maxRetry   = time.Minute
	// maxWait is how long a deletion waits until its target is erased. The responses on a
	// stream come in order, and must not wait for a disk that hangs.
	maxWait = 10 * time.Second
)

var errTimeout = fmt.Errorf("erasing takes longer than %v", maxWait)

// Eraser erases deleted messages from the files of a journal. Its methods are safe for
// concurrent use. Create it with Start.
type Eraser struct {
	journal chat.Journal
	log     *slog.Logger
	wake    chan struct{} // capacity 1: waiting is not empty
	stop    func()        // ends run
	running sync.WaitGroup

	mu        sync.Mutex // guards below
	waiting   []*request // no scrub has begun for them
	pending   int        // deletions since the last scrub that succeeded
	deletions uint64     // that were added
	erased    uint64
	failures  uint64
	late      bool // a deletion was answered before its target was erased, since the last success
	closed    bool
}

// request is a stored deletion whose target is to be erased.
type request struct {
	done     func(delayed error)
	timeout  *time.Timer
	answered atomic.Bool
}

// answer calls done. Only the first answer counts, for which it returns true.
func (r *request) answer(delayed error) bool {
	first := r.answered.CompareAndSwap(false, true)
	if first {
		r.done(delayed)
	}
	return first
}

// end answers a deletion after its scrub, or when there will be none.
func (r *request) end(delayed error) {
	r.timeout.Stop()
	r.answer(delayed)
}

// Stats are figures of an eraser.
type Stats struct {
	Pending  int    // deletions whose texts may still be in the journal's files
	Erased   uint64 // events removed from the journal's files since Start
	Failures uint64 // scrubs that failed since Start
}

// Start returns an eraser, which begins with what an earlier run may have left in the
// journal's files. The caller closes it before the journal.
func Start(j chat.Journal, log *slog.Logger) *Eraser {
	ctx, stop := context.WithCancel(context.Background())
	e := &Eraser{journal: j, log: log, wake: make(chan struct{}, 1), stop: stop}
	e.running.Go(func() { e.run(ctx) })
	return e
}

// Close ends erasing. Deletions that are pending are answered with chat.ErrClosed.
func (e *Eraser) Close() {
	e.stop()
	e.running.Wait()
}

// Add has the target of a stored deletion erased. It calls done once: with nil when the
// text is in no file of the journal, or with the reason why that is delayed.
func (e *Eraser) Add(done func(delayed error)) {
	r := &request{done: done}
	e.mu.Lock()
	if e.closed {
		e.mu.Unlock()
		r.answer(chat.ErrClosed)
		return
	}
	r.timeout = time.AfterFunc(maxWait, func() {
		if r.answer(errTimeout) {
			e.warnLate()
		}
	})
	e.waiting = append(e.waiting, r)
	e.pending++
	e.deletions++
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default: // a signal that is already there covers this one
	}
}

// run erases until ctx ends.
func (e *Eraser) run(ctx context.Context) {
	defer e.end()
	retry := time.NewTimer(firstRetry)
	defer retry.Stop()
	erased, err := e.erase(ctx)
	if err == nil && erased > 0 && !e.used() {
		e.log.Info("erased deleted messages that an earlier run had left in the journal's files", "events", erased)
	}
	pause := firstRetry
	failing, scheduled := false, true
	for {
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && (failing || e.wasLate()):
			e.log.Info("erasing deleted messages works again", "events", erased)
			fallthrough
		case err == nil:
			retry.Stop()
			failing, pause = false, firstRetry
		// Each deletion causes a scrub, so that it is answered soon. After the first failure
		// only those of scheduled retries are logged: deletions must not fill the log.
		case scheduled || !failing:
			e.log.Error("deleted messages can't be erased from the journal's files; trying again", "in", pause, "err", err)
			retry.Reset(pause)
			failing, pause = true, min(2*pause, maxRetry)
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

// warnLate logs once, until erasing succeeds, that it takes long. It may go on: readers in other
// processes, such as a backup, delay it.
func (e *Eraser) warnLate() {
	e.mu.Lock()
	late, pending := e.late, e.pending
	e.late = true
	e.mu.Unlock()
	if !late {
		e.log.Warn("erasing deleted messages takes long: the disk is slow, or another process reads the store, such as chatroom backup", "pending", pending)
	}
}

// wasLate reports whether warnLate was called since the last time.
func (e *Eraser) wasLate() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	late := e.late
	e.late = false
	return late
}

// erase scrubs the journal once for all deletions that are waiting.
func (e *Eraser) erase(ctx context.Context) (erased int, err error) {
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
		answer = chat.ErrClosed
	}
	for _, r := range waiting {
		r.end(answer)
	}
	return erased, err
}

// end answers the deletions that are still waiting.
func (e *Eraser) end() {
	e.mu.Lock()
	waiting := e.waiting
	e.waiting, e.closed = nil, true
	e.mu.Unlock()
	for _, r := range waiting {
		r.end(chat.ErrClosed)
	}
}

// used reports whether a deletion was added.
func (e *Eraser) used() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.deletions > 0
}

// Stats returns figures as of now.
func (e *Eraser) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Stats{Pending: e.pending, Erased: e.erased, Failures: e.failures}
}
