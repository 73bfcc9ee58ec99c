package jetstream

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// A flood in one room does not take events from others.
func TestTrimTakesFromTheLargest(t *testing.T) {
	t.Parallel()
	const bytesInAll = 2 << 20
	s := open(t, Config{URL: startNATS(t).fresh(t), Bytes: bytesInAll})
	quiet := make(map[string][]uint64)
	for i := range 5 {
		room := fmt.Sprint("quiet-", i)
		quiet[room] = appendAll(t, s, room, 30)
	}
	var flood []uint64
	for i := range 400 {
		flood = append(flood, appendEvent(t, s, chat.Entry{Room: "flood", Key: fmt.Sprint(i), Payload: bytes.Repeat([]byte("x"), 16<<10)}))
		if err := s.trim(t.Context()); err != nil {
			t.Fatalf("trim = %v, want nil", err)
		}
	}
	state, err := s.events.state(t.Context())
	if err != nil || float64(state.Bytes) > bytesInAll*trimAt {
		t.Errorf("the stream has %d bytes, %v, want at most %.0f", state.Bytes, err, bytesInAll*trimAt)
	}
	for room, want := range quiet {
		if got := sequences(t, s, room); len(got) != len(want) {
			t.Errorf("Read(%q) = %d events, want %d", room, len(got), len(want))
		}
		if head, err := s.Head(t.Context(), room); err != nil || head.Evicted >= head.First {
			t.Errorf("Head(%q) = %+v, %v, want Evicted below First", room, head, err)
		}
	}
	left := sequences(t, s, "flood")
	if len(left) < 40 || left[len(left)-1] != flood[len(flood)-1] {
		t.Errorf("Read(flood) = %d events, want its newest", len(left))
	}
	head, err := s.Head(t.Context(), "flood")
	if err != nil || head.First != left[0] || head.Evicted < flood[len(flood)-len(left)-1] || head.Evicted >= head.First {
		t.Errorf("Head(flood) = %+v, %v, want First %d and Evicted from %d", head, err, left[0], flood[len(flood)-len(left)-1])
	}
}

// Rooms of the same size are trimmed alike.
func TestLevel(t *testing.T) {
	t.Parallel()
	rooms := []*usage{
		{events: 1000, keep: 1000, average: 100}, {events: 1000, keep: 1000, average: 100},
		{events: 10, keep: 10, average: 100}, {events: 1, keep: 1, average: 5000},
	}
	level(rooms, 100_000)
	total := 0.0
	for _, u := range rooms {
		total += u.bytes()
		if u.events <= 10 && u.keep != u.events {
			t.Errorf("a room of %d events keeps %d, want all", u.events, u.keep)
		}
		if u.events == 1000 && (u.keep < 300 || u.keep > 700) {
			t.Errorf("one of the largest rooms keeps %d, want about half", u.keep)
		}
	}
	if total > 106_000 {
		t.Errorf("all rooms keep %.0f bytes, want at most 106000", total)
	}
	level(rooms, 1e9) // ends
}

// Events that are too old are gone for all calls, and so is a room of such events.
func TestAge(t *testing.T) {
	t.Parallel()
	const age = time.Second
	s := open(t, Config{URL: startNATS(t).fresh(t), Age: age, Window: age / 2})
	var last uint64
	for i := range 5 {
		last = appendEvent(t, s, chat.Entry{Room: "old", Key: fmt.Sprint(i), Counted: true})
	}
	appendEvent(t, s, chat.Entry{Room: "room", Key: "old"})
	eventually(t, "the events are dropped", func() bool { return len(sequences(t, s, "old")) == 0 })
	young := appendEvent(t, s, chat.Entry{Room: "room", Key: "young", Counted: true})
	head, err := s.Head(t.Context(), "old")
	if err != nil || head.First != 0 || head.Last != 0 || head.Evicted < last {
		t.Errorf("Head of a room of old events = %+v, %v, want it empty, and Evicted from %d", head, err, last)
	}
	if n, err := s.Count(t.Context(), "old", 0, "", 10); err != nil || n != 0 {
		t.Errorf("Count in a room of old events = %d, %v, want 0", n, err)
	}
	rooms, err := s.Rooms(t.Context(), "", 10)
	if err != nil || len(rooms) != 1 || rooms[0].Room != "room" || rooms[0].Last != young {
		t.Errorf("Rooms = %+v, %v, want the one with a young event", rooms, err)
	}
}
