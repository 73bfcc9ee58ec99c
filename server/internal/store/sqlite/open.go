package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/durable"
)

func (c Config) path() string { return filepath.Join(c.Dir, fileName) }

// openWriter opens the database of a store, or creates it, and fills the store
// from it.
func openWriter(ctx context.Context, s *Store) (*writer, error) {
	c := s.config
	had, err := readMark(c.Dir)
	if err != nil {
		return nil, err
	}
	conn, err := openDatabase(c)
	if err != nil {
		return nil, unreadable(c.path(), err)
	}
	w := &writer{
		Store: s,
		conn:  conn,
		byID:  make(map[int64]*room),
		keys:  newKeyring(c),
		mark:  &mark{path: filepath.Join(c.Dir, markName), log: c.Log},
	}
	w.tx.init()
	if err := w.load(ctx, had); err != nil {
		return nil, unreadable(c.path(), errors.Join(err, conn.Close()))
	}
	if err := w.mark.write(); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	// Only a store that could be read is checkpointed into one file on close.
	if _, err := conn.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, false); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return w, nil
}

// unreadable adds the path to an error, and a remedy if the file is damaged.
func unreadable(path string, err error) error {
	if errors.Is(err, sqlite3.IOERR_DATA) {
		err = fmt.Errorf("%w: the checksum of a page does not match; the file is damaged, or another program has written to it: "+
			"to open what a killed server has left with sqlite3 is enough", err)
	}
	err = fmt.Errorf("%s: %w", path, err)
	if !damaged(err) {
		return err
	}
	return fmt.Errorf("%w; nothing was changed: restore the directory from a backup, or move it away to "+
		"start with an empty log (all events, room profiles and keys in it are then out of reach)", err)
}

