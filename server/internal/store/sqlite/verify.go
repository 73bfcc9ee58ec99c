package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// maxFindings is how many findings of one kind Verify reports.
const maxFindings = 20

// Report is what Verify found.
type Report struct {
	Epoch   string
	Rooms   int
	Events  int    // that are retained
	Gone    int    // rows of events that were erased or evicted
	Records int    // of the state
	Last    uint64 // the last sequence that was given
	// Unscrubbed is how many erased events may still be in the write-ahead log.
	Unscrubbed int
	// Made is when a backup was made. It is zero for a store.
	Made time.Time
	// Findings are what is wrong, in plain words. None means that everything that
	// was checked is as it should be.
	Findings []string
}

// Verify checks the store of a directory, which may be in use: it works on a copy
// that it makes in the system's directory for temporary files, of the size of the
// database. It returns an error only if it could not check.
func Verify(ctx context.Context, dir string) (Report, error) {
	path := filepath.Join(dir, fileName)
	path, err := filepath.Abs(path)
	if err != nil {
		return Report{}, fmt.Errorf("sqlite: verify: %w", err)
	}
	if _, err := os.Stat(path); err != nil {
		return Report{}, fmt.Errorf("sqlite: verify: %w", err)
	}
	// Before the copy, which is not older than it then.
	had, markErr := readMark(filepath.Dir(path))
	v := &verifier{ctx: ctx, had: had}
	if markErr != nil {
		v.find("%v", markErr)
	}
	if err := checkFilesInUse(Config{Dir: filepath.Dir(path)}); err != nil {
		v.find("%v", err)
	}
	if err := v.checkCopy(path); err != nil {
		return v.report, fmt.Errorf("sqlite: verify: %w", causeOf(ctx, err))
	}
	return v.report, nil
}

// verifier checks a database.
type verifier struct {
	ctx    context.Context
	conn   *conn
	had    *highwater
	noMark bool // the database need not have one
	report Report
	meta   meta
	rooms  map[int64]*verifiedRoom
	// unreadable says that the database could not be copied.
	unreadable bool
}

// verifiedRoom is what a room's row says, and what its events do.
type verifiedRoom struct {
	name                         string
	through, first, last         uint64
	evicted                      uint64
	events, bytes                int64
	counted                      uint64
	seenEvents, seenBytes        int64
	seenFirst, seenLast, seenRun uint64
}

func (v *verifier) find(format string, args ...any) {
	v.report.Findings = append(v.report.Findings, fmt.Sprintf(format, args...))
}

// checkCopy checks a copy of a database.
func (v *verifier) checkCopy(path string) error {
	temporary, err := os.MkdirTemp("", "chatroom-verify-*")
	if err != nil {
		return err
	}
	err = v.run(path, filepath.Join(temporary, fileName))
	return errors.Join(withSpace(filepath.Dir(temporary), err), os.RemoveAll(temporary))
}

// run copies a database to a file and checks the copy.
func (v *verifier) run(path, copied string) error {
	if err := v.copyFrom(path, copied, ""); err != nil || v.unreadable {
		return err
	}
	if err := v.upgrade(copied); err != nil || v.unreadable {
		return err
	}
	return v.checkFile(copied)
}

// copyFrom copies a database. Pages that can't be copied are a finding.
func (v *verifier) copyFrom(path, copied, vfs string) error {
	err := copyDatabase(v.ctx, path, copied, vfs)
	if !damaged(err) {
		return err
	}
	v.unreadable = true
	v.find("a page of %s can't be read: %s; the file is damaged, or another SQLite program has written to it; events, rooms or indexes on the page are lost: restore a backup", path, describe(err))
	return nil
}

// describe says why data can't be read. For a checksum that does not match, SQLite's own text is that
// of a disk error.
func describe(err error) string {
	if errors.Is(err, sqlite3.IOERR_DATA) {
		return "the checksum does not match"
	}
	return err.Error()
}

