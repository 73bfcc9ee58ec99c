package memory

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"chatroom/server/internal/chat"
)

// The bytes of all rooms are bounded together, and the room that uses most of them
// loses its oldest first: a flood leaves the other rooms as they are.
func TestFloodDoesNotEmptyOtherRooms(t *testing.T) {
	s := Open(Config{Bytes: 100 * (overhead + 4)})
	var want []uint64
	for i := range 5 {
		sequence, _ := add(t, s, "quiet", fmt.Sprint(i), "four")
		want = append(want, sequence)
	}
	for i := range 1000 {
		add(t, s, "flood", fmt.Sprint(i), "four")
		if i%100 == 0 {
			add(t, s, fmt.Sprint("small-", i), "key", "four")
		}
	}
	if got := sequences(t, s, "quiet"); !slices.Equal(got, want) {
		t.Errorf("quiet room holds %v after a flood in another, want %v", got, want)
	}
	for i := 0; i < 1000; i += 100 {
		if got := sequences(t, s, fmt.Sprint("small-", i)); len(got) != 1 {
			t.Errorf("small room %d holds %v after a flood in another, want its event", i, got)
		}
	}
	if got := len(sequences(t, s, "flood")); got != 100-5-10 {
		t.Errorf("flooded room holds %d events, want the %d that fit", got, 100-5-10)
	}
}

// A single room is bounded, too, and never so far that it loses its newest event.
func TestBytesBoundOneRoom(t *testing.T) {
	const limit = 10 * (overhead + 100)
	s := Open(Config{Bytes: limit})
	payload := string(make([]byte, 100))
	for i := range 100 {
		add(t, s, "room", fmt.Sprint(i), payload)
	}
	if got := len(sequences(t, s, "room")); got != 10 {
		t.Errorf("one room under a bound of 10 events' bytes holds %d events, want 10", got)
	}
	last, _ := add(t, s, "room", "huge", string(make([]byte, 2*limit)))
	if got := sequences(t, s, "room"); !slices.Equal(got, []uint64{last}) {
		t.Errorf("room after an event over the bound holds %v, want [%d]", got, last)
	}
}

// A room that lost all its events, and then gets new ones, must not take old
// cursors for good ones: what came between is lost to them.
func TestEmptiedRoomRemembersThatItLostEvents(t *testing.T) {
	s := Open(Config{Bytes: 3 * overhead})
	seen, _ := add(t, s, "room", "seen", "")
	missed, _ := add(t, s, "room", "missed", "")
	for i := range 4 {
		add(t, s, fmt.Sprint("other-", i), "key", "")
	}
	if got := sequences(t, s, "room"); got != nil {
		t.Fatalf("room holds %v, want it emptied", got)
	}
	for _, when := range []string{"emptied", "in use again"} {
		head, err := s.Head(t.Context(), "room")
		if err != nil || head.Evicted < missed {
			t.Errorf("Head of a room that is %s = %+v, %v, want Evicted of at least %d: a reader who saw %d missed one", when, head, err, missed, seen)
		}
		add(t, s, "room", "new", "")
	}
}

// roomHead returns what Rooms says of a room.
func roomHead(t *testing.T, s *Store, room string) chat.RoomHead {
	t.Helper()
	heads, err := s.Rooms(t.Context(), "", 1000)
	if err != nil {
		t.Fatalf("Rooms = %v, want nil", err)
	}
	at := slices.IndexFunc(heads, func(h chat.RoomHead) bool { return h.Room == room })
	if at < 0 {
		t.Fatalf("Rooms = %v, want %q among them", heads, room)
	}
	return heads[at]
}

