package storetest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

var watchTests = []test{
	{"GetsChangesUnderAPrefix", testWatch},
	{"GetsDeletions", testWatchDeletion},
	{"BeginsNow", testWatchBeginsNow},
	{"UnderLoad", testWatchUnderLoad},
	{"ThenListMissesNothing", testWatchThenList},
	{"Stops", testWatchStops},
}

type watched = recorder[chat.Record]

func watch(t testing.TB, s Store, prefix string) *watched {
	t.Helper()
	r, stop := startWatch(t, s, prefix)
	t.Cleanup(stop)
	return r
}

func startWatch(t testing.TB, s Store, prefix string) (*watched, func()) {
	t.Helper()
	r := newRecorder[chat.Record]()
	stop, err := s.Watch(t.Context(), prefix, r.call)
	if err != nil {
		t.Fatalf("Watch(%q) = %v, want nil", prefix, err)
	}
	return r, stop
}

// newest returns the last record that was reported under each key.
func newest(records []chat.Record) map[string]chat.Record {
	last := make(map[string]chat.Record)
	for _, r := range records {
		last[r.Key] = r
	}
	return last
}

// waitForRecords waits until the last record that was reported under each key is
// the wanted one.
func waitForRecords(t testing.TB, r *watched, want ...chat.Record) {
	t.Helper()
	r.waitFor(t, fmt.Sprintf("records that end with %+v", want), func(got []chat.Record) bool {
		last := newest(got)
		for _, w := range want {
			if !sameRecord(last[w.Key], w) {
				return false
			}
		}
		return true
	})
	checkWatched(t, r)
}

// checkWatched fails the test unless the changes of each key come in order.
func checkWatched(t testing.TB, r *watched) {
	t.Helper()
	r.check(t)
	last := make(map[string]uint64)
	for _, record := range r.all() {
		if record.Revision <= last[record.Key] {
			t.Fatalf("Watch reports %s after revision %d, want changes in order", describeRecord(record), last[record.Key])
		}
		last[record.Key] = record.Revision
	}
}

func testWatch(t *testing.T, s Store) {
	watches := make(map[string]*watched)
	for _, prefix := range []string{"", "a/", "a/b/", "ab/", "c.d/", "ä/"} {
		watches[prefix] = watch(t, s, prefix)
	}
	var want []chat.Record
	for _, key := range []string{"a", "a/x", "a/b", "a/b/c", "ab/c", "ab", "c.d/e", "c/d/e", "cxd/e", "ä/🙂", "a/b/c/d", "a/bc"} {
		revision := put(t, s, key, "first", 0)
		want = append(want, chat.Record{Key: key, Value: []byte(key), Revision: put(t, s, key, key, revision)})
	}
	for prefix, r := range watches {
		var under []chat.Record
		for _, record := range want {
			if strings.HasPrefix(record.Key, prefix) {
				under = append(under, record)
			}
		}
		waitForRecords(t, r, under...)
		for _, record := range r.all() {
			if !strings.HasPrefix(record.Key, prefix) {
				t.Errorf("Watch(%q) reports %s", prefix, describeRecord(record))
			}
		}
	}
}

func testWatchDeletion(t *testing.T, s Store) {
	seen := watch(t, s, "a/")
	empty := put(t, s, "a/empty", "", 0)
	gone := put(t, s, "a/gone", "value", 0)
	waitForRecords(t, seen, chat.Record{Key: "a/empty", Revision: empty}, chat.Record{Key: "a/gone", Value: []byte("value"), Revision: gone})
	if err := s.Delete(t.Context(), "a/gone", gone); err != nil {
		t.Fatalf("Delete = %v, want nil", err)
	}
	last := chat.Record{Key: "a/last", Value: []byte("last"), Revision: put(t, s, "a/last", "last", 0)}
	waitForRecords(t, seen, last)
	seen.waitFor(t, "the deletion", func(got []chat.Record) bool { return newest(got)["a/gone"].Revision > gone })
	for key, r := range newest(seen.all()) {
		if (r.Value == nil) != (key == "a/gone") {
			t.Errorf("Watch reports %q with value %#v, want nil for what is deleted only", key, r.Value)
		}
	}
	deletion := newest(seen.all())["a/gone"].Revision
	if deletion >= last.Revision {
		t.Errorf("Watch reports the deletion at %d, want a revision between %d and %d", deletion, gone, last.Revision)
	}
	if _, err := s.Put(t.Context(), "a/gone", nil, deletion); !errors.Is(err, chat.ErrRevision) {
		t.Errorf("Put at the revision of a deletion = %v, want %v", err, chat.ErrRevision)
	}
	again := put(t, s, "a/gone", "again", 0)
	waitForRecords(t, seen, chat.Record{Key: "a/gone", Value: []byte("again"), Revision: again})
}

