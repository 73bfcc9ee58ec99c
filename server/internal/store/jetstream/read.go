package jetstream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"chatroom/server/internal/chat"
)

const (
	// runGap is how many other events of a room are read along, as that is cheaper than
	// another request.
	runGap = 8
	// smallRoom is how many events a room may have for its index to be loaded rather
	// than to read a page of old events from the stream.
	smallRoom = 1000
	// sparse is how many sequences there are for each event of a run that is not read
	// in batches.
	sparse = 64
	// maxRequests bounds the requests of one call that are in flight.
	maxRequests = 16
	// maxChanges bounds how often a page is read again because events of it were erased or
	// dropped meanwhile.
	maxChanges   = 20
	changesPause = 10 * time.Millisecond
)

var errChanging = errors.New("events are dropped faster than they are read")

// Read implements chat.Journal.
func (s *Store) Read(ctx context.Context, name string, after uint64, limit int) ([]chat.Stored, error) {
	events, err := s.read(ctx, name, after, limit)
	return events, s.failed(ctx, fmt.Sprintf("read room %q", name), err)
}

func (s *Store) read(ctx context.Context, name string, after uint64, limit int) ([]chat.Stored, error) {
	if err := s.sync(ctx); err != nil || limit <= 0 {
		return nil, err
	}
	enough := coversAfter(after)
	s.mu.Lock()
	r := s.roomLocked(name)
	beyond := after >= s.at
	indexed := s.countsExactly() || s.isCoveredLocked(r, enough) || r.countsKnown && r.counts.total <= smallRoom
	s.mu.Unlock()
	if beyond {
		return nil, nil
	}
	if !indexed {
		return s.readForward(ctx, name, after, limit)
	}
	return s.readPage(ctx, name, enough, func(r *room) []entry { return r.visibleFrom(r.after(after), limit) })
}

// ReadBack implements chat.Journal.
func (s *Store) ReadBack(ctx context.Context, name string, before uint64, limit int) ([]chat.Stored, error) {
	events, err := s.readBack(ctx, name, before, limit)
	return events, s.failed(ctx, fmt.Sprintf("read room %q back", name), err)
}

func (s *Store) readBack(ctx context.Context, name string, before uint64, limit int) ([]chat.Stored, error) {
	if err := s.sync(ctx); err != nil || limit <= 0 {
		return nil, err
	}
	return s.readPage(ctx, name, coversBefore(before, limit), func(r *room) []entry {
		end, _ := r.search(before)
		return r.visibleBefore(end, limit)
	})
}

