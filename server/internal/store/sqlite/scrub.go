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
	// scrubPause is how long appends have before it is tried again.
	scrubPause = 10 * time.Millisecond
	// lockPatience is how long other statements wait for another process.
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

	// What follows is the writer's alone.
	stale   bool // the log has evicted events
	emptied time.Time
	timer   *time.Timer // running when emptying the log is to be tried again
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

// waits tells whether a call waits.
func (s *scrubs) waits() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0
}

// answer ends the calls that wait. The first is told what was removed.
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

// retry returns a channel that has a value when it is time to try again.
func (s *scrubs) retry() <-chan time.Time {
	if s.timer == nil {
		return nil
	}
	return s.timer.C
}

// scrub empties the write-ahead log if calls of Scrub wait: what was overwritten
// is then overwritten in the database, and nowhere else. Readers that have begun
// before keep it from that, while appends are still stored.
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

// empty moves what is in the write-ahead log to the database, and truncates it.
// Both are on disk then.
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