func testWatchBeginsNow(t *testing.T, s Store) {
	before := put(t, s, "a/before", "before", 0)
	changed := put(t, s, "a/changed", "before", 0)
	seen := watch(t, s, "a/")
	changed = put(t, s, "a/changed", "after", changed)
	waitForRecords(t, seen, chat.Record{Key: "a/changed", Value: []byte("after"), Revision: changed})
	for _, r := range seen.all() {
		if r.Revision <= before || string(r.Value) != "after" {
			t.Errorf("Watch reports %s, which was there before it", describeRecord(r))
		}
	}
}

// churn starts goroutines that write records under two prefixes, several of them
// the same ones. The returned function waits for them.
func churn(t *testing.T, s Store, writers, each int) (wait func()) {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprintf("a/%d", (w+i)%5)
				if i%4 == 3 {
					key = fmt.Sprintf("b/%d", w)
				}
				old, err := s.Get(t.Context(), key)
				if t.Context().Err() != nil {
					return // the test has failed
				}
				if err != nil && !errors.Is(err, chat.ErrNoRecord) {
					t.Errorf("Get(%q) = %v, want nil or %v", key, err, chat.ErrNoRecord)
					return
				}
				if old.Revision != 0 && (w+i)%3 == 0 {
					err = s.Delete(t.Context(), key, old.Revision)
				} else {
					_, err = s.Put(t.Context(), key, fmt.Appendf(nil, "%d/%d", w, i), old.Revision)
				}
				if err != nil && !errors.Is(err, chat.ErrRevision) && t.Context().Err() == nil {
					t.Errorf("a write of %q = %v, want nil or %v", key, err, chat.ErrRevision)
					return
				}
			}
		})
	}
	t.Cleanup(wg.Wait)
	return wg.Wait
}

func testWatchUnderLoad(t *testing.T, s Store) {
	under, all := watch(t, s, "a/"), watch(t, s, "")
	wait := churn(t, s, 5, 30)
	late := watch(t, s, "a/")
	wait()
	for i := range 5 { // each key has a change after late began
		key := fmt.Sprintf("a/%d", i)
		old, err := s.Get(t.Context(), key)
		if err != nil && !errors.Is(err, chat.ErrNoRecord) {
			t.Fatalf("Get(%q) = %v, want nil or %v", key, err, chat.ErrNoRecord)
		}
		put(t, s, key, "last", old.Revision)
	}
	want := list(t, s, "a/", "", everything)
	waitForRecords(t, under, want...)
	waitForRecords(t, late, want...)
	waitForRecords(t, all, list(t, s, "", "", everything)...)
}

// testWatchThenList is how a reader keeps a copy of records: with a watch attached
// at any moment, what is listed afterwards and what is reported are together all
// records.
func testWatchThenList(t *testing.T, s Store) {
	type view struct {
		live   *watched
		listed []chat.Record
	}
	wait := churn(t, s, 4, 40)
	var views []view
	for range 8 {
		live := watch(t, s, "a/")
		views = append(views, view{live, list(t, s, "a/", "", everything)})
	}
	wait()
	marker := chat.Record{Key: "a/marker", Value: []byte("last"), Revision: put(t, s, "a/marker", "last", 0)}
	want := newest(list(t, s, "a/", "", everything))
	for i, v := range views {
		waitForRecords(t, v.live, marker)
		v.live.waitFor(t, fmt.Sprintf("changes that make view %d whole", i), func(got []chat.Record) bool {
			whole := newest(v.listed)
			for _, r := range got {
				switch {
				case r.Revision < whole[r.Key].Revision:
				case r.Value == nil:
					delete(whole, r.Key)
				default:
					whole[r.Key] = r
				}
			}
			for key, r := range want {
				if !sameRecord(whole[key], r) {
					return false
				}
			}
			return len(whole) == len(want)
		})
	}
}

func testWatchStops(t *testing.T, s Store) {
	wait := churn(t, s, 3, 40)
	var stopped []*watched
	for range 10 {
		r, stop := startWatch(t, s, "a/")
		put(t, s, fmt.Sprint("a/own", len(stopped)), "value", 0)
		r.wait(t, 1)
		stop()
		r.stopped.Store(true)
		if n := r.calls.Load(); n != 0 {
			t.Errorf("stop returned during %d calls, want 0", n)
		}
		stopped = append(stopped, r)
	}
	wait()
	other := watch(t, s, "a/")
	last := put(t, s, "a/last", "last", 0)
	waitForRecords(t, other, chat.Record{Key: "a/last", Value: []byte("last"), Revision: last})
	for _, r := range stopped {
		r.check(t)
	}
}
