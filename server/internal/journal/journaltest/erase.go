package journaltest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"chatroom/server/internal/chat"
)

func erase(t testing.TB, j chat.Journal, room string, sequence uint64) {
	t.Helper()
	if err := j.Erase(t.Context(), room, sequence); err != nil {
		t.Fatalf("Erase(%q, %d) = %v, want nil", room, sequence, err)
	}
}

// without returns a copy of events in which some are left out, by index.
func without(events []appended, gone ...int) []appended {
	var left []appended
	for i, e := range events {
		if !slices.Contains(gone, i) {
			left = append(left, e)
		}
	}
	return left
}

// sameRoom fails the test unless a room reads as these events do, from anywhere
// and in pages of any size.
func sameRoom(t *testing.T, j chat.Journal, room string, all, left []appended) {
	t.Helper()
	want := chain(0, left)
	places := []uint64{0, ^uint64(0)}
	for _, e := range all {
		places = append(places, e.sequence-1, e.sequence, e.sequence+1)
	}
	for _, place := range places {
		from, _ := slices.BinarySearchFunc(want, place, func(e chat.Stored, place uint64) int {
			if e.Sequence <= place {
				return -1
			}
			return 1
		})
		to := from
		if from > 0 && want[from-1].Sequence == place {
			to--
		}
		for _, limit := range []int{1, 2, everything} {
			sameEvents(t, fmt.Sprintf("Read(%q, %d, %d)", room, place, limit),
				read(t, j, room, place, limit), want[from:][:min(limit, len(want)-from)])
			sameEvents(t, fmt.Sprintf("ReadBack(%q, %d, %d)", room, place, limit),
				readBack(t, j, room, place, limit), want[max(0, to-limit):to])
		}
	}
	if head := headOf(t, j, room); head.First != left[0].sequence || head.Last != left[len(left)-1].sequence {
		t.Errorf("Head(%q) = %+v, want %d to %d", room, head, left[0].sequence, left[len(left)-1].sequence)
	}
}

func testErase(t *testing.T, j chat.Journal) {
	for _, tt := range []struct {
		name string
		gone []int // in the order in which they are erased
	}{
		{"one", []int{3}},
		{"the oldest", []int{0}},
		{"oldest first", []int{2, 3, 4}},
		{"newest first", []int{4, 3, 2}},
		{"from both sides", []int{2, 4, 3}},
		{"apart", []int{5, 1, 3}},
		{"the oldest ones", []int{1, 0, 2}},
		{"all but the newest", []int{6, 0, 5, 1, 4, 2, 3}},
	} {
		for _, listened := range []bool{false, true} {
			room := strings.ReplaceAll(fmt.Sprintf("%s.%t", tt.name, listened), " ", "-")
			events := interleaved(t, j, room, 8)
			if listened {
				tail(t, j, room)
			}
			for i := range tt.gone {
				erase(t, j, room, events[tt.gone[i]].sequence)
				want := chain(0, without(events, tt.gone[:i+1]...))
				sameEvents(t, "Read", read(t, j, room, 0, everything), want)
				sameEvents(t, "ReadBack", readBack(t, j, room, ^uint64(0), everything), want)
			}
			for _, i := range tt.gone {
				erase(t, j, room, events[i].sequence)
			}
			left := without(events, tt.gone...)
			for i := range 3 {
				e := add(t, j, room, fmt.Sprint("more/", i), fmt.Sprint("more/", i))
				events, left = append(events, e), append(left, e)
			}
			sameRoom(t, j, room, events, left)
		}
	}
	others, err := j.Rooms(t.Context(), "others", 0)
	if err != nil || len(others) != 0 {
		t.Errorf("Rooms = %v, %v, want none", others, err)
	}
	rooms, err := j.Rooms(t.Context(), "", everything)
	if err != nil || len(rooms) != 17 {
		t.Errorf("Rooms = %v, %v, want the 17 that were said something in", rooms, err)
	}
}

// testEraseOldest erases what is before the oldest event: nobody who has read up to
// there has missed anything.
func testEraseOldest(t *testing.T, j chat.Journal) {
	events := interleaved(t, j, "room", 4)
	for i := range 3 {
		erase(t, j, "room", events[i].sequence)
		head := headOf(t, j, "room")
		if head.First != events[i+1].sequence || head.Evicted != 0 {
			t.Errorf("Head = %+v, want First %d and nothing evicted", head, events[i+1].sequence)
		}
	}
}

func testEraseNothing(t *testing.T, j chat.Journal) {
	events := interleaved(t, j, "room", 3)
	for _, tt := range []struct {
		room     string
		sequence uint64
		want     error
	}{
		{"room", 0, nil},
		{"room", events[0].sequence + 1, nil}, // of another room
		{"others", events[0].sequence, nil},
		{"unknown", events[0].sequence, nil},
		{"room", events[2].sequence + 1000, nil},
		{"room", ^uint64(0), nil},
		{"room", events[2].sequence, chat.ErrNewest},
	} {
		if err := j.Erase(t.Context(), tt.room, tt.sequence); !errors.Is(err, tt.want) {
			t.Errorf("Erase(%q, %d) = %v, want %v", tt.room, tt.sequence, err, tt.want)
		}
		sameEvents(t, "Read", read(t, j, "room", 0, everything), chain(0, events))
	}
	if got := read(t, j, "others", 0, everything); len(got) != 3 {
		t.Errorf("Read of another room = %s, want 3 events", describe(got))
	}
}

