package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// authorID returns the number of an author in the indexes: 8 bytes of a digest, 0 for none.
func authorID(author string) int64 {
	if author == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(author))
	return int64(binary.LittleEndian.Uint64(sum[:]) | 1)
}

// tally is the state of a count.
type tally struct {
	after  uint64
	except int64
	limit  int

	id      int64
	indexed uint64 // events before it are in the indexes
	counted uint64 // counted events that were ever stored in the room
	erased  uint64 // a bound above those of them that were erased
	others  int    // found, not by except
	own     int    // found, by except
}

// done reports whether the result is known: enough events of others were found, or so many of
// the author's own that searching further would take too long.
func (t *tally) done() bool { return t.others >= t.limit || t.own > 3*t.limit }

// Count implements chat.Journal.
func (s *Store) Count(ctx context.Context, room string, after uint64, except string, limit int) (int, error) {
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	t := tally{after: min(after, maxSequence), except: authorID(except), limit: min(limit, maxRows/4)}
	if !s.countUnindexed(room, &t) {
		return 0, nil
	}
	if !t.done() && t.after+1 < t.indexed {
		if err := s.read(ctx, func(r *reader) error { return t.countIndexed(r) }); err != nil {
			return 0, readError(room, err)
		}
	}
	if t.done() {
		return limit, nil
	}
	return t.others, nil
}

// countUnindexed counts events that are not in the indexes yet. It reports false if the room
// is unknown.
func (s *Store) countUnindexed(room string, t *tally) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.rooms[room]
	if r == nil {
		return false
	}
	t.after = max(t.after, r.evicted)
	t.id, t.indexed, t.counted, t.erased = r.id, r.indexedBefore(), r.counted, r.erased
	for _, e := range r.after(t.after) {
		t.add(e.counted(), e.author)
		if t.done() {
			break
		}
	}
	return true
}

func (t *tally) add(counted bool, author int64) {
	switch {
	case !counted:
	case t.except != 0 && author == t.except:
		t.own++
	default:
		t.others++
	}
}

// countIndexed counts events in the indexes. If the room has far more than limit, the running
// number of the first event may suffice.
func (t *tally) countIndexed(r *reader) error {
	if enough := uint64(4*t.limit) + t.erased; t.counted >= enough {
		first := t.counted + 1
		err := query(r.running, func() error {
			first = uint64(r.running.ColumnInt64(0))
			return nil
		}, t.id, int64(t.after), int64(t.indexed))
		if err != nil {
			return err
		}
		if t.counted+1-first >= enough {
			t.others = t.limit
			return nil
		}
	}
	err := query(r.authors, func() error {
		t.add(true, r.authors.ColumnInt64(0))
		if t.done() {
			return errEnough
		}
		return nil
	}, t.id, int64(t.after), int64(t.indexed))
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// errEnough ends a query early.
var errEnough = errors.New("sqlite: enough rows")
