// Package memory keeps a journal in memory: for tests, and for rooms that need
// not survive a restart.
//
// It has the semantics of a durable journal, the gaps between a room's sequences
// among them. Retention is by count per room and by bytes over all rooms, oldest
// first.
package memory

import (
	"cmp"
	"container/heap"
	"context"
	"crypto/rand"
	"slices"
	"sync"
	"time"

	"chatroom/server/internal/chat"
)

// overhead is what an event costs beside its payload, in bytes, as counted
// against Config.Bytes.
const overhead = 128

// Config bounds a journal. Its zero value is ready to use.
type Config struct {
	// RoomEvents is how many events a room keeps. Zero means 10,000.
	RoomEvents int
	// Bytes bounds all rooms together. Zero means 256 MiB.
	Bytes int
	// Window is how long a key stands for the event that it came with. Zero
	// means 10 minutes.
	Window time.Duration
	// Keys is how many keys are remembered, whatever the window. Zero means
	// 1,000,000.
	Keys int
}

// Journal is a chat.Journal. Create it with Open.
type Journal struct {
	config Config
	epoch  string

	mu     sync.Mutex // guards below; taken after log.delivering
	rooms  map[string]*log
	oldest logHeap // the rooms that hold events
	bytes  int
	last   uint64
	// forgotten is the newest event that was in a room of which nothing is left.
	forgotten uint64
	keys      map[key]uint64
	expiry    []expiring // oldest first
	closed    bool
}

type key struct{ room, name string }

type expiring struct {
	key key
	at  time.Time
}

var _ chat.Journal = (*Journal)(nil)

// Open returns an empty journal with an epoch of its own.
func Open(c Config) *Journal {
	c.RoomEvents = cmp.Or(c.RoomEvents, 10_000)
	c.Bytes = cmp.Or(c.Bytes, 256<<20)
	c.Window = cmp.Or(c.Window, 10*time.Minute)
	c.Keys = cmp.Or(c.Keys, 1_000_000)
	return &Journal{
		config: c,
		epoch:  rand.Text(),
		rooms:  make(map[string]*log),
		keys:   make(map[key]uint64),
	}
}

// Append implements chat.Journal.
func (j *Journal) Append(ctx context.Context, room, name string, payload []byte) (chat.Cursor, bool, error) {
	if err := j.lock(ctx); err != nil {
		return chat.Cursor{}, false, err
	}
	now := time.Now()
	j.expireLocked(now)
	k := key{room, name}
	if first, found := j.keys[k]; found {
		j.mu.Unlock()
		return chat.Cursor{Epoch: j.epoch, Sequence: first}, true, nil
	}
	j.last++
	at := chat.Cursor{Epoch: j.epoch, Sequence: j.last}
	j.keys[k] = j.last
	j.expiry = append(j.expiry, expiring{k, now.Add(j.config.Window)})
	l := j.roomLocked(room)
	j.storeLocked(l, slices.Clone(payload))
	j.mu.Unlock()
	j.deliver(l)
	return at, false, nil
}

// Submit implements chat.Journal. It stores at once.
func (j *Journal) Submit(ctx context.Context, room, key string, payload []byte, done func(chat.Appended)) {
	at, duplicate, err := j.Append(ctx, room, key, payload)
	done(chat.Appended{At: at, Duplicate: duplicate, Err: err})
}

func (j *Journal) storeLocked(l *log, payload []byte) {
	stored := chat.Stored{Sequence: j.last, Payload: payload}
	if n := len(l.events); n > 0 {
		stored.Previous = l.events[n-1].Sequence
	}
	l.events = append(l.events, stored)
	if len(l.events) == 1 {
		heap.Push(&j.oldest, l)
	}
	j.bytes += len(payload) + overhead
	if len(l.tails) > 0 {
		l.undelivered = append(l.undelivered, stored)
	}
	if len(l.events) > j.config.RoomEvents {
		j.evictLocked(l)
	}
	for j.bytes > j.config.Bytes && (len(j.oldest) > 1 || len(l.events) > 1) {
		j.evictLocked(j.oldest[0])
	}
}

