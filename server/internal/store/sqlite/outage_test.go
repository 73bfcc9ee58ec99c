package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/chat"
)

// outage is a store whose power is cut again and again, or whose process is
// killed, and what it has acknowledged.
type outage struct {
	t      *testing.T
	config Config
	random *rand.Rand // of the test's goroutine
	rooms  []string
	early  bool // plants a fault: an entry counts as acknowledged before it is stored
	bulk   int  // how many entries the next life begins with, so that rows are reclaimed

	cuts   int // so far
	store  *Store
	disk   *disk
	faulty atomic.Bool // the disk refuses some operations
	// excused is how many calls that had an error for it.
	excused atomic.Int64
	log     *logBuffer
	epoch   string

	mu      sync.Mutex // guards below
	sent    []*sentEntry
	records map[string]*sentRecord
	highest uint64 // the last revision that was acknowledged
	wrong   []error

	checkpointing sync.Mutex
	checkpoints   *conn
}

// sentEntry is an entry that was submitted.
type sentEntry struct {
	chat.Entry
	text    string // what its payload consists of, unique
	seq     uint64 // 0 while it is unknown
	acked   bool
	refused bool // it has no target
	denied  bool // the answer was that it is not stored
	// scrubbed tells that Scrub returned after the entry was erased.
	scrubbed bool
}

// sentRecord is a record as it was acknowledged, and a write of it that was not.
type sentRecord struct {
	value    string // empty if there is none
	revision uint64
	pending  *string
}

// logBuffer collects a log.
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const (
	textPrefix = "secret-"
	textLength = len(textPrefix) + 8
)

func newOutage(t *testing.T, seed uint64) *outage {
	return &outage{
		t:       t,
		config:  Config{RoomEvents: 40, indexEvery: 12, buryEvery: 6, segmentKeys: 16, staleEvery: time.Nanosecond},
		random:  rand.New(rand.NewPCG(seed, 2)),
		rooms:   []string{"room-0", "room-1", "room-2"},
		disk:    newDisk(t, make(map[string]*image)),
		records: make(map[string]*sentRecord),
	}
}

// fail notes what should not be. Power that is off excuses everything.
func (o *outage) fail(format string, args ...any) {
	if o.disk.isOff() {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.wrong) < 5 {
		o.wrong = append(o.wrong, fmt.Errorf(format, args...))
	}
}

// excuses tells whether an error is one that a faulty disk excuses.
func (o *outage) excuses(err error) bool {
	if !o.faulty.Load() || !errors.Is(err, chat.ErrNotStored) {
		return false
	}
	o.excused.Add(1)
	return true
}

// found returns what was wrong so far.
func (o *outage) found() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return errors.Join(o.wrong...)
}

// open opens the store of the disk. It reports false if the power failed first, or
// something is wrong.
func (o *outage) open() bool {
	o.log = new(logBuffer)
	c := o.config
	c.Dir, c.VFS, c.Log = o.disk.dir, o.disk.vfs, slog.New(slog.NewTextHandler(o.log, nil))
	var err error
	if o.store, err = Open(context.Background(), c); err != nil {
		o.fail("Open() = %w, want a store", err)
		return false
	}
	head, err := o.store.Head(context.Background(), o.rooms[0])
	if err != nil {
		o.fail("Head() = %w, want nil", err)
	} else if o.epoch != "" && head.Epoch != o.epoch {
		o.fail("the epoch is %q, want %q: %s", head.Epoch, o.epoch, o.log)
	}
	if o.epoch == "" && len(o.acknowledged()) == 0 {
		o.epoch = head.Epoch
	}
	if strings.Contains(o.log.String(), "events are lost") {
		o.fail("a false alarm: %s", o.log)
	}
	return o.found() == nil
}

// acknowledged returns the entries that were.
func (o *outage) acknowledged() (all []*sentEntry) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range o.sent {
		if e.acked {
			all = append(all, e)
		}
	}
	return all
}

// life opens the store, checks it, and lets it work until the power fails or the
// process is killed.
func (o *outage) life() error {
	switch o.random.IntN(8) {
	case 0, 1:
		o.disk.failAfter(1 + o.random.IntN(10)) // while it opens
	case 2:
		o.disk.failAfter(1 + o.random.IntN(400)) // while it is checked, mostly
	}
	if o.open() {
		o.check()
	}
	for o.bulk > 0 && o.store != nil && o.found() == nil && !o.disk.isOff() {
		o.burst(o.random, 500)
		o.bulk -= 500
	}
	if o.store != nil && o.found() == nil {
		o.disk.failAfter(30 + o.random.IntN(500))
		o.work(o.disk.isOff)
	}
	return o.end()
}

