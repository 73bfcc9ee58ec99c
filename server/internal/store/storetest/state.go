package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

var stateTests = []test{
	{"Records", testRecords},
	{"Conflicts", testConflicts},
	{"Values", testValues},
	{"KeysAreOpaque", testStateKeys},
	{"List", testList},
	{"ListInPages", testListInPages},
	{"OneOfSeveralWritersWins", testOneWriterWins},
	{"OneOfSeveralCreatorsWins", testOneCreatorWins},
	{"PutAndDeleteAtOnce", testPutAndDelete},
}

// put stores a value that must be stored.
func put(t testing.TB, s Store, key, value string, revision uint64) uint64 {
	t.Helper()
	got, err := s.Put(t.Context(), key, []byte(value), revision)
	if err != nil || got <= revision {
		t.Fatalf("Put(%.40q, %.40q, %d) = %d, %v, want a greater revision", key, value, revision, got, err)
	}
	return got
}

func wantRecord(t testing.TB, s Store, want chat.Record) {
	t.Helper()
	got, err := s.Get(t.Context(), want.Key)
	if err != nil || !sameRecord(got, want) {
		t.Fatalf("Get(%.40q) = %s, %v, want %s", want.Key, describeRecord(got), err, describeRecord(want))
	}
}

func wantNoRecord(t testing.TB, s Store, key string) {
	t.Helper()
	if got, err := s.Get(t.Context(), key); !errors.Is(err, chat.ErrNoRecord) {
		t.Fatalf("Get(%.40q) = %s, %v, want %v", key, describeRecord(got), err, chat.ErrNoRecord)
	}
}

func sameRecord(a, b chat.Record) bool {
	return a.Key == b.Key && a.Revision == b.Revision && bytes.Equal(a.Value, b.Value)
}

func describeRecord(r chat.Record) string {
	return fmt.Sprintf("%.40q@%d=%.20q", r.Key, r.Revision, r.Value)
}

func list(t testing.TB, s Store, prefix, after string, limit int) []chat.Record {
	t.Helper()
	got, err := s.List(t.Context(), prefix, after, limit)
	if err != nil {
		t.Fatalf("List(%q, %q, %d) = %v, want nil", prefix, after, limit, err)
	}
	return got
}

func sameRecords(t testing.TB, call string, got, want []chat.Record) {
	t.Helper()
	if slices.EqualFunc(got, want, sameRecord) {
		return
	}
	var texts [2][]string
	for i, records := range [][]chat.Record{got, want} {
		for _, r := range records {
			texts[i] = append(texts[i], describeRecord(r))
		}
	}
	t.Fatalf("%s = %q, want %q", call, texts[0], texts[1])
}

func testRecords(t *testing.T, s Store) {
	wantNoRecord(t, s, "a/b")
	first := put(t, s, "a/b", "one", 0)
	wantRecord(t, s, chat.Record{Key: "a/b", Value: []byte("one"), Revision: first})
	other := put(t, s, "a/c", "other", 0)
	if other <= first {
		t.Errorf("revision of another record = %d, want more than %d", other, first)
	}
	second := put(t, s, "a/b", "two", first)
	if second <= other {
		t.Errorf("revision of a change = %d, want more than %d, which another record has", second, other)
	}
	wantRecord(t, s, chat.Record{Key: "a/b", Value: []byte("two"), Revision: second})
	wantRecord(t, s, chat.Record{Key: "a/c", Value: []byte("other"), Revision: other})
	wantNoRecord(t, s, "a")
	if err := s.Delete(t.Context(), "a/b", second); err != nil {
		t.Fatalf("Delete = %v, want nil", err)
	}
	wantNoRecord(t, s, "a/b")
	wantRecord(t, s, chat.Record{Key: "a/c", Value: []byte("other"), Revision: other})
	third := put(t, s, "a/b", "three", 0)
	if third <= second {
		t.Errorf("revision of a record that was deleted and created again = %d, want more than %d", third, second)
	}
	wantRecord(t, s, chat.Record{Key: "a/b", Value: []byte("three"), Revision: third})
	// Events are no records, and records are no events.
	newWriter(t, s).add("a")
	sameRecords(t, "List", list(t, s, "", "", 5), []chat.Record{
		{Key: "a/b", Value: []byte("three"), Revision: third}, {Key: "a/c", Value: []byte("other"), Revision: other},
	})
	if rooms := roomsOf(t, s, "", everything); len(rooms) != 1 {
		t.Errorf("Rooms = %v, want one", rooms)
	}
}

