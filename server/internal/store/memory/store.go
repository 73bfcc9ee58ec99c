// Package memory holds the journal and the state in memory, for tests and for rooms that need
// not survive a restart.
//
// It has the semantics of a durable store, including the gaps between the sequences of a
// room. Appenders call the functions of tails: the package starts no goroutine.
package memory

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"github.com/tidwall/btree"

	"chatroom/server/internal/chat"
)

// Config bounds a store. Its zero value is ready to use.
type Config struct {
	// RoomEvents is how many events a room keeps. Zero means 10,000.
	RoomEvents int
	// Age is how long an event is kept. Zero sets no limit.
	Age time.Duration
	// Bytes bounds the events of all rooms together. The room that uses most of it
	// loses its oldest event first, so that a flood in one room can't empty the
	// others. Zero means 256 MiB.
	Bytes int
	// Window is how long a repeated key is recognized. Zero means 10 minutes.
	Window time.Duration
	// Keys is how many keys are remembered, whatever the window. A key takes about
	// 64 bytes, however long it is. Zero means 1,000,000.
	Keys int
}

// Store is a chat.Journal and a chat.State. Create it with Open.
type Store struct {
	config       Config
	epoch        string
	emptiedLimit int // how many rooms emptied may hold

	mu        sync.Mutex // guards below; taken after feed.delivering
	rooms     map[string]*log
	names     btree.Set[string] // of the rooms that hold events
	oldest    roomHeap          // rooms that hold events, the one with the oldest event first
	largest   roomHeap          // rooms that hold events, the one with the most bytes first
	bytes     int
	last      uint64
	emptied   map[string]totals // rooms that lost all their events
	forgotten uint64            // the newest event dropped in a room that is not even in emptied
	keys      keys
	erased    int // since the last Scrub
	activity  feed[chat.RoomHead]
	closed    bool

	state state
}

var (
	_ chat.Journal = (*Store)(nil)
	_ chat.State   = (*Store)(nil)
)

// Open returns an empty store with an epoch of its own.
func Open(c Config) *Store {
	c.RoomEvents = cmp.Or(c.RoomEvents, 10_000)
	c.Bytes = cmp.Or(c.Bytes, 256<<20)
	c.Window = cmp.Or(c.Window, 10*time.Minute)
	c.Keys = cmp.Or(c.Keys, 1_000_000)
	return &Store{
		config:       c,
		epoch:        rand.Text(),
		emptiedLimit: emptiedLimit,

		rooms:   make(map[string]*log),
		oldest:  roomHeap{less: holdsOlder, place: func(l *log) *int { return &l.inOldest }},
		largest: roomHeap{less: usesMore, place: func(l *log) *int { return &l.inLargest }},
		emptied: make(map[string]totals),
		keys:    keys{window: c.Window, limit: c.Keys, first: make(map[digest]uint64)},
	}
}

// Submit implements chat.Journal. It stores at once, and calls done after the
// tails.
func (s *Store) Submit(ctx context.Context, e chat.Entry, done func(chat.Appended)) {
	at, duplicate, err := s.append(ctx, e)
	done(chat.Appended{At: at, Duplicate: duplicate, Err: err})
}

func (s *Store) append(ctx context.Context, e chat.Entry) (chat.Cursor, bool, error) {
	if err := s.lock(ctx); err != nil {
		return chat.Cursor{}, false, err
	}
	now := time.Now()
	s.keys.expire(now)
	key := digestOf(e.Room, e.Key)
	if first, found := s.keys.first[key]; found {
		s.mu.Unlock()
		return chat.Cursor{Epoch: s.epoch, Sequence: first}, true, nil
	}
	if e.Relation != chat.Standalone && !s.holdsLocked(e.Room, e.Target) {
		s.mu.Unlock()
		return chat.Cursor{}, false, chat.ErrTargetGone
	}
	s.last++
	at := chat.Cursor{Epoch: s.epoch, Sequence: s.last}
	s.keys.add(key, s.last, now)
	l := s.storeLocked(e, now)
	s.mu.Unlock()

	// An erased event that another appender is about to call a tail with has been
	// delivered once this returns: no tail is given it after the answer.
	l.tails.deliver(&s.mu)
	s.activity.deliver(&s.mu)
	return at, false, nil
}

// storeLocked stores an entry with the sequence s.last.
func (s *Store) storeLocked(e chat.Entry, now time.Time) *log {
	ev := &event{
		sequence: s.last,
		payload:  slices.Clone(e.Payload),
		relation: e.Relation,
		author:   e.Author,
		counted:  e.Counted,
		time:     now.UnixMilli(),
	}
	if e.Relation != chat.Standalone {
		ev.target = e.Target
	}
	s.makeSpaceLocked(ev.size())
	l := s.roomLocked(e.Room)
	l.push(ev)
	s.bytes += ev.size()
	if len(l.events) == 1 {
		s.names.Insert(l.room)
		s.oldest.push(l)
		s.largest.push(l)
	} else {
		s.largest.fix(l)
	}
	if e.Relation == chat.Erases {
		s.eraseLocked(l, e.Target)
	}
	if l.tails.used() {
		l.tails.pending = append(l.tails.pending, l.stored(len(l.events)-1))
	}
	if s.activity.used() {
		s.activity.pending = append(s.activity.pending, l.head())
	}
	if len(l.events) > s.config.RoomEvents {
		s.evictLocked(l)
	}
	return l
}

// eraseLocked removes an event and what revises it.
func (s *Store) eraseLocked(l *log, sequence uint64) {
	at, found := l.search(sequence)
	if !found {
		return
	}
	gone := l.events[at]
	l.removePending(at)
	l.remove(at)
	s.bytes -= gone.size()
	s.erased++
	s.oldest.fix(l)
	s.largest.fix(l)
	for _, change := range slices.Clone(l.changes[sequence]) {
		if change.relation == chat.Revises {
			s.eraseLocked(l, change.sequence)
		}
	}
}

// Scrub implements chat.Journal. There are no files to remove anything from.
func (s *Store) Scrub(ctx context.Context) (int, error) {
	if err := s.lock(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	erased := s.erased
	s.erased = 0
	return erased, nil
}

// Close implements chat.Journal, and ends the watches of the state, too.
func (s *Store) Close() error {
	s.mu.Lock()
	s.closed = true
	feeds := []interface{ await() }{&s.activity}
	s.activity.end()
	for _, l := range s.rooms {
		if l.tails.used() {
			feeds = append(feeds, &l.tails)
			l.tails.end()
		}
	}
	s.mu.Unlock()
	for _, f := range feeds {
		f.await()
	}
	s.state.close()
	return nil
}

// lock locks mu and drops expired events, unless ctx has ended or the store
// is closed.
func (s *Store) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return chat.ErrStoreClosed
	}
	s.expireLocked()
	return nil
}
