package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"chatroom/server/internal/chat"
)

// stateModel is what a State should hold, as simply as it can be said.
type stateModel struct {
	t       *testing.T
	s       Store
	prefix  string // of this run's keys: the store is shared by all runs
	records map[string]chat.Record
	past    []uint64 // revisions
	watches []modelWatch
}

type modelWatch struct {
	prefix string
	rec    *watched
	stop   func()
	want   map[string]chat.Record // the newest changes since the watch
}

// checkStateModel does random things to a State, one at a time.
func checkStateModel(t *testing.T, s Store) {
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		m := &stateModel{
			t: t, s: s, prefix: fmt.Sprintf("run%06d/", runs),
			records: make(map[string]chat.Record),
			past:    []uint64{0},
		}
		defer m.stopAll()
		rt.Repeat(map[string]func(*rapid.T){
			"Put":    m.put,
			"Delete": m.delete,
			"Get":    m.get,
			"List":   m.list,
			"Watch":  m.watch,
			"Stop":   m.stop,
		})
		for _, w := range m.watches {
			m.checkWatch(w)
		}
	})
}

func (m *stateModel) key(rt *rapid.T) string {
	return m.prefix + rapid.SampledFrom([]string{"a", "a/b", "a/b/c", "a.b", "b/ä", "b/ä/🙂"}).Draw(rt, "key")
}

// revision draws the right revision for a write of a key, or any.
func (m *stateModel) revision(rt *rapid.T, key string) uint64 {
	if rapid.IntRange(0, 2).Draw(rt, "right") > 0 {
		return m.records[key].Revision
	}
	return rapid.SampledFrom(m.past).Draw(rt, "revision")
}

func (m *stateModel) put(rt *rapid.T) {
	key := m.key(rt)
	revision := m.revision(rt, key)
	value := []byte(rapid.StringN(0, 8, 32).Draw(rt, "value"))
	got, err := m.s.Put(m.t.Context(), key, value, revision)
	switch {
	case revision != m.records[key].Revision:
		if !errors.Is(err, chat.ErrRevision) {
			rt.Fatalf("Put(%q, %d) = %d, %v, want %v", key, revision, got, err, chat.ErrRevision)
		}
	case err != nil || got <= m.newest():
		rt.Fatalf("Put(%q, %d) = %d, %v, want a revision after %d", key, revision, got, err, m.newest())
	default:
		m.past = append(m.past, got)
		m.records[key] = chat.Record{Key: key, Value: value, Revision: got}
		m.changed(m.records[key])
	}
}

func (m *stateModel) delete(rt *rapid.T) {
	key := m.key(rt)
	revision := m.revision(rt, key)
	if revision == 0 {
		rt.Skip("0 is no record's revision")
	}
	err := m.s.Delete(m.t.Context(), key, revision)
	if revision != m.records[key].Revision {
		if !errors.Is(err, chat.ErrRevision) {
			rt.Fatalf("Delete(%q, %d) = %v, want %v", key, revision, err, chat.ErrRevision)
		}
		return
	}
	if err != nil {
		rt.Fatalf("Delete(%q, %d) = %v, want nil", key, revision, err)
	}
	delete(m.records, key)
	m.changed(chat.Record{Key: key})
}

func (m *stateModel) newest() uint64 { return m.past[len(m.past)-1] }

func (m *stateModel) changed(r chat.Record) {
	for _, w := range m.watches {
		if strings.HasPrefix(r.Key, w.prefix) {
			w.want[r.Key] = r
		}
	}
}

func (m *stateModel) get(rt *rapid.T) {
	key := m.key(rt)
	got, err := m.s.Get(m.t.Context(), key)
	want, found := m.records[key]
	switch {
	case !found && !errors.Is(err, chat.ErrNoRecord):
		rt.Fatalf("Get(%q) = %s, %v, want %v", key, describeRecord(got), err, chat.ErrNoRecord)
	case found && (err != nil || !sameRecord(got, want)):
		rt.Fatalf("Get(%q) = %s, %v, want %s", key, describeRecord(got), err, describeRecord(want))
	}
}

func (m *stateModel) list(rt *rapid.T) {
	prefix := m.prefix + rapid.SampledFrom([]string{"", "a/", "a/b/", "b/", "c/"}).Draw(rt, "prefix")
	after := rapid.SampledFrom([]string{"", m.prefix, m.key(rt), m.prefix + "z"}).Draw(rt, "after")
	limit := rapid.IntRange(0, 7).Draw(rt, "limit")
	var want []chat.Record
	for _, key := range slices.Sorted(maps.Keys(m.records)) {
		if strings.HasPrefix(key, prefix) && key > after && len(want) < limit {
			want = append(want, m.records[key])
		}
	}
	got, err := m.s.List(m.t.Context(), prefix, after, limit)
	if err != nil || !slices.EqualFunc(got, want, sameRecord) {
		rt.Fatalf("List(%q, %q, %d) = %+v, %v, want %+v", prefix, after, limit, got, err, want)
	}
}

func (m *stateModel) watch(rt *rapid.T) {
	if len(m.watches) == 3 {
		rt.Skip("enough watches")
	}
	w := modelWatch{
		prefix: m.prefix + rapid.SampledFrom([]string{"", "a/", "a/b/", "b/"}).Draw(rt, "prefix"),
		rec:    newRecorder[chat.Record](),
		want:   make(map[string]chat.Record),
	}
	var err error
	if w.stop, err = m.s.Watch(m.t.Context(), w.prefix, w.rec.call); err != nil {
		rt.Fatalf("Watch(%q) = %v, want nil", w.prefix, err)
	}
	m.watches = append(m.watches, w)
}

func (m *stateModel) stop(rt *rapid.T) {
	if len(m.watches) == 0 {
		rt.Skip("no watches")
	}
	i := rapid.IntRange(0, len(m.watches)-1).Draw(rt, "watch")
	m.checkWatch(m.watches[i])
	m.watches[i].stop()
	m.watches = slices.Delete(m.watches, i, i+1)
}

func (m *stateModel) stopAll() {
	for _, w := range m.watches {
		w.stop()
	}
}

// checkWatch waits until the last change of each key was reported. The revision of
// a deletion is known to the store only.
func (m *stateModel) checkWatch(w modelWatch) {
	w.rec.waitFor(m.t, fmt.Sprintf("%+v", w.want), func(got []chat.Record) bool {
		last := newest(got)
		for key, want := range w.want {
			r, reported := last[key]
			if !reported || (r.Value == nil) != (want.Value == nil) || want.Value != nil && !sameRecord(r, want) {
				return false
			}
		}
		return true
	})
	for _, r := range w.rec.all() {
		if _, changed := w.want[r.Key]; !changed {
			m.t.Fatalf("Watch(%q) reports %s, which has not changed since", w.prefix, describeRecord(r))
		}
	}
	checkWatched(m.t, w.rec)
}