func testConflicts(t *testing.T, s Store) {
	old := put(t, s, "key", "old", 0)
	now := put(t, s, "key", "now", old)
	other := put(t, s, "other", "other", 0)
	gone := put(t, s, "gone", "gone", 0)
	if err := s.Delete(t.Context(), "gone", gone); err != nil {
		t.Fatalf("Delete = %v, want nil", err)
	}
	for _, tt := range []struct {
		key      string
		revision uint64
	}{
		{"key", 0}, {"key", old}, {"key", other}, {"key", now - 1}, {"key", now + 1}, {"key", maxSequence},
		{"gone", gone}, {"gone", now}, {"gone", gone + 1}, {"gone", maxSequence},
		{"never", old}, {"never", 1},
	} {
		if got, err := s.Put(t.Context(), tt.key, []byte("conflict"), tt.revision); !errors.Is(err, chat.ErrRevision) {
			t.Errorf("Put(%q, %d) = %d, %v, want %v", tt.key, tt.revision, got, err, chat.ErrRevision)
		}
		if err := s.Delete(t.Context(), tt.key, tt.revision); !errors.Is(err, chat.ErrRevision) {
			t.Errorf("Delete(%q, %d) = %v, want %v", tt.key, tt.revision, err, chat.ErrRevision)
		}
	}
	sameRecords(t, "List after conflicts", list(t, s, "", "", 5), []chat.Record{
		{Key: "key", Value: []byte("now"), Revision: now}, {Key: "other", Value: []byte("other"), Revision: other},
	})
}

func testValues(t *testing.T, s Store) {
	revision := uint64(0)
	for _, value := range []string{"a", "", "\x00\xff\r\n", strings.Repeat("x", 64<<10), "b"} {
		revision = put(t, s, "key", value, revision)
		wantRecord(t, s, chat.Record{Key: "key", Value: []byte(value), Revision: revision})
		sameRecords(t, "List", list(t, s, "", "", 5), []chat.Record{{Key: "key", Value: []byte(value), Revision: revision}})
	}
	if _, err := s.Put(t.Context(), "key", make([]byte, 64<<10+1), revision); err == nil {
		t.Error("Put of more than 64 KiB = nil, want an error")
	}
	wantRecord(t, s, chat.Record{Key: "key", Value: []byte("b"), Revision: revision})
	value := []byte("as it was")
	if _, err := s.Put(t.Context(), "copied", value, 0); err != nil {
		t.Fatalf("Put = %v, want nil", err)
	}
	copy(value, "overwrite")
	if got, err := s.Get(t.Context(), "copied"); err != nil || string(got.Value) != "as it was" {
		t.Errorf("Get after the caller changed its buffer = %s, %v, want the value as it was", describeRecord(got), err)
	}
}

// testStateKeys uses keys that could be patterns, or parts of each other, or be
// changed by an encoding.
func testStateKeys(t *testing.T, s Store) {
	keys := []string{
		"a", "A", "a.b", "a/b", "a/b/c", "a/.", "a/..", ".", "..", "a*", "*", ">", "a>", "$KV", "a b", " ", "a ", "ä", "a\u0308",
		"🙂/é", "%2F", "a%2Fb", "a=b", "a_b", "a-b", "-", `"a"`, "a'b", `a\b`, "\u2028", "=2f", "a:b", "%", "_",
		strings.Repeat("k", 512), strings.Repeat("k", 511), "x/" + strings.Repeat("🙂", 127), strings.Repeat("a/", 255) + "ab",
	}
	var want []chat.Record
	for _, key := range keys {
		want = append(want, chat.Record{Key: key, Value: []byte(key), Revision: put(t, s, key, key, 0)})
	}
	for _, r := range want {
		wantRecord(t, s, r)
	}
	slices.SortFunc(want, func(a, b chat.Record) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	sameRecords(t, "List of all", list(t, s, "", "", everything), want)
	for _, key := range []string{
		"", "/", "/a", "a/", "a//b", "a\x00", "a\n", "a/\tb", "a\x7f", "a\u0085", strings.Repeat("k", 513), strings.Repeat("🙂", 129),
	} {
		if _, err := s.Put(t.Context(), key, []byte("value"), 0); err == nil {
			t.Errorf("Put(%.40q) = nil, want an error: it is no key", key)
		}
		if _, err := s.Get(t.Context(), key); err == nil {
			t.Errorf("Get(%.40q) = nil, want an error: it is no key", key)
		}
	}
	for _, r := range want {
		if err := s.Delete(t.Context(), r.Key, r.Revision); err != nil {
			t.Errorf("Delete(%.40q) = %v, want nil", r.Key, err)
		}
	}
	sameRecords(t, "List after all were deleted", list(t, s, "", "", everything), nil)
}

func testList(t *testing.T, s Store) {
	keys := []string{"a", "a!", "a-/x", "a.b", "a/a", "a/b", "a/b!", "a/b/c", "a/b/d", "a/ba", "a/ä", "a0", "ab/c", "b/a", "ä/b"}
	records := make(map[string]chat.Record)
	for i := range keys {
		key := keys[(i*7)%len(keys)]
		records[key] = chat.Record{Key: key, Value: []byte(key), Revision: put(t, s, key, key, 0)}
	}
	gone := put(t, s, "a/bb", "", 0)
	if err := s.Delete(t.Context(), "a/bb", gone); err != nil {
		t.Fatalf("Delete = %v, want nil", err)
	}
	for _, prefix := range []string{"", "a/", "a/b/", "ab/", "b/", "c/", "a/b/c/", "a-/", "ä/", "0/"} {
		for _, after := range append([]string{"", "0", "a/", "a/aa", "a/b/", "a/z", "zzz", "ö"}, keys...) {
			for _, limit := range []int{0, 1, 2, everything} {
				var want []chat.Record
				for _, key := range keys {
					if strings.HasPrefix(key, prefix) && key > after && len(want) < limit {
						want = append(want, records[key])
					}
				}
				sameRecords(t, fmt.Sprintf("List(%q, %q, %d)", prefix, after, limit), list(t, s, prefix, after, limit), want)
			}
		}
	}
	for _, prefix := range []string{"a", "/", "a//", "/a/"} {
		if got, err := s.List(t.Context(), prefix, "", 5); err == nil {
			t.Errorf("List(%q) = %d records, nil, want an error: it is no prefix", prefix, len(got))
		}
	}
}

// testListInPages lists more than a page has.
func testListInPages(t *testing.T, s Store) {
	var want []chat.Record
	for i := range 120 {
		key := fmt.Sprintf("room/%03d", i)
		want = append(want, chat.Record{Key: key, Value: []byte(key), Revision: put(t, s, key, key, 0)})
		if i%3 == 0 {
			put(t, s, fmt.Sprintf("user/%03d", i), "", 0)
		}
	}
	for _, limit := range []int{1, 7, 40, 119, 120, 121} {
		var got []chat.Record
		for after, more := "", true; more && len(got) <= len(want); {
			page := list(t, s, "room/", after, limit)
			if more = len(page) == limit; len(page) > 0 {
				after = page[len(page)-1].Key
			}
			got = append(got, page...)
		}
		sameRecords(t, fmt.Sprintf("List in pages of %d", limit), got, want)
	}
}

// race has several goroutines do the same at once, and returns which succeeded.
// The others must get ErrRevision.
func race(t *testing.T, n int, do func(i int) error) (winners []int) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			switch err := do(i); {
			case err == nil:
				mu.Lock()
				defer mu.Unlock()
				winners = append(winners, i)
			case !errors.Is(err, chat.ErrRevision):
				t.Errorf("a write of several at once = %v, want nil or %v", err, chat.ErrRevision)
			}
		})
	}
	wg.Wait()
	return winners
}

