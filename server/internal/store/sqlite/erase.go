package sqlite

import (
	"fmt"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/chat"
)

// eraser overwrites events. An UPDATE of a row to one of the same size happens in
// place, in its page and in the pages that its payload overflows to, and leaves
// no copy: not in the database, but in the write-ahead log until Scrub.
type eraser struct {
	position, event, overwrite                *sqlite3.Stmt
	revisions, following, preceding           *sqlite3.Stmt
	unlistTimeline, unlistCounted, unlistSeen *sqlite3.Stmt
	shrink, first, count                      *sqlite3.Stmt
}

func (e *eraser) statements() map[string]**sqlite3.Stmt {
	return map[string]**sqlite3.Stmt{
		`SELECT ifnull(pos, seq) FROM timeline WHERE room = ? AND seq = ?`:                          &e.position,
		`SELECT flags, target, n, at, author, length(payload) FROM events WHERE pos = ?`:            &e.event,
		`UPDATE events SET gone = 1, payload = zeroblob(length(payload)) WHERE pos = ?`:             &e.overwrite,
		`SELECT seq FROM changes WHERE target = ? AND relation = ?`:                                 &e.revisions,
		`SELECT seq FROM timeline WHERE room = ? AND seq > ? ORDER BY seq LIMIT 1`:                  &e.following,
		`SELECT seq FROM timeline WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT 1`: &e.preceding,
		`DELETE FROM timeline WHERE room = ? AND seq = ?`:                                           &e.unlistTimeline,
		`DELETE FROM counted WHERE room = ? AND seq = ?`:                                            &e.unlistCounted,
		`DELETE FROM changes WHERE target = ? AND relation = ? AND seq = ?`:                         &e.unlistSeen,
		`UPDATE rooms SET events = events - 1, bytes = bytes - ?, erased = erased + ? WHERE id = ?`: &e.shrink,
		`UPDATE rooms SET first = ? WHERE id = ? AND first = ?`:                                     &e.first,
		`UPDATE meta SET erased = ?, scrubbed = ?, dead = ?`:                                        &e.count,
	}
}

// erasing is an event that was stored earlier and that the transaction erases.
type erasing struct {
	entry
	room *room
}

// erase overwrites an event and the events that revise it.
func (w *writer) erase(r *room, target uint64) error {
	revisions, err := w.revisionsOf(r, target)
	if err != nil {
		return fmt.Errorf("look for what revises an event: %w", err)
	}
	for _, seq := range append(revisions, target) {
		if err := w.eraseOne(r, seq); err != nil {
			return fmt.Errorf("erase an event: %w", err)
		}
	}
	if w.tx.erased[r.staged.last] {
		if r.staged.last, err = w.newest(r); err != nil {
			return fmt.Errorf("look for the newest event: %w", err)
		}
	}
	before := w.erased
	w.tx.undo = append(w.tx.undo, func() { w.erased = before })
	w.erased += int64(len(revisions)) + 1
	return nil
}

// revisionsOf returns the events that revise a target and are not erased.
func (w *writer) revisionsOf(r *room, target uint64) ([]uint64, error) {
	var found []uint64
	add := func(e entry) {
		if e.target == target && e.relation() == chat.Revises {
			found = append(found, e.seq)
		}
	}
	err := query(w.eraser.revisions, func() error {
		seq := uint64(w.eraser.revisions.ColumnInt64(0))
		if seq < r.indexedBefore() {
			found = append(found, seq)
		}
		return nil
	}, int64(target), int64(chat.Revises))
	if err != nil {
		return nil, err
	}
	for _, p := range w.pending[target] {
		if e, ok := r.find(p.seq); ok && !w.tx.erased[p.seq] {
			add(e)
		}
	}
	for _, e := range w.tx.changes[target] {
		if !w.tx.erased[e.seq] {
			add(e)
		}
	}
	return found, nil
}

// eraseOne overwrites an event that is retained, and takes it out of the indexes.
func (w *writer) eraseOne(r *room, seq uint64) error {
	w.tx.erased[seq] = true
	r.staged.events--
	if w.staged(seq) != nil {
		return run(w.eraser.overwrite, int64(seq))
	}
	e, found := r.find(seq)
	pos := seq
	if !found {
		var err error
		if pos, _, err = w.positionOf(r, seq); err != nil { // retained has found it
			return err
		}
		if e, err = w.entryAt(pos); err != nil {
			return err
		}
		e.seq = seq
	}
	if err := run(w.eraser.overwrite, int64(pos)); err != nil {
		return err
	}
	if err := w.unlist(r, e); err != nil {
		return err
	}
	if seq <= r.through {
		erased := int64(0)
		if e.counted() {
			erased = 1
		}
		if err := run(w.eraser.shrink, e.size, erased, r.id); err != nil {
			return err
		}
	}
	if seq == r.first {
		r.staged.first = true
	}
	w.tx.erasing = append(w.tx.erasing, erasing{e, r})
	return nil
}

