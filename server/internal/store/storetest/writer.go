package storetest

import (
	"fmt"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

// writer appends to a store, and knows what each room should hold.
type writer struct {
	t     testing.TB
	s     Store
	keep  int // how many events a room keeps; 0 means all
	rooms map[string]*roomModel
	last  uint64 // the newest sequence of all rooms
	keys  int    // how many keys were made up
}

func newWriter(t testing.TB, s Store) *writer {
	return &writer{t: t, s: s, rooms: make(map[string]*roomModel)}
}

// event is a stored entry.
type event struct {
	chat.Entry
	sequence uint64
}

func (w *writer) room(name string) *roomModel {
	r := w.rooms[name]
	if r == nil {
		r = &roomModel{keep: w.keep}
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
