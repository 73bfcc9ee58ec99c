package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// keyDigest is the first half of SHA-256(room, 0, key).
type keyDigest [16]byte

func digestOf(room, key string) keyDigest {
	b := make([]byte, 0, 256)
	b = append(b, room...)
	b = append(b, 0)
	b = append(b, key...)
	sum := sha256.Sum256(b)
	return keyDigest(sum[:16])
}

// hash returns the key of a digest in the map. A hit is verified against the digest.
func (d keyDigest) hash() uint64 { return binary.LittleEndian.Uint64(d[:8]) }

const (
	// segmentKeys is how many keys a row of key_segments holds. A Go map of
	// 28,672 entries is full to seven eighths.
	segmentKeys = 28_672
	// keyRecordSize is the size of a digest, a sequence and a time, both relative to the
	// segment's first.
	keyRecordSize = 24
)

// keyRecord is the key of an event.
type keyRecord struct {
	digest keyDigest
	seq    uint64
	at     int64 // Unix milliseconds
}

// segment is a row of key_segments without its keys.
type segment struct {
	first, last uint64
	newest      int64 // when last was stored, Unix milliseconds
	keys        int
}

// keyring holds the keys of the events that were stored within the window. Only the writer
// uses it.
//
// The keys are in the database, in the rows of events and in segments that are written once;
// memory has 8 bytes and the sequence of each. Opening reads the segments instead of the
// events, which takes a fifth of the time.
type keyring struct {
	window     time.Duration
	limit      int
	perSegment int
	log        *slog.Logger

	seen     map[uint64]uint64 // by hash, the sequence
	segments []segment         // oldest first
	tail     []keyRecord       // those after the last segment, oldest first
	warned   time.Time

	insert, remove, read, event *sqlite3.Stmt
}

func newKeyring(c Config) *keyring {
	return &keyring{
		window: c.Window, limit: c.MaxKeys, perSegment: c.segmentKeys, log: c.Log,
		seen: make(map[uint64]uint64),
	}
}

func (k *keyring) statements() map[string]**sqlite3.Stmt {
	return map[string]**sqlite3.Stmt{
		`INSERT INTO key_segments(last, first, newest, keys) VALUES (?, ?, ?, ?)`: &k.insert,
		`DELETE FROM key_segments WHERE last = ?`:                                 &k.remove,
		`SELECT keys FROM key_segments WHERE last = ?`:                            &k.read,
		`SELECT key, at FROM events WHERE pos = ? AND seq IS NULL`:                &k.event,
	}
}

// find returns the sequence of the event that came with a key within the window.
func (k *keyring) find(d keyDigest, now int64) (uint64, bool, error) {
	seq, ok := k.seen[d.hash()]
	if !ok {
		return 0, false, nil
	}
	r, ok, err := k.record(seq)
	if err != nil || !ok || r.digest != d || r.at <= now-k.window.Milliseconds() {
		return 0, false, err
	}
	return seq, true, nil
}

// record returns the key of an event: from memory, from its row, or from a
// segment if the row is gone.
func (k *keyring) record(seq uint64) (keyRecord, bool, error) {
	if i, ok := slices.BinarySearchFunc(k.tail, seq, func(r keyRecord, seq uint64) int {
		return cmp.Compare(r.seq, seq)
	}); ok {
		return k.tail[i], true, nil
	}
	found := keyRecord{seq: seq}
	ok := false
	err := query(k.event, func() error {
		ok = copy(found.digest[:], k.event.ColumnRawBlob(0)) == len(found.digest)
		found.at = k.event.ColumnInt64(1)
		return nil
	}, int64(seq))
	if ok || err != nil {
		return found, ok, err
	}
	i, _ := slices.BinarySearchFunc(k.segments, seq, func(s segment, seq uint64) int {
		return cmp.Compare(s.last, seq)
	})
	if i == len(k.segments) {
		return found, false, nil
	}
	err = k.load(k.segments[i], func(r keyRecord) {
		if r.seq == seq {
			found, ok = r, true
		}
	})
	return found, ok, err
}

// load calls fn with the keys of a segment.
func (k *keyring) load(s segment, fn func(keyRecord)) error {
	return query(k.read, func() error {
		return decodeKeys(s, k.read.ColumnRawBlob(0), fn)
	}, int64(s.last))
}

// add notes the key of an event that the transaction stores, and returns what
// undoes that.
func (k *keyring) add(r keyRecord) (undo func()) {
	h := r.digest.hash()
	before, had := k.seen[h]
	k.seen[h] = r.seq
	k.tail = append(k.tail, r)
	n := len(k.tail)
	return func() {
		k.tail = k.tail[:n-1]
		if had {
			k.seen[h] = before
		} else {
			delete(k.seen, h)
		}
	}
}

