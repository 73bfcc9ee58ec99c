package sqlite

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ncruces/go-sqlite3"
)

// indexEvery is the smallest number of events that are indexed together. With many rooms it is
// perRoom for each, up to four times as many, as each room has its own pages. Opening after a
// crash reads at most twice as many events.
const (
	indexEvery = 8192
	perRoom    = 4
)

// indexer adds events to the indexes some thousand appends after they were stored: sorted by
// room, several of them change the same page. Until then readers find them in memory, in
// room.unindexed.
//
// The work is spread over the following transactions. A batch has all events that were stored
// when it begins; the next batch begins when it is done.
type indexer struct {
	unindexed int     // events stored since the batch began
	dirty     []*room // rooms that were appended to since
	rooms     []*room // the remaining rooms of the batch, by id
	upto      uint64  // the last sequence of the batch
	complete  uint64  // the indexes hold every event up to it

	timeline, counted, changes *sqlite3.Stmt
	room, meta                 *sqlite3.Stmt
}

func (x *indexer) statements() map[string]**sqlite3.Stmt {
	return map[string]**sqlite3.Stmt{
		`INSERT OR IGNORE INTO timeline(room, seq, pos) VALUES (?, ?, NULL)`:        &x.timeline,
		`INSERT OR IGNORE INTO counted(room, seq, n, author) VALUES (?, ?, ?, ?)`:   &x.counted,
		`INSERT OR IGNORE INTO changes(target, relation, seq) VALUES (?, ?, ?)`:     &x.changes,
		`UPDATE meta SET indexed = ?, next = ?, erased = ?, scrubbed = ?, dead = ?`: &x.meta,
		`UPDATE rooms SET through = ?, first = ?, last = ?, evicted = ?, buried = ?, events = ?, bytes = ?,
		 counted = ?, erased = ?, oldest = ?, newest = ? WHERE id = ?`: &x.room,
	}
}

// append notes that an event was stored.
func (x *indexer) append(r *room) {
	x.unindexed++
	if !r.dirty {
		r.dirty = true
		x.dirty = append(x.dirty, r)
	}
}

// start begins a batch if none is in progress and there are enough events.
func (x *indexer) start(next uint64, least int) {
	if len(x.rooms) > 0 || len(x.dirty) == 0 || x.unindexed < max(least, min(perRoom*len(x.dirty), 4*least)) {
		return
	}
	x.rooms, x.dirty = x.dirty, nil
	x.unindexed, x.upto = 0, next-1
	for _, r := range x.rooms {
		r.dirty = false
	}
	slices.SortFunc(x.rooms, func(a, b *room) int { return cmp.Compare(a.id, b.id) })
}

// indexSome adds about budget events to the indexes, at the beginning of the transaction: the
// rows that it writes to rooms are as of then.
func (w *writer) indexSome(budget int) error {
	x := &w.index
	done := 0
	for ; done < len(x.rooms) && budget > 0; done++ {
		r := x.rooms[done]
		unindexed := r.before(x.upto + 1)
		n := min(len(unindexed), budget)
		for _, e := range unindexed[:n] {
			if err := w.list(r, e); err != nil {
				return fmt.Errorf("index an event: %w", err)
			}
		}
		budget -= n + 1
		if n > 0 {
			last := unindexed[n-1].seq
			w.tx.then = append(w.tx.then, func() { w.indexed(r, last) })
		}
		if n < len(unindexed) {
			break
		}
		if err := w.writeRoom(r, r.buried); err != nil {
			return err
		}
	}
	if len(x.rooms) == 0 {
		return nil
	}
	left := x.rooms[done:]
	w.tx.then = append(w.tx.then, func() { x.rooms = left })
	if len(left) > 0 {
		return nil
	}
	w.tx.then = append(w.tx.then, func() { x.complete = x.upto })
	if err := run(x.meta, int64(x.upto), int64(w.next), w.erased, w.scrubbed, w.reclaim.dead); err != nil {
		return fmt.Errorf("note how far the indexes go: %w", err)
	}
	return nil
}

// list adds an event to the indexes.
func (w *writer) list(r *room, e entry) error {
	x := &w.index
	if err := run(x.timeline, r.id, int64(e.seq)); err != nil {
		return err
	}
	if e.counted() {
		if err := run(x.counted, r.id, int64(e.seq), int64(e.n), e.author); err != nil {
			return err
		}
	}
	if e.target == 0 {
		return nil
	}
	return run(x.changes, int64(e.target), int64(e.relation()), int64(e.seq))
}

// indexed removes the events up to a sequence from memory: they are in the indexes.
func (w *writer) indexed(r *room, upto uint64) {
	done := r.before(upto + 1)
	for _, e := range done {
		w.unpend(e)
	}
	if rest := r.unindexed[len(done):]; len(rest) == 0 {
		r.unindexed = nil
	} else {
		r.unindexed = append(make([]entry, 0, len(rest)+8), rest...)
	}
}

// writeRoom writes the row of a room as of the transaction's beginning.
func (w *writer) writeRoom(r *room, buried uint64) error {
	through := r.through
	w.tx.undo = append(w.tx.undo, func() { r.through = through })
	r.through = w.tx.start - 1
	err := run(w.index.room, int64(r.through), int64(r.first), int64(r.last), int64(r.evicted), int64(buried),
		int64(r.events), r.bytes, int64(r.counted), int64(r.erased), r.oldest, r.newest, r.id)
	if err != nil {
		return fmt.Errorf("write the row of a room: %w", err)
	}
	return nil
}
