package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/chat"
)

// reader is a connection that reads. Its transactions last as long as a call:
// while one is open the write-ahead log can't be emptied.
type reader struct {
	*conn
	begin, commit                   *sqlite3.Stmt
	forward, back, previous, single *sqlite3.Stmt
	changes                         *sqlite3.Stmt
	authors, running                *sqlite3.Stmt
	rooms                           *sqlite3.Stmt
	record, records                 *sqlite3.Stmt
}

const eventsOfRoom = `SELECT t.seq, e.payload, e.crc, e.gone
	FROM timeline t CROSS JOIN events e ON e.pos = ifnull(t.pos, t.seq)
	WHERE t.room = ? AND t.seq > ? AND t.seq < ? ORDER BY t.seq `

func openReader(c Config) (*reader, error) {
	conn, err := dial(c.path(), c.VFS, sqlite3.OPEN_READWRITE)
	if err != nil {
		return nil, err
	}
	r := &reader{conn: conn}
	err = r.Exec(`PRAGMA query_only = 1; PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = 5000`)
	if err == nil {
		err = r.prepare(map[string]**sqlite3.Stmt{
			`BEGIN`:                       &r.begin,
			`COMMIT`:                      &r.commit,
			eventsOfRoom + `LIMIT ?`:      &r.forward,
			eventsOfRoom + `DESC LIMIT ?`: &r.back,
			`SELECT payload, crc, gone FROM events WHERE pos = ?`:                                       &r.single,
			`SELECT seq FROM timeline WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT 1`: &r.previous,
			`SELECT t.seq, e.payload, e.crc, e.gone FROM changes c
			 CROSS JOIN timeline t ON t.room = ? AND t.seq = c.seq
			 CROSS JOIN events e ON e.pos = ifnull(t.pos, t.seq)
			 WHERE c.target = ? AND c.relation IN (1, 2, 3) AND c.seq > ? AND c.seq < ?`: &r.changes,
			`SELECT author FROM counted WHERE room = ? AND seq > ? AND seq < ?`:                 &r.authors,
			`SELECT n FROM counted WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq LIMIT 1`: &r.running,
			`SELECT name FROM rooms WHERE name > ? ORDER BY name LIMIT ?`:                       &r.rooms,
			`SELECT value, revision FROM state WHERE key = ?`:                                   &r.record,
			`SELECT key, value, revision FROM state WHERE key > ? AND key >= ? AND key < ?
			 ORDER BY key LIMIT ?`: &r.records,
		})
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return r, nil
}

// read calls fn with a connection, in a transaction.
func (s *Store) read(ctx context.Context, fn func(*reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.stop:
		return chat.ErrStoreClosed
	default:
	}
	select {
	case r := <-s.readers:
		defer func() { s.readers <- r }()
		if err := r.begin.Exec(); err != nil {
			return err
		}
		err := fn(r)
		if r.GetAutocommit() {
			return err // which has ended the transaction
		}
		return errors.Join(err, r.commit.Exec())
	case <-s.stop:
		return chat.ErrStoreClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maxRows is a limit above any number of rows.
const maxRows = 1 << 30

const (
	// attempts is how often a read is made because events disappear meanwhile.
	attempts = 100
	// repeats is how many of them follow at once, and repeatWait the time before each of
	// the others: the writer may be between the commit that erases events and the update of
	// what is in memory, and needs the processor.
	repeats    = 10
	repeatWait = 5 * time.Millisecond
)

// beforeAttempt waits as long as is due before an attempt.
func beforeAttempt(ctx context.Context, attempt int) error {
	if attempt <= repeats {
		return nil
	}
	select {
	case <-time.After(repeatWait):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// page is a part of a room's events.
type page struct {
	name      string
	low, high uint64 // exclusive bounds of the sequences
	limit     int
	newest    bool // select the newest of those, not the oldest

	// Copied from memory.
	id        int64
	floor     uint64   // nothing up to it is retained
	indexed   uint64   // events before it are in the indexes
	unindexed []uint64 // the others, as many as are needed
	previous  uint64   // the event before unindexed, if it is not in the indexes

	// The result.
	events []chat.Stored
	stale  bool // events disappeared meanwhile
}

// Read implements chat.Journal.
func (s *Store) Read(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	return s.page(ctx, page{name: room, low: after, high: maxSequence, limit: limit})
}

// ReadBack implements chat.Journal.
func (s *Store) ReadBack(ctx context.Context, room string, before uint64, limit int) ([]chat.Stored, error) {
	return s.page(ctx, page{name: room, high: before, limit: limit, newest: true})
}

func (s *Store) page(ctx context.Context, wanted page) ([]chat.Stored, error) {
	wanted.limit = min(wanted.limit, maxRows)
	for attempt := range attempts {
		if err := beforeAttempt(ctx, attempt); err != nil {
			return nil, err
		}
		p := wanted
		err := s.read(ctx, func(r *reader) error {
			if p.limit <= 0 || !s.survey(&p) {
				return nil
			}
			if p.newest {
				return p.readBack(r)
			}
			return p.read(r)
		})
		if err != nil {
			return nil, readError(p.name, err)
		}
		if !p.stale {
			return p.events, nil
		}
	}
	return nil, fmt.Errorf("%w: room %q: the indexes have events that are erased or missing", chat.ErrDamaged, wanted.name)
}

// survey fills in the fields that are copied from memory. It reports false if the room has no
// events.
func (s *Store) survey(p *page) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.rooms[p.name]
	if r == nil || r.events == 0 {
		return false
	}
	p.id, p.floor = r.id, r.evicted
	p.low, p.high = min(max(p.low, p.floor), maxSequence), min(p.high, maxSequence)
	p.indexed = min(p.high, r.indexedBefore())
	from, _ := slices.BinarySearchFunc(r.unindexed, p.low+1, bySequence)
	to, _ := slices.BinarySearchFunc(r.unindexed, p.high, bySequence)
	if to <= from {
		from, to = 0, 0
	}
	if p.newest {
		from = max(from, to-p.limit-1)
	} else {
		to = min(to, from+p.limit)
	}
	if from > 0 {
		p.previous = r.unindexed[from-1].seq
	}
	for _, e := range r.unindexed[from:to] {
		p.unindexed = append(p.unindexed, e.seq)
	}
	return true
}

// read reads the oldest events.
func (p *page) read(r *reader) error {
	if p.low+1 < p.indexed {
		if err := p.selectEvents(r.forward, p.limit); err != nil {
			return err
		}
	}
	for _, seq := range p.unindexed[:min(len(p.unindexed), p.limit-len(p.events))] {
		if err := p.single(r, seq); err != nil {
			return err
		}
	}
	if len(p.events) == 0 {
		return nil
	}
	previous := p.previous
	if first := p.events[0].Sequence; previous == 0 || first < p.indexed {
		err := query(r.previous, func() error {
			previous = uint64(r.previous.ColumnInt64(0))
			return nil
		}, p.id, int64(p.floor), int64(min(first, p.indexed)))
		if err != nil {
			return err
		}
	}
	p.chain(previous)
	return nil
}

// readBack reads the newest events, and the sequence of the one before them.
func (p *page) readBack(r *reader) error {
	if more := p.limit + 1 - len(p.unindexed); more > 0 {
		if err := p.selectEvents(r.back, more); err != nil {
			return err
		}
		slices.Reverse(p.events)
	}
	for _, seq := range p.unindexed {
		if err := p.single(r, seq); err != nil {
			return err
		}
	}
	previous := uint64(0)
	if len(p.events) > p.limit {
		previous = p.events[0].Sequence
		p.events = p.events[1:]
	}
	p.chain(previous)
	return nil
}

// chain sets the Previous of each event.
func (p *page) chain(previous uint64) {
	for i := range p.events {
		p.events[i].Previous = previous
		previous = p.events[i].Sequence
	}
}

// selectEvents reads events that are in the indexes.
func (p *page) selectEvents(s *sqlite3.Stmt, limit int) error {
	return query(s, func() error {
		return p.add(s, uint64(s.ColumnInt64(0)), 1)
	}, p.id, int64(p.low), int64(p.indexed), int64(limit))
}

// single reads an event that is not in the indexes yet.
func (p *page) single(r *reader, seq uint64) error {
	found := false
	err := query(r.single, func() error {
		found = true
		return p.add(r.single, seq, 0)
	}, int64(seq))
	p.stale = p.stale || !found
	return err
}

// add adds an event. Its payload, checksum and gone are consecutive columns.
func (p *page) add(s *sqlite3.Stmt, seq uint64, first int) error {
	if s.ColumnInt64(first+2) != 0 {
		p.stale = true
		return nil
	}
	payload := s.ColumnBlob(first, nil)
	if crc := s.ColumnInt64(first + 1); crc != int64(sealCRC(payloadCRC(p.name, payload), seq)) {
		return fmt.Errorf("%w: room %q, sequence %d: the checksum does not match", chat.ErrDamaged, p.name, seq)
	}
	p.events = append(p.events, chat.Stored{Sequence: seq, Payload: payload})
	return nil
}

// Changes implements chat.Journal.
func (s *Store) Changes(ctx context.Context, room string, targets []uint64, after uint64) ([]chat.Stored, error) {
	for attempt := range attempts {
		if err := beforeAttempt(ctx, attempt); err != nil {
			return nil, err
		}
		p := page{name: room, low: after, high: maxSequence}
		err := s.read(ctx, func(r *reader) error { return s.changes(r, &p, targets) })
		if err != nil {
			return nil, readError(room, err)
		}
		if !p.stale {
			slices.SortFunc(p.events, func(a, b chat.Stored) int { return cmp.Compare(a.Sequence, b.Sequence) })
			return p.events, nil
		}
	}
	return nil, fmt.Errorf("%w: room %q: the indexes have events that are erased or missing", chat.ErrDamaged, room)
}

func (s *Store) changes(r *reader, p *page, targets []uint64) error {
	distinct := slices.Clone(targets)
	slices.Sort(distinct)
	distinct = slices.Compact(distinct)
	if !s.surveyChanges(p, distinct) {
		return nil
	}
	for _, target := range distinct {
		if target == 0 || target > maxSequence {
			continue
		}
		err := query(r.changes, func() error {
			return p.add(r.changes, uint64(r.changes.ColumnInt64(0)), 1)
		}, p.id, int64(target), int64(p.low), int64(p.indexed))
		if err != nil {
			return err
		}
	}
	for _, seq := range p.unindexed {
		if err := p.single(r, seq); err != nil {
			return err
		}
	}
	return nil
}

// surveyChanges finds the changes that are not in the indexes yet. It reports false
// if the room is unknown.
func (s *Store) surveyChanges(p *page, targets []uint64) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.rooms[p.name]
	if r == nil {
		return false
	}
	p.id, p.low, p.indexed = r.id, min(max(p.low, r.evicted), maxSequence), r.indexedBefore()
	for _, target := range targets {
		for _, c := range s.pending[target] {
			if c.room == r && c.seq > p.low {
				p.unindexed = append(p.unindexed, c.seq)
			}
		}
	}
	return true
}

// usable returns an error if the store is closed or ctx has ended.
func (s *Store) usable(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case <-s.stop:
		return chat.ErrStoreClosed
	default:
		return nil
	}
}

// readError adds the room to an error, and chat.ErrDamaged if pages are damaged.
func readError(room string, err error) error {
	return fmt.Errorf("sqlite: room %q: %w", room, damagedError(err))
}

// damagedError adds chat.ErrDamaged to an error that means that stored data can't be read.
func damagedError(err error) error {
	if damaged(err) && !errors.Is(err, chat.ErrDamaged) {
		return fmt.Errorf("%w: %w", chat.ErrDamaged, err)
	}
	return err
}

// damaged reports whether an error means that stored data can't be read.
func damaged(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB) || errors.Is(err, sqlite3.IOERR_DATA)
}