// seal writes the oldest keys of the tail as a segment if there are enough, in a transaction,
// and returns a function to call when it is committed.
func (k *keyring) seal() (committed func(), err error) {
	if len(k.tail) < k.perSegment {
		return nil, nil
	}
	n := k.perSegment
	first := k.tail[0]
	for n > 1 && (k.tail[n-1].seq-first.seq > math.MaxUint32 || k.tail[n-1].at-first.at > math.MaxUint32) {
		n /= 2
	}
	records := k.tail[:n]
	s := segment{first: first.seq, last: records[n-1].seq, newest: records[n-1].at, keys: n}
	if err := writeSegment(k.insert, s, records); err != nil {
		return nil, err
	}
	return func() {
		k.segments = append(k.segments, s)
		k.tail = append(k.tail[:0], k.tail[n:]...)
	}, nil
}

// sealed returns the sequence up to which the keys are in segments.
func (k *keyring) sealed() uint64 {
	if len(k.segments) == 0 {
		return 0
	}
	return k.segments[len(k.segments)-1].last
}

func writeSegment(insert *sqlite3.Stmt, s segment, records []keyRecord) error {
	if err := bind(insert, int64(s.last), int64(s.first), s.newest); err != nil {
		return err
	}
	if err := insert.BindBlob(4, encodeKeys(records)); err != nil {
		return err
	}
	return insert.Exec()
}

// expire drops the oldest segment if it is older than the window or exceeds the limit, in a
// transaction, and returns a function to call when it is committed.
func (k *keyring) expire(ctx context.Context, now int64) (committed func(), err error) {
	if len(k.segments) < 2 {
		return nil, nil // the last says which events have their keys in segments
	}
	s := k.segments[0]
	old := s.newest <= now-k.window.Milliseconds()
	if full := len(k.seen) > k.limit; !old && !full {
		return nil, nil
	} else if !old && time.Since(k.warned) > time.Minute {
		k.warned = time.Now()
		k.log.WarnContext(ctx, "too many events for the window in which repeated sends are recognized",
			"window", k.window, "shortened_to", time.Duration(now-s.newest)*time.Millisecond, "keys", k.limit)
	}
	var drop []keyRecord
	if err := k.load(s, func(r keyRecord) { drop = append(drop, r) }); err != nil {
		return nil, err
	}
	if err := run(k.remove, int64(s.last)); err != nil {
		return nil, err
	}
	return func() {
		k.segments = k.segments[1:]
		for _, r := range drop {
			if h := r.digest.hash(); k.seen[h] == r.seq {
				delete(k.seen, h)
			}
		}
	}, nil
}

// open reads the segments within the window. It returns the sequence after which keys are to
// be added from the events.
func (k *keyring) open(c *conn, now int64) (after uint64, err error) {
	total := 0
	err = c.queryOnce(`SELECT last, first, newest, length(keys) FROM key_segments ORDER BY last`, func(s *sqlite3.Stmt) error {
		one := segment{
			last: uint64(s.ColumnInt64(0)), first: uint64(s.ColumnInt64(1)), newest: s.ColumnInt64(2),
			keys: s.ColumnInt(3) / keyRecordSize,
		}
		k.segments = append(k.segments, one)
		if one.newest > now-k.window.Milliseconds() {
			total += one.keys
		}
		after = one.last
		return nil
	})
	if err != nil {
		return 0, err
	}
	k.seen = make(map[uint64]uint64, total+k.perSegment)
	for _, s := range k.segments {
		if s.newest <= now-k.window.Milliseconds() {
			continue // expire drops it
		}
		if err := k.load(s, func(r keyRecord) { k.seen[r.digest.hash()] = r.seq }); err != nil {
			return 0, fmt.Errorf("read the keys up to sequence %d: %w", s.last, err)
		}
	}
	return after, nil
}

// encodeKeys returns the keys of a segment as they are stored.
func encodeKeys(records []keyRecord) []byte {
	b := make([]byte, 0, len(records)*keyRecordSize)
	for _, r := range records {
		b = append(b, r.digest[:]...)
		b = binary.LittleEndian.AppendUint32(b, uint32(r.seq-records[0].seq))
		b = binary.LittleEndian.AppendUint32(b, uint32(r.at-records[0].at))
	}
	// What the times are relative to.
	return binary.LittleEndian.AppendUint64(b, uint64(records[0].at))
}

// decodeKeys calls fn with the keys of a segment.
func decodeKeys(s segment, b []byte, fn func(keyRecord)) error {
	if len(b) < 8 || (len(b)-8)%keyRecordSize != 0 {
		return fmt.Errorf("the keys up to sequence %d have %d bytes: %w", s.last, len(b), sqlite3.CORRUPT)
	}
	b, at := b[:len(b)-8], int64(binary.LittleEndian.Uint64(b[len(b)-8:]))
	for r := bytes.NewBuffer(b); r.Len() > 0; {
		one := r.Next(keyRecordSize)
		fn(keyRecord{
			digest: keyDigest(one[:16]),
			seq:    s.first + uint64(binary.LittleEndian.Uint32(one[16:])),
			at:     at + int64(binary.LittleEndian.Uint32(one[20:])),
		})
	}
	return nil
}
