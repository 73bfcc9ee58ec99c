package chat

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"golang.org/x/sync/singleflight"
)

// foldTargets is how many messages are looked up in the journal at a time: each may
// have thousands of changes.
const foldTargets = 64

// foldCache holds what has become of messages that were asked for recently.
type foldCache struct {
	folds   *cache[uint64, *fold] // by the message's sequence, which is that of no other room's
	lookups singleflight.Group    // readers of the same page share the work
}

// get returns the fold of a message. Readers share it: it is there as soon as one of
// them asks.
func (c *foldCache) get(epoch string, target uint64) *fold {
	empty := &fold{epoch: epoch, target: target, through: target, size: sizeOfFold}
	return c.folds.getOr(target, func(f *fold) bool { return f.epoch == epoch }, empty, sizeOfFold)
}

// grown notes that a fold has taken changes.
func (c *foldCache) grown(f *fold) {
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

// folded returns the folds of messages, which are complete up to a sequence: that of an
// event that is stored.
func (s *Service) folded(ctx context.Context, room, epoch string, through uint64, targets []uint64) ([]*fold, error) {
	folds := make([]*fold, len(targets))
	for i, target := range targets {
		folds[i] = s.folds.get(epoch, target)
	}
	for chunk := range slices.Chunk(folds, foldTargets) {
		if err := s.complete(ctx, room, through, chunk); err != nil {
			return nil, err
		}
	}
	return folds, nil
}

// complete folds what has happened since the folds were last asked for. Of callers who
// ask for the same messages at once, one looks up for all.
func (s *Service) complete(ctx context.Context, room string, through uint64, folds []*fold) error {
	var key []byte
	for {
		if stale, _ := staleFolds(folds, through); len(stale) == 0 {
			return nil
		}
		if key == nil {
			key = lookupKey(room, folds)
		}
		reading := false
		_, err, _ := s.folds.lookups.Do(string(key), func() (any, error) {
			reading = true
			return nil, s.lookUp(ctx, room, through, folds)
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

// lookUp reads the changes of messages, and folds them.
func (s *Service) lookUp(ctx context.Context, room string, through uint64, folds []*fold) error {
	stale, after := staleFolds(folds, through)
	if len(stale) == 0 {
		return nil // another caller has just read them
	}
	targets := make([]uint64, len(stale))
	for i, f := range stale {
		targets[i] = f.target
	}
	stored, err := s.journal.Changes(ctx, room, targets, after)
	if err != nil {
		return fmt.Errorf("changes in room %q: %w", room, err)
	}
	var changes []*Event
	for _, st := range stored {
		changes = append(changes, s.read(room, st))
		through = max(through, st.Sequence)
	}
	for _, f := range stale {
		f.take(changes, through)
		s.folds.grown(f)
	}
	return nil
}

// staleFolds returns the folds that are not complete up to a sequence, and up to where
// all of them are.
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