// upgrade brings a copy of an earlier release to the schema that is checked.
func (v *verifier) upgrade(copied string) error {
	older, err := isOlder(copied)
	if err == nil && older {
		var c *conn
		if c, err = dial(copied, "", sqlite3.OPEN_READWRITE); err == nil {
			c.SetInterrupt(v.ctx)
			err = errors.Join(c.upgrade(), c.Close())
		}
	}
	if damaged(err) {
		v.unreadable = true
		v.find("the database can't be read: %s", describe(err))
		return nil
	}
	return err
}

// isOlder reports whether the schema of a database is that of an earlier release.
func isOlder(path string) (bool, error) {
	c, err := dial(path, "", sqlite3.OPEN_READONLY)
	if err != nil {
		return false, err
	}
	version, err := c.integer(`PRAGMA user_version`)
	return version < int64(len(migrations)), errors.Join(err, c.Close())
}

// checkFile checks a database that is not in use.
func (v *verifier) checkFile(path string) error {
	c, err := dial(path, "", sqlite3.OPEN_READONLY)
	if err != nil {
		return err
	}
	c.SetInterrupt(v.ctx)
	v.conn = c
	err = v.check()
	if damaged(err) {
		v.find("the database can't be read further: %s", describe(err))
		err = nil
	}
	return errors.Join(err, c.Close())
}

// check runs all checks.
func (v *verifier) check() error {
	version, err := v.conn.integer(`PRAGMA user_version`)
	if err != nil {
		return err
	}
	if version != int64(len(migrations)) {
		v.find("the schema has version %d, and this program checks version %d", version, len(migrations))
		return nil
	}
	for _, check := range []func() error{
		v.checkIntegrity, v.checkMeta, v.loadRooms, v.checkRows, v.checkTimelines, v.checkRooms,
		v.checkIndexes, v.checkKeys,
	} {
		if err := v.ctx.Err(); err != nil {
			return err
		}
		if err := check(); err != nil {
			return err
		}
	}
	records, err := v.conn.integer(`SELECT count(*) FROM state`)
	v.report.Records = int(records)
	return err
}

func (v *verifier) checkIntegrity() error {
	return v.conn.queryOnce(fmt.Sprintf(`PRAGMA integrity_check(%d)`, maxFindings), func(s *sqlite3.Stmt) error {
		if text := s.ColumnText(0); text != "ok" {
			v.find("SQLite finds the structure of the database damaged: %s", text)
		}
		return nil
	})
}

// checkMeta compares the database to its high-water mark.
func (v *verifier) checkMeta() error {
	m, err := readMeta(v.conn)
	if err != nil {
		return err
	}
	last, err := v.conn.integer(`SELECT ifnull(max(pos), 0) FROM events`)
	if err != nil {
		return err
	}
	next := max(uint64(m.next), uint64(last)+1)
	v.meta, v.report.Epoch, v.report.Last, v.report.Unscrubbed = m, m.epoch, next-1, int(m.erased-m.scrubbed)
	switch {
	case m.lineage == "":
		v.find("the database does not say which it is: its table meta is empty")
	case v.had == nil && v.noMark:
	case v.had == nil:
		v.find("there is no high-water mark: a log that has lost events would not be noticed")
	case v.had.Lineage != m.lineage:
		v.find("the high-water mark is of another database: the next start gives the log a new epoch")
	case v.had.Epoch != m.epoch:
		v.find("the high-water mark has epoch %s and the database %s: the next start gives the log a new epoch", v.had.Epoch, m.epoch)
	case v.had.Next > next:
		v.find("the log had come to sequence %d and ends at %d: events are lost", v.had.Next-1, next-1)
	}
	return nil
}

func (v *verifier) loadRooms() error {
	v.rooms = make(map[int64]*verifiedRoom)
	return v.conn.queryOnce(`SELECT id, name, through, first, last, evicted, events, bytes, counted FROM rooms`, func(s *sqlite3.Stmt) error {
		v.rooms[s.ColumnInt64(0)] = &verifiedRoom{
			name: s.ColumnText(1), through: uint64(s.ColumnInt64(2)), first: uint64(s.ColumnInt64(3)),
			last: uint64(s.ColumnInt64(4)), evicted: uint64(s.ColumnInt64(5)), events: s.ColumnInt64(6),
			bytes: s.ColumnInt64(7), counted: uint64(s.ColumnInt64(8)),
		}
		v.report.Rooms++
		return nil
	})
}

