package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

var appendTests = []test{
	{"Stores", testAppendStores},
	{"CopiesThePayload", testAppendCopies},
	{"SequencesGrowOverAllRooms", testSequencesGrow},
	{"ConcurrentAppendersGetOneOrder", testConcurrentAppenders},
	{"RepeatedKeyIsADuplicate", testRepeatedKey},
	{"RepeatedKeyAtOnceIsStoredOnce", testRepeatedKeyAtOnce},
	{"KeysAreOpaque", testKeysAreOpaque},
	{"KeepsTheOrderOfASubmitter", testSubmitKeepsOrder},
	{"DuplicatesInFlight", testSubmitDuplicates},
	{"RoomsAreSeparate", testRoomsAreSeparate},
	{"RefusedKeyIsNotTaken", testRefusedKey},
}

func testAppendStores(t *testing.T, s Store) {
	for _, payload := range []string{"a", "", "\x00\xff\r\n", strings.Repeat("x", 64<<10)} {
		e := chat.Entry{Room: "room", Key: fmt.Sprintf("%.8q", payload), Payload: []byte(payload)}
		at, duplicate, err := chat.Append(t.Context(), s, e)
		if err != nil || duplicate || at.Sequence == 0 || at.Epoch == "" {
			t.Fatalf("Append(%.8q) = %v, %t, %v, want a cursor", payload, at, duplicate, err)
		}
		if head := headOf(t, s, "room"); head.Epoch != at.Epoch || head.Last != at.Sequence {
			t.Errorf("Head after Append = %v, want %v", head, at)
		}
		got := read(t, s, "room", at.Sequence-1, everything)
		if len(got) != 1 || got[0].Sequence != at.Sequence || string(got[0].Payload) != payload {
			t.Errorf("Read after Append(%.8q) = %s, want the one event", payload, describe(got))
		}
	}
}

func testAppendCopies(t *testing.T, s Store) {
	seen := tail(t, s, "room")
	payload := []byte("as it was")
	if _, _, err := chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: "key", Payload: payload}); err != nil {
		t.Fatalf("Append = %v, want nil", err)
	}
	copy(payload, "overwrite")
	for call, got := range map[string][]chat.Stored{
		"Read":     read(t, s, "room", 0, 1),
		"ReadBack": readBack(t, s, "room", maxSequence, 1),
		"Tail":     seen.wait(t, 1),
	} {
		if len(got) != 1 || string(got[0].Payload) != "as it was" {
			t.Errorf("%s after the caller changed its buffer = %s, want the payload as it was", call, describe(got))
		}
	}
}

func testSequencesGrow(t *testing.T, s Store) {
	w := newWriter(t, s)
	for i := range 60 {
		w.add(fmt.Sprintf("room-%d", i%7)) // fails the test unless the sequence is the newest
	}
	w.check()
}

// testConcurrentAppenders has several goroutines append to several rooms. What
// what each was answered must be what is read.
func testConcurrentAppenders(t *testing.T, s Store) {
	const appenders, each = 8, 40
	rooms := []string{"red", "green", "blue"}
	answered := make([][]event, appenders)
	var wg sync.WaitGroup
	for a := range answered {
		wg.Go(func() {
			last := uint64(0)
			for i := range each {
				text := fmt.Sprintf("%d/%d", a, i)
				e := chat.Entry{Room: rooms[(a+i)%len(rooms)], Key: text, Payload: []byte(text)}
				at, duplicate, err := chat.Append(t.Context(), s, e)
				if err != nil || duplicate || at.Sequence <= last {
					t.Errorf("Append(%q) = %v, %t, %v, want a new event after %d", text, at, duplicate, err, last)
					return
				}
				last = at.Sequence
				answered[a] = append(answered[a], event{e, at.Sequence})
			}
		})
	}
	wg.Wait()
	all := slices.Concat(answered...)
	slices.SortFunc(all, func(a, b event) int { return cmp.Compare(a.sequence, b.sequence) })
	w := newWriter(t, s)
	for i, e := range all {
		if i > 0 && e.sequence == all[i-1].sequence {
			t.Errorf("sequence %d was given to %q and %q", e.sequence, e.Payload, all[i-1].Payload)
		}
		w.room(e.Room).store(e)
	}
	w.check()
}

