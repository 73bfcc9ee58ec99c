package sqlite

import (
	"cmp"
	"container/heap"
	"fmt"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"
)

const (
	// lookAhead is how many of a room's oldest events are looked up at once.
	lookAhead = 256
	// buryEvery is how many evicted events are overwritten together: sorted by position,
	// several of them are on the same page.
	buryEvery = 4096
	// maxEvictions bounds the events of a room that a transaction evicts. There are more only
	// after Config.RoomEvents was lowered.
	maxEvictions = 4096
	// maxBacklog bounds the events that are evicted and not overwritten yet.
	maxBacklog = 16 * buryEvery
)

// victim is one of a room's oldest retained events.
type victim struct {
	entry
	pos uint64
}

// evictedEvent is an event that is hidden from readers and is to be overwritten.
type evictedEvent struct {
	victim
	room *room
}

// retention evicts the oldest events of rooms that exceed their limits. An event is evicted
// in memory at once, and overwritten later together with many others.
type retention struct {
	events int     // of all rooms
	total  int64   // the bytes of all rooms
	over   []*room // that had too many events when the store was opened

	// largest orders the rooms by bytes. It is built when total exceeds the limit first.
	largest roomHeap
	ordered bool

	evicted []evictedEvent // to be overwritten
	burying []evictedEvent // the batch that is being overwritten, by position
	upto    map[*room]uint64
	swept   time.Time // when the age of events was checked last

	oldest, unlist, unlistCounted *sqlite3.Stmt
}

func (t *retention) statements() map[string]**sqlite3.Stmt {
	return map[string]**sqlite3.Stmt{
		`SELECT t.seq, e.pos, e.flags, e.target, e.n, e.at, e.author, length(e.payload)
		 FROM timeline t CROSS JOIN events e ON e.pos = ifnull(t.pos, t.seq)
		 WHERE t.room = ? AND t.seq > ? AND t.seq < ? ORDER BY t.seq LIMIT ?`: &t.oldest,
		`DELETE FROM timeline WHERE room = ? AND seq <= ?`: &t.unlist,
		`DELETE FROM counted WHERE room = ? AND seq <= ?`:  &t.unlistCounted,
	}
}

// grow notes that a room has more events. It needs Store.mu.
func (t *retention) grow(r *room, size int64, events int) {
	t.total += size
	t.events += events
	t.moved(r)
}

// shrink notes that a room has one event less.
func (t *retention) shrink(r *room, size int64) {
	t.total -= size
	t.events--
	t.moved(r)
}

func (t *retention) moved(r *room) {
	switch {
	case !t.ordered:
	case r.heap < 0:
		heap.Push(&t.largest, r)
	default:
		heap.Fix(&t.largest, r.heap)
	}
}

// stageEvictions evicts a room's oldest events in the transaction while it has too many.
func (w *writer) stageEvictions(r *room) error {
	for r.staged.events > w.config.RoomEvents && w.retention.backlog() > 0 {
		seq, err := w.nextEviction(r)
		if err != nil {
			return err
		}
		if seq == 0 {
			w.complain("the indexes hold fewer events than they should",
				fmt.Errorf("room %q, after sequence %d: %w", r.name, r.staged.evicted, sqlite3.CORRUPT))
			break
		}
		r.staged.evicted = seq
		r.staged.evictions++
		r.staged.events--
		if r.staged.evictions >= maxEvictions {
			break
		}
	}
	return nil
}

// nextEviction returns the room's oldest event that is neither evicted nor erased by the
// transaction, 0 if there is none.
func (w *writer) nextEviction(r *room) (uint64, error) {
	for need := r.staged.evictions + 2; ; need = len(r.victims) + 1 {
		if err := w.lookAhead(r, need); err != nil {
			return 0, err
		}
		i, _ := slices.BinarySearchFunc(r.victims, r.staged.evicted+1, func(v victim, seq uint64) int { return bySequence(v.entry, seq) })
		for _, v := range r.victims[i:] {
			if !w.tx.erased[v.seq] {
				return v.seq, nil
			}
		}
		if len(r.victims) < need {
			break // the indexes have no more
		}
	}
	for _, e := range r.after(r.staged.evicted) {
		if !w.tx.erased[e.seq] {
			return e.seq, nil
		}
	}
	for _, e := range w.tx.events {
		if e.room == r && e.seq > r.staged.evicted && !w.tx.erased[e.seq] {
			return e.seq, nil
		}
	}
	return 0, nil
}

