package history

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/singleflight"

	"chatroom/server/internal/chat"
)

// lookupTargets is how many messages are looked up in the journal at a time: each may
// have thousands of changes.
const lookupTargets = 64

// foldCache holds the folds of messages that were read recently.
type foldCache struct {
	folds   *cache[uint64, *fold] // by the message's sequence, unique among all rooms
	lookups singleflight.Group    // shared by concurrent readers of a page
}

// get returns the fold of a message, an empty one if it is not cached. Readers share it.
func (c *foldCache) get(epoch string, target uint64) *fold {
	empty := &fold{epoch: epoch, target: target, through: target, size: sizeOfFold}
	return c.folds.getOr(target, func(f *fold) bool { return f.epoch == epoch }, empty, sizeOfFold)
}

// resize adjusts what a fold is charged after changes were applied to it.
func (c *foldCache) resize(f *fold) {
	f.mu.Lock()
	size, deleted := f.size, f.deleted
	f.mu.Unlock()
	if deleted {
		c.folds.remove(f.target)
		return
	}
	c.folds.resize(f.target, f, size)
}

func (c *foldCache) forget(target uint64) { c.folds.remove(target) }

// folded returns the folds of messages, complete up to the sequence through, which is that
// of a stored event.
func (r *Reader) folded(ctx context.Context, room, epoch string, through uint64, targets []uint64) ([]*fold, error) {
	folds := make([]*fold, len(targets))
	for i, target := range targets {
		folds[i] = r.folds.get(epoch, target)
	}
	for chunk := range slices.Chunk(folds, lookupTargets) {
		if err := r.complete(ctx, room, through, chunk); err != nil {
			return nil, err
		}
	}
	return folds, nil
}

// complete applies the changes up to the sequence through. Concurrent callers with the same
// messages share one look-up; if its caller gives up, another one repeats it.
func (r *Reader) complete(ctx context.Context, room string, through uint64, folds []*fold) error {
	var key []byte
	for {
		if stale, _ := staleFolds(folds, through); len(stale) == 0 {
			return nil
		}
		if key == nil {
			key = lookupKey(room, folds)
		}
		reading := false
		_, err, _ := r.folds.lookups.Do(string(key), func() (any, error) {
			reading = true
			return nil, r.lookUp(ctx, room, through, folds)
		})
		readerGone := !reading && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded))
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !readerGone:
			return err
		}
	}
}

func lookupKey(room string, folds []*fold) []byte {
	key := append([]byte(room), 0)
	for _, f := range folds {
		key = binary.BigEndian.AppendUint64(key, f.target)
	}
	return key
}

// lookUp reads the changes of messages from the journal, and applies them.
func (r *Reader) lookUp(ctx context.Context, room string, through uint64, folds []*fold) error {
	stale, after := staleFolds(folds, through)
	if len(stale) == 0 {
		return nil // another caller has just read them
	}
	targets := make([]uint64, len(stale))
	for i, f := range stale {
		targets[i] = f.target
	}
	stored, err := r.journal.Changes(ctx, room, targets, after)
	if err != nil {
		return fmt.Errorf("changes in room %q: %w", room, err)
	}
	var changes []*chat.Event
	for _, st := range stored {
		changes = append(changes, r.Decode(room, st))
		through = max(through, st.Sequence)
	}
	for _, f := range stale {
		f.applyAll(changes, through)
		r.folds.resize(f)
	}
	return nil
}

// staleFolds returns the folds that are not complete up to the sequence through, and the
// sequence up to which all of those are.
func staleFolds(folds []*fold, through uint64) (stale []*fold, after uint64) {
	after = math.MaxUint64
	for _, f := range folds {
		f.mu.Lock()
		has := f.through
		f.mu.Unlock()
		if has < through {
			stale, after = append(stale, f), min(after, has)
		}
	}
	return stale, after
}
