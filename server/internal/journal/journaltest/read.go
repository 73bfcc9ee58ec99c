package journaltest

import (
	"fmt"
	"slices"
	"testing"

	"chatroom/server/internal/chat"
)

// interleaved fills two rooms in turn, so that the sequences of each have gaps,
// and returns the events of the first.
func interleaved(t *testing.T, j chat.Journal, room string, n int) []appended {
	var events []appended
	for i := range n {
		events = append(events, add(t, j, room, fmt.Sprint(i), fmt.Sprint(i)))
		add(t, j, "others", fmt.Sprint(room, "/", i), "of another room")
	}
	return events
}

func testRead(t *testing.T, j chat.Journal) {
	events := interleaved(t, j, "room", 10)
	all := chain(0, events)
	for _, tt := range []struct {
		name  string
		after uint64
		limit int
		want  []chat.Stored
	}{
		{"all", 0, everything, all},
		{"exactly all", 0, 10, all},
		{"one less than all", 0, 9, all[:9]},
		{"one", 0, 1, all[:1]},
		{"none asked for", 0, 0, nil},
		{"before the first", events[0].sequence - 1, 2, all[:2]},
		{"after the first", events[0].sequence, 2, all[1:3]},
		{"between sequences", events[0].sequence + 1, 2, all[1:3]},
		{"the rest", events[6].sequence, everything, all[7:]},
		{"the rest exactly", events[6].sequence, 3, all[7:]},
		{"before the last", events[9].sequence - 1, 5, all[9:]},
		{"after the last", events[9].sequence, 5, nil},
		{"beyond the end", events[9].sequence + 1000, 5, nil},
		{"far beyond the end", ^uint64(0), 5, nil},
		{"the largest limit", events[0].sequence, maxInt, all[1:]},
	} {
		sameEvents(t, fmt.Sprintf("Read of %s, after %d, limit %d", tt.name, tt.after, tt.limit), read(t, j, "room", tt.after, tt.limit), tt.want)
	}
	sameEvents(t, "Read of an unknown room", read(t, j, "unknown", 0, 5), nil)
}

const maxInt = int(^uint(0) >> 1)

func testReadBack(t *testing.T, j chat.Journal) {
	events := interleaved(t, j, "room", 10)
	all := chain(0, events)
	for _, tt := range []struct {
		name   string
		before uint64
		limit  int
		want   []chat.Stored
	}{
		{"all", ^uint64(0), everything, all},
		{"exactly all", ^uint64(0), 10, all},
		{"one less than all", ^uint64(0), 9, all[1:]},
		{"the newest", ^uint64(0), 1, all[9:]},
		{"none asked for", ^uint64(0), 0, nil},
		{"beyond the end", events[9].sequence + 1000, 2, all[8:]},
		{"after the last", events[9].sequence + 1, 2, all[8:]},
		{"before the last", events[9].sequence, 2, all[7:9]},
		{"between sequences", events[8].sequence + 1, 2, all[7:9]},
		{"the rest", events[3].sequence, everything, all[:3]},
		{"the rest exactly", events[3].sequence, 3, all[:3]},
		{"after the first", events[0].sequence + 1, 5, all[:1]},
		{"before the first", events[0].sequence, 5, nil},
		{"before everything", 0, 5, nil},
		{"the largest limit", events[9].sequence, maxInt, all[:9]},
	} {
		sameEvents(t, fmt.Sprintf("ReadBack of %s, before %d, limit %d", tt.name, tt.before, tt.limit), readBack(t, j, "room", tt.before, tt.limit), tt.want)
	}
	sameEvents(t, "ReadBack of an unknown room", readBack(t, j, "unknown", ^uint64(0), 5), nil)
}

// testReadInPages pages through a room in both directions with each page size:
// a page shorter than its limit is the last one.
func testReadInPages(t *testing.T, j chat.Journal) {
	all := chain(0, interleaved(t, j, "room", 23))
	for limit := 1; limit <= 24; limit++ {
		var forward, backward []chat.Stored
		for after, more := uint64(0), true; more; {
			page := read(t, j, "room", after, limit)
			if more = len(page) == limit; len(page) > 0 {
				after = page[len(page)-1].Sequence
			}
			forward = append(forward, page...)
		}
		for before, more := ^uint64(0), true; more; {
			page := readBack(t, j, "room", before, limit)
			if more = len(page) == limit; len(page) > 0 {
				before = page[0].Sequence
			}
			backward = slices.Concat(page, backward)
		}
		sameEvents(t, fmt.Sprintf("Read in pages of %d", limit), forward, all)
		sameEvents(t, fmt.Sprintf("ReadBack in pages of %d", limit), backward, all)
	}
}

func testHead(t *testing.T, j chat.Journal) {
	unknown := headOf(t, j, "room")
	if unknown.Epoch == "" || unknown.First != 0 || unknown.Last != 0 || unknown.Evicted != 0 {
		t.Errorf("Head of an unknown room = %+v, want an epoch and nothing else", unknown)
	}
	add(t, j, "others", "key", "of another room")
	want := chat.Head{Epoch: unknown.Epoch}
	for i := range 5 {
		e := add(t, j, "room", fmt.Sprint(i), "payload")
		if want.Last = e.sequence; i == 0 {
			want.First = e.sequence
		}
		if got := headOf(t, j, "room"); got != want {
			t.Errorf("Head after %d events = %+v, want %+v", i+1, got, want)
		}
	}
}

// testEpochsDiffer compares two logs that have nothing to do with each other: a
// cursor of one must not be taken for one of the other.
func testEpochsDiffer(t *testing.T, a, b chat.Journal) {
	if first, second := headOf(t, a, "room").Epoch, headOf(t, b, "room").Epoch; first == second {
		t.Errorf("epochs of two logs = %q and %q, want them to differ", first, second)
	}
}

func testRooms(t *testing.T, j chat.Journal) {
	names := []string{"-", ".", "0", "_", "a", "a-b", "a.b", "aa", "b", "lobby"}
	slices.Sort(names)
	var want []chat.RoomHead
	for i := range names {
		name := names[(i*7)%len(names)]
		add(t, j, name, "first", "first")
		want = append(want, chat.RoomHead{Room: name, Last: add(t, j, name, "second", "second").sequence})
	}
	slices.SortFunc(want, func(a, b chat.RoomHead) int { return slices.Compare([]byte(a.Room), []byte(b.Room)) })
	tail(t, j, "listened-to")
	headOf(t, j, "asked-for")
	read(t, j, "read", 0, 1)
	for _, tt := range []struct {
		after string
		limit int
		want  []chat.RoomHead
	}{
		{"", everything, want},
		{"", len(want), want},
		{"", 3, want[:3]},
		{"", 0, nil},
		{names[0], 2, want[1:3]},
		{"a", 2, want[5:7]},
		{"a-a", 2, want[5:7]}, // a name that there is no room of
		{names[8], everything, want[9:]},
		{names[9], 5, nil},
		{"zzz", 5, nil},
	} {
		got, err := j.Rooms(t.Context(), tt.after, tt.limit)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("Rooms(%q, %d) = %v, %v, want %v", tt.after, tt.limit, got, err, tt.want)
		}
	}
}