// positionOf returns the row of an event that is in the indexes.
func (w *writer) positionOf(r *room, seq uint64) (pos uint64, ok bool, err error) {
	s := w.eraser.position
	err = query(s, func() error {
		pos, ok = uint64(s.ColumnInt64(0)), true
		return nil
	}, r.id, int64(seq))
	return pos, ok, err
}

// entryAt returns the event of a row.
func (w *writer) entryAt(pos uint64) (entry, error) {
	e := entry{}
	s := w.eraser.event
	err := query(s, func() error {
		e = entry{
			flags: s.ColumnInt64(0), target: uint64(s.ColumnInt64(1)), n: uint64(s.ColumnInt64(2)),
			at: s.ColumnInt64(3), author: s.ColumnInt64(4), size: s.ColumnInt64(5) + overhead,
		}
		return nil
	}, int64(pos))
	return e, err
}

// unlist takes an event out of the indexes. One that is not indexed yet may be in them,
// too, after a crash.
func (w *writer) unlist(r *room, e entry) error {
	if err := run(w.eraser.unlistTimeline, r.id, int64(e.seq)); err != nil {
		return err
	}
	if e.counted() {
		if err := run(w.eraser.unlistCounted, r.id, int64(e.seq)); err != nil {
			return err
		}
	}
	if e.target == 0 {
		return nil
	}
	return run(w.eraser.unlistSeen, int64(e.target), int64(e.relation()), int64(e.seq))
}

// finishErasing completes erasures before the commit.
func (w *writer) finishErasing() error {
	if len(w.tx.erased) == 0 {
		return nil
	}
	for _, r := range w.tx.rooms {
		if err := w.settleFirst(r); err != nil {
			return fmt.Errorf("look for the oldest event: %w", err)
		}
	}
	return run(w.eraser.count, w.erased, w.scrubbed, w.reclaim.dead)
}

// settleFirst determines the oldest event of a room of which the transaction
// erases or evicts events.
func (w *writer) settleFirst(r *room) error {
	if r.staged.first {
		// The row does not know of events that were evicted since it was written.
		first, err := w.oldestAfter(r, r.first)
		if err != nil {
			return err
		}
		if err := run(w.eraser.first, int64(first), r.id, int64(r.first)); err != nil {
			return err
		}
		w.tx.firsts[r] = first
	}
	if r.staged.evictions == 0 {
		return nil
	}
	first, err := w.oldestAfter(r, max(r.first, r.staged.evicted))
	w.tx.firsts[r] = first
	return err
}

// oldestAfter returns the oldest event of a room after a sequence that the transaction neither
// erases nor evicts.
func (w *writer) oldestAfter(r *room, seq uint64) (first uint64, err error) {
	s := w.eraser.following
	err = query(s, func() error {
		first = uint64(s.ColumnInt64(0))
		return nil
	}, r.id, int64(seq))
	if first != 0 || err != nil {
		return first, err
	}
	for _, e := range r.after(seq) {
		if !w.tx.erased[e.seq] {
			return e.seq, nil
		}
	}
	for _, e := range w.tx.events {
		if e.room == r && e.seq > seq && !w.tx.erased[e.seq] {
			return e.seq, nil
		}
	}
	return 0, nil
}

// newest returns the newest event of a room that the transaction does not erase, 0 if there
// is none.
func (w *writer) newest(r *room) (last uint64, err error) {
	for _, e := range slices.Backward(w.tx.events) {
		if e.room == r && !w.tx.erased[e.seq] {
			return e.seq, nil
		}
	}
	for _, e := range slices.Backward(r.unindexed) {
		if !w.tx.erased[e.seq] {
			return e.seq, nil
		}
	}
	s := w.eraser.preceding
	err = query(s, func() error {
		last = uint64(s.ColumnInt64(0))
		return nil
	}, r.id, int64(r.staged.evicted), int64(r.indexedBefore()))
	return last, err
}

// forget removes an erased event from memory.
func (w *writer) forget(e erasing) {
	w.unpend(e.entry)
	e.room.forget(e.entry)
	w.retention.shrink(e.room, e.size)
	w.reclaim.dead++
}

// unpend removes an event from the changes that are not in the indexes yet.
func (s *Store) unpend(e entry) {
	list, ok := s.pending[e.target]
	if !ok || e.target == 0 {
		return
	}
	kept := list[:0:0]
	for _, p := range list {
		if p.seq != e.seq {
			kept = append(kept, p)
		}
	}
	if len(kept) == 0 {
		delete(s.pending, e.target)
		return
	}
	s.pending[e.target] = kept
}
