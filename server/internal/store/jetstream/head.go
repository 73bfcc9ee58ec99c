package jetstream

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"chatroom/server/internal/chat"
)

const (
	// exactRoomEvents is up to which Config.RoomEvents a room keeps exactly that many:
	// the index of a room is then always complete. Above it the server drops the
	// oldest event of a full room, and counts those which are yet to be erased.
	exactRoomEvents = 4096
	// slack is how many more events the server keeps of a room that is counted
	// exactly, until they are purged.
	slack = 1024
)

func (s *Store) countsExactly() bool { return s.config.RoomEvents <= exactRoomEvents }

// withCounts calls use with a room whose counts are known, and with Store.mu held.
func (s *Store) withCounts(ctx context.Context, name string, use func(*room)) error {
	for {
		s.mu.Lock()
		r := s.roomLocked(name)
		if !s.names.Contains(name) {
			r.countsKnown = true // nothing was stored in it
		}
		if r.countsKnown {
			use(r)
			s.mu.Unlock()
			return nil
		}
		floor := r.floor
		s.mu.Unlock()
		if err := s.lookUpCounts(ctx, r, floor); err != nil {
			return err
		}
	}
}

// lookUpCounts finds the counts of a room from its newest event: what the node that
// appended it knew, and what was stored in between. The index has what comes after,
// if it still begins at or before floor.
func (s *Store) lookUpCounts(ctx context.Context, r *room, floor uint64) error {
	last, found, err := s.events.last(ctx, r.subject)
	if err != nil {
		return err
	}
	var counts roomCounts
	if found {
		counts = countsBefore(last.header)
		since, err := s.loadRange(ctx, r, counts.through+1, last.sequence)
		if err != nil {
			return err
		}
		for _, e := range append(since, decode(last)) {
			counts = counts.with(e)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.countsKnown || r.floor > floor || s.rooms[r.name] != r {
		return nil
	}
	start, _ := r.search(counts.through + 1)
	if start == len(r.entries) {
		r.newest = last.time
	}
	for _, e := range r.entries[start:] {
		counts = counts.with(e)
	}
	r.countsKnown, r.counts = true, counts
	if len(r.entries) == 0 && counts.through < r.floor {
		r.floor = counts.through + 1
	}
	return nil
}

// Head implements chat.Journal.
func (s *Store) Head(ctx context.Context, name string) (chat.Head, error) {
	head, err := s.head(ctx, name)
	return head, s.failed(ctx, fmt.Sprintf("head of room %q", name), err)
}

func (s *Store) head(ctx context.Context, name string) (chat.Head, error) {
	head := chat.Head{Epoch: s.epoch}
	if err := s.sync(ctx); err != nil {
		return head, err
	}
	var counts roomCounts
	if err := s.withCounts(ctx, name, func(r *room) { counts = r.counts }); err != nil {
		return head, err
	}
	oldest, visible, err := s.findOldest(ctx, name)
	if err != nil {
		return head, err
	}
	enough := func(r *room) bool { return visible == 0 || r.last() > 0 }
	err = s.cover(ctx, name, enough, func(r *room) {
		s.findLossLocked(r, counts, oldest)
		head.Last, head.Evicted = r.last(), r.evicted
		if r.floor > visible && !r.complete {
			head.First = visible // older than the index
		} else if first := r.visibleFrom(r.after(0), 1); len(first) > 0 {
			head.First = first[0].sequence
		}
	})
	return head, err
}

// findOldest returns the oldest event that the stream holds of a room, and the
// oldest that is visible, 0 when there is none. It notes in the index what retention has
// dropped.
func (s *Store) findOldest(ctx context.Context, name string) (oldest, visible uint64, err error) {
	s.mu.Lock()
	asked := s.at
	s.mu.Unlock()
	for from := uint64(1); ; {
		m, found, err := s.events.next(ctx, eventSubject(name), from)
		if err != nil {
			return 0, 0, err
		}
		s.mu.Lock()
		r := s.roomLocked(name)
		if from == 1 {
			oldest = m.sequence
			if !found {
				s.noteDroppedLocked(r, asked+1)
			} else {
				s.noteDroppedLocked(r, oldest)
			}
		}
		hidden := m.sequence <= r.evicted || found && s.hidesMessageLocked(r, m)
		s.mu.Unlock()
		if !found {
			return oldest, 0, nil
		}
		if !hidden {
			return oldest, m.sequence, nil
		}
		from = m.sequence + 1
	}
}

// noteDroppedLocked notes that the stream holds nothing of a room before a sequence. Hidden
// events there were erased; the others were dropped.
func (s *Store) noteDroppedLocked(r *room, oldest uint64) {
	end, _ := r.search(oldest)
	for at := end - 1; at >= r.after(0); at-- {
		if e := r.entries[at]; !e.hidden() {
			r.evicted = e.sequence
			break
		}
	}
	if r.floor <= oldest {
		r.complete = true
	}
}

// Rooms implements chat.Journal.
func (s *Store) Rooms(ctx context.Context, after string, limit int) ([]chat.RoomHead, error) {
	heads, err := s.listRooms(ctx, after, limit)
	return heads, s.failed(ctx, "list rooms", err)
}

func (s *Store) listRooms(ctx context.Context, after string, limit int) (heads []chat.RoomHead, err error) {
	if err := s.sync(ctx); err != nil {
		return nil, err
	}
	for len(heads) < limit {
		s.mu.Lock()
		page := s.namesLocked(after, limit-len(heads))
		s.mu.Unlock()
		if len(page) == 0 {
			return heads, nil
		}
		after = page[len(page)-1]
		found, err := s.roomHeads(ctx, page)
		if err != nil {
			return nil, err
		}
		heads = append(heads, found...)
	}
	return heads, nil
}

// namesLocked returns the names of rooms after one, at most limit.
func (s *Store) namesLocked(after string, limit int) (page []string) {
	s.names.Ascend(after, func(name string) bool {
		if name != after && len(page) < limit {
			page = append(page, name)
		}
		return len(page) < limit
	})
	return page
}

// loadNames reads the names of rooms from the stream. The feed adds new ones.
func (s *Store) loadNames(ctx context.Context) error {
	subjects, err := s.events.subjects(ctx, eventPrefix+"*")
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for subject := range subjects {
		s.names.Insert(roomOf(subject))
	}
	return nil
}

// roomHeads returns the heads of those rooms which hold events, in the order of
// their names. A room without events is removed from the list.
func (s *Store) roomHeads(ctx context.Context, names []string) ([]chat.RoomHead, error) {
	heads := make([]chat.RoomHead, len(names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxRequests)
	for i, name := range names {
		group.Go(func() (err error) {
			heads[i], err = s.roomHead(ctx, name)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(heads, func(h chat.RoomHead) bool { return h.Last == 0 }), nil
}

// roomHead returns the head of a room, and a zero Last for one without events.
func (s *Store) roomHead(ctx context.Context, name string) (head chat.RoomHead, err error) {
	expired := false
	err = s.withCounts(ctx, name, func(r *room) {
		head = chat.RoomHead{Room: name, Last: r.last(), Time: r.newest.Truncate(time.Millisecond), Counted: r.counts.counted}
		if len(r.entries) == 0 {
			head.Last = r.counts.through
		}
		expired = s.config.Age > 0 && time.Since(r.newest) > s.config.Age
	})
	if err != nil || head.Last > 0 && !expired {
		return head, err
	}
	_, first, err := s.findOldest(ctx, name)
	if err != nil {
		return head, err
	}
	if first == 0 {
		head.Last = 0
		s.mu.Lock()
		s.names.Delete(name)
		s.mu.Unlock()
		return head, nil
	}
	enough := func(r *room) bool { return r.last() > 0 }
	err = s.cover(ctx, name, enough, func(r *room) { head.Last = r.last() })
	return head, err
}
