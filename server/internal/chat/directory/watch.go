package directory

import (
	"errors"
	"sync"
	"time"

	"chatroom/server/fanout"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory/roomindex"
)

const (
	// watchInterval is the shortest time between two RoomsChanged.
	watchInterval = time.Second
	// watchWindow is how many RoomsChanged a watch may be behind before it misses one.
	watchWindow = 8
)

// Watch is a subscription to changes of the list. One goroutine at a time calls Take.
type Watch struct {
	publisher *publisher
	changes   *fanout.Subscription[*chat.RoomsChanged]
	missed    bool // the next RoomsChanged is an incomplete one
}

// Watch returns a watch that calls notify, which must not block, when there is something to
// take. Its first RoomsChanged is there at once, without a call of notify, and is
// incomplete: a caller who lists the rooms after it misses no change. The caller closes the
// watch. Watch returns chat.ErrClosed. It is called after Load.
func (d *Directory) Watch(notify func()) (*Watch, error) {
	changes := d.publisher.subscribe(notify)
	if changes == nil {
		return nil, chat.ErrClosed
	}
	return &Watch{publisher: d.publisher, changes: changes, missed: true}, nil
}

// Take puts the pending *chat.RoomsChanged into buf, and returns how many: one incomplete
// one if the watch has missed some. buf must not be empty.
func (w *Watch) Take(buf []chat.Item) (n int) {
	if w.missed {
		w.missed = false
		buf[0] = missedChanges
		buf, n = buf[1:], 1
	}
	var changes [watchWindow]*chat.RoomsChanged
	k, err := w.changes.Take(changes[:min(len(changes), len(buf))])
	if errors.Is(err, fanout.ErrLagged) {
		w.changes.Rejoin()
		if len(buf) == 0 {
			w.missed = true
			return n
		}
		buf[0] = missedChanges
		return n + 1
	}
	for i, c := range changes[:k] {
		buf[i] = c
	}
	return n + k
}

// Close ends the watch.
func (w *Watch) Close() { w.publisher.unsubscribe(w.changes) }

// missedChanges is delivered to a watch that may have missed changes.
var missedChanges = &chat.RoomsChanged{Incomplete: true}

// publisher publishes how the index changes, once for all watches. Its timer runs only
// while there are any.
type publisher struct {
	index *roomindex.Index

	mu      sync.Mutex // guards below
	topic   *fanout.Topic[*chat.RoomsChanged]
	watches int
	since   uint64      // the version of the index up to which changes were published
	timer   *time.Timer // nil before the first watch
	closed  bool
}

func newPublisher(index *roomindex.Index) *publisher {
	return &publisher{index: index, topic: fanout.New(fanout.Config[*chat.RoomsChanged]{Window: watchWindow})}
}

// subscribe returns nil after close. Each subscription is matched by an unsubscribe.
func (p *publisher) subscribe(notify func()) *fanout.Subscription[*chat.RoomsChanged] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	if p.watches++; p.watches == 1 {
		p.since = p.index.Version()
		if p.timer == nil {
			p.timer = time.AfterFunc(watchInterval, p.publish)
		} else {
			p.timer.Reset(watchInterval)
		}
	}
	return p.topic.SubscribeFunc(notify)
}

func (p *publisher) unsubscribe(sub *fanout.Subscription[*chat.RoomsChanged]) {
	sub.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watches--; p.watches == 0 {
		p.timer.Stop()
	}
}

// publish publishes what has changed since the last call.
func (p *publisher) publish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watches == 0 || p.closed {
		return
	}
	p.timer.Reset(watchInterval)
	c := p.index.Changes(p.since, chat.MaxRoomsChanged)
	if c.Version == p.since {
		return
	}
	p.since = c.Version
	changed := &chat.RoomsChanged{Rooms: c.Rooms, Removed: c.Removed, Incomplete: c.Incomplete}
	_ = p.topic.Publish(changed) // fails after close
}

func (p *publisher) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.topic.Close()
}