func testRepeatedKey(t *testing.T, s Store) {
	w := newWriter(t, s)
	first := w.append(chat.Entry{Room: "room", Key: "key"})
	second := w.append(chat.Entry{Room: "room", Key: "another key"})
	elsewhere := w.append(chat.Entry{Room: "another-room", Key: "key"})
	for _, e := range []event{first, first, second, elsewhere} {
		again := e.Entry
		again.Payload = []byte("again")
		wantDuplicate(t, s, again, e.sequence)
	}
	w.check()
}

// wantDuplicate fails the test unless an entry is a duplicate.
func wantDuplicate(t testing.TB, s Store, e chat.Entry, want uint64) {
	t.Helper()
	at, duplicate, err := chat.Append(t.Context(), s, e)
	if err != nil || !duplicate || at.Sequence != want || at.Epoch != headOf(t, s, e.Room).Epoch {
		t.Fatalf("Append(%q, %.40q) again = %v, %t, %v, want the duplicate of %d", e.Room, e.Key, at, duplicate, err, want)
	}
}

// testRepeatedKeyAtOnce has retries overtake the first attempt.
func testRepeatedKeyAtOnce(t *testing.T, s Store) {
	const attempts, keys = 4, 30
	seen := tail(t, s, "room")
	for k := range keys {
		e := chat.Entry{Room: "room", Key: fmt.Sprint(k), Payload: fmt.Append(nil, k)}
		var sequences [attempts]chat.Cursor
		var duplicates [attempts]bool
		var wg sync.WaitGroup
		for a := range attempts {
			wg.Go(func() {
				var err error
				if sequences[a], duplicates[a], err = chat.Append(t.Context(), s, e); err != nil {
					t.Errorf("Append(%q) = %v, want nil", e.Key, err)
				}
			})
		}
		wg.Wait()
		stored := 0
		for a := range attempts {
			if sequences[a] != sequences[0] {
				t.Errorf("Append(%q) at once = %v and %v, want one sequence", e.Key, sequences[0], sequences[a])
			}
			if !duplicates[a] {
				stored++
			}
		}
		if stored != 1 {
			t.Errorf("Append(%q) %d times at once stored %d events, want 1", e.Key, attempts, stored)
		}
	}
	got := read(t, s, "room", 0, everything)
	if len(got) != keys {
		t.Errorf("Read = %d events, want %d", len(got), keys)
	}
	sameEvents(t, "Tail", seen.wait(t, len(got)), got)
}

// testKeysAreOpaque uses keys that senders may well choose, and that a store must
// not take apart.
func testKeysAreOpaque(t *testing.T, s Store) {
	keys := []string{
		"a", "A", " a", "a ", "a\n", "a\r\n", "a\r\nX-Header: b", "a\x00", "a:b", "a.b", "a*", ">", "ä", "a\u0308", "🙂",
		strings.Repeat("k", 128), strings.Repeat("k", 128) + "2", `"a"`, "a,b", "%61", "\t",
	}
	w := newWriter(t, s)
	var events []event
	for _, key := range keys {
		events = append(events, w.append(chat.Entry{Room: "room", Key: key}))
	}
	// The parts of a room's name and a key must not be confused either.
	events = append(events,
		w.append(chat.Entry{Room: "r", Key: "oom a"}), w.append(chat.Entry{Room: "ro", Key: "om a"}),
		w.append(chat.Entry{Room: "r", Key: "ooma"}), w.append(chat.Entry{Room: "ro", Key: "oma"}))
	for _, e := range events {
		wantDuplicate(t, s, e.Entry, e.sequence)
	}
	w.check()
}

