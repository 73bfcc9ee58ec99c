package sqlite

import (
	"errors"
	"slices"

	"chatroom/server/internal/chat"
)

// transaction is what is applied to memory once it is committed.
type transaction struct {
	start   uint64 // the sequence of its first event
	events  []stagedEvent
	changes map[uint64][]entry // those of events that have a target, by target
	rooms   []*room            // whose staged is active
	created map[string]*room
	erased  map[uint64]bool // the events that it erases
	erasing []erasing       // those of them that were stored before it
	firsts  map[*room]uint64
	records []chat.Record
	undo    []func()
	then    []func() // in order, holding Store.mu
}

func (t *transaction) init() {
	t.changes = make(map[uint64][]entry)
	t.created = make(map[string]*room)
	t.erased = make(map[uint64]bool)
	t.firsts = make(map[*room]uint64)
}

// stagedEvent is an event that the transaction stores.
type stagedEvent struct {
	entry
	room     *room
	previous uint64
	payload  []byte
}

// transact runs fn in a transaction and publishes what it has staged, or undoes it.
func (w *writer) transact(fn func() error) error {
	w.tx.start = w.next
	err := w.begin.Exec()
	if err == nil {
		err = fn()
	}
	if err == nil {
		err = w.finishErasing()
	}
	if err == nil {
		err = w.commit.Exec()
	}
	if err == nil {
		w.publish()
	} else {
		if !w.conn.GetAutocommit() {
			err = errors.Join(err, w.rollback.Exec())
		}
		for _, undo := range slices.Backward(w.tx.undo) {
			undo()
		}
		for _, r := range w.tx.rooms {
			r.victims = nil // may lack what the transaction erased
		}
	}
	w.tx.reset()
	return err
}

// reset empties a transaction and keeps its memory.
func (t *transaction) reset() {
	for _, r := range t.rooms {
		r.staged = stagedRoom{}
	}
	clear(t.changes)
	clear(t.created)
	clear(t.erased)
	clear(t.firsts)
	t.events = empty(t.events)
	t.rooms = empty(t.rooms)
	t.erasing = empty(t.erasing)
	t.records = empty(t.records)
	t.undo = empty(t.undo)
	t.then = empty(t.then)
}

func empty[T any](s []T) []T {
	clear(s)
	return s[:0]
}

// publish applies a committed transaction to memory, where readers see it, and then calls
// the functions of tails, activity and watches.
func (w *writer) publish() {
	if len(w.tx.rooms) == 0 && len(w.tx.then) == 0 && len(w.tx.records) == 0 {
		return
	}
	w.mu.Lock()
	for name, r := range w.tx.created {
		w.rooms[name], w.byID[r.id] = r, r
	}
	out := w.subscribers.collect(w.tx.rooms)
	for i := range w.tx.events {
		w.apply(&w.tx.events[i], out)
	}
	for _, e := range w.tx.erasing {
		w.forget(e)
	}
	for _, r := range w.tx.rooms {
		w.drop(r, r.staged.evictions)
	}
	for r, first := range w.tx.firsts {
		r.first = first
	}
	for _, then := range w.tx.then {
		then()
	}
	w.mu.Unlock()
	out.call()
	if len(w.tx.events) > 0 {
		w.mark.raise(w.next)
		w.subscribers.active(w.tx.rooms)
	}
	w.subscribers.changed(w.tx.records)
}

// apply adds a stored event to its room in memory.
func (w *writer) apply(e *stagedEvent, out *deliveries) {
	r := e.room
	if e.counted() {
		r.counted++
	}
	w.index.append(r)
	if w.tx.erased[e.seq] {
		w.reclaim.dead++
		if e.counted() {
			r.erased++
		}
		return
	}
	out.add(r, chat.Stored{Sequence: e.seq, Previous: w.delivered(e.previous), Payload: e.payload})
	r.add(e.entry)
	w.retention.grow(r, e.size, 1)
	if e.target != 0 {
		w.pending[e.target] = append(w.pending[e.target], pendingChange{r, e.seq})
	}
}

// delivered returns the event that a tail has received before another: the nearest one that
// the transaction itself has not erased.
func (w *writer) delivered(previous uint64) uint64 {
	for w.tx.erased[previous] {
		e := w.staged(previous)
		if e == nil {
			break
		}
		previous = e.previous
	}
	return previous
}