// openDatabase opens the file, creates it if there is none, and brings its schema
// to the version of this program.
func openDatabase(c Config) (*conn, error) {
	size, err := sizeOf(c.path())
	if err != nil {
		return nil, err
	}
	if wal, err := sizeOf(c.path() + "-wal"); err != nil {
		return nil, err
	} else if size <= 0 && wal > 0 {
		return nil, fmt.Errorf("the file is missing or empty, but %s-wal is not, and holds events that belong to it; "+
			"restore both from a backup, or move the second away", fileName)
	}
	if err := checkFiles(c); err != nil {
		return nil, err
	}
	if size < 0 && c.VFS == "" {
		// SQLite would create it readable for others.
		f, err := os.OpenFile(c.path(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return nil, err
		}
		if err := f.Close(); err != nil {
			return nil, err
		}
	}
	conn, err := dial(c.path(), c.VFS, sqlite3.OPEN_READWRITE|sqlite3.OPEN_CREATE)
	if err != nil {
		return nil, err
	}
	if err = setUp(conn, c); err == nil && c.VFS == "" {
		err = keepPrivate(c.path()+"-wal", c.path()+"-shm")
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// keepPrivate lets only the owner read files that the driver has created with the mode of the
// process. They stay until the database is closed.
func keepPrivate(paths ...string) error {
	for _, path := range paths {
		if err := os.Chmod(path, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// setUp prepares the writer's connection and migrates the schema.
func setUp(c *conn, config Config) error {
	if err := c.BusyTimeout(lockPatience); err != nil {
		return err
	}
	version, err := c.integer(`PRAGMA user_version`)
	if err != nil {
		return err
	}
	tables, err := c.integer(`SELECT count(*) FROM sqlite_schema`)
	if err != nil {
		return err
	}
	application, err := c.integer(`PRAGMA application_id`)
	if err != nil {
		return err
	}
	switch {
	case tables > 0 && application != applicationID:
		return errors.New("this is a database of another program; nothing was changed")
	case version > int64(len(migrations)):
		return newerSchema(version)
	case tables == 0:
		if err := format(c, config); err != nil {
			return fmt.Errorf("create the database: %w", err)
		}
	}
	synchronous := "FULL"
	if config.NoFsync {
		synchronous = "OFF"
	}
	err = c.Exec(`PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; PRAGMA wal_autocheckpoint = 4000;
		PRAGMA journal_size_limit = 16777216; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;
		PRAGMA foreign_keys = OFF; PRAGMA synchronous = ` + synchronous)
	if err != nil {
		return err
	}
	if err := migrate(c, int(version)); err != nil || config.NoFsync {
		return err
	}
	// What a killed process has written can be read, but may not be on disk yet.
	return c.syncLog()
}

// databasePageSize is in bytes.
const databasePageSize = 8192

// format gives an empty database its page size and checksums.
func format(c *conn, config Config) error {
	if err := c.Exec(fmt.Sprintf(`PRAGMA page_size = %d`, databasePageSize)); err != nil {
		return err
	}
	if err := c.EnableChecksums("main"); err != nil {
		return err
	}
	return durable.SyncDir(config.Dir)
}

// migrate brings the schema from a version to the last one.
func migrate(c *conn, version int) error {
	for ; version < len(migrations); version++ {
		err := c.transact(func() error {
			if err := c.Exec(migrations[version]); err != nil {
				return err
			}
			return c.Exec(fmt.Sprintf(`PRAGMA application_id = %d; PRAGMA user_version = %d`, applicationID, version+1))
		})
		if err != nil {
			return fmt.Errorf("bring the schema to version %d: %w", version+1, err)
		}
	}
	return nil
}

// load fills a store from its database.
func (w *writer) load(ctx context.Context, had *highwater) error {
	statements := w.statements()
	if err := w.conn.prepare(statements); err != nil {
		return err
	}
	m, err := readMeta(w.conn)
	if err != nil {
		return fmt.Errorf("read what the database says of itself: %w", err)
	}
	last, err := w.conn.integer(`SELECT ifnull(max(pos), 0) FROM events`)
	if err != nil {
		return fmt.Errorf("look for the last event: %w", err)
	}
	w.next = max(uint64(m.next), uint64(last)+1)
	w.revision, w.erased, w.scrubbed = uint64(m.revision), m.erased, m.scrubbed
	w.recorded = w.scrubbed
	w.reclaim.dead, w.index.complete = m.dead, uint64(m.indexed)
	if err := w.settleEpoch(ctx, &m, had); err != nil {
		return err
	}
	if err := w.loadRooms(); err != nil {
		return fmt.Errorf("read the rooms: %w", err)
	}
	now := w.config.now().UnixMilli()
	keysFrom, err := w.keys.open(w.conn, now)
	if err != nil {
		return err
	}
	if err := w.loadTail(uint64(m.indexed), keysFrom); err != nil {
		return fmt.Errorf("read the last events: %w", err)
	}
	if err := w.loadEvicted(); err != nil {
		return fmt.Errorf("look for evicted events: %w", err)
	}
	for _, r := range w.rooms {
		w.retention.grow(r, r.bytes, r.events)
		if r.events > w.config.RoomEvents {
			w.retention.over = append(w.retention.over, r)
		}
	}
	return w.retain()
}

// meta is the row of the table of that name.
type meta struct {
	lineage, epoch                                  string
	next, indexed, revision, erased, scrubbed, dead int64
}

// readMeta returns the row, with empty texts if the database is new.
func readMeta(c *conn) (m meta, err error) {
	err = c.queryOnce(`SELECT lineage, epoch, next, indexed, revision, erased, scrubbed, dead FROM meta`, func(s *sqlite3.Stmt) error {
		m.lineage, m.epoch = s.ColumnText(0), s.ColumnText(1)
		for i, into := range []*int64{&m.next, &m.indexed, &m.revision, &m.erased, &m.scrubbed, &m.dead} {
			*into = s.ColumnInt64(i + 2)
		}
		return nil
	})
	return m, err
}

// settleEpoch compares the database with its mark. A database that is new, shorter than it
// was, or another one gets a new epoch.
func (w *writer) settleEpoch(ctx context.Context, m *meta, had *highwater) error {
	lost := ""
	switch {
	case had == nil:
	case m.lineage == "":
		lost = "the database is gone"
	case had.Lineage != m.lineage:
		lost = "this is another database than the one that was here"
	case had.Epoch != m.epoch:
		lost = "this is an older copy of the database"
	case had.Next > w.next:
		lost = "the database ends earlier than it did"
	}
	if m.lineage == "" {
		m.lineage, m.next = rand.Text(), 1
		w.next = 1
	} else if lost == "" {
		w.useEpoch(m)
		if had != nil {
			w.mark.written = *had
			w.mark.written.Sum = 0
		}
		return nil
	}
	if lost != "" {
		before := w.next
		w.next = max(w.next, had.Next) + markSlack
		w.log.ErrorContext(ctx, "events are lost: "+lost+"; the log gets a new epoch, and clients start over",
			"file", w.config.path(), "last", before-1, "last_before", had.Next-1)
	}
	m.epoch = rand.Text()
	err := w.conn.transact(func() error { return writeMeta(w.conn, *m, w.next) })
	if err != nil {
		return fmt.Errorf("write the epoch: %w", err)
	}
	w.useEpoch(m)
	return nil
}

func (w *writer) useEpoch(m *meta) {
	w.epoch = m.epoch
	w.mark.value = highwater{Lineage: m.lineage, Epoch: m.epoch, Next: w.next}
}

// writeMeta writes the row.
func writeMeta(c *conn, m meta, next uint64) error {
	s, _, err := c.Prepare(`INSERT OR REPLACE INTO meta(next, indexed, revision, erased, scrubbed, dead, id, lineage, epoch)
		VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)`)
	if err != nil {
		return err
	}
	err = errors.Join(bind(s, int64(next), m.indexed, m.revision, m.erased, m.scrubbed, m.dead),
		s.BindText(7, m.lineage), s.BindText(8, m.epoch))
	if err == nil {
		err = s.Exec()
	}
	return errors.Join(err, s.Close())
}

func (w *writer) loadRooms() error {
	return w.conn.queryOnce(`SELECT id, name, through, first, last, evicted, buried, events, bytes,
		counted, erased, oldest, newest FROM rooms`, func(s *sqlite3.Stmt) error {
		r := &room{
			id: s.ColumnInt64(0), name: s.ColumnText(1), through: uint64(s.ColumnInt64(2)),
			first: uint64(s.ColumnInt64(3)), last: uint64(s.ColumnInt64(4)), evicted: uint64(s.ColumnInt64(5)),
			buried: uint64(s.ColumnInt64(6)), events: s.ColumnInt(7), bytes: s.ColumnInt64(8),
			counted: uint64(s.ColumnInt64(9)), erased: uint64(s.ColumnInt64(10)),
			oldest: s.ColumnInt64(11), newest: s.ColumnInt64(12), heap: -1,
		}
		if r.events == 0 {
			r.first, r.last = 0, 0
		}
		w.rooms[r.name], w.byID[r.id] = r, r
		w.last = max(w.last, r.newest)
		return nil
	})
}

// loadTail reads the events that are not in the indexes, and the keys that are in
// no segment.
func (w *writer) loadTail(indexed, keys uint64) error {
	return w.conn.queryOnce(`SELECT pos, room, n, at, gone, flags, target, author, length(payload), key
		FROM events WHERE pos > ? AND seq IS NULL ORDER BY pos`, func(s *sqlite3.Stmt) error {
		e := entry{
			seq: uint64(s.ColumnInt64(0)), n: uint64(s.ColumnInt64(2)), at: s.ColumnInt64(3), flags: s.ColumnInt64(5),
			target: uint64(s.ColumnInt64(6)), author: s.ColumnInt64(7), size: s.ColumnInt64(8) + overhead,
		}
		w.last = max(w.last, e.at)
		if e.seq > keys {
			key := keyRecord{seq: e.seq, at: e.at}
			if copy(key.digest[:], s.ColumnRawBlob(9)) < len(key.digest) {
				return fmt.Errorf("the key of event %d has too few bytes: %w", e.seq, sqlite3.CORRUPT)
			}
			w.keys.add(key)
		}
		if e.seq <= indexed {
			return nil
		}
		r := w.byID[s.ColumnInt64(1)]
		if r == nil {
			return fmt.Errorf("event %d is of room %d, which is not there: %w", e.seq, s.ColumnInt64(1), sqlite3.CORRUPT)
		}
		w.replay(r, e, s.ColumnInt64(4) != 0)
		return nil
	}, int64(min(indexed, keys)))
}

// replay adds an event that is not in the indexes to its room.
func (w *writer) replay(r *room, e entry, gone bool) {
	w.index.append(r)
	isNew := e.seq > r.through
	if isNew && e.counted() {
		r.counted++
	}
	switch {
	case gone:
		if isNew && e.counted() {
			r.erased++
		}
		return
	case e.seq <= r.evicted:
		w.retention.evicted = append(w.retention.evicted, evictedEvent{victim{entry: e, pos: e.seq}, r})
		return
	case isNew:
		r.add(e)
	default:
		r.unindexed = append(r.unindexed, e)
	}
	if e.target != 0 {
		w.pending[e.target] = append(w.pending[e.target], pendingChange{r, e.seq})
	}
}

// loadEvicted loads the events that are evicted and not overwritten yet.
func (w *writer) loadEvicted() error {
	for _, r := range w.rooms {
		if r.buried >= r.evicted {
			continue
		}
		s := w.retention.oldest
		err := query(s, func() error {
			w.retention.evicted = append(w.retention.evicted, evictedEvent{victimOf(s), r})
			return nil
		}, r.id, int64(r.buried), int64(r.evicted)+1, maxSequence)
		if err != nil {
			return err
		}
	}
	return nil
}