// readPage reads the events that pick finds in the index, and picks again when some of them
// are not in the stream any more.
func (s *Store) readPage(ctx context.Context, name string, enough covers, pick func(*room) []entry) ([]chat.Stored, error) {
	for range maxChanges {
		var previous uint64
		var page []entry
		var all run
		err := s.cover(ctx, name, enough, func(r *room) {
			if page = pick(r); len(page) == 0 {
				return
			}
			at, _ := r.search(page[0].sequence)
			if before := r.visibleBefore(at, 1); len(before) > 0 {
				previous = before[0].sequence
				all = run{r.subject, slices.Concat(before, page), len(r.entries)}
			} else {
				all = run{r.subject, page, len(r.entries)}
			}
		})
		if err != nil || len(page) == 0 {
			return nil, err
		}
		found, err := s.readRun(ctx, all)
		if err != nil {
			return nil, err
		}
		if s.compare(name, all.entries, found) {
			return chain(previous, page, found), nil
		}
		select {
		case <-time.After(changesPause):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, errChanging
}

func chain(previous uint64, page []entry, found map[uint64][]byte) []chat.Stored {
	events := make([]chat.Stored, 0, len(page))
	for _, e := range page {
		events = append(events, chat.Stored{Sequence: e.sequence, Previous: previous, Payload: found[e.sequence]})
		previous = e.sequence
	}
	return events
}

// compare reports whether all entries were found. Of those which were not, the
// oldest ones have been dropped, and any others erased by another node, which the feed has
// not received yet.
func (s *Store) compare(name string, entries []entry, found map[uint64][]byte) bool {
	if len(found) == len(entries) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.roomLocked(name)
	for i, e := range entries {
		if _, there := found[e.sequence]; there {
			break
		}
		if at, known := r.search(e.sequence); known && !r.entries[at].hidden() && (i == 0 || r.evicted >= entries[i-1].sequence) {
			r.evicted = max(r.evicted, e.sequence)
		}
	}
	return false
}

// run is entries of a room that are read together.
type run struct {
	subject string
	entries []entry
	span    int // how many events there are from the first to the last, at most
}

// readRun returns the payloads of those events of a run that are still in the stream. To
// read a batch the servers look at all messages between its events, so events that are far
// apart are requested one by one.
func (s *Store) readRun(ctx context.Context, all run) (map[uint64][]byte, error) {
	first, last := all.entries[0].sequence, all.entries[len(all.entries)-1].sequence
	if last-first > sparse*uint64(len(all.entries)) {
		return s.readEach(ctx, all)
	}
	return s.readBatches(ctx, all)
}

func (s *Store) readEach(ctx context.Context, all run) (map[uint64][]byte, error) {
	messages := make([]message, len(all.entries))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(maxRequests)
	for i, e := range all.entries {
		group.Go(func() (err error) {
			messages[i], err = s.events.getNear(reading, e.sequence)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	found := make(map[uint64][]byte, len(messages))
	for _, m := range messages {
		if m.subject == all.subject {
			found[m.sequence] = m.data
		}
	}
	return found, nil
}

func (s *Store) readBatches(ctx context.Context, all run) (map[uint64][]byte, error) {
	found := make(map[uint64][]byte, len(all.entries))
	for left := all.entries; len(left) > 0; {
		batch, err := s.events.batch(ctx, all.subject, left[0].sequence, min(all.span, len(left)+runGap))
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			// The server that has answered may be behind the leader.
			next, more, err := s.events.next(ctx, all.subject, left[0].sequence)
			if err != nil {
				return nil, err
			}
			if !more {
				break
			}
			batch = []message{next}
		}
		for _, m := range batch {
			for len(left) > 0 && left[0].sequence < m.sequence {
				left = left[1:]
			}
			if len(left) > 0 && left[0].sequence == m.sequence {
				found[m.sequence] = m.data
				left = left[1:]
			}
		}
	}
	return found, nil
}

// Changes implements chat.Journal.
func (s *Store) Changes(ctx context.Context, name string, targets []uint64, after uint64) ([]chat.Stored, error) {
	events, err := s.changes(ctx, name, targets, after)
	return events, s.failed(ctx, fmt.Sprintf("changes in room %q", name), err)
}

func (s *Store) changes(ctx context.Context, name string, targets []uint64, after uint64) ([]chat.Stored, error) {
	if err := s.sync(ctx); err != nil || len(targets) == 0 {
		return nil, err
	}
	wanted := make(map[uint64]struct{}, len(targets))
	for _, target := range targets {
		wanted[target] = struct{}{}
	}
	// Events with a target come after it.
	after = max(after, slices.Min(targets))
	var runs []run
	err := s.cover(ctx, name, coversAfter(after), func(r *room) { runs = runsOf(r, after, wanted) })
	if err != nil {
		return nil, err
	}
	found := make([]map[uint64][]byte, len(runs))
	group, reading := errgroup.WithContext(ctx)
	group.SetLimit(maxRequests)
	for i, one := range runs {
		group.Go(func() (err error) {
			found[i], err = s.readRun(reading, one)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var events []chat.Stored
	for i, one := range runs {
		for _, e := range one.entries {
			if payload, there := found[i][e.sequence]; there {
				events = append(events, chat.Stored{Sequence: e.sequence, Payload: payload})
			}
		}
	}
	return events, nil
}

// runsOf returns the visible events after a sequence that have one of the targets.
func runsOf(r *room, after uint64, targets map[uint64]struct{}) (runs []run) {
	last := -2 * runGap
	for at := r.after(after); at < len(r.entries); at++ {
		e := r.entries[at]
		if e.target == 0 || e.hidden() {
			continue
		}
		if _, wanted := targets[e.target]; !wanted {
			continue
		}
		if at-last > runGap {
			runs = append(runs, run{subject: r.subject})
			last = at - 1
		}
		current := &runs[len(runs)-1]
		current.entries = append(current.entries, e)
		current.span += at - last
		last = at
	}
	return runs
}

// Count implements chat.Journal. It counts from the newest event back.
func (s *Store) Count(ctx context.Context, name string, after uint64, except string, limit int) (int, error) {
	n, err := s.count(ctx, name, after, except, limit)
	return n, s.failed(ctx, fmt.Sprintf("count in room %q", name), err)
}

func (s *Store) count(ctx context.Context, name string, after uint64, except string, limit int) (n int, err error) {
	if err := s.sync(ctx); err != nil {
		return 0, err
	}
	if s.config.Age > 0 {
		if _, _, err := s.findOldest(ctx, name); err != nil {
			return 0, err
		}
	}
	excepted := authorNumber(authorDigest(except))
	countIn := func(r *room) int { return countAfter(r, after, excepted, limit) }
	enough := func(r *room) bool { return coversAfter(after)(r) || countIn(r) == limit }
	err = s.cover(ctx, name, enough, func(r *room) { n = countIn(r) })
	return n, err
}

// countAfter counts the counted events after a sequence except for those of one author (0 for
// none), until there are limit of them, or more than three times as many of that author.
func countAfter(r *room, after uint64, except uint32, limit int) int {
	n, excepted := 0, 0
	for at, start := len(r.entries)-1, r.after(after); at >= start && n < limit; at-- {
		e := r.entries[at]
		switch {
		case !e.counted() || e.hidden():
		case except != 0 && e.author == except:
			if excepted++; excepted > 3*limit {
				return limit
			}
		default:
			n++
		}
	}
	return n
}
