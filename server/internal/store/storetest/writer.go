package storetest

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

// writer appends to a store, and knows what each room should hold.
type writer struct {
	t     testing.TB
	s     Store
	keep  int // how many events a room keeps; 0 means all
	rooms map[string]*naiveRoom
	last  uint64 // the newest sequence of all rooms
	keys  int    // how many keys were made up
}

func newWriter(t testing.TB, s Store) *writer {
	return &writer{t: t, s: s, rooms: make(map[string]*naiveRoom)}
}

// event is a stored entry.
type event struct {
	chat.Entry
	sequence uint64
}

func (w *writer) room(name string) *naiveRoom {
	r := w.rooms[name]
	if r == nil {
		r = &naiveRoom{keep: w.keep}
		w.rooms[name] = r
	}
	return r
}

// add appends an event without a target that must be new.
func (w *writer) add(room string) event {
	w.t.Helper()
	return w.append(chat.Entry{Room: room})
}

// addAll appends n events without waiting for each.
func (w *writer) addAll(room string, n int) []event {
	w.t.Helper()
	entries := make([]chat.Entry, n)
	for i := range entries {
		entries[i] = chat.Entry{Room: room}
	}
	return w.appendAll(entries)
}

func (w *writer) relate(room string, relation chat.Relation, target uint64) event {
	w.t.Helper()
	return w.append(chat.Entry{Room: room, Relation: relation, Target: target})
}

func (w *writer) erase(room string, target uint64) event {
	w.t.Helper()
	return w.relate(room, chat.Erases, target)
}

// append appends an entry that must be new. It makes up a key, and a payload, if
// there is none.
func (w *writer) append(e chat.Entry) event {
	w.t.Helper()
	return w.appendAll([]chat.Entry{e})[0]
}

// appendAll submits entries in order and waits for all of them.
func (w *writer) appendAll(entries []chat.Entry) []event {
	w.t.Helper()
	for i := range entries {
		if entries[i].Key == "" {
			w.keys++
			entries[i].Key = fmt.Sprintf("key %d", w.keys)
		}
		if entries[i].Payload == nil {
			entries[i].Payload = fmt.Appendf(nil, "payload of %q in %q", entries[i].Key, entries[i].Room)
		}
	}
	events := make([]event, len(entries))
	for i, a := range submitAll(w.t, w.s, entries) {
		if a.Err != nil || a.Duplicate || a.At.Sequence <= w.last || a.At.Epoch == "" {
			w.t.Fatalf("Submit(%+v) = %+v, want a new event after %d", entries[i], a, w.last)
		}
		w.last = a.At.Sequence
		events[i] = event{entries[i], a.At.Sequence}
		w.room(entries[i].Room).store(events[i])
	}
	return events
}

// submitAll submits entries in order, and returns the outcomes once all have come.
func submitAll(t testing.TB, s Store, entries []chat.Entry) []chat.Appended {
	t.Helper()
	outcomes := make([]chat.Appended, len(entries))
	var answered sync.WaitGroup
	for i, e := range entries {
		answered.Add(1)
		s.Submit(t.Context(), e, func(a chat.Appended) {
			outcomes[i] = a
			answered.Done()
		})
	}
	answered.Wait()
	return outcomes
}

// naiveRoom is what a room should hold, as simply as it can be said.
type naiveRoom struct {
	keep    int
	events  []event // retained
	erased  []uint64
	evicted uint64
	counted uint64
	stored  []chat.Stored // all, with the Previous that each had when it was stored
}

func (r *naiveRoom) store(e event) {
	r.events = append(r.events, e)
	if e.Counted {
		r.counted++
	}
	if e.Relation == chat.Erases {
		r.erase(e.Target)
	}
	r.stored = append(r.stored, chain(r.events)[len(r.events)-1])
	if r.keep > 0 && len(r.events) > r.keep {
		r.evicted = r.events[0].sequence
		r.events = r.events[1:]
	}
}

func (r *naiveRoom) erase(target uint64) {
	var left []event
	for _, e := range r.events {
		if e.sequence == target || e.Relation == chat.Revises && e.Target == target {
			r.erased = append(r.erased, e.sequence)
		} else {
			left = append(left, e)
		}
	}
	r.events = left
}

// last returns the newest event.
func (r *naiveRoom) last() uint64 {
	if len(r.events) == 0 {
		return 0
	}
	return r.events[len(r.events)-1].sequence
}

func (r *naiveRoom) holds(sequence uint64) bool {
	return slices.ContainsFunc(r.events, func(e event) bool { return e.sequence == sequence })
}

func (r *naiveRoom) read(after uint64, limit int) []chat.Stored {
	all := chain(r.events)
	from := 0
	for from < len(all) && all[from].Sequence <= after {
		from++
	}
	return all[from:][:min(limit, len(all)-from)]
}

func (r *naiveRoom) readBack(before uint64, limit int) []chat.Stored {
	all := chain(r.events)
	to := len(all)
	for to > 0 && all[to-1].Sequence >= before {
		to--
	}
	return all[max(0, to-limit):to]
}

func (r *naiveRoom) changes(targets []uint64, after uint64) []chat.Stored {
	var found []chat.Stored
	for _, e := range r.events {
		if e.sequence > after && e.Relation != chat.Standalone && slices.Contains(targets, e.Target) {
			found = append(found, chat.Stored{Sequence: e.sequence, Payload: e.Payload})
		}
	}
	return found
}

// count returns how many counted events come after a sequence, and how many of
// the author except.
func (r *naiveRoom) count(after uint64, except string) (others, excepted int) {
	for _, e := range r.events {
		switch {
		case !e.Counted || e.sequence <= after:
		case except != "" && e.Author == except:
			excepted++
		default:
			others++
		}
	}
	return others, excepted
}

// chain returns events as they are read from the beginning.
func chain(events []event) []chat.Stored {
	stored := make([]chat.Stored, len(events))
	previous := uint64(0)
	for i, e := range events {
		stored[i] = chat.Stored{Sequence: e.sequence, Previous: previous, Payload: e.Payload}
		previous = e.sequence
	}
	return stored
}
