package jetstream

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"chatroom/server/internal/chat"
)

const (
	// tailPending bounds what waits for a tail's function, in messages and
	// bytes; past it, messages are dropped here and read from the stream.
	tailPending      = 65_536
	tailPendingBytes = 64 << 20
	// tailBatch bounds what a tail's function is called with at once.
	tailBatch = 256
	// repairTimeout bounds one reading of what a tail has missed.
	repairTimeout = 10 * time.Second
	repairChunk   = 256
	repairEvery   = 250 * time.Millisecond
)

// tail follows one room.
type tail struct {
	journal *Journal
	room    string
	sub     *nats.Subscription
	recent  recent

	mu     sync.Mutex // guards below; held while fn runs
	fn     func([]chat.Stored)
	last   uint64    // everything up to here has arrived, was erased, or came before the tail
	batch  []arrival // what fn is to be called with next
	handed uint64    // what fn was called with last, or the last before the tail
	closed bool
}

// arrival is an event on its way to a tail's function.
type arrival struct {
	chat.Stored
	after uint64 // tail.last before it
}

// Tail implements chat.Journal.
func (j *Journal) Tail(ctx context.Context, room string, fn func([]chat.Stored)) (func(), error) {
	if err := j.check(ctx); err != nil {
		return nil, err
	}
	t := &tail{journal: j, room: room, recent: newRecent(), fn: fn}
	// Nothing is delivered before last is known.
	t.mu.Lock()
	defer t.mu.Unlock()
	sub, err := j.conn.Subscribe(tailPrefix+token(room), t.deliver)
	if err != nil {
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	t.sub = sub
	err = sub.SetPendingLimits(tailPending, tailPendingBytes)
	if err == nil {
		err = j.flush(ctx)
	}
	if err == nil {
		t.last, err = j.last(ctx, room)
		t.handed = t.last
	}
	if err == nil {
		err = j.addTail(t)
	}
	if err == nil {
		// Behind addTail: what is erased while it is read is taken out again.
		err = t.seedLocked(ctx)
	}
	if err != nil {
		j.removeTail(t)
		t.closed = true
		_ = sub.Unsubscribe()
		return nil, err
	}
	return func() {
		j.removeTail(t)
		t.close()
	}, nil
}

func (j *Journal) addTail(t *tail) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return chat.ErrJournalClosed
	}
	if j.tails[t.room] == nil {
		j.tails[t.room] = make(map[*tail]struct{})
	}
	j.tails[t.room][t] = struct{}{}
	return nil
}

func (j *Journal) removeTail(t *tail) {
	j.mu.Lock()
	defer j.mu.Unlock()
	delete(j.tails[t.room], t)
	if len(j.tails[t.room]) == 0 {
		delete(j.tails, t.room)
	}
}

// close returns when fn is not running, and will not run again.
func (t *tail) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		_ = t.sub.Unsubscribe()
	}
}

// deliver takes a republished event. Its headers say what came before it in the
// room, and so whether something was missed.
func (t *tail) deliver(m *nats.Msg) {
	if erased, err := strconv.ParseUint(m.Header.Get(headerErased), 10, 64); err == nil {
		t.recent.erase(erased)
		return
	}
	sequence, err1 := strconv.ParseUint(m.Header.Get("Nats-Sequence"), 10, 64)
	previous, err2 := strconv.ParseUint(m.Header.Get("Nats-Last-Sequence"), 10, 64)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || err1 == nil && sequence <= t.last {
		return
	}
	if err1 != nil || err2 != nil || previous > t.last {
		if !t.repairLocked() {
			t.journal.running.Go(t.repair)
		}
		return
	}
	t.arrivedLocked(chat.Stored{Sequence: sequence, Previous: previous, Payload: m.Data})
	// The message at hand counts as pending. More than that will be delivered at
	// once, and is handed on together with it.
	if pending, _, err := t.sub.Pending(); err != nil || pending <= 1 || len(t.batch) >= tailBatch {
		t.handLocked()
	}
}

func (t *tail) arrivedLocked(e chat.Stored) {
	t.batch = append(t.batch, arrival{e, t.last})
	t.last = e.Sequence
}

// handLocked calls fn with the batch, except for events that were erased on their
// way. What comes after such a one comes after the one before it.
func (t *tail) handLocked() {
	_ = t.journal.disk.wait(context.Background(), t.last)
	events := make([]chat.Stored, 0, len(t.batch))
	for _, e := range t.batch {
		if e.Previous > t.handed && e.Previous <= e.after {
			e.Previous = t.handed
		}
		if t.recent.add(e.Stored) {
			t.handed = e.Sequence
			events = append(events, e.Stored)
		}
	}
	clear(t.batch)
	t.batch = t.batch[:0]
	if len(events) > 0 {
		t.fn(events)
	}
}

// repair reads what was missed, and tries again when the log can't be read, as
// with a server that has been reached again but is not ready yet.
func (t *tail) repair() {
	again := time.NewTicker(repairEvery)
	defer again.Stop()
	for {
		t.mu.Lock()
		repaired := t.repairLocked()
		t.mu.Unlock()
		if repaired {
			return
		}
		select {
		case <-again.C:
		case <-t.journal.closing.Done():
			return
		}
	}
}

// repairLocked reads what was missed, up to the end of the log. It reports
// whether it could.
func (t *tail) repairLocked() bool {
	ctx, cancel := context.WithTimeout(t.journal.closing, repairTimeout)
	defer cancel()
	if t.journal.server == nil {
		t.recent.reset(t.last) // that another node has erased some may be missed as well
	}
	for !t.closed {
		events, err := t.journal.read(ctx, t.room, t.last, repairChunk)
		if t.journal.closing.Err() != nil {
			return true
		}
		if err != nil {
			t.journal.log.Warn("a tail can't read what it missed, and tries again", "room", t.room, "err", err)
			return false
		}
		for _, e := range events {
			t.arrivedLocked(e)
		}
		t.handLocked()
		if len(events) < repairChunk {
			break
		}
	}
	return true
}

// repairTails makes every tail read what it may have missed while the connection
// was gone, or messages were dropped.
func (j *Journal) repairTails() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, room := range j.tails {
		for t := range room {
			j.running.Go(t.repair)
		}
	}
}

// flush returns when the server has the subscriptions made before.
func (j *Journal) flush(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, repairTimeout)
	defer cancel()
	return j.conn.FlushWithContext(ctx)
}