// How many events were ever stored in a room outlives the events.
func TestEmptiedRoomKeepsItsCount(t *testing.T) {
	s := Open(Config{Bytes: 2 * overhead})
	count := func(key string) {
		t.Helper()
		_, _, err := chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: key, Counted: true})
		if err != nil {
			t.Fatalf("Append = %v, want nil", err)
		}
	}
	for i := range 5 {
		count(fmt.Sprint(i))
	}
	for i := range 4 {
		add(t, s, fmt.Sprint("other-", i), "key", "")
	}
	if got := sequences(t, s, "room"); got != nil {
		t.Fatalf("room holds %v, want it emptied", got)
	}
	count("again")
	if got := roomHead(t, s, "room").Counted; got != 6 {
		t.Errorf("room counts %d, want the 6 that were ever stored", got)
	}
}

// What is remembered of emptied rooms is bounded, and errs on the side of lost events.
func TestEmptiedRoomsAreBounded(t *testing.T) {
	const limit = 100
	s := Open(Config{Bytes: 1})
	s.emptiedLimit = limit
	for i := range 2 * limit {
		add(t, s, fmt.Sprint("room-", i), "key", "")
	}
	if n := len(s.emptied); n > limit {
		t.Errorf("%d emptied rooms are remembered, want at most %d", n, limit)
	}
	for _, i := range []int{0, 5, limit, 2*limit - 2} {
		head, err := s.Head(t.Context(), fmt.Sprint("room-", i))
		if err != nil || head.Evicted == 0 {
			t.Errorf("Head of an emptied room = %+v, %v, want events evicted", head, err)
		}
	}
}

func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := Open(Config{Age: time.Hour})
		old, _ := add(t, s, "room", "old", "")
		add(t, s, "quiet", "old", "")
		<-time.After(time.Hour)
		if got := sequences(t, s, "room"); len(got) != 1 {
			t.Errorf("room holds %v after an hour, want the event", got)
		}
		young, _ := add(t, s, "room", "young", "")
		<-time.After(time.Millisecond)
		if got := sequences(t, s, "room"); !slices.Equal(got, []uint64{young}) {
			t.Errorf("room holds %v after more than an hour, want [%d]", got, young)
		}
		if got := sequences(t, s, "quiet"); got != nil {
			t.Errorf("quiet room holds %v after more than an hour, want none", got)
		}
		head, err := s.Head(t.Context(), "room")
		if err != nil || head.Evicted != old {
			t.Errorf("Head = %+v, %v, want Evicted %d", head, err, old)
		}
		if got := roomHead(t, s, "room").Last; got != young {
			t.Errorf("room ends with %d, want %d", got, young)
		}
		if s.names.Len() != 1 {
			t.Errorf("%d rooms are listed, want 1", s.names.Len())
		}
	})
}

// Nothing refers to the payload of an event that is erased or dropped.
func TestPayloadsAreFreed(t *testing.T) {
	s := Open(Config{RoomEvents: 5})
	stop, err := s.Tail(t.Context(), "room", func([]chat.Stored) {})
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	defer stop()
	var payloads []weak.Pointer[byte]
	note := func(room string) {
		l := s.rooms[room]
		payloads = append(payloads, weak.Make(&l.events[len(l.events)-1].payload[0]))
	}
	long := string(make([]byte, 100))
	dropped, _ := add(t, s, "room", "dropped", long)
	note("room")
	target, _ := add(t, s, "room", "target", long)
	note("room")
	for i, relation := range []chat.Relation{chat.Revises, chat.Erases} {
		e := chat.Entry{Room: "room", Key: fmt.Sprint(i), Payload: []byte(long), Relation: relation, Target: target}
		if _, _, err := chat.Append(t.Context(), s, e); err != nil {
			t.Fatalf("Append = %v, want nil", err)
		}
		if relation == chat.Revises {
			note("room")
		}
	}
	for i := range 4 {
		add(t, s, "room", fmt.Sprint("more ", i), "")
	}
	if got := sequences(t, s, "room"); len(got) != 5 || slices.Contains(got, dropped) || slices.Contains(got, target) {
		t.Fatalf("room holds %v, want 5 events without %d and %d", got, dropped, target)
	}
	runtime.GC()
	for i, p := range payloads {
		if p.Value() != nil {
			t.Errorf("payload %d of the dropped, the erased and what revised it is still in memory", i)
		}
	}
}
