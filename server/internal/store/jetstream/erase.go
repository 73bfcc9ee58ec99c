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
	// lateEditTime is how long after a deletion an edit of its target may be stored by a
	// node that has not received the deletion yet. It is longer than storeTimeout.
	lateEditTime = 2 * time.Minute
	// maxErasing bounds how many events are erased at the same time.
	maxErasing = 16

	codeSequenceNotFound = jetstream.ErrorCode(10043)
)

// deleteLocked hides what an event of the feed deletes, and the event itself if it revises a
// deleted event.
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

// hideLocked hides an event, which the next Scrub erases.
func (s *Store) hideLocked(r *room, sequence uint64) {
	s.pending[sequence] = r.name
	s.deleted[sequence] = time.Time{}
}

// Scrub implements chat.Journal. It erases what this node knows to be deleted by any node.
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
	// Loading the index may find edits of deleted events.
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
		n, err := s.eraseAll(ctx, pending)
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
	// The oldest of a room first: the index that covers it covers the others.
	slices.SortFunc(all, func(a, b pendingErasure) int { return int(min(a.sequence, 1<<62)) - int(min(b.sequence, 1<<62)) })
	return all
}

// eraseAll erases events from the stream, and returns how many it held.
func (s *Store) eraseAll(ctx context.Context, all []pendingErasure) (int, error) {
	there := make([]bool, len(all))
	group, asking := errgroup.WithContext(ctx)
	group.SetLimit(maxErasing)
	for i, one := range all {
		group.Go(func() (err error) {
			there[i], err = s.eraseOne(asking, one.sequence)
			if err != nil {
				return fmt.Errorf("erase event %d of room %q: %w", one.sequence, one.room, err)
			}
			s.markErased(one.sequence)
			return nil
		})
	}
	err := group.Wait()
	n := 0
	for i := range all {
		if there[i] {
			n++ // other nodes do not count it when they scrub
		}
	}
	return n, err
}

func (s *Store) eraseOne(ctx context.Context, sequence uint64) (there bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	err = s.stream.SecureDeleteMsg(ctx, sequence)
	if err == nil {
		return true, nil
	}
	if code(err) == codeSequenceNotFound {
		return false, nil
	}
	// Retention may have dropped it, or another node erased it.
	if _, found, asked := s.events.get(ctx, sequence); asked == nil && !found {
		return false, nil
	}
	return false, err
}

// markErased notes that an event is not in the stream any more.
func (s *Store) markErased(sequence uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, sequence)
	if at, deleted := s.deleted[sequence]; deleted && at.IsZero() {
		s.deleted[sequence] = time.Now()
	}
}

// forgetErased forgets erased events of which no late edit can be stored any more.
func (s *Store) forgetErased(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sequence, at := range s.deleted {
		if !at.IsZero() && now.Sub(at) > lateEditTime {
			delete(s.deleted, sequence)
		}
	}
}