// evictLocked drops a room's oldest event.
func (j *Journal) evictLocked(l *log) {
	gone := l.events[0]
	j.bytes -= len(gone.Payload) + overhead
	l.evicted = gone.Sequence
	l.events[0] = chat.Stored{} // lets go of the payload
	l.events = l.events[1:]
	if len(l.events) > 0 {
		l.events[0].Previous = 0
		heap.Fix(&j.oldest, l.at)
		return
	}
	heap.Remove(&j.oldest, l.at)
	j.forgetLocked(l)
}

func (j *Journal) expireLocked(now time.Time) {
	n := 0
	for n < len(j.expiry) && (!now.Before(j.expiry[n].at) || len(j.expiry)-n > j.config.Keys) {
		delete(j.keys, j.expiry[n].key)
		n++
	}
	j.expiry = j.expiry[n:]
}

// Read implements chat.Journal.
func (j *Journal) Read(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	if err := j.lock(ctx); err != nil {
		return nil, err
	}
	defer j.mu.Unlock()
	events := j.eventsLocked(room)
	from, found := search(events, after)
	if found {
		from++
	}
	return slices.Clone(events[from:][:min(limit, len(events)-from)]), nil
}

// ReadBack implements chat.Journal.
func (j *Journal) ReadBack(ctx context.Context, room string, before uint64, limit int) ([]chat.Stored, error) {
	if err := j.lock(ctx); err != nil {
		return nil, err
	}
	defer j.mu.Unlock()
	events := j.eventsLocked(room)
	to, _ := search(events, before)
	return slices.Clone(events[max(0, to-limit):to]), nil
}

// Tail implements chat.Journal. Appenders call fn, those of other rooms go on
// meanwhile.
func (j *Journal) Tail(ctx context.Context, room string, fn func([]chat.Stored)) (func(), error) {
	if err := j.lock(ctx); err != nil {
		return nil, err
	}
	defer j.mu.Unlock()
	l := j.roomLocked(room)
	t := &tail{fn: fn, from: j.last}
	l.tails = append(slices.Clip(l.tails), t)
	return func() {
		l.delivering.Lock()
		defer l.delivering.Unlock()
		j.mu.Lock()
		defer j.mu.Unlock()
		l.tails = slices.DeleteFunc(slices.Clone(l.tails), func(other *tail) bool { return other == t })
		j.forgetLocked(l)
	}, nil
}

// Head implements chat.Journal.
func (j *Journal) Head(ctx context.Context, room string) (chat.Head, error) {
	if err := j.lock(ctx); err != nil {
		return chat.Head{}, err
	}
	defer j.mu.Unlock()
	h := chat.Head{Epoch: j.epoch, Evicted: j.forgotten}
	if l := j.rooms[room]; l != nil {
		h.Evicted = l.evicted
		if n := len(l.events); n > 0 {
			h.First, h.Last = l.events[0].Sequence, l.events[n-1].Sequence
		}
	}
	return h, nil
}

// Rooms implements chat.Journal.
func (j *Journal) Rooms(ctx context.Context, after string, limit int) ([]chat.RoomHead, error) {
	if err := j.lock(ctx); err != nil {
		return nil, err
	}
	defer j.mu.Unlock()
	var heads []chat.RoomHead
	for _, l := range j.oldest {
		if l.room > after {
			heads = append(heads, chat.RoomHead{Room: l.room, Last: l.events[len(l.events)-1].Sequence})
		}
	}
	slices.SortFunc(heads, func(a, b chat.RoomHead) int { return cmp.Compare(a.Room, b.Room) })
	return heads[:min(limit, len(heads))], nil
}

// Close implements chat.Journal.
func (j *Journal) Close() error {
	j.mu.Lock()
	j.closed = true
	var tailed []*log
	for _, l := range j.rooms {
		if len(l.tails) > 0 {
			tailed = append(tailed, l)
			l.tails, l.undelivered = nil, nil
		}
	}
	j.mu.Unlock()
	for _, l := range tailed {
		l.await()
	}
	return nil
}

// lock locks mu, unless the caller has gone or the journal is closed.
func (j *Journal) lock(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return chat.ErrJournalClosed
	}
	return nil
}
