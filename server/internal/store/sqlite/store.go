// Package sqlite keeps events and records in one SQLite file, without cgo.
//
// A Store implements [chat.Journal] and [chat.State]. What it acknowledges is on
// disk: a single writer commits all queued jobs as one transaction and syncs it before it
// answers. Reads use their own connections and do not wait for the writer.
//
// What is erased or evicted is overwritten in place, and is in no file of the
// directory once Scrub has returned; see schema.go and scrub.go for how. Every
// page has a checksum, and so has every event.
package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"sync"
	"time"

	"chatroom/server/internal/chat"
)

const (
	fileName    = "chatroom.db"
	maxSequence = math.MaxInt64
	// readers is how many connections read at the same time.
	readers = 3
)

// Config configures a store. Only Dir is required.
type Config struct {
	// Dir is the directory of the database and its high-water mark. It must exist,
	// and be used by one Store at a time: the caller locks it.
	Dir string
	// Window is how long a repeated key is recognized. Zero means 10 minutes.
	Window time.Duration
	// MaxKeys bounds the keys that are recognized, and with them the memory they
	// take, about 30 bytes each. A smaller window is logged. Zero means 2,000,000.
	MaxKeys int
	// RoomEvents is how many events a room keeps. Zero means 100,000.
	RoomEvents int
	// Age is how long an event is kept. It may stay readable for up to a minute
	// longer. Zero sets no limit.
	Age time.Duration
	// Bytes is what the payloads of all rooms may take, with 128 bytes for each
	// event. Above it the largest rooms lose their oldest events. Zero means
	// 10 GiB.
	Bytes int64
	// NoFsync leaves it to the operating system when to write to disk. Events survive the end
	// of the process, but not a power cut.
	NoFsync bool
	// Log receives losses and failures. Nil means slog.Default.
	Log *slog.Logger
	// Writable is called with false when writing begins to fail, as on a full disk, and with
	// true when it works again. It must not block. Nil means nothing.
	Writable func(bool)
	// Committed is called after each transaction that has stored entries, before they are
	// answered and by the same goroutine, with the time at which the writer has begun with
	// them, and their number. It must not block. Nil means nothing.
	Committed func(began time.Time, entries int)
	// VFS names the virtual file system under SQLite. Empty means the system's own.
	VFS string

	// space is how many bytes of the disk are free; nil asks the system. Tests
	// fill the disk with it.
	space func(dir string) (int64, error)
	// now is the time; nil means time.Now.
	now func() time.Time
	// How many events are handled together. Tests choose less.
	indexEvery, buryEvery, segmentKeys int
	// staleEvery is how often the write-ahead log is emptied of evicted events.
	staleEvery time.Duration
}

func (c Config) withDefaults() Config {
	c.Window = cmp.Or(c.Window, 10*time.Minute)
	c.MaxKeys = cmp.Or(c.MaxKeys, 2_000_000)
	c.RoomEvents = cmp.Or(c.RoomEvents, 100_000)
	c.Bytes = cmp.Or(c.Bytes, 10<<30)
	c.Log = cmp.Or(c.Log, slog.Default())
	c.indexEvery = cmp.Or(c.indexEvery, indexEvery)
	c.buryEvery = cmp.Or(c.buryEvery, buryEvery)
	c.segmentKeys = cmp.Or(c.segmentKeys, segmentKeys)
	c.staleEvery = cmp.Or(c.staleEvery, staleEvery)
	if c.space == nil {
		c.space = freeSpace
	}
	if c.Writable == nil {
		c.Writable = func(bool) {}
	}
	if c.now == nil {
		c.now = time.Now
	}
	return c
}

// Store is a chat.Journal and a chat.State. Create it with Open.
type Store struct {
	config  Config
	log     *slog.Logger
	epoch   string
	queue   *queue
	readers chan *reader
	scrubs  scrubs
	stop    chan struct{} // closed by Close
	writing sync.WaitGroup
	closing sync.Once
	closed  error

	subscribers subscribers

	mu      sync.RWMutex // guards below; only the writer changes them
	rooms   map[string]*room
	pending map[uint64][]pendingChange // by target: changes that are not in the indexes yet
}

// pendingChange is an event with a target that is not in the indexes yet.
type pendingChange struct {
	room *room
	seq  uint64
}

var (
	_ chat.Journal = (*Store)(nil)
	_ chat.State   = (*Store)(nil)
)

// Open opens the store of a directory, and creates it if there is none. A log
// that is shorter than its high-water mark, or another one, gets a new epoch, and
// an error is logged. A store that can't be read is left as it is: the error says
// what is wrong and what can be done.
func Open(ctx context.Context, c Config) (*Store, error) {
	c = c.withDefaults()
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	c.Dir = dir
	if err := removeAdded(dir); err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	s := newStore(c)
	w, err := openWriter(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	for range readers {
		r, err := openReader(c)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("sqlite: %w", err), s.closeReaders(), w.conn.Close())
		}
		s.readers <- r
	}
	w.probe()
	s.start(w)
	return s, nil
}

func newStore(c Config) *Store {
	s := &Store{
		config:  c,
		log:     c.Log,
		queue:   newQueue(),
		readers: make(chan *reader, readers),
		stop:    make(chan struct{}),
		rooms:   make(map[string]*room),
		pending: make(map[uint64][]pendingChange),
	}
	s.scrubs.init()
	s.subscribers.init()
	return s
}

// start starts the goroutines, which Close waits for.
func (s *Store) start(w *writer) {
	ctx, cancel := context.WithCancel(context.Background())
	s.writing.Go(func() {
		var marking sync.WaitGroup
		marking.Go(func() { w.mark.run(ctx) })
		w.run()
		cancel()
		marking.Wait()
		w.shutDown()
	})
}

// Close implements chat.Journal.
func (s *Store) Close() error {
	s.closing.Do(func() {
		close(s.stop)
		s.queue.close()
		s.writing.Wait()
	})
	return s.closed
}

// closeReaders waits for the calls that read and closes their connections.
func (s *Store) closeReaders() error {
	var errs []error
	for range len(s.readers) {
		r := <-s.readers
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
