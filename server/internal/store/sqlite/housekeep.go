package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/chat"
)

// housekeep does what is due at intervals.
func (w *writer) housekeep() {
	now := w.config.now()
	err := w.sweep(now)
	if err == nil {
		err = w.retain()
	}
	if err == nil {
		err = w.recordScrubbed()
	}
	if err == nil {
		err = w.tidy(now)
	}
	if err != nil {
		w.complain("the log can't be tidied up", err)
	}
	w.probe()
}

// probe finds out whether writing works, also when nothing is appended: a server that is not
// ready may receive no sends that would try.
func (w *writer) probe() {
	err := w.checkSpace(nil)
	if err == nil && w.failing {
		err = w.transact(w.recount)
	}
	if err != nil && !w.failing {
		w.complain("appending is refused until writing works again", err)
	}
	w.setFailing(err != nil)
}

// recount stores the counters as they are.
func (w *writer) recount() error {
	return run(w.eraser.count, w.erased, w.scrubbed, w.reclaim.dead)
}

// recordScrubbed stores how many events were removed from all files, for a later start
// and for Verify.
func (w *writer) recordScrubbed() error {
	if w.recorded == w.scrubbed {
		return nil
	}
	scrubbed := w.scrubbed
	err := w.transact(func() error { return run(w.eraser.count, w.erased, scrubbed, w.reclaim.dead) })
	if err == nil {
		w.recorded = scrubbed
	}
	return err
}

// tidy overwrites evicted events, drops keys that are older than the window, and empties the
// write-ahead log of evicted events.
func (w *writer) tidy(now time.Time) error {
	w.retention.startBurying(1)
	for range 8 { // appends wait meanwhile
		if len(w.retention.burying) == 0 && !w.reclaim.wanted(w.retention.events) {
			break
		}
		err := w.transact(func() error {
			return errors.Join(w.burySome(buryEvery/8), w.reclaimSome(buryEvery/8))
		})
		if err != nil {
			return err
		}
	}
	err := w.transact(func() error {
		expired, err := w.keys.expire(context.Background(), max(now.UnixMilli(), w.last))
		if expired != nil {
			w.tx.then = append(w.tx.then, expired)
		}
		return err
	})
	if err != nil || !w.scrubs.stale || time.Since(w.scrubs.emptied) < w.config.staleEvery {
		return err
	}
	if err := w.empty(); err != nil && !errors.Is(err, sqlite3.BUSY) {
		return err
	}
	return nil
}

// shutDown checkpoints the database into one file that opens quickly.
func (w *writer) shutDown() {
	w.scrub()
	w.scrubs.close()
	w.scrubs.answer(0, chat.ErrStoreClosed)
	w.subscribers.end()
	errs := []error{w.settle(), w.closeReaders()}
	// If another process is reading, the next start does it.
	if err := w.empty(); !errors.Is(err, sqlite3.BUSY) {
		errs = append(errs, err)
	}
	w.mark.raise(w.next)
	if err := joinDistinct(append(errs, w.conn.Close(), w.mark.write())); err != nil {
		w.closed = fmt.Errorf("sqlite: close: %w", withSpace(w.config.Dir, err))
	}
}

// joinDistinct joins errors, and leaves out those that say the same as one before.
func joinDistinct(errs []error) error {
	var distinct []error
	for _, err := range errs {
		if err != nil && !slices.ContainsFunc(distinct, func(other error) bool { return other.Error() == err.Error() }) {
			distinct = append(distinct, err)
		}
	}
	return errors.Join(distinct...)
}

// settle does all deferred work.
func (w *writer) settle() error {
	for {
		w.index.start(w.next, 0)
		w.retention.startBurying(1)
		if len(w.index.rooms) == 0 && len(w.retention.burying) == 0 {
			break
		}
		err := w.transact(func() error { return errors.Join(w.indexSome(4096), w.burySome(4096)) })
		if err != nil {
			return err
		}
	}
	return w.transact(w.recount)
}

// reserve is how many bytes of the disk stay free for what is written while events are
// refused, such as checkpoints of the write-ahead log.
const reserve = 16 << 20

// checkSpace returns an error if jobs would use the reserve.
func (w *writer) checkSpace(jobs []job) error {
	free, err := w.config.space(w.config.Dir)
	if err != nil {
		return fmt.Errorf("look for free space: %w", err)
	}
	need := int64(0)
	for _, j := range jobs {
		need += int64(j.size())
	}
	if free < reserve+2*need {
		return fmt.Errorf("%s has %d KiB free, which is too little: %d KiB are kept in reserve", w.config.Dir, free>>10, reserve>>10)
	}
	return nil
}
