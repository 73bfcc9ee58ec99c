package jetstream

import (
	"context"
	"slices"

	"chatroom/server/internal/chat"
)

const (
	// loadSpan is how many of the stream's sequences are searched for a room's
	// older events at first; each time that this is too few, four times as many.
	loadSpan = 4096
	// loadBatch is how many events are read at a time to be indexed.
	loadBatch = 500
)

// covers reports whether the index of a room is enough for a call.
type covers func(*room) bool

// coversAfter is for calls that need all events after a sequence.
func coversAfter(sequence uint64) covers {
	return func(r *room) bool { return r.floor-1 <= max(sequence, r.evicted) }
}

// coversBefore is for calls that need a page of events before a sequence, and the
// one before the page.
func coversBefore(sequence uint64, limit int) covers {
	return func(r *room) bool {
		end, _ := r.search(sequence)
		return len(r.visibleBefore(end, limit+1)) > limit
	}
}

// cover calls use with an index of a room that is enough for a call, or complete.
// Concurrent callers share the loading of what is missing. use is called with
// Store.mu held.
func (s *Store) cover(ctx context.Context, name string, enough covers, use func(*room)) error {
	for {
		s.mu.Lock()
		r := s.roomLocked(name)
		if !s.names.Contains(name) {
			r.complete = true // nothing was stored in it
		}
		if s.isCoveredLocked(r, enough) {
			use(r)
			s.mu.Unlock()
			return nil
		}
		s.mu.Unlock()
		select {
		case r.load <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.closing.Done():
			return chat.ErrStoreClosed
		}
		err := s.extend(ctx, r, enough)
		<-r.load
		if err != nil {
			return err
		}
	}
}

func (s *Store) isCoveredLocked(r *room, enough covers) bool {
	return r.complete || enough(r) && !s.countsExactly()
}

// extend loads older events of a room until they are enough.
func (s *Store) extend(ctx context.Context, r *room, enough covers) error {
	if err := s.withCounts(ctx, r.name, func(*room) {}); err != nil {
		return err
	}
	first, found, err := s.events.next(ctx, r.subject, 1)
	if err != nil {
		return err
	}
	for span := uint64(loadSpan); ; span *= 4 {
		s.mu.Lock()
		floor, covered := r.floor, s.isCoveredLocked(r, enough) || s.rooms[r.name] != r
		s.mu.Unlock()
		if covered {
			return nil
		}
		if !found || first.sequence >= floor {
			s.prepend(r, floor, floor, nil, true)
			continue
		}
		from := max(first.sequence, floor-min(floor, span))
		older, err := s.loadRange(ctx, r, from, floor)
		if err != nil {
			return err
		}
		s.prepend(r, from, floor, older, from == first.sequence)
	}
}

// loadRange returns the entries of a room's events from a sequence up to another.
func (s *Store) loadRange(ctx context.Context, r *room, from, end uint64) ([]entry, error) {
	var entries []entry
	for from < end {
		batch, err := s.events.batch(ctx, r.subject, from, int(min(end-from, loadBatch)))
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			// The server that has answered may be behind the leader.
			next, found, err := s.events.next(ctx, r.subject, from)
			if err != nil {
				return nil, err
			}
			if !found {
				return entries, nil
			}
			batch = []message{next}
		}
		for _, m := range batch {
			if m.sequence < end {
				entries = append(entries, decode(m))
			}
		}
		from = batch[len(batch)-1].sequence + 1
	}
	return entries, nil
}

// prepend adds older entries to a room's index, unless that has changed.
func (s *Store) prepend(r *room, from, floor uint64, older []entry, complete bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms[r.name] != r || r.floor != floor {
		return
	}
	s.roomLocked(r.name) // as the one used last
	before := r.bytes()
	hidden := r.prepend(from, older)
	for _, sequence := range hidden {
		s.hideLocked(r, sequence)
	}
	// What was deleted before the oldest entry is known only here.
	for at := range r.entries[:len(older)] {
		e := &r.entries[at]
		if _, deleted := s.deleted[e.sequence]; deleted {
			e.flags |= isHidden
		} else if _, deleted := s.deleted[e.target]; deleted && e.relation == chat.Revises {
			e.flags |= isHidden
			s.hideLocked(r, e.sequence)
		}
	}
	if complete {
		r.complete = true
		if r.countsKnown && len(r.entries) > 0 {
			s.findLossLocked(r, r.counts, r.entries[0].sequence)
		}
	}
	s.evictLocked(r)
	s.indexBytes += r.bytes() - before
	s.trimIndexLocked()
}

// findLossLocked finds out what retention may have dropped of a room before its oldest event.
// If events were erased there the answer is a bound above them, except for a room that has
// certainly lost nothing.
func (s *Store) findLossLocked(r *room, counts roomCounts, oldest uint64) {
	if r.evicted > 0 || r.lossless || oldest == 0 {
		return
	}
	mark := s.mark.get()
	unlimited := counts.total <= uint64(mark.LeastRoomEvents) && s.config.Age == 0 && !mark.Trimmed
	if unlimited || r.complete && counts.total == uint64(len(r.entries)) {
		r.lossless = true
		return
	}
	r.evicted = oldest - 1
}

// evictLocked notes what retention drops of a room that has too many events.
func (s *Store) evictLocked(r *room) {
	start, left := r.after(0), s.config.RoomEvents
	if len(r.entries)-start <= left {
		return
	}
	for at := len(r.entries) - 1; at >= start; at-- {
		if r.entries[at].hidden() {
			continue
		}
		if left--; left < 0 {
			r.evicted = r.entries[at].sequence
			break
		}
	}
	if start = r.after(0); start > len(r.entries)/2 {
		r.entries = slices.Clone(r.entries[start:])
		r.floor = r.evicted + 1
	}
}