// end cuts the power or kills the process, and makes the disk one of what is left.
func (o *outage) end() error {
	closes := o.random.IntN(10) == 0 && o.store != nil && !o.disk.isOff()
	if closes {
		o.endCheckpoints()
		if err := o.store.Close(); err != nil {
			o.fail("Close() = %w, want nil", err)
		}
	}
	o.disk.failNow()
	if o.store != nil {
		o.endCheckpoints()
		o.store.Close() // fails, since the power is off
		o.store = nil
	}
	kill := !closes && o.random.IntN(4) == 0
	var left map[string]*image
	if kill {
		left = o.disk.killed()
	} else {
		left = o.disk.cut(o.random)
		o.cuts++
	}
	mark := o.survivingMark()
	o.disk = newDisk(o.t, left)
	if mark != nil {
		if err := os.WriteFile(filepath.Join(o.disk.dir, markName), mark, 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	o.checkScrubbed()
	return o.found()
}

// survivingMark returns the high-water mark that is left: the one that was there,
// or one that could have been written just before the end, for the last event
// that was acknowledged.
func (o *outage) survivingMark() []byte {
	if o.disk.mark == nil || o.random.IntN(2) == 0 {
		return o.disk.mark
	}
	had, err := readMark(o.disk.dir)
	if err != nil || had == nil {
		o.t.Fatalf("readMark() = %v, %v, want a mark", had, err)
	}
	for _, e := range o.acknowledged() {
		had.Next = max(had.Next, e.seq+1)
	}
	dir := o.t.TempDir()
	if err := writeMark(filepath.Join(dir, markName), *had); err != nil {
		o.t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, markName))
	if err != nil {
		o.t.Fatal(err)
	}
	return content
}

// work lets writers run until done, which is called often.
func (o *outage) work(done func() bool) {
	var working sync.WaitGroup
	for range 3 {
		random := rand.New(rand.NewPCG(o.random.Uint64(), 3))
		working.Go(func() {
			for !done() && o.found() == nil {
				o.burst(random, 1+random.IntN(6))
				switch random.IntN(12) {
				case 0, 1:
					o.scrub()
				case 2:
					o.checkpoint(sqlite3.CheckpointMode(random.IntN(4)))
				case 3:
					o.retry(random)
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(o.random.Uint64(), 4))
	working.Go(func() {
		for !done() && o.found() == nil {
			o.writeRecord(fmt.Sprint("profiles/", random.IntN(4)), random)
		}
	})
	working.Wait()
}

// writeRecord puts or deletes a record.
func (o *outage) writeRecord(key string, random *rand.Rand) {
	o.mu.Lock()
	r := o.records[key]
	if r == nil {
		r = new(sentRecord)
		o.records[key] = r
	}
	value := fmt.Sprint("value-", random.Uint64())
	if r.value != "" && random.IntN(4) == 0 {
		value = ""
	}
	r.pending = &value
	before := o.highest
	o.mu.Unlock()
	var revision uint64
	var err error
	if value == "" {
		err = o.store.Delete(context.Background(), key, r.revision)
	} else {
		revision, err = o.store.Put(context.Background(), key, []byte(value), r.revision)
	}
	if o.excuses(err) {
		return
	}
	if err != nil {
		o.fail("a write of record %q at revision %d = %w, want nil", key, r.revision, err)
		return
	}
	if value != "" && revision <= before {
		o.fail("Put(%q) = revision %d after %d", key, revision, before)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	r.value, r.revision, r.pending = value, revision, nil
	o.highest = max(o.highest, revision)
}

// checkpoint moves what is in the write-ahead log to the database, as far as
// readers and the writer let it.
func (o *outage) checkpoint(mode sqlite3.CheckpointMode) {
	if o.faulty.Load() {
		return
	}
	o.checkpointing.Lock()
	defer o.checkpointing.Unlock()
	if o.checkpoints == nil {
		c, err := dial(o.store.config.path(), o.disk.vfs, sqlite3.OPEN_READWRITE)
		if err != nil {
			o.fail("dial() = %w, want nil", err)
			return
		}
		o.checkpoints = c
	}
	if _, _, err := o.checkpoints.WALCheckpoint("main", mode); err != nil && !errors.Is(err, sqlite3.BUSY) {
		o.fail("WALCheckpoint(%d) = %w, want nil", mode, err)
	}
}

func (o *outage) endCheckpoints() {
	if o.checkpoints != nil {
		o.checkpoints.Close() // fails if the power is off
		o.checkpoints = nil
	}
}
