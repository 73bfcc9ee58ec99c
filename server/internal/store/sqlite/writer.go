package sqlite

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/chat"
)

// writer is the goroutine that changes the database, on its own connection.
type writer struct {
	*Store
	conn      *conn
	byID      map[int64]*room
	keys      *keyring
	mark      *mark
	eraser    eraser
	index     indexer
	retention retention
	reclaim   reclaimer

	next     uint64 // the sequence of the next row
	revision uint64 // the newest revision of a record
	last     int64  // the time of the last row, Unix milliseconds
	erased   int64  // how many events were ever overwritten
	scrubbed int64  // how many of them are in no file any more
	recorded int64  // scrubbed, as stored in the database

	complained map[string]time.Time // by message
	failing    bool                 // as told to Config.Writable

	tx transaction

	begin, commit, rollback        *sqlite3.Stmt
	insertEvent, insertRoom        *sqlite3.Stmt
	putRecord, deleteRecord        *sqlite3.Stmt
	recordRevision, updateRevision *sqlite3.Stmt
}

func (w *writer) statements() map[string]**sqlite3.Stmt {
	all := map[string]**sqlite3.Stmt{
		`BEGIN IMMEDIATE`: &w.begin,
		`COMMIT`:          &w.commit,
		`ROLLBACK`:        &w.rollback,
		`INSERT INTO events(pos, seq, room, n, at, gone, flags, target, author, crc, key, payload)
		 VALUES (?, NULL, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?)`: &w.insertEvent,
		`INSERT INTO rooms(id, name, through, first, last, evicted, buried, events, bytes, counted, erased, oldest, newest)
		 VALUES (NULL, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)`: &w.insertRoom,
		`INSERT OR REPLACE INTO state(key, value, revision) VALUES (?, ?, ?)`: &w.putRecord,
		`DELETE FROM state WHERE key = ?`:                                     &w.deleteRecord,
		`SELECT revision FROM state WHERE key = ?`:                            &w.recordRevision,
		`UPDATE meta SET revision = ?`:                                        &w.updateRevision,
	}
	maps.Copy(all, w.eraser.statements())
	maps.Copy(all, w.keys.statements())
	maps.Copy(all, w.index.statements())
	maps.Copy(all, w.retention.statements())
	maps.Copy(all, w.reclaim.statements())
	return all
}

// housekeeping is the interval of housekeep.
const housekeeping = time.Second

// run commits what is queued until the store is closed.
func (w *writer) run() {
	tick := time.NewTicker(housekeeping)
	defer tick.Stop()
	var jobs []job
	for closed := false; !closed; {
		select {
		case <-w.queue.wake:
		case <-w.scrubs.wake:
		case <-w.scrubs.retry():
		case <-tick.C:
			w.housekeep()
		}
		clear(jobs)
		jobs, closed = w.queue.take(jobs)
		if len(jobs) > 0 {
			w.write(jobs)
		}
		w.scrub()
	}
}

// write runs jobs in one transaction and answers them.
func (w *writer) write(jobs []job) {
	var began time.Time
	if w.config.Committed != nil {
		began = time.Now()
	}
	err := w.checkSpace(jobs)
	if err == nil {
		err = w.transact(func() error { return w.stageAll(jobs) })
	}
	if damaged(err) && len(jobs) > 1 {
		// One of them reads damaged data, which must not fail the others.
		for i := range jobs {
			w.write(jobs[i : i+1])
		}
		return
	}
	if err != nil {
		if !damaged(err) {
			w.setFailing(true)
		}
		w.refuse(jobs, err)
		return
	}
	w.setFailing(false)
	if w.config.Committed != nil {
		w.config.Committed(began, len(jobs))
	}
	if err := w.retain(); err != nil {
		w.complain("old events can't be evicted", err)
	}
	for _, j := range jobs {
		if j.append != nil {
			j.append.done(j.append.outcome)
		} else {
			j.record.answer(j.record.outcome)
		}
	}
}

// stageAll runs jobs and some deferred work in the transaction.
func (w *writer) stageAll(jobs []job) error {
	if err := w.maintain(2*len(jobs) + 64); err != nil {
		return err
	}
	for _, j := range jobs {
		var err error
		if j.append != nil {
			err = w.stageAppend(j.append)
		} else {
			err = w.stageRecord(j.record)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// maintain does some deferred work at the beginning of a transaction.
func (w *writer) maintain(budget int) error {
	w.index.start(w.next, w.config.indexEvery)
	if err := w.indexSome(budget); err != nil {
		return err
	}
	w.retention.startBurying(w.config.buryEvery)
	if err := w.burySome(budget); err != nil {
		return err
	}
	if err := w.reclaimSome(2 * budget); err != nil {
		return err
	}
	sealed, err := w.keys.seal()
	if err != nil {
		return fmt.Errorf("write a segment of keys: %w", err)
	}
	if sealed != nil {
		w.tx.then = append(w.tx.then, sealed)
	}
	return nil
}

// refuse answers jobs that were not stored.
func (w *writer) refuse(jobs []job, err error) {
	w.complain("appending is refused until writing works again", err)
	err = fmt.Errorf("%w: %w", chat.ErrNotStored, err)
	for _, j := range jobs {
		if j.append != nil {
			j.append.done(chat.Appended{Err: err})
		} else {
			j.record.answer(recordOutcome{err: err})
		}
	}
}

// setFailing records whether writing fails.
func (w *writer) setFailing(failing bool) {
	if w.failing != failing {
		w.failing = failing
		w.config.Writable(!failing)
	}
}

// complain logs an error, at most once a minute with the same message, which must be a constant.
func (w *writer) complain(message string, err error) {
	if time.Since(w.complained[message]) < time.Minute {
		return
	}
	if w.complained == nil {
		w.complained = make(map[string]time.Time)
	}
	w.complained[message] = time.Now()
	w.log.ErrorContext(context.Background(), message, "err", err)
}
