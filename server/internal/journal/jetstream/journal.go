package jetstream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"chatroom/server/internal/chat"
)

const (
	streamName   = "CHATROOM"
	eventPrefix  = "chatroom.event."  // + token: what is stored
	tailPrefix   = "chatroom.tail."   // + token: what was stored, and what was erased
	erasedPrefix = "chatroom.erased." // + token + "." + sequence: its tombstone
	epochKey     = "chatroom-epoch"   // in the stream's metadata
	headerBefore = "Chatroom-Before"  // the sequence of the event before it in the room
	headerErased = "Chatroom-Erased"  // the sequence of an event that was erased
	headerKey    = "Chatroom-Key"     // of a tombstone: the message id of what was erased
	headerTime   = "Chatroom-Time"    // of a tombstone: when that was stored, in Unix nanoseconds
	maxPayload   = 1 << 20            // bytes

	complainEvery = 10 * time.Second
	reconnectWait = 250 * time.Millisecond
)

// Config is where and how a journal is kept.
type Config struct {
	// Dir holds the files of the embedded server.
	Dir string
	// URL is an external server's, "nats://host:4222". Empty embeds one.
	URL string
	// NoFsync acknowledges events that are not on disk yet: a crash of the
	// machine may lose up to the last two minutes. Embedded only.
	NoFsync bool
	// Window is how long a key stands for the event that it came with. Zero
	// means 10 minutes.
	Window time.Duration
	// RoomEvents is how many events a room keeps. Zero means 100,000.
	RoomEvents int
	// Age is how long events are kept. Zero means for ever.
	Age time.Duration
	// Bytes bounds all rooms together, oldest first. Zero means 10 GiB.
	Bytes int64
	// Log takes what operators should know. Nil means slog.Default.
	Log *slog.Logger
}

// Journal is a chat.Journal. Create it with Open.
type Journal struct {
	config   Config
	log      *slog.Logger
	server   *server.Server // nil for an external one
	conn     *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
	epoch    string
	mark     *mark
	disk     *disk     // nil when nothing is synced from here
	erasures *erasures // nil for an external server

	appends    chan *appending
	submitting sync.RWMutex    // read-locked while something is put into appends
	closing    context.Context // ends before the tails do
	beginEnd   context.CancelFunc
	stop       context.CancelFunc // ends the goroutines, once the tails have ended
	ended      <-chan struct{}    // of stop
	running    sync.WaitGroup

	mu     sync.Mutex                    // guards below
	tails  map[string]map[*tail]struct{} // by room
	closed bool

	complained time.Time // when it was last logged that something is wrong
}

var _ chat.Journal = (*Journal)(nil)

// Open opens the journal, and makes it if there is none. A log that is shorter
// than it was gets another epoch, so that cursors in what is lost are known.
func Open(ctx context.Context, c Config) (*Journal, error) {
	c.Window = cmp.Or(c.Window, 10*time.Minute)
	c.RoomEvents = cmp.Or(c.RoomEvents, 100_000)
	c.Bytes = cmp.Or(c.Bytes, 10<<30)
	j := &Journal{
		config:  c,
		log:     c.Log,
		appends: make(chan *appending, maxBatch),
		tails:   make(map[string]map[*tail]struct{}),
	}
	j.closing, j.beginEnd = context.WithCancel(context.Background())
	if j.log == nil {
		j.log = slog.Default()
	}
	path, before, changed, err := j.readMark()
	if err != nil {
		return nil, err
	}
	if c.URL == "" {
		if j.erasures, err = openErasures(c.Dir); err != nil {
			return nil, err
		}
	}
	if err := j.connect(); err != nil {
		return nil, err
	}
	last, err := j.openStream(ctx, before, changed)
	var keys taken
	if err == nil {
		keys, err = j.takenKeys(ctx)
	}
	now := highwater{Epoch: j.epoch, Last: max(last, before.Last), Told: before.Told}
	if j.epoch != before.Epoch {
		now.Told = now.Last
	}
	j.mark = newMark(path, now)
	if err == nil && c.URL == "" && !c.NoFsync {
		j.disk, err = openDisk(c.Dir, last, j.log)
	}
	if err == nil {
		err = j.mark.write()
	}
	if err != nil {
		j.disconnect()
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	j.stop, j.ended = stop, running.Done()
	j.running.Go(func() { newAppender(j, last, keys).run(running) })
	j.running.Go(func() { j.mark.run(running, j) })
	return j, nil
}

func (j *Journal) connect() (err error) {
	options := []nats.Option{
		nats.Name("chatroom"),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		// Each reading of a chunk makes a queue of this length: by default it is one
		// of 512 KiB, which every join of a room left as garbage.
		nats.SyncQueueLen(2 * readChunk),
		nats.ReconnectHandler(func(*nats.Conn) { j.repairTails() }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			j.log.Warn("nats", "err", err)
			if errors.Is(err, nats.ErrSlowConsumer) {
				j.repairTails()
			}
		}),
	}
	if j.config.URL == "" {
		j.server, j.conn, err = embed(j.config, options...)
	} else {
		j.conn, err = nats.Connect(j.config.URL, options...)
	}
	if err != nil {
		return err
	}
	j.js, err = jetstream.New(j.conn)
	return err
}