// testSubmitKeepsOrder has several goroutines submit without waiting. Each one's
// events must be stored in its order, where the answers say.
func testSubmitKeepsOrder(t *testing.T, s Store) {
	const submitters, each = 4, 100
	var wg sync.WaitGroup
	entries := make([][]chat.Entry, submitters)
	outcomes := make([][]chat.Appended, submitters)
	for k := range submitters {
		for i := range each {
			text := fmt.Sprintf("%d of %d", i, k)
			entries[k] = append(entries[k], chat.Entry{Room: fmt.Sprint("room-", i%2), Key: text, Payload: []byte(text)})
		}
		wg.Go(func() { outcomes[k] = submitAll(t, s, entries[k]) })
	}
	wg.Wait()
	stored := make(map[string]uint64) // sequence by payload
	for _, room := range []string{"room-0", "room-1"} {
		for _, e := range read(t, s, room, 0, everything) {
			stored[string(e.Payload)] = e.Sequence
		}
	}
	if len(stored) != submitters*each {
		t.Errorf("%d events are stored, want %d", len(stored), submitters*each)
	}
	for k := range submitters {
		last := uint64(0)
		for i, got := range outcomes[k] {
			key := entries[k][i].Key
			if got.Err != nil || got.Duplicate || got.At.Epoch == "" || got.At.Sequence != stored[key] || got.At.Sequence <= last {
				t.Fatalf("Submit(%q) = %+v, and it is at %d, after %d of the same submitter", key, got, stored[key], last)
			}
			last = got.At.Sequence
		}
	}
}

// testSubmitDuplicates submits keys again while the first is in flight.
func testSubmitDuplicates(t *testing.T, s Store) {
	w := newWriter(t, s)
	first := w.append(chat.Entry{Room: "room", Key: "0"})
	var entries []chat.Entry
	for i := range 40 {
		key := fmt.Sprint(i / 2)
		entries = append(entries, chat.Entry{Room: "room", Key: key, Payload: []byte(key)})
	}
	for i, got := range submitAll(t, s, entries) {
		switch {
		case got.Err != nil:
			t.Fatalf("Submit(%q) = %v, want nil", entries[i].Key, got.Err)
		case entries[i].Key == "0":
			if !got.Duplicate || got.At.Sequence != first.sequence {
				t.Errorf("Submit of a repeated key = %+v, want a duplicate of %d", got, first.sequence)
			}
		case i%2 == 0:
			if got.Duplicate {
				t.Fatalf("Submit(%q) = %+v, want a new event", entries[i].Key, got)
			}
			w.room("room").store(event{entries[i], got.At.Sequence})
		case !got.Duplicate || got.At.Sequence != w.room("room").last():
			t.Errorf("Submit(%q) again = %+v, want a duplicate of %d", entries[i].Key, got, w.room("room").last())
		}
	}
	w.check()
}

// testRoomsAreSeparate uses names that could be parts or patterns of each other.
func testRoomsAreSeparate(t *testing.T, s Store) {
	rooms := []string{"a", "a.b", "a.b.c", "a.", ".a", ".", "..", "a..b", "-", "_", "a_b", "a-b", strings.Repeat("a", 64), strings.Repeat(".", 64)}
	tails := make(map[string]*tailed)
	w := newWriter(t, s)
	for _, room := range rooms {
		tails[room] = tail(t, s, room)
	}
	for range 3 {
		for _, room := range rooms {
			w.append(chat.Entry{Room: room, Key: fmt.Sprint("same key ", len(w.room(room).events)), Counted: true})
		}
	}
	for _, room := range rooms {
		w.checkRoom(room)
		sameEvents(t, fmt.Sprintf("Tail(%q)", room), tails[room].wait(t, 3), w.room(room).stored)
	}
	w.checkRooms()
}

// testRefusedKey retries an entry that was refused with another target.
func testRefusedKey(t *testing.T, s Store) {
	w := newWriter(t, s)
	target := w.add("room")
	e := chat.Entry{Room: "room", Key: "key", Payload: []byte("payload"), Relation: chat.Annotates, Target: target.sequence + 1000}
	if _, _, err := chat.Append(t.Context(), s, e); !errors.Is(err, chat.ErrTargetGone) {
		t.Fatalf("Append with an unknown target = %v, want %v", err, chat.ErrTargetGone)
	}
	w.checkRoom("room")
	e.Target = target.sequence
	w.append(e)
	w.checkRoom("room")
}
