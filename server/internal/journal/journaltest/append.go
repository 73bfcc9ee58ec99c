package journaltest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

func testAppendStores(t *testing.T, j chat.Journal) {
	for _, payload := range []string{"a", "", "\x00\xff\r\n", strings.Repeat("x", 64<<10)} {
		at, duplicate, err := j.Append(t.Context(), "room", fmt.Sprintf("%.8q", payload), []byte(payload))
		if err != nil || duplicate || at.Sequence == 0 || at.Epoch == "" {
			t.Fatalf("Append(%.8q) = %v, %t, %v, want a place", payload, at, duplicate, err)
		}
		if head := headOf(t, j, "room"); head.Epoch != at.Epoch || head.Last != at.Sequence {
			t.Errorf("Head after Append = %v, want %v", head, at)
		}
		got := read(t, j, "room", at.Sequence-1, everything)
		if len(got) != 1 || got[0].Sequence != at.Sequence || string(got[0].Payload) != payload {
			t.Errorf("Read after Append(%.8q) = %s, want the one event", payload, describe(got))
		}
	}
}

func testAppendCopies(t *testing.T, j chat.Journal) {
	seen := tail(t, j, "room")
	payload := []byte("as it was")
	if _, _, err := j.Append(t.Context(), "room", "key", payload); err != nil {
		t.Fatalf("Append = %v, want nil", err)
	}
	copy(payload, "overwrite")
	for call, got := range map[string][]chat.Stored{
		"Read":     read(t, j, "room", 0, 1),
		"ReadBack": readBack(t, j, "room", ^uint64(0), 1),
		"Tail":     seen.wait(t, 1),
	} {
		if len(got) != 1 || string(got[0].Payload) != "as it was" {
			t.Errorf("%s after the caller changed its buffer = %s, want the payload as it was", call, describe(got))
		}
	}
}

func testSequencesGrow(t *testing.T, j chat.Journal) {
	last := uint64(0)
	for i := range 60 {
		room := fmt.Sprintf("room-%d", i%7)
		got := add(t, j, room, fmt.Sprint(i), "payload")
		if got.sequence <= last {
			t.Fatalf("Append(%q) = sequence %d, want more than %d, which another room has", room, got.sequence, last)
		}
		last = got.sequence
	}
}

// testConcurrentAppenders has several goroutines append to several rooms. What
// each was told must be what everybody reads.
func testConcurrentAppenders(t *testing.T, j chat.Journal) {
	const appenders, each = 8, 60
	rooms := []string{"red", "green", "blue"}
	told := make([]map[string][]appended, appenders)
	var wg sync.WaitGroup
	for a := range told {
		told[a] = make(map[string][]appended)
		wg.Go(func() {
			last := uint64(0)
			for i := range each {
				room := rooms[(a+i)%len(rooms)]
				payload := fmt.Sprintf("%d/%d", a, i)
				at, duplicate, err := j.Append(t.Context(), room, payload, []byte(payload))
				if err != nil || duplicate || at.Sequence <= last {
					t.Errorf("Append(%q, %q) = %v, %t, %v, want a new event after %d", room, payload, at, duplicate, err, last)
					return
				}
				last = at.Sequence
				told[a][room] = append(told[a][room], appended{at.Sequence, payload})
			}
		})
	}
	wg.Wait()
	seen := make(map[uint64]string)
	for _, room := range rooms {
		var all []appended
		for _, of := range told {
			all = append(all, of[room]...)
		}
		slices.SortFunc(all, func(a, b appended) int { return cmp.Compare(a.sequence, b.sequence) })
		for _, e := range all {
			if other, found := seen[e.sequence]; found {
				t.Errorf("sequence %d was given to %q and %q", e.sequence, other, e.payload)
			}
			seen[e.sequence] = e.payload
		}
		sameEvents(t, fmt.Sprintf("Read(%q)", room), read(t, j, room, 0, everything), chain(0, all))
	}
}

