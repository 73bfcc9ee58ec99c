package sqlite

import (
	"errors"
	"fmt"
	"net/url"
	"slices"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// applicationID marks a database as a chatroom's, in its header.
const applicationID = 0x63686174

// migrations bring a database from each version of its schema to the next. A
// database's version is how many of them it has seen.
var migrations = []string{schema}

// schema is version 1.
//
// Rows of events are only ever appended at the right end of the table and deleted
// at its left end. An event that is erased or evicted in between is overwritten
// in place, at the same size, since deletes in the middle make SQLite merge pages
// and leave copies of other rows in their free space. A row that has to make way
// is appended again: pos is where it stands, seq what it is called.
//
// The three indexes are tables of their own because they are filled in bulk, some
// thousand events later: one append would touch a page in each of them.
const schema = `
CREATE TABLE meta (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  lineage  TEXT    NOT NULL,  -- random: names this database and its copies
  epoch    TEXT    NOT NULL,
  next     INTEGER NOT NULL,  -- no sequence below is given again
  indexed  INTEGER NOT NULL,  -- the indexes hold every event up to it
  revision INTEGER NOT NULL,  -- the last of the records in state
  erased   INTEGER NOT NULL,  -- how many events were overwritten
  scrubbed INTEGER NOT NULL,  -- how many of them are in no file any more
  dead     INTEGER NOT NULL   -- how many rows of events are gone, about
) STRICT;

CREATE TABLE rooms (
  id       INTEGER PRIMARY KEY,
  name     TEXT    NOT NULL UNIQUE,
  through  INTEGER NOT NULL,  -- the rest of the row is as of this sequence
  first    INTEGER NOT NULL,  -- the oldest retained event, 0 for none
  last     INTEGER NOT NULL,  -- the newest retained event, 0 for none
  evicted  INTEGER NOT NULL,  -- the newest event that retention dropped
  buried   INTEGER NOT NULL,  -- of those, all up to it are overwritten
  events   INTEGER NOT NULL,  -- how many are retained
  bytes    INTEGER NOT NULL,  -- what they take
  counted  INTEGER NOT NULL,  -- how many Counted events were ever stored
  erased   INTEGER NOT NULL,  -- how many Counted events were ever erased
  oldest   INTEGER NOT NULL,  -- when first was stored, Unix milliseconds
  newest   INTEGER NOT NULL   -- when last was stored, Unix milliseconds
) STRICT;

CREATE TABLE events (
  pos      INTEGER PRIMARY KEY,
  seq      INTEGER,           -- NULL for pos
  room     INTEGER NOT NULL,
  n        INTEGER NOT NULL,  -- how many Counted events the room had, this one included
  at       INTEGER NOT NULL,  -- Unix milliseconds, never less than the row before
  gone     INTEGER NOT NULL,  -- 1: erased or evicted, the payload is zeros
  flags    INTEGER NOT NULL,  -- the relation, and 8 for Counted
  target   INTEGER NOT NULL,
  author   INTEGER NOT NULL,  -- 8 bytes of a digest, 0 for nobody
  crc      INTEGER NOT NULL,  -- CRC-32C of room, 0, payload, sequence
  key      BLOB    NOT NULL,  -- 16 bytes of SHA-256(room, 0, key)
  payload  BLOB    NOT NULL
) STRICT;

CREATE TABLE timeline (       -- the retained events of a room
  room     INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  pos      INTEGER,           -- NULL for seq
  PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE counted (        -- those of them that are Counted
  room     INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  n        INTEGER NOT NULL,
  author   INTEGER NOT NULL,
  PRIMARY KEY (room, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (        -- those that have a target
  target   INTEGER NOT NULL,
  relation INTEGER NOT NULL,
  seq      INTEGER NOT NULL,
  PRIMARY KEY (target, relation, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE key_segments (   -- the keys of the dedup window, see keys.go
  last     INTEGER PRIMARY KEY,
  first    INTEGER NOT NULL,
  newest   INTEGER NOT NULL,  -- when last was stored, Unix milliseconds
  keys     BLOB    NOT NULL
) STRICT;

CREATE TABLE state (
  key      TEXT    NOT NULL PRIMARY KEY,
  value    BLOB    NOT NULL,
  revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
`

// conn is a connection and its prepared statements.
type conn struct {
	*sqlite3.Conn
	statements []*sqlite3.Stmt
}

// dial opens a connection to a database file, which it creates only with OPEN_CREATE.
// Closing it leaves a write-ahead log that was there before as it is.
func dial(path, vfs string, flags sqlite3.OpenFlag) (*conn, error) {
	log, err := sizeOf(path + "-wal")
	if err != nil {
		return nil, err
	}
	uri := url.URL{Scheme: "file", Path: path}
	if vfs != "" {
		uri.RawQuery = url.Values{"vfs": {vfs}}.Encode()
	}
	c, err := sqlite3.OpenFlags(uri.String(), flags|sqlite3.OPEN_URI)
	if err != nil {
		return nil, err
	}
	if _, err := c.Config(sqlite3.DBCONFIG_NO_CKPT_ON_CLOSE, log > 0); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &conn{Conn: c}, nil
}

// Close closes the connection with its statements.
func (c *conn) Close() error {
	var errs []error
	for _, s := range slices.Backward(c.statements) {
		errs = append(errs, s.Close())
	}
	c.statements = nil
	return errors.Join(append(errs, c.Conn.Close())...)
}

// prepare fills statements by their SQL.
func (c *conn) prepare(statements map[string]**sqlite3.Stmt) error {
	for sql, into := range statements {
		s, _, err := c.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
		if err != nil {
			return fmt.Errorf("prepare %s: %w", sql, err)
		}
		c.statements = append(c.statements, s)
		*into = s
	}
	return nil
}

// bind binds integers to the first parameters of a statement.
func bind(s *sqlite3.Stmt, values ...int64) error {
	for i, v := range values {
		if err := s.BindInt64(i+1, v); err != nil {
			return err
		}
	}
	return nil
}

// run executes a statement that returns no rows.
func run(s *sqlite3.Stmt, values ...int64) error {
	if err := bind(s, values...); err != nil {
		return err
	}
	return s.Exec()
}

// query calls row for each row of a statement, with integers bound.
func query(s *sqlite3.Stmt, row func() error, values ...int64) error {
	if err := bind(s, values...); err != nil {
		return err
	}
	return each(s, row)
}

// each calls row for each row of a statement whose parameters are bound.
func each(s *sqlite3.Stmt, row func() error) error {
	for s.Step() {
		if err := row(); err != nil {
			return errors.Join(err, s.Reset())
		}
	}
	err := s.Err()
	if reset := s.Reset(); err == nil {
		err = reset
	}
	return err
}

// queryOnce is query for SQL that is used once.
func (c *conn) queryOnce(sql string, row func(*sqlite3.Stmt) error, values ...int64) error {
	s, _, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	return errors.Join(query(s, func() error { return row(s) }, values...), s.Close())
}

// integer returns the first column of the only row of a query, 0 without a row.
func (c *conn) integer(sql string) (int64, error) {
	var v int64
	err := c.queryOnce(sql, func(s *sqlite3.Stmt) error {
		v = s.ColumnInt64(0)
		return nil
	})
	return v, err
}

// transact runs fn in a transaction that is committed unless fn fails.
func (c *conn) transact(fn func() error) error {
	if err := c.Exec(`BEGIN IMMEDIATE`); err != nil {
		return err
	}
	err := fn()
	if err == nil {
		err = c.Exec(`COMMIT`)
	}
	if err != nil && !c.GetAutocommit() {
		err = errors.Join(err, c.Exec(`ROLLBACK`))
	}
	return err
}

// syncLog syncs the write-ahead log, and so what SQLite leaves to the next commit:
// that it is truncated, and what a process that was killed had written to it.
func (c *conn) syncLog() error {
	log, err := c.FileControl("main", sqlite3.FCNTL_JOURNAL_POINTER)
	if err != nil {
		return err
	}
	file, ok := log.(vfs.File)
	if !ok {
		return nil // nothing is in it
	}
	return file.Sync(vfs.SYNC_NORMAL)
}
