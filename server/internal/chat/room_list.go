package chat

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"chatroom/server/internal/chat/directory"
)

const (
	// listChunk is how many rooms are read from the journal at a time.
	listChunk = 500
	// listedFor is for how long rooms that retention has emptied may stay in the list:
	// after it, the next caller has the rooms read again.
	listedFor = 10 * time.Minute
)

// roomList keeps the directory of rooms in step with the journal. It reads the
// journal's rooms when the list is first asked for, and follows its activity from then
// on.
type roomList struct {
	directory *directory.Directory
	journal   Journal
	log       *slog.Logger

	reading sync.WaitGroup
	ctx     context.Context // of reading; ends with close
	cancel  context.CancelFunc

	mu     sync.Mutex // guards below
	read   *listRead  // nil when none has begun, or the last one failed
	stop   func()     // ends the journal's reports; nil before they began
	readAt time.Time  // when the last read began
	closed bool
}

// listRead is one read of all rooms.
type listRead struct {
	done chan struct{} // closed when err is set
	err  error
}

func newRoomList(journal Journal, log *slog.Logger, configured []string) *roomList {
	ctx, cancel := context.WithCancel(context.Background())
	return &roomList{directory: directory.New(configured...), journal: journal, log: log, ctx: ctx, cancel: cancel}
}

// open waits until the directory has all rooms. Callers share the first read, which
// continues when they have gone; after one that failed, the next caller begins another.
func (l *roomList) open(ctx context.Context) error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return ErrClosed
	}
	switch {
	case l.read == nil:
		l.read = &listRead{done: make(chan struct{})}
		l.beginLocked(l.read)
	case time.Since(l.readAt) > listedFor:
		l.beginLocked(nil) // in the background
	}
	read := l.read
	l.mu.Unlock()
	select {
	case <-read.done:
		return read.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// beginLocked reads all rooms, the first time or again.
func (l *roomList) beginLocked(first *listRead) {
	l.readAt = time.Now()
	l.reading.Go(func() {
		err := l.readAll(l.ctx)
		if err != nil && l.ctx.Err() != nil {
			err = ErrClosed
		}
		if first == nil {
			if err != nil {
				l.log.Warn("rooms can't be read again: the list may have rooms that are empty", "err", err)
			}
			return
		}
		l.mu.Lock()
		if first.err = err; err != nil {
			l.read = nil
		}
		l.mu.Unlock()
		close(first.done)
	})
}

func (l *roomList) readAll(ctx context.Context) error {
	if err := l.follow(ctx); err != nil {
		return err
	}
	for after, last := "", false; !last; {
		version := l.directory.Version()
		heads, err := l.journal.Rooms(ctx, after, listChunk)
		if err != nil {
			return fmt.Errorf("list rooms: %w", err)
		}
		last = len(heads) < listChunk
		l.directory.Reconcile(directory.Listing{Version: version, After: after, Heads: listHeads(heads), Last: last})
		if !last {
			after = strings.Clone(heads[len(heads)-1].Room)
		}
	}
	return nil
}

// follow has the journal report the activity of rooms from now on.
func (l *roomList) follow(ctx context.Context) error {
	l.mu.Lock()
	following := l.stop != nil
	l.mu.Unlock()
	if following {
		return nil
	}
	stop, err := l.journal.Activity(ctx, func(heads []RoomHead) {
		l.directory.SetHeads(listHeads(heads)...)
	})
	if err != nil {
		return fmt.Errorf("follow the activity of rooms: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		defer stop() // after mu is released: it waits for a report
		return ErrClosed
	}
	l.stop = stop
	return nil
}

// close ends reading, and waits for it.
func (l *roomList) close() {
	l.cancel()
	l.mu.Lock()
	l.closed = true
	stop := l.stop
	l.stop = nil
	l.mu.Unlock()
	l.reading.Wait()
	if stop != nil {
		stop()
	}
}

func listHeads(heads []RoomHead) []directory.Head {
	listed := make([]directory.Head, len(heads))
	for i, h := range heads {
		listed[i] = directory.Head{Room: h.Room, Last: h.Last, Time: h.Time, Messages: h.Counted}
	}
	return listed
}
