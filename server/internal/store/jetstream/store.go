package jetstream

import (
	"cmp"
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tidwall/btree"

	"chatroom/server/internal/chat"
)

const (
	streamName  = "CHATROOM"
	eventPrefix = "chatroom.event." // + token of a room: of stored events
	tailPrefix  = "chatroom.tail."  // + token of a room: of republished events

	reconnectWait = 250 * time.Millisecond
)

// Config configures a store.
type Config struct {
	// URL is where the servers are, separated by commas: "nats://host:4222".
	URL string
	// Replicas is how many servers keep each event: an event is acknowledged when
	// more than half of them have it. Zero means 1. It applies when the store is
	// first opened, and changes that of an existing store.
	Replicas int
	// Window is how long a repeated key is recognized. Zero means 10 minutes.
	Window time.Duration
	// RoomEvents is how many events a room keeps. Zero means 100,000.
	RoomEvents int
	// Age is how long events are kept. Zero sets no limit.
	Age time.Duration
	// Bytes bounds all rooms together on each server; the rooms that use most are
	// trimmed first. Zero means 10 GiB.
	Bytes int64
	// IndexBytes bounds the index of rooms in this node's memory. Zero means 64 MiB.
	IndexBytes int
	// Log receives what operators need to know. Nil means slog.Default.
	Log *slog.Logger
	// Writable is called with false when the connection to the servers is lost, and with
	// true when there is one again. It must not block. Nil means nothing.
	Writable func(bool)
}

func (c Config) withDefaults() Config {
	c.Replicas = cmp.Or(c.Replicas, 1)
	c.Window = cmp.Or(c.Window, 10*time.Minute)
	c.RoomEvents = cmp.Or(c.RoomEvents, 100_000)
	c.Bytes = cmp.Or(c.Bytes, 10<<30)
	c.IndexBytes = cmp.Or(c.IndexBytes, 64<<20)
	c.Log = cmp.Or(c.Log, slog.Default())
	if c.Writable == nil {
		c.Writable = func(bool) {}
	}
	return c
}

// Store is a chat.Journal and a chat.State. Create it with Open.
type Store struct {
	config    Config
	log       *slog.Logger
	conn      *nats.Conn
	requester *requester
	js        jetstream.JetStream
	events    source
	stream    jetstream.Stream
	epoch     string
	mark      *mark
	state     *state
	feed      *feed
	barrier   *barrier // of feed
	queue     chan *submission

	submitting sync.RWMutex    // read-locked while an entry is sent to queue
	closing    context.Context // ends when Close begins
	beginClose context.CancelFunc
	stopping   context.Context // ends when the writer has ended
	stop       context.CancelFunc
	writing    sync.WaitGroup // the writer
	running    sync.WaitGroup // all other goroutines
	pool       *pool          // calls the functions of tails

	scrubbing chan struct{} // capacity 1: held by Scrub

	mu         sync.Mutex // guards below
	at         uint64     // the feed's position: the index has all events up to here
	rooms      map[string]*room
	lru        *list.List // of *room, the most recently used first
	indexBytes int
	names      btree.Set[string] // of all rooms that hold events
	pending    map[uint64]string
	deleted    map[uint64]time.Time // hidden events, and when they were erased
	scrubPoint scrubPoint
	activities []*activity
	closed     bool
}

var (
	_ chat.Journal = (*Store)(nil)
	_ chat.State   = (*Store)(nil)
)

// Open connects to the servers and opens the store, which is created if there is none. A
// log that is shorter than it was, or another one, gets a new epoch.
func Open(ctx context.Context, c Config) (*Store, error) {
	c = c.withDefaults()
	s := &Store{
		config:    c,
		log:       c.Log,
		requester: newRequester(),
		queue:     make(chan *submission, maxWindow),
		scrubbing: make(chan struct{}, 1),
		rooms:     make(map[string]*room),
		lru:       list.New(),
		pending:   make(map[uint64]string),
		deleted:   make(map[uint64]time.Time),
	}
	s.closing, s.beginClose = context.WithCancel(context.Background())
	s.stopping, s.stop = context.WithCancel(context.Background())
	s.pool = newPool()
	if err := s.connect(); err != nil {
		return nil, err
	}
	if err := s.open(ctx); err != nil {
		s.beginClose()
		s.stop()
		s.conn.Close()
		return nil, fmt.Errorf("open the store: %w", err)
	}
	s.pool.start()
	s.writing.Go(func() { s.write(s.closing) })
	s.running.Go(func() { s.feed.run(s.stopping) })
	s.running.Go(func() { s.barrier.run(s.stopping) })
	s.running.Go(func() { s.state.feed.run(s.stopping) })
	s.running.Go(func() { s.state.barrier.run(s.stopping) })
	s.running.Go(func() { s.maintain(s.stopping) })
	return s, nil
}

