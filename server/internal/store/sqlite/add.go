package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"math"
	"os"
	"path/filepath"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/durable"
)

// addPattern is that of the directories in which AddRooms works.
const addPattern = ".chatroom-import-*"

// MaxAdded bounds the sequences of a store to which Add has added rooms. A file with huge
// sequences must not use up those of the store, and JavaScript counts no further.
const MaxAdded = 1<<53 - 1

// ErrRoomExists is returned by AddRooms for a room that the store has.
var ErrRoomExists = errors.New("the room exists")

// ErrSequence is returned by AddRooms for an event that does not come after the one before it, or
// that is out of bounds.
var ErrSequence = errors.New("the sequence is out of order")

// AddedRoom is a room that AddRooms creates.
type AddedRoom struct {
	Name string
	// RecordPrefix is that of all records about the room. The store must have none.
	RecordPrefix string
	Records      []chat.Record
	// Events returns the events in the order of their sequences, to all of which, and to what
	// refers to them, it adds shift. Key is set, and KeyDigest is not.
	Events func(shift uint64) iter.Seq2[SourceEvent, error]
}

// AddRooms adds rooms to the store of a directory, which the caller locks, or creates a store with
// them. The store is unchanged unless AddRooms returns nil: it works on a copy, which needs as much
// space, and which it verifies before it takes the place of the store. Sequences are shifted
// above all that were ever assigned: in a new store those of the first room are kept. What
// exceeds the limits of retention is evicted when a server opens the store.
func AddRooms(ctx context.Context, dir string, rooms iter.Seq2[AddedRoom, error]) error {
	err := addRooms(ctx, dir, rooms)
	if err != nil {
		return fmt.Errorf("sqlite: add rooms: %w", causeOf(ctx, err))
	}
	return nil
}

func addRooms(ctx context.Context, dir string, rooms iter.Seq2[AddedRoom, error]) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if err := removeAdded(dir); err != nil {
		return err
	}
	had, err := closeLog(ctx, dir)
	if err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(dir, addPattern)
	if err != nil {
		return err
	}
	path := filepath.Join(temporary, fileName)
	if had {
		err = copyDatabase(ctx, filepath.Join(dir, fileName), path, "")
	}
	if err == nil {
		err = addTo(ctx, temporary, rooms)
	}
	if err == nil {
		err = verifyAdded(ctx, path)
	}
	// The mark comes last: one without its database, or with an older one, means a loss.
	for _, name := range []string{fileName, markName} {
		if err == nil {
			err = os.Rename(filepath.Join(temporary, name), filepath.Join(dir, name))
		}
	}
	if err == nil {
		err = durable.SyncDir(dir)
	}
	return errors.Join(err, os.RemoveAll(temporary))
}

// removeAdded removes what an AddRooms that was killed has left: a copy in which later deletions
// are not made.
func removeAdded(dir string) error { return removeMatching(dir, addPattern) }

// removeMatching removes what is in a directory with a name that matches a pattern. filepath.Glob would
// take the name of the directory for a pattern, too.
func removeMatching(dir, pattern string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if matches, _ := filepath.Match(pattern, e.Name()); matches {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	return err
}

// withoutLimits configures a store that keeps everything.
func withoutLimits(dir string) Config {
	return Config{Dir: dir, RoomEvents: math.MaxInt, Bytes: math.MaxInt64}
}

// closeLog empties the write-ahead log of a store, so that the database is a single file. It
// reports whether there is a store.
func closeLog(ctx context.Context, dir string) (bool, error) {
	size, err := sizeOf(filepath.Join(dir, fileName))
	if err != nil {
		return false, err
	}
	if size < 0 {
		mark, err := sizeOf(filepath.Join(dir, markName))
		if err == nil && mark >= 0 {
			err = fmt.Errorf("%s is there, and %s is not: restore a backup", markName, fileName)
		}
		return false, err
	}
	s, err := Open(ctx, withoutLimits(dir))
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		return false, err
	}
	if size, err := sizeOf(filepath.Join(dir, fileName+"-wal")); err != nil {
		return false, err
	} else if size > 0 {
		return false, fmt.Errorf("%s-wal is in use by another program: end it", fileName)
	}
	return true, nil
}

// addTo adds rooms to the database in a directory, and syncs it.
func addTo(ctx context.Context, dir string, rooms iter.Seq2[AddedRoom, error]) error {
	c := withoutLimits(dir).withDefaults()
	c.NoFsync = true // it is synced once
	return fill(ctx, c, func(w *writer) error {
		for r, err := range rooms {
			if err != nil {
				return err
			}
			if err := w.addRoom(ctx, r); err != nil {
				return fmt.Errorf("room %q: %w", r.Name, err)
			}
		}
		return nil
	})
}

func (w *writer) addRoom(ctx context.Context, r AddedRoom) error {
	if has, err := w.conn.hasRecords(r.RecordPrefix); err != nil {
		return err
	} else if has || w.room(r.Name) != nil {
		return ErrRoomExists
	}
	err := w.transact(func() error {
		return w.importRecords(func(yield func(chat.Record, error) bool) {
			for _, record := range r.Records {
				if !yield(record, nil) {
					return
				}
			}
		})
	})
	if err != nil {
		return err
	}
	return w.importEvents(ctx, bounded(r.Events(w.next-1), w.next))
}

// hasRecords reports whether there is a record under a prefix.
func (c *conn) hasRecords(prefix string) (bool, error) {
	s, _, err := c.Prepare(`SELECT 1 FROM state WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1 LIMIT 1`)
	if err != nil {
		return false, err
	}
	found := false
	if err = s.BindText(1, prefix); err == nil {
		err = each(s, func() error { found = true; return nil })
	}
	return found, errors.Join(err, s.Close())
}

// bounded checks the sequences of events.
func bounded(events iter.Seq2[SourceEvent, error], next uint64) iter.Seq2[SourceEvent, error] {
	return func(yield func(SourceEvent, error) bool) {
		for e, err := range events {
			if err == nil && (e.Sequence < next || e.Sequence > MaxAdded) {
				err = fmt.Errorf("%w: %d, want %d to %d", ErrSequence, e.Sequence, next, uint64(MaxAdded))
			}
			if !yield(e, err) || err != nil {
				return
			}
			next = e.Sequence + 1
		}
	}
}

// verifyAdded checks the database before it takes the place of another one.
func verifyAdded(ctx context.Context, path string) error {
	v := &verifier{ctx: ctx, noMark: true}
	if err := v.checkFile(path); err != nil {
		return err
	}
	if len(v.report.Findings) > 0 {
		return fmt.Errorf("the store would be damaged, and was not changed: %q", v.report.Findings)
	}
	return nil
}
