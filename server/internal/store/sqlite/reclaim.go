package sqlite

import (
	"fmt"

	"github.com/ncruces/go-sqlite3"
)

const (
	// reclaimMoves and reclaimBytes bound the rows that a step moves: appends wait for it.
	reclaimMoves = 64
	reclaimBytes = 64 << 10
	// moat is how many overwritten rows stay between those that are deleted and
	// those that can be read. A delete makes SQLite merge a page with the two
	// beside it, and leaves copies of their rows in free space. A page of 8 KiB
	// has fewer than 200 rows, so that these are overwritten ones.
	moat = 1024
	// leastDead is how many rows must be overwritten before reclaiming begins.
	leastDead = 4 * moat
)

// reclaimer deletes overwritten rows, and so makes room for new ones. It only
// deletes at the left end of events: a row there that can still be read is
// appended again at the right end.
//
// It works while more than a third of the rows are overwritten. Each step that
// moves a row has deleted others then, and the cost per append stays the same.
type reclaimer struct {
	dead   int64 // how many rows are overwritten and not deleted, approximately
	active bool
	next   uint64   // where the next step begins
	steps  []uint64 // the positions at which steps began whose rows are not deleted yet
	rows   []int    // how many rows those steps had

	scan, move, relist, remove *sqlite3.Stmt
}

func (c *reclaimer) statements() map[string]**sqlite3.Stmt {
	return map[string]**sqlite3.Stmt{
		`SELECT pos, ifnull(seq, pos), room, n, at, gone, flags, target, author, crc, key,
		 CASE gone WHEN 0 THEN payload END FROM events WHERE pos >= ? AND pos <= ? ORDER BY pos LIMIT ?`: &c.scan,
		`INSERT INTO events(pos, seq, room, n, at, gone, flags, target, author, crc, key, payload)
		 VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)`: &c.move,
		`UPDATE timeline SET pos = ? WHERE room = ? AND seq = ?`: &c.relist,
		`DELETE FROM events WHERE pos < ?`:                       &c.remove,
	}
}

// storedRow is a row of events.
type storedRow struct {
	entry
	pos     uint64
	room    int64
	gone    bool
	crc     int64
	key     keyDigest
	payload []byte
}

// wanted reports whether there is enough to reclaim.
func (c *reclaimer) wanted(live int) bool {
	if c.active {
		c.active = c.dead > leastDead/2 && 4*c.dead > int64(live)
	} else {
		c.active = c.dead > leastDead && 2*c.dead > int64(live)
	}
	return c.active
}

// reclaimSome takes a step at the beginning of the transaction. It reads up to budget rows.
func (w *writer) reclaimSome(budget int) error {
	c := &w.reclaim
	if !c.wanted(w.retention.events) {
		return nil
	}
	rows, err := w.scanRows(budget)
	if err != nil {
		return fmt.Errorf("look for overwritten rows: %w", err)
	}
	if len(rows) == 0 {
		w.tx.then = append(w.tx.then, func() { c.active = false })
		return nil
	}
	for _, row := range rows {
		if row.gone {
			continue
		}
		if err := w.relocate(row); err != nil {
			return fmt.Errorf("append an event again: %w", err)
		}
	}
	from, next := rows[0].pos, rows[len(rows)-1].pos+1
	w.tx.then = append(w.tx.then, func() {
		c.next = next
		c.steps, c.rows = append(c.steps, from), append(c.rows, len(rows))
	})
	return w.removeRows()
}

// scanRows returns the rows of a step, up to the first one that must not be moved now. Rows
// whose keys are in no segment stay, as they have the only copy on disk.
func (w *writer) scanRows(limit int) (rows []storedRow, err error) {
	s, size, moves, stop := w.reclaim.scan, 0, 0, false
	err = query(s, func() error {
		row := storedRow{
			pos:  uint64(s.ColumnInt64(0)),
			room: s.ColumnInt64(2),
			entry: entry{
				seq: uint64(s.ColumnInt64(1)), n: uint64(s.ColumnInt64(3)), at: s.ColumnInt64(4),
				flags: s.ColumnInt64(6), target: uint64(s.ColumnInt64(7)), author: s.ColumnInt64(8),
			},
			gone: s.ColumnInt64(5) != 0,
			crc:  s.ColumnInt64(9),
		}
		r := w.byID[row.room]
		// An evicted event is about to be overwritten at its position.
		stop = stop || r == nil || size > reclaimBytes || moves == reclaimMoves || !row.gone && row.seq <= r.evicted
		if stop {
			return nil
		}
		copy(row.key[:], s.ColumnRawBlob(10))
		if !row.gone {
			row.payload = s.ColumnBlob(11, nil)
			size += len(row.payload)
			moves++
		}
		rows = append(rows, row)
		return nil
	}, int64(w.reclaim.next), int64(min(w.index.complete, w.keys.sealed())), int64(limit))
	return rows, err
}

// relocate appends an event again and overwrites the row that it had.
func (w *writer) relocate(row storedRow) error {
	r := w.byID[row.room]
	r.victims = nil // they have the former position of the row
	next := w.next
	w.tx.undo = append(w.tx.undo, func() { w.next, r.victims = next, nil })
	pos := int64(w.next)
	w.next++
	s := w.reclaim.move
	err := bind(s, pos, int64(row.seq), r.id, int64(row.n), row.at, row.flags, int64(row.target), row.author, row.crc)
	if err != nil {
		return err
	}
	if err := s.BindBlob(10, row.key[:]); err != nil {
		return err
	}
	if err := bindPayload(s, 11, row.payload); err != nil {
		return err
	}
	if err := s.Exec(); err != nil {
		return err
	}
	if err := run(w.reclaim.relist, pos, r.id, int64(row.seq)); err != nil {
		return err
	}
	if err := run(w.eraser.overwrite, int64(row.pos)); err != nil {
		return err
	}
	w.tx.then = append(w.tx.then, func() { w.reclaim.dead++ })
	return nil
}

// removeRows deletes the rows of the oldest step if enough overwritten rows follow them.
func (w *writer) removeRows() error {
	c := &w.reclaim
	after := 0
	for i := len(c.steps) - 1; i > 0; i-- {
		after += c.rows[i]
	}
	if after < moat {
		return nil
	}
	if err := run(c.remove, int64(c.steps[1])); err != nil {
		return fmt.Errorf("delete overwritten rows: %w", err)
	}
	w.tx.then = append(w.tx.then, func() {
		c.dead -= int64(c.rows[0])
		c.steps, c.rows = c.steps[1:], c.rows[1:]
	})
	return nil
}