func (s *Store) connect() (err error) {
	s.conn, err = nats.Connect(s.config.URL,
		nats.Name("chatroom"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		// Messages that are published without a connection must fail: the writer publishes
		// them again, in order.
		nats.ReconnectBufSize(-1),
		// Each read of a batch allocates a queue of this length.
		nats.SyncQueueLen(2*batchMessages),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if s.closing.Err() == nil {
				s.log.Error("the connection to NATS is lost, connecting again", "err", err)
			}
			s.config.Writable(false)
			s.requester.disconnected()
		}),
		nats.ReconnectHandler(func(conn *nats.Conn) {
			s.log.Info("connected to NATS again", "server", conn.ConnectedUrlRedacted())
			s.config.Writable(true)
			s.suspect()
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			s.log.Warn("nats", "err", err)
			if errors.Is(err, nats.ErrSlowConsumer) {
				s.suspect()
			}
		}),
	)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", s.config.URL, err)
	}
	s.js, err = jetstream.New(s.conn, jetstream.WithPublishAsyncTimeout(ackTimeout))
	return err
}

// suspect makes the feeds look for messages that were lost.
func (s *Store) suspect() {
	s.mu.Lock()
	feed, state := s.feed, s.state
	s.mu.Unlock()
	if feed != nil {
		feed.suspect()
	}
	if state != nil {
		state.feed.suspect()
	}
}

func (s *Store) open(ctx context.Context) (err error) {
	s.events = source{s.conn, s.requester, s.js, streamName}
	if s.mark, err = openMark(ctx, s); err != nil {
		return err
	}
	if err := s.openStream(ctx); err != nil {
		return err
	}
	state, err := openState(ctx, s)
	if err != nil {
		return err
	}
	feed := newFeed(s.events, tailPrefix+"*", s.log, s.receive)
	s.mu.Lock()
	s.feed, s.state, s.barrier = feed, state, newBarrier(feed)
	s.at = s.mark.get().Scrubbed
	s.mu.Unlock()
	if err := feed.open(ctx, s.mark.get().Scrubbed); err != nil {
		return err
	}
	return s.loadNames(ctx)
}

// receive handles a batch of the feed. The index then has all events up to at.
func (s *Store) receive(batch []message, at uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range batch {
		s.receiveLocked(m)
	}
	s.at = at
	s.trimIndexLocked()
}

func (s *Store) receiveLocked(m message) {
	e := decode(m)
	name := roomOf(m.subject)
	s.at = m.sequence - 1
	r := s.roomLocked(name)
	before := r.bytes()
	s.at = m.sequence
	r.grown += len(m.data)
	s.countLocked(r, m, e)
	hidden := r.append(e)
	s.deleteLocked(r, e, hidden)
	s.evictLocked(r)
	s.names.Insert(name)
	for _, t := range r.tails {
		t.add(m)
	}
	for _, a := range s.activities {
		a.add(name)
	}
	s.indexBytes += r.bytes() - before
}

// countLocked counts an event of a room that comes after those which are counted.
func (s *Store) countLocked(r *room, m message, e entry) {
	if r.countsKnown {
		if e.sequence > r.counts.through {
			r.counts, r.newest = r.counts.with(e), m.time
		}
		return
	}
	// If the appending node knew of all events before this one its counts hold. Otherwise
	// they are looked up when they are needed.
	if before := countsBefore(m.header); m.knowsPrevious && m.previous <= before.through {
		r.countsKnown, r.counts, r.newest = true, before.with(e), m.time
	}
}

// roomLocked returns what is known of a room, and marks it as used.
func (s *Store) roomLocked(name string) *room {
	r := s.rooms[name]
	if r == nil {
		r = &room{name: name, subject: eventSubject(name), load: make(chan struct{}, 1), floor: s.at + 1}
		r.lruElement = s.lru.PushFront(r)
		s.rooms[name] = r
		s.indexBytes += r.bytes()
		return r
	}
	s.lru.MoveToFront(r.lruElement)
	return r
}

// trimIndexLocked forgets the least recently used rooms while the index takes too much
// memory.
func (s *Store) trimIndexLocked() {
	for place := s.lru.Back(); place != s.lru.Front() && s.indexBytes > s.config.IndexBytes; {
		r := place.Value.(*room)
		place = place.Prev()
		s.indexBytes -= r.bytes()
		if len(r.tails) > 0 {
			r.forget(s.at + 1)
			s.indexBytes += r.bytes()
			continue
		}
		delete(s.rooms, r.name)
		s.lru.Remove(r.lruElement)
	}
}

// check returns why a call can't be served.
func (s *Store) check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return chat.ErrStoreClosed
	}
	return nil
}

// sync returns why a call can't be served or, once this node has all that was
// acknowledged before, nil.
func (s *Store) sync(ctx context.Context) error {
	if err := s.check(ctx); err != nil {
		return err
	}
	return s.barrier.wait(ctx)
}

// failed wraps the error of a call that has failed, unless that is because of the
// caller or of Close.
func (s *Store) failed(ctx context.Context, call string, err error) error {
	switch {
	case err == nil:
		return nil
	case s.closing.Err() != nil:
		return chat.ErrStoreClosed
	case ctx.Err() != nil:
		return ctx.Err()
	case !s.conn.IsConnected():
		return fmt.Errorf("%s: %w: %w", call, chat.ErrUnreachable, err)
	}
	return fmt.Errorf("%s: %w", call, err)
}

// Close implements chat.Journal. It also ends the watches.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.beginClose()
	s.writing.Wait()
	s.refuseQueued()
	s.pool.close()
	s.stop()
	s.running.Wait()
	err := s.finish()
	s.conn.Close()
	return err
}
