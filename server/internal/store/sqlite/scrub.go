package sqlite

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/chat"
)

const (
	// scrubPatience is how long emptying the write-ahead log waits for readers
	// while it keeps others from writing.
	scrubPatience = 4 * time.Millisecond
	// scrubPause is the pause before a retry, in which appends are stored.
	scrubPause = 10 * time.Millisecond
	// lockPatience is how long other statements wait for a lock of another process.
	lockPatience = 5 * time.Second
	// staleEvery is how often the write-ahead log is emptied because of evicted
	// events.
	staleEvery = 30 * time.Second
)

// scrubs are the calls of Scrub that wait for the writer.
type scrubs struct {
	wake chan struct{} // has a value when calls wait

	mu      sync.Mutex // guards below
	waiting []chan<- scrubbed
	closed  bool

	// Used by the writer alone.
	stale   bool // the write-ahead log has evicted events
	emptied time.Time
	timer   *time.Timer // of the next attempt to empty the write-ahead log, or nil
}

type scrubbed struct {
	erased int
	err    error
}

func (s *scrubs) init() { s.wake = make(chan struct{}, 1) }

// Scrub implements chat.Journal.
func (s *Store) Scrub(ctx context.Context) (erased int, err error) {
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	done := make(chan scrubbed, 1)
	if !s.scrubs.add(done) {
		return 0, chat.ErrStoreClosed
	}
	select {
	case r := <-done:
		return r.erased, r.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (s *scrubs) add(done chan<- scrubbed) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.waiting = append(s.waiting, done)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return true
}

// waits reports whether a call is waiting.
func (s *scrubs) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0
}

// answer ends the calls that are waiting. The first one returns how many events were erased.
func (s *scrubs) answer(erased int, err error) {
	s.mu.Lock()
	waiting := s.waiting
	s.waiting = nil
	s.mu.Unlock()
	for _, done := range waiting {
		done <- scrubbed{erased, err}
		erased = 0
	}
}

// close refuses further calls.
func (s *scrubs) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// retry returns a channel that receives when it is time for the next attempt.
func (s *scrubs) retry() <-chan time.Time {
	if s.timer == nil {
		return nil
	}
	return s.timer.C
}

// scrub empties the write-ahead log if calls of Scrub are waiting. Erased events are then
// overwritten in the database, and are in no other file. Readers that began earlier delay
// this; appends are stored meanwhile.
func (w *writer) scrub() {
	if !w.scrubs.waits() {
		return
	}
	if w.erased == w.scrubbed {
		w.scrubs.answer(0, nil)
		return
	}
	err := w.empty()
	switch {
	case errors.Is(err, sqlite3.BUSY):
		w.scrubs.timer = time.NewTimer(scrubPause)
		return
	case err != nil:
		w.scrubs.timer = nil
		w.scrubs.answer(0, fmt.Errorf("sqlite: %w: empty the write-ahead log: %w", chat.ErrNotStored, err))
		return
	}
	w.scrubs.timer = nil
	n := int(w.erased - w.scrubbed)
	w.scrubbed = w.erased
	w.scrubs.answer(n, nil)
}

// empty moves the write-ahead log into the database and truncates it, both durably.
func (w *writer) empty() error {
	if err := w.conn.BusyTimeout(scrubPatience); err != nil {
		return err
	}
	_, _, err := w.conn.WALCheckpoint("main", sqlite3.CHECKPOINT_TRUNCATE)
	if err == nil && !w.config.NoFsync {
		err = w.conn.syncLog() // SQLite truncates it without
	}
	if err == nil {
		w.scrubs.stale, w.scrubs.emptied = false, time.Now()
	}
	return errors.Join(err, w.conn.BusyTimeout(lockPatience))
}
