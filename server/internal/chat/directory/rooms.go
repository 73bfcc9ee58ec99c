package directory

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory/roomindex"
)

const (
	// roomsChunk is how many rooms are read from the journal at a time.
	roomsChunk = 500
	// refreshInterval is how long rooms that retention has emptied may stay in the list:
	// after it, the next caller has the rooms read again.
	refreshInterval = 10 * time.Minute
)

// rooms keeps the index in step with the journal: it reads the rooms when they are first
// asked for, and follows the journal's activity from then on.
type rooms struct {
	reading sync.WaitGroup
	ctx     context.Context // of reading; ends with close
	cancel  context.CancelFunc

	mu     sync.Mutex // guards below
	first  *firstRead // nil before it begins, and after it failed
	stop   func()     // ends following the activity; nil before it began
	readAt time.Time  // when the last read began
	closed bool
}

// firstRead is the read that the first callers wait for.
type firstRead struct {
	done chan struct{} // closed when err is set
	err  error
}

// loadRooms waits until the index has all rooms. Callers share the first read, which
// continues when they are gone; after one that failed, the next caller begins another.
func (d *Directory) loadRooms(ctx context.Context) error {
	r := &d.rooms
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return chat.ErrClosed
	}
	switch {
	case r.first == nil:
		r.first = &firstRead{done: make(chan struct{})}
		d.readRoomsLocked(r.first)
	case time.Since(r.readAt) > refreshInterval:
		d.readRoomsLocked(nil) // in the background
	}
	first := r.first
	r.mu.Unlock()
	select {
	case <-first.done:
		return first.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readRoomsLocked begins to read all rooms: the first time, or again if first is nil.
func (d *Directory) readRoomsLocked(first *firstRead) {
	r := &d.rooms
	r.readAt = time.Now()
	r.reading.Go(func() {
		err := d.readRooms(r.ctx)
		if err != nil && r.ctx.Err() != nil {
			err = chat.ErrClosed
		}
		if first == nil {
			if err != nil {
				d.log.Warn("rooms can't be read again: the list may have rooms that are empty", "err", err)
			}
			return
		}
		r.mu.Lock()
		if first.err = err; err != nil {
			r.first = nil
		}
		r.mu.Unlock()
		close(first.done)
	})
}

func (d *Directory) readRooms(ctx context.Context) error {
	if err := d.followActivity(ctx); err != nil {
		return err
	}
	for after, last := "", false; !last; {
		version := d.index.Version()
		heads, err := d.journal.Rooms(ctx, after, roomsChunk)
		if err != nil {
			return fmt.Errorf("list rooms: %w", err)
		}
		last = len(heads) < roomsChunk
		d.index.Reconcile(roomindex.Listing{Version: version, After: after, Heads: heads, Last: last})
		if !last {
			after = strings.Clone(heads[len(heads)-1].Room)
		}
	}
	return nil
}

// followActivity has the journal report appends from now on, unless it does already.
func (d *Directory) followActivity(ctx context.Context) error {
	r := &d.rooms
	r.mu.Lock()
	following := r.stop != nil
	r.mu.Unlock()
	if following {
		return nil
	}
	stop, err := d.journal.Activity(ctx, func(heads []chat.RoomHead) { d.index.SetHeads(heads...) })
	if err != nil {
		return fmt.Errorf("follow the activity of rooms: %w", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		defer stop() // after mu is released, as it waits for a report
		return chat.ErrClosed
	}
	r.stop = stop
	return nil
}

// close ends reading, and waits for it.
func (r *rooms) close() {
	r.cancel()
	r.mu.Lock()
	r.closed = true
	stop := r.stop
	r.stop = nil
	r.mu.Unlock()
	r.reading.Wait()
	if stop != nil {
		stop()
	}
}