// checkRows reads every event.
func (v *verifier) checkRows() error {
	limited := v.limit()
	var at int64
	return v.conn.queryOnce(`SELECT ifnull(seq, pos), room, gone, crc, payload, seq IS NULL, at, pos FROM events ORDER BY pos`, func(s *sqlite3.Stmt) error {
		seq, payload := uint64(s.ColumnInt64(0)), s.ColumnRawBlob(4)
		r := v.rooms[s.ColumnInt64(1)]
		if r == nil {
			limited("event %d is of a room that is not there", seq)
			return nil
		}
		if s.ColumnInt64(5) != 0 {
			if s.ColumnInt64(6) < at {
				limited("event %d of room %q is older than the one before it", seq, r.name)
			}
			at = s.ColumnInt64(6)
		}
		if s.ColumnInt64(2) != 0 {
			v.report.Gone++
			if len(bytes.Trim(payload, "\x00")) > 0 {
				limited("event %d of room %q was erased or evicted, and its payload is still there", seq, r.name)
			}
			return nil
		}
		if s.ColumnInt64(3) != int64(sealCRC(payloadCRC(r.name, payload), seq)) {
			limited("event %d of room %q is damaged: its checksum does not match", seq, r.name)
		}
		return v.ctx.Err()
	})
}

// limit returns find, for so many findings of one kind.
func (v *verifier) limit() func(format string, args ...any) {
	n := 0
	return func(format string, args ...any) {
		switch n++; {
		case n <= maxFindings:
			v.find(format, args...)
		case n == maxFindings+1:
			v.find("and more of this kind")
		}
	}
}

// allEvents are the rows that can be read, by room and sequence.
const allEvents = `SELECT room, ifnull(seq, pos) AS sequence, n, flags, length(payload) FROM events WHERE gone = 0 ORDER BY room, sequence`

// checkTimelines goes through each room in order: the running number of counted
// events grows with them.
func (v *verifier) checkTimelines() error {
	limited := v.limit()
	return v.conn.queryOnce(allEvents, func(s *sqlite3.Stmt) error {
		r := v.rooms[s.ColumnInt64(0)]
		seq := uint64(s.ColumnInt64(1))
		if r == nil || seq <= r.evicted {
			return nil
		}
		v.report.Events++
		e := entry{seq: seq, n: uint64(s.ColumnInt64(2)), flags: s.ColumnInt64(3)}
		switch {
		case seq == r.seenLast:
			limited("event %d of room %q is there twice", seq, r.name)
		case e.n < r.seenRun || e.counted() && e.n == r.seenRun:
			limited("event %d of room %q has the running number %d after %d", seq, r.name, e.n, r.seenRun)
		}
		r.seenLast, r.seenRun = seq, e.n
		if seq <= r.through {
			r.seenEvents++
			r.seenBytes += s.ColumnInt64(4) + overhead
			if r.seenFirst == 0 {
				r.seenFirst = seq
			}
		}
		return nil
	})
}

// checkRooms compares the rows of rooms to their events.
func (v *verifier) checkRooms() error {
	limited := v.limit()
	for _, r := range v.rooms {
		if r.events != r.seenEvents || r.bytes != r.seenBytes {
			limited("room %q has %d events of %d bytes up to sequence %d, and its row says %d of %d",
				r.name, r.seenEvents, r.seenBytes, r.through, r.events, r.bytes)
		}
		if r.events > 0 && r.first != r.seenFirst {
			limited("room %q begins with event %d, and its row says %d", r.name, r.seenFirst, r.first)
		}
	}
	return nil
}