func (j *Journal) disconnect() {
	j.conn.Close()
	if j.server != nil {
		j.server.Shutdown()
		j.server.WaitForShutdown()
	}
}

// Head implements chat.Journal.
func (j *Journal) Head(ctx context.Context, room string) (chat.Head, error) {
	if err := j.check(ctx); err != nil {
		return chat.Head{}, err
	}
	h := chat.Head{Epoch: j.epoch}
	// In this order: what comes or goes meanwhile leaves First before Last.
	first, err := j.first(ctx, room)
	if err != nil {
		return h, err
	}
	if first.Sequence == 0 {
		h.Evicted, err = j.dropped(ctx)
		return h, err
	}
	last, err := j.last(ctx, room)
	if err != nil {
		return h, err
	}
	h.First, h.Last, h.Evicted = first.Sequence, max(first.Sequence, last), first.Previous
	return h, j.disk.wait(ctx, h.Last)
}

// first returns a room's oldest event; its Previous is what retention has dropped
// before it. Finding it takes a search, which is remembered for rooms with a tail:
// the oldest event stays that until it goes.
func (j *Journal) first(ctx context.Context, room string) (chat.Stored, error) {
	r := j.recentOf(room)
	if r != nil {
		if first := r.oldest(); first.Sequence > 0 {
			m, err := j.stream.GetMsg(ctx, first.Sequence)
			if err == nil && m.Subject == eventPrefix+token(room) {
				return first, nil
			}
		}
	}
	events, err := j.forward(ctx, room, 0, 1)
	if err != nil || len(events) == 0 {
		return chat.Stored{}, err
	}
	if events[0].Previous, err = j.unerased(ctx, room, events[0].Previous, 0); err != nil {
		return chat.Stored{}, err
	}
	if r != nil {
		r.setOldest(events[0])
	}
	return events[0], nil
}

// last returns the sequence of a room's newest event, 0 when there is none.
func (j *Journal) last(ctx context.Context, room string) (uint64, error) {
	m, err := j.stream.GetLastMsgForSubject(ctx, eventPrefix+token(room))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("last event: %w", err)
	}
	return m.Sequence, nil
}

// dropped returns the sequence up to which nothing is left of any room.
func (j *Journal) dropped(ctx context.Context) (uint64, error) {
	info, err := j.stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("ask for the stream's beginning: %w", err)
	}
	return max(info.State.FirstSeq, 1) - 1, nil
}

// space tells whether there is space on the disk for some bytes.
func (j *Journal) space(size int64) error {
	if j.server == nil {
		return nil
	}
	return checkSpace(j.config.Dir, size)
}

// notStored wraps the error of an append that failed.
func (j *Journal) notStored(err error) error {
	if j.closing.Err() == nil && j.complain() {
		j.log.Error("events can't be stored, and are refused", "err", err)
	}
	return fmt.Errorf("%w: %w", chat.ErrNotStored, err)
}

// complain tells whether to log an error that may come with every call: operators
// should know, but not each time.
func (j *Journal) complain() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if time.Since(j.complained) < complainEvery {
		return false
	}
	j.complained = time.Now()
	return true
}

// Rooms implements chat.Journal.
func (j *Journal) Rooms(ctx context.Context, after string, limit int) ([]chat.RoomHead, error) {
	if err := j.check(ctx); err != nil {
		return nil, err
	}
	info, err := j.stream.Info(ctx, jetstream.WithSubjectFilter(eventPrefix+"*"))
	if err != nil {
		return nil, fmt.Errorf("list rooms: %w", err)
	}
	var rooms []string
	for subject := range info.State.Subjects {
		if room := roomOf(strings.TrimPrefix(subject, eventPrefix)); room > after {
			rooms = append(rooms, room)
		}
	}
	slices.Sort(rooms)
	var heads []chat.RoomHead
	for _, room := range rooms[:min(limit, len(rooms))] {
		last, err := j.last(ctx, room)
		if err != nil {
			return nil, err
		}
		if err := j.disk.wait(ctx, last); err != nil {
			return nil, err
		}
		if last > 0 {
			heads = append(heads, chat.RoomHead{Room: room, Last: last})
		}
	}
	return heads, nil
}

// Close implements chat.Journal.
func (j *Journal) Close() error {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return nil
	}
	j.closed = true
	tails := j.tails
	j.tails = nil
	j.mu.Unlock()
	j.beginEnd()
	for _, room := range tails {
		for t := range room {
			t.close()
		}
	}
	j.stop()
	j.running.Wait()
	j.refuse()
	j.disconnect()
	if j.server != nil {
		files, err := filesOf(blocksOf(j.config.Dir))
		if err != nil {
			return fmt.Errorf("look at the log's files: %w", err)
		}
		j.mark.closed(files)
	}
	return j.mark.write()
}

func (j *Journal) check(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return chat.ErrJournalClosed
	}
	return nil
}

// token is a room's name as a token of a subject: a dot would separate two.
func token(room string) string { return strings.ReplaceAll(room, ".", "=") }

func roomOf(token string) string { return strings.ReplaceAll(token, "=", ".") }
