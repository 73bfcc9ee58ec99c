package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
)

// authorID returns what an author is known by in the indexes: 8 bytes of a
// digest, and 0 for nobody.
func authorID(author string) int64 {
	if author == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(author))
	return int64(binary.LittleEndian.Uint64(sum[:]) | 1)
}

// tally is how far a count has come.
type tally struct {
	after  uint64
	except int64
	limit  int

	id      int64
	indexed uint64 // what is before it is in the indexes
	counted uint64 // in the room, ever
	erased  uint64 // of those, or more
	others  int    // found, not by except
	own     int    // found, by except
}

// done tells whether the answer is known: there are enough others, or so many of
// the author's own that looking further would take too long.
func (t *tally) done() bool { return t.others >= t.limit || t.own > 3*t.limit }

// Count implements chat.Journal.
func (s *Store) Count(ctx context.Context, room string, after uint64, except string, limit int) (int, error) {
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	t := tally{after: min(after, maxSequence), except: authorID(except), limit: min(limit, maxRows/4)}
	if !s.countRecent(room, &t) {
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

// countRecent counts what is not in the indexes yet. It reports false if the room
// is unknown.
func (s *Store) countRecent(room string, t *tally) bool {
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

// countIndexed counts what is in the indexes. If the room has far more than what
// is asked for, the running number of the first event may already say enough.
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

// errEnough ends a query.
var errEnough = errors.New("sqlite: enough rows")
