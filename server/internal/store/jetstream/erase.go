package jetstream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"chatroom/server/internal/chat"
)

const (
	// lateness is how much later than a deletion an edit of its target may be stored
	// that its node appended before it had heard of the deletion. It is longer than
	// an entry is tried to be stored.
	lateness = 2 * time.Minute
	// erasing bounds how many events are erased at the same time.
	erasing = 16

	codeSequenceNotFound = jetstream.ErrorCode(10043)
)

// deleteLocked hides what an event that has come from the feed deletes, and the
// event itself if it revises what is deleted.
func (s *Store) deleteLocked(r *room, e entry, hidden []uint64) {
	for _, sequence := range hidden {
		s.hideLocked(r, sequence)
	}
	switch e.relation {
	case chat.Erases:
		// The target may be older than the index.
		s.hideLocked(r, e.target)
	case chat.Revises:
		if _, deleted := s.deleted[e.target]; deleted {
			if at, found := r.search(e.sequence); found {
				r.entries[at].flags |= isHidden
			}
			s.hideLocked(r, e.sequence)
		}
	}
}

// hideLocked hides an event, and has it erased by Scrub.
func (s *Store) hideLocked(r *room, sequence uint64) {
	s.pending[sequence] = r.name
	s.deleted[sequence] = time.Time{}
}

// Scrub implements chat.Journal. It erases what this node knows to be deleted, by
// any node.
func (s *Store) Scrub(ctx context.Context) (int, error) {
	erased, err := s.scrub(ctx)
	return erased, s.failed(ctx, "scrub", err)
}

func (s *Store) scrub(ctx context.Context) (erased int, err error) {
	if err := s.sync(ctx); err != nil {
		return 0, err
	}
	select {
	case s.scrubbing <- struct{}{}:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-s.closing.Done():
		return 0, chat.ErrStoreClosed
	}
	defer func() { <-s.scrubbing }()
	// An edit of what is deleted may be found while the index is loaded.
	for {
		pending := s.takePending()
		if len(pending) == 0 {
			return erased, nil
		}
		for _, p := range pending {
			if err := s.cover(ctx, p.room, coversAfter(p.sequence-1), func(*room) {}); err != nil {
				return erased, err
			}
		}
		n, err := s.overwrite(ctx, pending)
		if erased += n; err != nil {
			return erased, err
		}
	}
}

type pendingErasure struct {
	room     string
	sequence uint64
}

func (s *Store) takePending() (all []pendingErasure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sequence, room := range s.pending {
		all = append(all, pendingErasure{room, sequence})
	}
	// The oldest of a room first: it covers the others.
	slices.SortFunc(all, func(a, b pendingErasure) int { return int(min(a.sequence, 1<<62)) - int(min(b.sequence, 1<<62)) })
	return all
}

// overwrite erases events from the stream, and returns how many were there.
func (s *Store) overwrite(ctx context.Context, all []pendingErasure) (int, error) {
	there := make([]bool, len(all))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(erasing)
	for i, one := range all {
		group.Go(func() (err error) {
			there[i], err = s.overwriteOne(asking, one.sequence)
			if err != nil {
				return fmt.Errorf("erase event %d of room %q: %w", one.sequence, one.room, err)
			}
			s.erased(one.sequence)
			return nil
		})
	}
	err := group.Wait()
	n := 0
	for i := range all {
		if there[i] {
			n++ // other nodes find that it is gone when they scrub
		}
	}
	return n, err
}

func (s *Store) overwriteOne(ctx context.Context, sequence uint64) (there bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err = s.stream.SecureDeleteMsg(ctx, sequence)
	if err == nil {
		return true, nil
	}
	if code(err) == codeSequenceNotFound {
		return false, nil
	}
	// Retention may have dropped it, or another node been faster.
	if _, found, asked := s.events.get(ctx, sequence); asked == nil && !found {
		return false, nil
	}
	return false, err
}

// erased takes note that an event is not in the stream any more.
func (s *Store) erased(sequence uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, sequence)
	if at, deleted := s.deleted[sequence]; deleted && at.IsZero() {
		s.deleted[sequence] = time.Now()
	}
}

// forgetErased lets go of erased events that no edit can come for any more.
func (s *Store) forgetErased(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sequence, at := range s.deleted {
		if !at.IsZero() && now.Sub(at) > lateness {
			delete(s.deleted, sequence)
		}
	}
}
