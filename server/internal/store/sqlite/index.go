package sqlite

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/ncruces/go-sqlite3"
)

// indexEvery is how many events are appended, at least, before they are put in
// the indexes. With many rooms it is perRoom for each, up to four times as many:
// each room has pages of its own. What opening reads after a crash is at most
// twice that.
const (
	indexEvery = 8192
	perRoom    = 4
)

// indexer puts events in the indexes, some thousand appends after they were
// stored: sorted by room, several of them change the same page then. Until then
// readers find them in memory, in room.unindexed.
//
// The work is spread over the transactions that follow: a batch begins with all
// that was stored up to then, and the next one when it is done.
type indexer struct {
	unindexed int     // events stored since the batch began
	dirty     []*room // that were appended to since
	rooms     []*room // of the batch, what is left, by id
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

// start begins a batch if none is under way and there are enough events.
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

// indexSome puts about as many events in the indexes as budget says. It comes
// before what the transaction stores: rows in rooms are as of its beginning.
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

// list puts an event in the indexes.
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

// indexed takes the events up to a sequence out of memory: they are in the
// indexes.
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