func testOneWriterWins(t *testing.T, s Store) {
	revision := put(t, s, "key", "first", 0)
	for round := range 20 {
		winners := race(t, 6, func(i int) error {
			_, err := s.Put(t.Context(), "key", fmt.Append(nil, i), revision)
			return err
		})
		got, err := s.Get(t.Context(), "key")
		if len(winners) != 1 || err != nil || string(got.Value) != fmt.Sprint(winners[0]) || got.Revision <= revision {
			t.Fatalf("round %d: writers %d won, and the record is %s, %v, want one winner's", round, winners, describeRecord(got), err)
		}
		revision = got.Revision
	}
}

func testOneCreatorWins(t *testing.T, s Store) {
	for round := range 20 {
		key := fmt.Sprint("key/", round/2) // each is created, deleted and created again
		winners := race(t, 6, func(i int) error {
			_, err := s.Put(t.Context(), key, fmt.Append(nil, i), 0)
			return err
		})
		got, err := s.Get(t.Context(), key)
		if len(winners) != 1 || err != nil || string(got.Value) != fmt.Sprint(winners[0]) {
			t.Fatalf("round %d: creators %d won, and the record is %s, %v, want one winner's", round, winners, describeRecord(got), err)
		}
		if round%2 == 0 {
			if err := s.Delete(t.Context(), key, got.Revision); err != nil {
				t.Fatalf("Delete = %v, want nil", err)
			}
		}
	}
}

func testPutAndDelete(t *testing.T, s Store) {
	for round := range 20 {
		revision := put(t, s, "key", "first", 0)
		winners := race(t, 4, func(i int) error {
			if i%2 == 0 {
				return s.Delete(t.Context(), "key", revision)
			}
			_, err := s.Put(t.Context(), "key", fmt.Append(nil, i), revision)
			return err
		})
		if len(winners) != 1 {
			t.Fatalf("round %d: writers %d won, want one", round, winners)
		}
		if winners[0]%2 == 0 {
			wantNoRecord(t, s, "key")
			continue
		}
		got, err := s.Get(t.Context(), "key")
		if err != nil || string(got.Value) != fmt.Sprint(winners[0]) {
			t.Fatalf("round %d: writer %d won, and the record is %s, %v", round, winners[0], describeRecord(got), err)
		}
		if err := s.Delete(t.Context(), "key", got.Revision); err != nil {
			t.Fatalf("Delete = %v, want nil", err)
		}
	}
}