// checkIndexes compares the indexes to the events, in both directions.
func (v *verifier) checkIndexes() error {
	for _, check := range []struct{ sql, finding string }{
		{`SELECT e.room, ifnull(e.seq, e.pos) FROM events e JOIN rooms r ON r.id = e.room
		  WHERE e.gone = 0 AND ifnull(e.seq, e.pos) <= ?1 AND ifnull(e.seq, e.pos) > r.evicted AND NOT EXISTS
		  (SELECT 1 FROM timeline t WHERE t.room = e.room AND t.seq = ifnull(e.seq, e.pos) AND ifnull(t.pos, t.seq) = e.pos)`,
			"event %[2]d of room %[1]q is not in the room's timeline: no reader gets it"},
		{`SELECT t.room, t.seq FROM timeline t JOIN rooms r ON r.id = t.room
		  WHERE t.seq > r.evicted AND ?1 >= 0 AND NOT EXISTS
		  (SELECT 1 FROM events e WHERE e.pos = ifnull(t.pos, t.seq) AND e.room = t.room AND e.gone = 0)`,
			"the timeline of room %[1]q has event %[2]d, which is not there or erased"},
		{`SELECT e.room, ifnull(e.seq, e.pos) FROM events e JOIN rooms r ON r.id = e.room
		  WHERE e.gone = 0 AND e.flags & 8 AND ifnull(e.seq, e.pos) <= ?1 AND ifnull(e.seq, e.pos) > r.evicted AND NOT EXISTS
		  (SELECT 1 FROM counted c WHERE c.room = e.room AND c.seq = ifnull(e.seq, e.pos) AND c.n = e.n AND c.author = e.author)`,
			"event %[2]d of room %[1]q is not counted as it should be"},
		{`SELECT c.room, c.seq FROM counted c JOIN rooms r ON r.id = c.room
		  WHERE c.seq > r.evicted AND ?1 >= 0 AND NOT EXISTS (SELECT 1 FROM timeline t WHERE t.room = c.room AND t.seq = c.seq)`,
			"event %[2]d of room %[1]q is counted, and is not there or erased"},
		{`SELECT e.room, ifnull(e.seq, e.pos) FROM events e JOIN rooms r ON r.id = e.room
		  WHERE e.gone = 0 AND e.target > 0 AND ifnull(e.seq, e.pos) <= ?1 AND ifnull(e.seq, e.pos) > r.evicted AND NOT EXISTS
		  (SELECT 1 FROM changes c WHERE c.target = e.target AND c.relation = e.flags & 7 AND c.seq = ifnull(e.seq, e.pos))`,
			"event %[2]d of room %[1]q is not known as a change of its target"},
	} {
		limited := v.limit()
		err := v.conn.queryOnce(check.sql, func(s *sqlite3.Stmt) error {
			name := ""
			if r := v.rooms[s.ColumnInt64(0)]; r != nil {
				name = r.name
			}
			limited(check.finding, name, s.ColumnInt64(1))
			return v.ctx.Err()
		}, v.meta.indexed)
		if err != nil {
			return err
		}
	}
	return nil
}

// checkKeys compares the segments of keys to the events that are still there.
func (v *verifier) checkKeys() error {
	event, _, err := v.conn.Prepare(`SELECT key FROM events WHERE pos = ? AND seq IS NULL`)
	if err != nil {
		return err
	}
	limited := v.limit()
	err = v.conn.queryOnce(`SELECT last, first, keys FROM key_segments ORDER BY last`, func(s *sqlite3.Stmt) error {
		one := segment{last: uint64(s.ColumnInt64(0)), first: uint64(s.ColumnInt64(1))}
		previous, problem := uint64(0), error(nil)
		err := decodeKeys(one, s.ColumnRawBlob(2), func(r keyRecord) {
			if r.seq <= previous || r.seq > one.last {
				limited("the keys up to sequence %d have %d after %d", one.last, r.seq, previous)
			}
			previous = r.seq
			err := query(event, func() error {
				if !bytes.Equal(event.ColumnRawBlob(0), r.digest[:]) {
					limited("the key of event %d is not the one in the segment up to %d", r.seq, one.last)
				}
				return nil
			}, int64(r.seq))
			problem = errors.Join(problem, err)
		})
		if damaged(err) {
			limited("%v", err)
			err = nil
		}
		return errors.Join(err, problem, v.ctx.Err())
	})
	return errors.Join(err, event.Close())
}