// retain evicts events above the limits after a transaction.
func (w *writer) retain() error {
	t := &w.retention
	over := t.over
	t.over = t.over[:0]
	for _, r := range over {
		if err := w.evict(r, min(r.events-w.config.RoomEvents, t.backlog())); err != nil {
			return err
		}
		if r.events > w.config.RoomEvents {
			t.over = append(t.over, r)
		}
	}
	if t.total <= w.config.Bytes {
		return nil
	}
	if !t.ordered {
		t.ordered = true
		for _, r := range w.rooms {
			r.heap = len(t.largest)
			t.largest = append(t.largest, r)
		}
		heap.Init(&t.largest)
	}
	for t.total > w.config.Bytes && t.backlog() > 0 && t.largest[0].events > 0 {
		if err := w.evict(t.largest[0], 1); err != nil {
			return err
		}
	}
	return nil
}

// backlog returns how many events may be evicted before others are overwritten.
func (t *retention) backlog() int { return maxBacklog - len(t.evicted) - len(t.burying) }

// evict drops the n oldest events of a room.
func (w *writer) evict(r *room, n int) error {
	for n > 0 && r.events > 0 {
		some := min(n, lookAhead)
		if err := w.lookAhead(r, some+1); err != nil {
			return err
		}
		n -= some
		w.mu.Lock()
		w.drop(r, some)
		w.mu.Unlock()
	}
	return nil
}

// drop evicts the n oldest events of a room: victims, or unindexed ones when no
// other is in the indexes. It needs Store.mu.
func (w *writer) drop(r *room, n int) {
	if n == 0 {
		return
	}
	for range n {
		var v victim
		switch {
		case len(r.victims) > 0:
			v, r.victims = r.victims[0], r.victims[1:]
		case len(r.unindexed) > 0:
			v = victim{r.unindexed[0], r.unindexed[0].seq}
			r.unindexed = r.unindexed[1:]
			w.unpend(v.entry)
		default:
			w.complain("the indexes hold fewer events than they should",
				fmt.Errorf("room %q, after sequence %d: %w", r.name, r.evicted, sqlite3.CORRUPT))
			w.retention.total -= r.bytes
			w.retention.events -= r.events
			r.first, r.last, r.events, r.bytes = 0, 0, 0, 0
			return
		}
		r.evicted = v.seq
		r.events--
		r.bytes -= v.size
		w.retention.shrink(r, v.size)
		w.retention.evicted = append(w.retention.evicted, evictedEvent{v, r})
	}
	switch {
	case len(r.victims) > 0:
		r.first, r.oldest = r.victims[0].seq, r.victims[0].at
	case len(r.unindexed) > 0:
		r.first, r.oldest = r.unindexed[0].seq, r.unindexed[0].at
	default:
		r.first, r.last = 0, 0
	}
}

// lookAhead looks up a room's oldest events in the indexes, as many as are
// needed, if there are.
func (w *writer) lookAhead(r *room, need int) error {
	if len(r.victims) >= min(need, r.events-len(r.unindexed)) {
		return nil
	}
	after := r.evicted
	if n := len(r.victims); n > 0 {
		after = r.victims[n-1].seq
	}
	found := append(make([]victim, 0, need+lookAhead), r.victims...)
	s := w.retention.oldest
	err := query(s, func() error {
		found = append(found, victimOf(s))
		return nil
	}, r.id, int64(after), int64(r.indexedBefore()), int64(cap(found)-len(found)))
	if err != nil {
		return fmt.Errorf("look for the oldest events of a room: %w", err)
	}
	r.victims = found
	return nil
}

// victimOf returns the row of a query of retention.oldest.
func victimOf(s *sqlite3.Stmt) victim {
	return victim{
		pos: uint64(s.ColumnInt64(1)),
		entry: entry{
			seq: uint64(s.ColumnInt64(0)), flags: s.ColumnInt64(2), target: uint64(s.ColumnInt64(3)),
			n: uint64(s.ColumnInt64(4)), at: s.ColumnInt64(5), author: s.ColumnInt64(6),
			size: s.ColumnInt64(7) + overhead,
		},
	}
}

