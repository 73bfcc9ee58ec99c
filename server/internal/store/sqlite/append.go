package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/ncruces/go-sqlite3"

	"chatroom/server/internal/chat"
)

// Submit implements chat.Journal.
func (s *Store) Submit(ctx context.Context, e chat.Entry, done func(chat.Appended)) {
	if err := ctx.Err(); err != nil {
		done(chat.Appended{Err: err})
		return
	}
	a := newAppendJob(e)
	a.done = done
	if err := s.queue.put(ctx, job{append: a}); err != nil {
		done(chat.Appended{Err: err})
	}
}

// newAppendJob computes what the writer needs of an entry.
func newAppendJob(e chat.Entry) *appendJob {
	a := &appendJob{
		room:    e.Room,
		payload: bytes.Clone(e.Payload),
		target:  e.Target,
		flags:   int64(e.Relation),
		author:  authorID(e.Author),
		key:     digestOf(e.Room, e.Key),
		crc:     payloadCRC(e.Room, e.Payload),
	}
	if e.Counted {
		a.flags |= countedFlag
	}
	return a
}

// stageAppend stores an event, or sets its outcome to the reason why not.
func (w *writer) stageAppend(a *appendJob) error {
	now := max(w.config.now().UnixMilli(), w.last)
	seq, duplicate, err := w.keys.find(a.key, now)
	if err != nil {
		return fmt.Errorf("look for the key: %w", err)
	}
	if duplicate {
		a.outcome = chat.Appended{At: chat.Cursor{Epoch: w.epoch, Sequence: seq}, Duplicate: true}
		return nil
	}
	r := w.room(a.room)
	if a.target != 0 {
		ok, err := w.retained(r, a.target)
		if err != nil {
			return fmt.Errorf("look for the target: %w", err)
		}
		if !ok {
			a.outcome = chat.Appended{Err: fmt.Errorf("%w: %d", chat.ErrTargetGone, a.target)}
			return nil
		}
	}
	if r, err = w.stageRoom(r, a.room); err != nil {
		return err
	}
	return w.stageEvent(a, r, now)
}

// stageEvent stores an event that is neither a duplicate nor refused.
func (w *writer) stageEvent(a *appendJob, r *room, now int64) error {
	if chat.Relation(a.flags&^countedFlag) == chat.Erases {
		if err := w.erase(r, a.target); err != nil {
			return err
		}
	}
	if err := w.stageRow(a, r, now); err != nil {
		return err
	}
	return w.stageEvictions(r)
}

// stageRow appends the row of an event.
func (w *writer) stageRow(a *appendJob, r *room, now int64) error {
	e := entry{
		seq: w.next, target: a.target, at: now, author: a.author, flags: a.flags,
		size: int64(len(a.payload)) + overhead, n: r.staged.counted,
	}
	if e.counted() {
		e.n++
	}
	if err := w.insert(e, r, a); err != nil {
		return fmt.Errorf("insert an event: %w", err)
	}
	next, last := w.next, w.last
	w.tx.undo = append(w.tx.undo, func() { w.next, w.last = next, last },
		w.keys.add(keyRecord{digest: a.key, seq: e.seq, at: e.at}))
	w.next, w.last = w.next+1, now
	w.tx.events = append(w.tx.events, stagedEvent{entry: e, room: r, previous: r.staged.last, payload: a.payload})
	if e.target != 0 {
		w.tx.changes[e.target] = append(w.tx.changes[e.target], e)
	}
	r.staged.counted, r.staged.last = e.n, e.seq
	r.staged.events++
	a.outcome = chat.Appended{At: chat.Cursor{Epoch: w.epoch, Sequence: e.seq}}
	return nil
}

func (w *writer) insert(e entry, r *room, a *appendJob) error {
	s := w.insertEvent
	err := bind(s, int64(e.seq), r.id, int64(e.n), e.at, e.flags, int64(e.target), e.author, int64(sealCRC(a.crc, e.seq)))
	if err != nil {
		return err
	}
	if err := s.BindBlob(9, a.key[:]); err != nil {
		return err
	}
	if err := bindPayload(s, 10, a.payload); err != nil {
		return err
	}
	return s.Exec()
}

// bindPayload binds a payload. A nil slice is empty and not NULL.
func bindPayload(s *sqlite3.Stmt, param int, payload []byte) error {
	if len(payload) == 0 {
		return s.BindZeroBlob(param, 0)
	}
	return s.BindBlob(param, payload)
}

// payloadCRC returns the checksum of an event without its sequence.
func payloadCRC(room string, payload []byte) uint32 {
	crc := crc32.Update(0, castagnoli, append([]byte(room), 0))
	return crc32.Update(crc, castagnoli, payload)
}

// sealCRC adds the sequence to a checksum.
func sealCRC(crc uint32, seq uint64) uint32 {
	var b [8]byte
	for i := range b {
		b[i] = byte(seq >> (8 * i))
	}
	return crc32.Update(crc, castagnoli, b[:])
}

// room returns a room, nil if it has no row.
func (w *writer) room(name string) *room {
	if r := w.rooms[name]; r != nil {
		return r
	}
	return w.tx.created[name]
}

// stageRoom makes a room part of the transaction, and creates it if it is nil.
func (w *writer) stageRoom(r *room, name string) (*room, error) {
	if r == nil {
		if err := w.insertRoom.BindText(1, name); err != nil {
			return nil, err
		}
		if err := w.insertRoom.Exec(); err != nil {
			return nil, fmt.Errorf("insert a room: %w", err)
		}
		r = &room{id: w.conn.LastInsertRowID(), name: name, heap: -1}
		w.tx.created[name] = r
	}
	if !r.staged.active {
		r.staged = stagedRoom{active: true, last: r.last, events: r.events, counted: r.counted, evicted: r.evicted}
		w.tx.rooms = append(w.tx.rooms, r)
	}
	return r, nil
}

// retained reports whether an event is in a room and can be read.
func (w *writer) retained(r *room, seq uint64) (bool, error) {
	if r == nil || seq <= max(r.evicted, r.staged.evicted) || seq >= w.next {
		return false, nil
	}
	if w.tx.erased[seq] {
		return false, nil
	}
	if e := w.staged(seq); e != nil {
		return e.room == r, nil
	}
	if seq >= r.indexedBefore() {
		_, ok := r.find(seq)
		return ok, nil
	}
	_, ok, err := w.positionOf(r, seq)
	return ok, err
}

// staged returns an event of the transaction, nil if there is none.
func (w *writer) staged(seq uint64) *stagedEvent {
	i, ok := slices.BinarySearchFunc(w.tx.events, seq, func(e stagedEvent, seq uint64) int {
		return bySequence(e.entry, seq)
	})
	if !ok {
		return nil
	}
	return &w.tx.events[i]
}