func testErasedKey(t *testing.T, j chat.Journal) {
	events := addAll(t, j, "room", 3)
	erase(t, j, "room", events[1].sequence)
	at, duplicate, err := j.Append(t.Context(), "room", "room/1", []byte("again"))
	if err != nil || !duplicate || at.Sequence != events[1].sequence {
		t.Errorf("Append of a key whose event was erased = %v, %t, %v, want the duplicate of %d", at, duplicate, err, events[1].sequence)
	}
	sameEvents(t, "Read", read(t, j, "room", 0, everything), chain(0, without(events, 1)))
}

// testEraseMany has more erased events in a row than a page, or a chunk, is long.
func testEraseMany(t *testing.T, j chat.Journal) {
	const many = 600
	whole := addAll(t, j, "whole", many)
	for i := 100; i < many-1; i += 100 { // where a chunk may well end
		erase(t, j, "whole", whole[i].sequence)
		whole = without(whole, i)
	}
	sameEvents(t, "Read", read(t, j, "whole", 0, everything), chain(0, whole))
	sameEvents(t, "ReadBack", readBack(t, j, "whole", ^uint64(0), everything), chain(0, whole))
	events := addAll(t, j, "room", many+4)
	order := rand.Perm(many)
	var gone []int
	for _, i := range order {
		erase(t, j, "room", events[i+2].sequence)
		gone = append(gone, i+2)
	}
	left := without(events, gone...)
	sameRoom(t, j, "room", []appended{events[0], events[1], events[2], events[300], events[many+2], events[many+3]}, left)
}

// testEraseAtOnce erases neighbours, and the same event, at the same time.
func testEraseAtOnce(t *testing.T, j chat.Journal) {
	events := addAll(t, j, "room", 40)
	var gone []int
	var wg sync.WaitGroup
	for i := 1; i < 39; i++ {
		if i%10 == 0 {
			continue
		}
		gone = append(gone, i)
		for range 2 {
			wg.Go(func() {
				if err := j.Erase(t.Context(), "room", events[i].sequence); err != nil {
					t.Errorf("Erase(%d) = %v, want nil", events[i].sequence, err)
				}
			})
		}
	}
	wg.Wait()
	sameRoom(t, j, "room", events, without(events, gone...))
}

// testEraseUnderLoad erases while others append, read and listen. Nobody is told of
// an event that is missing: each comes after one that was there before.
func testEraseUnderLoad(t *testing.T, j chat.Journal) {
	seen := tail(t, j, "room")
	wait := load(t, j, "room", 4, 60)
	var gone []uint64
	for len(gone) < 80 {
		seen.wait(t, 2*len(gone)+2)
		events := seen.events()
		e := events[rand.IntN(len(events)-1)]
		if slices.Contains(gone, e.Sequence) {
			e = events[len(events)-2]
		}
		erase(t, j, "room", e.Sequence)
		gone = append(gone, e.Sequence)
		got := read(t, j, "room", 0, everything)
		back := readBack(t, j, "room", ^uint64(0), everything)
		for call, got := range map[string][]chat.Stored{"Read": got, "ReadBack": back} {
			previous := uint64(0)
			for _, g := range got {
				if g.Previous != previous || slices.Contains(gone, g.Sequence) {
					t.Fatalf("%s = %d(after %d) behind %d, with %d erased, want a chain without those", call, g.Sequence, g.Previous, previous, gone)
				}
				previous = g.Sequence
			}
		}
	}
	wait()
	last := add(t, j, "room", "last", "last")
	seen.waitUntil(t, last.sequence)
	got := seen.events()
	for i := range got[1:] {
		if got[i+1].Previous > got[i].Sequence {
			t.Fatalf("Tail has %d(after %d) behind %d, want no gap", got[i+1].Sequence, got[i+1].Previous, got[i].Sequence)
		}
	}
	seen.check(t)
}

// testEraseUnderRetention has a room lose events to both: what is erased does not
// count for what a room keeps, and what is dropped is told from it.
func testEraseUnderRetention(t *testing.T, j chat.Journal, keep int) {
	events := addAll(t, j, "room", keep)
	evicted := uint64(0)
	for i := range 40 {
		erase(t, j, "room", events[len(events)-2].sequence)
		erased := events[len(events)-2]
		events = without(events, len(events)-2)
		if i%3 == 0 && len(events) > 2 {
			erase(t, j, "room", events[0].sequence)
			events = events[1:]
		}
		for k := range 1 + i%3 {
			events = append(events, add(t, j, "room", fmt.Sprint("more/", i, "/", k), fmt.Sprint(i)))
			if len(events) > keep {
				evicted = events[0].sequence
				events = events[1:]
			}
		}
		sameEvents(t, "Read", read(t, j, "room", 0, everything), chain(0, events))
		sameEvents(t, "ReadBack", readBack(t, j, "room", ^uint64(0), everything), chain(0, events))
		head := headOf(t, j, "room")
		if head.Evicted != evicted || head.First != events[0].sequence {
			t.Fatalf("Head = %+v after %d was erased, want First %d and Evicted %d", head, erased.sequence, events[0].sequence, evicted)
		}
	}
}