func testRepeatedKey(t *testing.T, j chat.Journal) {
	first := add(t, j, "room", "key", "first")
	second := add(t, j, "room", "another key", "second")
	elsewhere := add(t, j, "another-room", "key", "elsewhere")
	for _, tt := range []struct {
		room, key string
		want      uint64
	}{
		{"room", "key", first.sequence},
		{"room", "key", first.sequence},
		{"room", "another key", second.sequence},
		{"another-room", "key", elsewhere.sequence},
	} {
		at, duplicate, err := j.Append(t.Context(), tt.room, tt.key, []byte("again"))
		if err != nil || !duplicate || at.Sequence != tt.want || at.Epoch != headOf(t, j, tt.room).Epoch {
			t.Errorf("Append(%q, %q) again = %v, %t, %v, want the duplicate of %d", tt.room, tt.key, at, duplicate, err, tt.want)
		}
	}
	sameEvents(t, `Read("room")`, read(t, j, "room", 0, everything), chain(0, []appended{first, second}))
	sameEvents(t, `Read("another-room")`, read(t, j, "another-room", 0, everything), chain(0, []appended{elsewhere}))
}

// testRepeatedKeyAtOnce has retries overtake the first attempt.
func testRepeatedKeyAtOnce(t *testing.T, j chat.Journal) {
	const attempts, keys = 4, 40
	seen := tail(t, j, "room")
	for k := range keys {
		key := fmt.Sprint(k)
		var places [attempts]chat.Cursor
		var duplicates [attempts]bool
		var wg sync.WaitGroup
		for a := range attempts {
			wg.Go(func() {
				var err error
				if places[a], duplicates[a], err = j.Append(t.Context(), "room", key, []byte(key)); err != nil {
					t.Errorf("Append(%q) = %v, want nil", key, err)
				}
			})
		}
		wg.Wait()
		stored := 0
		for a := range attempts {
			if places[a] != places[0] {
				t.Errorf("Append(%q) at once = %v and %v, want one place", key, places[0], places[a])
			}
			if !duplicates[a] {
				stored++
			}
		}
		if stored != 1 {
			t.Errorf("Append(%q) %d times at once stored %d events, want 1", key, attempts, stored)
		}
	}
	got := read(t, j, "room", 0, everything)
	if len(got) != keys {
		t.Errorf("Read = %d events, want %d", len(got), keys)
	}
	sameEvents(t, "Tail", seen.wait(t, len(got)), got)
}

// testKeysAreOpaque uses keys that senders may well choose, and that a journal
// must not take apart.
func testKeysAreOpaque(t *testing.T, j chat.Journal) {
	keys := []string{
		"a", "A", " a", "a ", "a\n", "a\r\n", "a\r\nX-Header: b", "a\x00", "a:b", "a.b", "a*", ">", "ä", "a\u0308", "🙂",
		strings.Repeat("k", 128), strings.Repeat("k", 128) + "2", `"a"`, "a,b", "%61", "\t",
	}
	places := make(map[string]uint64)
	for _, key := range keys {
		places[key] = add(t, j, "room", key, key).sequence
	}
	for _, key := range keys {
		at, duplicate, err := j.Append(t.Context(), "room", key, []byte("again"))
		if err != nil || !duplicate || at.Sequence != places[key] {
			t.Errorf("Append(%q) again = %v, %t, %v, want the duplicate of %d", key, at, duplicate, err, places[key])
		}
	}
	if got := read(t, j, "room", 0, everything); len(got) != len(keys) {
		t.Errorf("Read = %d events, want %d", len(got), len(keys))
	}
}

// testRoomsAreSeparate uses names that could be parts or patterns of each other.
func testRoomsAreSeparate(t *testing.T, j chat.Journal) {
	rooms := []string{"a", "a.b", "a.b.c", "a.", ".a", ".", "..", "a..b", "-", "_", "a_b", "a-b", strings.Repeat("a", 64), strings.Repeat(".", 64)}
	tails := make(map[string]*recorder)
	want := make(map[string][]appended)
	for _, room := range rooms {
		tails[room] = tail(t, j, room)
	}
	for i := range 3 {
		for _, room := range rooms {
			want[room] = append(want[room], add(t, j, room, fmt.Sprint(i), fmt.Sprint(room, i)))
		}
	}
	for _, room := range rooms {
		sameEvents(t, fmt.Sprintf("Read(%q)", room), read(t, j, room, 0, everything), chain(0, want[room]))
		sameEvents(t, fmt.Sprintf("ReadBack(%q)", room), readBack(t, j, room, ^uint64(0), everything), chain(0, want[room]))
		sameEvents(t, fmt.Sprintf("Tail(%q)", room), tails[room].wait(t, 3), chain(0, want[room]))
		if head := headOf(t, j, room); head.First != want[room][0].sequence || head.Last != want[room][2].sequence {
			t.Errorf("Head(%q) = %v, want %d to %d", room, head, want[room][0].sequence, want[room][2].sequence)
		}
	}
}