// sweep evicts events that are too old.
func (w *writer) sweep(now time.Time) error {
	age := w.config.Age
	if age == 0 || now.Sub(w.retention.swept) < min(time.Minute, age/16+time.Second) {
		return nil
	}
	w.retention.swept = now
	before := now.Add(-age).UnixMilli()
	for _, r := range w.rooms {
		if err := w.evictOlder(r, before); err != nil {
			return err
		}
	}
	return nil
}

// evictOlder drops the events of a room that were stored before a time.
func (w *writer) evictOlder(r *room, before int64) error {
	for r.events > 0 && r.oldest < before && w.retention.backlog() > lookAhead {
		if err := w.lookAhead(r, lookAhead); err != nil {
			return err
		}
		n := 0
		for n < len(r.victims) && r.victims[n].at < before {
			n++
		}
		if n == len(r.victims) && n == r.events-len(r.unindexed) {
			for i := 0; i < len(r.unindexed) && r.unindexed[i].at < before; i++ {
				n++
			}
		} else if n == len(r.victims) {
			n-- // so that the next one is known
		}
		w.mu.Lock()
		w.drop(r, n)
		if n == 0 {
			r.oldest = before // no older event is left
		}
		w.mu.Unlock()
	}
	return nil
}

// startBurying begins to overwrite a batch if none is in progress and there are enough
// events.
func (t *retention) startBurying(least int) {
	if len(t.burying) > 0 || len(t.evicted) < least || len(t.evicted) == 0 {
		return
	}
	t.burying, t.evicted = t.evicted, nil
	slices.SortFunc(t.burying, func(a, b evictedEvent) int { return cmp.Compare(a.pos, b.pos) })
	t.upto = make(map[*room]uint64)
	for _, e := range t.burying {
		t.upto[e.room] = max(t.upto[e.room], e.seq)
	}
}

// burySome overwrites some of the evicted events.
func (w *writer) burySome(budget int) error {
	t := &w.retention
	n := min(len(t.burying), budget)
	if n == 0 {
		return nil
	}
	for _, e := range t.burying[:n] {
		if err := run(w.eraser.overwrite, int64(e.pos)); err != nil {
			return fmt.Errorf("overwrite an evicted event: %w", err)
		}
		if e.target == 0 {
			continue
		}
		if err := run(w.eraser.unlistSeen, int64(e.target), int64(e.relation()), int64(e.seq)); err != nil {
			return fmt.Errorf("unlist an evicted event: %w", err)
		}
	}
	left := t.burying[n:]
	if len(left) == 0 {
		if err := w.buried(); err != nil {
			return fmt.Errorf("unlist evicted events: %w", err)
		}
	}
	w.tx.then = append(w.tx.then, func() {
		t.burying = left
		w.reclaim.dead += int64(n)
		w.scrubs.stale = true
	})
	return nil
}

// buried removes the events of a batch from the indexes: all are overwritten.
func (w *writer) buried() error {
	for r, upto := range w.retention.upto {
		if err := run(w.retention.unlist, r.id, int64(upto)); err != nil {
			return err
		}
		if err := run(w.retention.unlistCounted, r.id, int64(upto)); err != nil {
			return err
		}
		if err := w.writeRoom(r, upto); err != nil {
			return err
		}
		w.tx.then = append(w.tx.then, func() { r.buried = upto })
	}
	return nil
}

// roomHeap is a heap of rooms, the one with the most bytes first.
type roomHeap []*room

func (h roomHeap) Len() int           { return len(h) }
func (h roomHeap) Less(i, j int) bool { return h[i].bytes > h[j].bytes }
func (h roomHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heap, h[j].heap = i, j
}

// Push implements heap.Interface.
func (h *roomHeap) Push(r any) {
	r.(*room).heap = len(*h)
	*h = append(*h, r.(*room))
}

// Pop implements heap.Interface. Nothing is ever popped.
func (h *roomHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	last.heap = -1
	return last
}
