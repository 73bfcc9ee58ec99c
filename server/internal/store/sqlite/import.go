package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/durable"
)

// importEvents is how many events Import stores in a transaction.
const importEvents = 10_000

// Source is a store that Import reads. Rooms and Records may be nil.
type Source struct {
	// Epoch and Next are kept, so that cursors stay valid. Next is above all sequences that
	// were ever assigned.
	Epoch string
	Next  uint64
	// Rooms are those of which more is known than their events.
	Rooms iter.Seq2[SourceRoom, error]
	// Events come in the order of their sequences.
	Events iter.Seq2[SourceEvent, error]
	// Records get new revisions.
	Records iter.Seq2[chat.Record, error]
}

// SourceRoom is what is known of a room beside its events.
type SourceRoom struct {
	Name    string
	Evicted uint64 // the newest event that retention dropped
	Counted uint64 // how many Counted events were stored that are not in Events
}

// SourceEvent is an event that keeps its sequence.
type SourceEvent struct {
	Sequence uint64
	Room     string
	// Key is the key of the Entry. KeyDigest may be set instead, to at least the first 16
	// bytes of SHA-256(Room, 0, Key).
	Key       string
	KeyDigest []byte
	Payload   []byte
	Time      time.Time // when it was stored
	Relation  chat.Relation
	Target    uint64
	Counted   bool
	Author    string
	// Of erased events only the key is kept.
	Erased bool
}

// Import creates a store in a directory from another one. The directory has no store until
// Import returns nil. It fails if the directory has a store already. What exceeds the limits
// of Config is evicted when the store is opened.
func Import(ctx context.Context, c Config, from Source) error {
	c = c.withDefaults()
	for _, path := range []string{c.path(), filepath.Join(c.Dir, markName)} {
		if size, err := sizeOf(path); err != nil {
			return fmt.Errorf("sqlite: import: %w", err)
		} else if size >= 0 {
			return fmt.Errorf("sqlite: import: %s: %w", path, fs.ErrExist)
		}
	}
	temporary, err := os.MkdirTemp(c.Dir, "import-*")
	if err != nil {
		return fmt.Errorf("sqlite: import: %w", err)
	}
	err = importInto(ctx, c, temporary, from)
	if err == nil {
		err = os.Rename(filepath.Join(temporary, fileName), c.path())
	}
	if err == nil {
		err = durable.SyncDir(c.Dir)
	}
	if err = errors.Join(err, os.RemoveAll(temporary)); err != nil {
		return fmt.Errorf("sqlite: import: %w", err)
	}
	return nil
}

// importInto creates a database in a directory, and syncs it.
func importInto(ctx context.Context, c Config, dir string, from Source) error {
	c.Dir, c.NoFsync = dir, true // it is synced once
	c.RoomEvents, c.Bytes = math.MaxInt, math.MaxInt64
	return fill(ctx, c, func(w *writer) error { return w.importAll(ctx, from) })
}

// fill opens a database, or creates it, has fn write to it, and makes it a single file that
// is synced.
func fill(ctx context.Context, c Config, fn func(*writer) error) error {
	s := newStore(c)
	w, err := openWriter(ctx, s)
	if err != nil {
		return err
	}
	err = fn(w)
	if err == nil {
		err = w.settle()
	}
	if err == nil {
		err = w.empty()
	}
	if err == nil {
		w.mark.raise(w.next)
		err = w.mark.write()
	}
	if err = errors.Join(err, w.conn.Close()); err != nil {
		return err
	}
	return syncFile(c.path())
}

func (w *writer) importAll(ctx context.Context, from Source) error {
	if err := w.transact(func() error { return w.importRooms(from.Rooms) }); err != nil {
		return err
	}
	if err := w.importEvents(ctx, from.Events); err != nil {
		return err
	}
	if err := w.transact(func() error { return w.importRecords(from.Records) }); err != nil {
		return err
	}
	if from.Next < w.next {
		return fmt.Errorf("the sequence %d is to be the next, but events come up to %d", from.Next, w.next-1)
	}
	w.next = from.Next
	return w.transact(func() error {
		m, err := readMeta(w.conn)
		if err != nil {
			return err
		}
		m.lineage, m.epoch = rand.Text(), from.Epoch
		return writeMeta(w.conn, m, w.next)
	})
}

func (w *writer) importRooms(rooms iter.Seq2[SourceRoom, error]) error {
	if rooms == nil {
		return nil
	}
	for one, err := range rooms {
		if err != nil {
			return err
		}
		r, err := w.stageRoom(w.room(one.Name), one.Name)
		if err != nil {
			return err
		}
		r.evicted, r.buried, r.counted = one.Evicted, one.Evicted, one.Counted
		w.index.append(r)
	}
	return nil
}

func (w *writer) importEvents(ctx context.Context, events iter.Seq2[SourceEvent, error]) error {
	next, stop := iter.Pull2(events)
	defer stop()
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := w.transact(func() error {
			if err := w.maintain(2 * importEvents); err != nil {
				return err
			}
			for n := 0; n < importEvents && more; n++ {
				var e SourceEvent
				var err error
				if e, err, more = next(); err != nil {
					return err
				}
				if more {
					if err := w.importEvent(e); err != nil {
						return fmt.Errorf("sequence %d: %w", e.Sequence, err)
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) importEvent(e SourceEvent) error {
	if e.Sequence < w.next || e.Sequence > maxSequence {
		return fmt.Errorf("it comes after %d", w.next-1)
	}
	a := newAppendJob(chat.Entry{
		Room: e.Room, Key: e.Key, Payload: e.Payload, Relation: e.Relation, Target: e.Target, Counted: e.Counted, Author: e.Author,
	})
	if e.KeyDigest != nil && copy(a.key[:], e.KeyDigest) < len(a.key) {
		return fmt.Errorf("the digest of its key has %d bytes", len(e.KeyDigest))
	}
	r, err := w.stageRoom(w.room(e.Room), e.Room)
	if err != nil {
		return err
	}
	if e.Relation == chat.Erases {
		ok, err := w.retained(r, e.Target)
		if err != nil {
			return err
		}
		if ok {
			if err := w.erase(r, e.Target); err != nil {
				return err
			}
		}
	}
	w.next = e.Sequence
	if err := w.stageRow(a, r, max(e.Time.UnixMilli(), w.last)); err != nil {
		return err
	}
	if !e.Erased {
		return nil
	}
	if err := w.eraseOne(r, e.Sequence); err != nil {
		return err
	}
	if r.staged.last == e.Sequence {
		r.staged.last, err = w.newest(r)
	}
	return err
}

func (w *writer) importRecords(records iter.Seq2[chat.Record, error]) error {
	if records == nil {
		return nil
	}
	for one, err := range records {
		if err != nil {
			return err
		}
		j := &recordJob{key: one.Key, value: one.Value}
		if j.value == nil {
			j.value = []byte{}
		}
		if err := errors.Join(chat.CheckKey(j.key), chat.CheckValue(j.value)); err != nil {
			return recordError(one.Key, err)
		}
		if err := w.stageRecord(j); err != nil {
			return err
		}
		if j.outcome.err != nil {
			return recordError(one.Key, j.outcome.err)
		}
	}
	return nil
}
