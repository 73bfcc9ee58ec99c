package memory

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/journal/journaltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestJournal(t *testing.T) {
	journaltest.Run(t, func(*testing.T) chat.Journal { return Open(Config{}) })
}

func TestRetention(t *testing.T) {
	journaltest.RunRetention(t, func(_ *testing.T, roomEvents int) chat.Journal {
		return Open(Config{RoomEvents: roomEvents})
	})
}

// add appends an event, and returns its sequence and whether it was there.
func add(t *testing.T, j *Journal, room, key, payload string) (uint64, bool) {
	t.Helper()
	at, duplicate, err := j.Append(t.Context(), room, key, []byte(payload))
	if err != nil {
		t.Fatalf("Append(%q, %q) = %v, want nil", room, key, err)
	}
	return at.Sequence, duplicate
}

func sequences(t *testing.T, j *Journal, room string) []uint64 {
	t.Helper()
	events, err := j.Read(t.Context(), room, 0, math.MaxInt)
	if err != nil {
		t.Fatalf("Read(%q) = %v, want nil", room, err)
	}
	var all []uint64
	for _, e := range events {
		all = append(all, e.Sequence)
	}
	return all
}

// The bytes of all rooms are bounded together: what goes first is the oldest
// event, whatever room it is in.
func TestBytesBoundDropsTheOldestOfAllRooms(t *testing.T) {
	const keep = 6
	j := Open(Config{Bytes: keep * (overhead + 4)})
	type place struct {
		room     string
		sequence uint64
	}
	var all []place
	rooms := []string{"a", "b", "a", "c", "c", "c", "b", "a", "a", "a", "c", "b", "b", "b", "b", "c"}
	for i, room := range rooms {
		sequence, _ := add(t, j, room, fmt.Sprint(i), "four")
		all = append(all, place{room, sequence})
		kept := all[max(0, len(all)-keep):]
		for _, room := range []string{"a", "b", "c"} {
			var want []uint64
			for _, p := range kept {
				if p.room == room {
					want = append(want, p.sequence)
				}
			}
			if got := sequences(t, j, room); !slices.Equal(got, want) {
				t.Fatalf("after %d events room %q holds %v, want %v", i+1, room, got, want)
			}
		}
	}
}

// A single room is bounded, too, and never so far that it loses its newest event.
func TestBytesBoundOneRoom(t *testing.T) {
	const limit = 10 * (overhead + 100)
	j := Open(Config{Bytes: limit})
	payload := string(make([]byte, 100))
	for i := range 100 {
		add(t, j, "room", fmt.Sprint(i), payload)
	}
	if got := len(sequences(t, j, "room")); got != 10 {
		t.Errorf("one room under a bound of 10 events' bytes holds %d events, want 10", got)
	}
	last, _ := add(t, j, "room", "huge", string(make([]byte, 2*limit)))
	if got := sequences(t, j, "room"); !slices.Equal(got, []uint64{last}) {
		t.Errorf("room after an event over the bound holds %v, want [%d]", got, last)
	}
}

// A room that lost all its events, and then gets new ones, must not take old
// cursors for good ones: what came between is lost to them.
func TestEmptiedRoomRemembersThatItLostEvents(t *testing.T) {
	j := Open(Config{Bytes: 3 * overhead})
	seen, _ := add(t, j, "room", "seen", "")
	missed, _ := add(t, j, "room", "missed", "")
	for i := range 4 {
		add(t, j, "others", fmt.Sprint(i), "")
	}
	if got := sequences(t, j, "room"); got != nil {
		t.Fatalf("room holds %v, want it emptied", got)
	}
	for _, when := range []string{"emptied", "in use again"} {
		head, err := j.Head(t.Context(), "room")
		if err != nil || head.Evicted < missed {
			t.Errorf("Head of a room that is %s = %+v, %v, want Evicted of at least %d: a reader who saw %d missed one", when, head, err, missed, seen)
		}
		add(t, j, "room", "new", "")
	}
}

// Within the window a key stands for its event, and at its end no more.
func TestWindow(t *testing.T) {
	for _, window := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			j := Open(Config{Window: window})
			if window == 0 {
				window = 10 * time.Minute
			}
			first, _ := add(t, j, "room", "key", "payload")
			<-time.After(window - 1)
			if got, duplicate := add(t, j, "room", "key", "payload"); !duplicate || got != first {
				t.Errorf("Append just within %v = %d, %t, want the duplicate of %d", window, got, duplicate, first)
			}
			<-time.After(1)
			second, duplicate := add(t, j, "room", "key", "payload")
			if duplicate {
				t.Errorf("Append after %v = %d, a duplicate, want a new event", window, second)
			}
			// A retry does not prolong the window, but a new event begins one.
			<-time.After(window - 1)
			if got, duplicate := add(t, j, "room", "key", "payload"); !duplicate || got != second {
				t.Errorf("Append just within the second %v = %d, %t, want the duplicate of %d", window, got, duplicate, second)
			}
		})
	}
}

func TestKeysBound(t *testing.T) {
	j := Open(Config{Keys: 3})
	places := make([]uint64, 5)
	for i := range places {
		places[i], _ = add(t, j, "room", fmt.Sprint(i), "payload")
	}
	for i := 2; i < 5; i++ {
		if got, duplicate := add(t, j, "room", fmt.Sprint(i), "payload"); !duplicate || got != places[i] {
			t.Errorf("Append(%d) = %d, %t, want the duplicate of %d: 3 keys are remembered", i, got, duplicate, places[i])
		}
	}
	if got, duplicate := add(t, j, "room", "1", "payload"); duplicate {
		t.Errorf("Append(1) = %d, a duplicate, want a new event: only 3 keys are remembered", got)
	}
	if len(j.keys) > 4 || len(j.expiry) > 4 {
		t.Errorf("the journal remembers %d keys and %d expiries, want about 3", len(j.keys), len(j.expiry))
	}
}

// What nobody uses leaves nothing behind.
func TestTailsLeaveNothingBehind(t *testing.T) {
	j := Open(Config{})
	for i := range 100 {
		stop, err := j.Tail(t.Context(), fmt.Sprint("room-", i), func([]chat.Stored) {})
		if err != nil {
			t.Fatalf("Tail = %v, want nil", err)
		}
		stop()
	}
	if len(j.rooms) != 0 {
		t.Errorf("the journal holds %d rooms in which nothing was said, want 0", len(j.rooms))
	}
}

// A tail's function that takes its time holds up its room, and no other.
func TestSlowTailHoldsUpItsRoomOnly(t *testing.T) {
	j := Open(Config{})
	entered, release := make(chan struct{}, 3), make(chan struct{})
	var got []uint64
	stop, err := j.Tail(t.Context(), "slow", func(events []chat.Stored) {
		entered <- struct{}{}
		<-release
		for _, e := range events {
			got = append(got, e.Sequence)
		}
	})
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	var appenders sync.WaitGroup
	for i := range 3 {
		appenders.Go(func() { _, _, _ = j.Append(t.Context(), "slow", fmt.Sprint(i), nil) })
	}
	<-entered
	add(t, j, "fast", "key", "")
	close(release)
	appenders.Wait()
	stop()
	if want := sequences(t, j, "slow"); len(want) != 3 || !slices.Equal(got, want) {
		t.Errorf("slow tail got %v, want %v, and three of them", got, want)
	}
}

// A tail begins behind what is stored, also when others are yet to be called
// with that.
func TestTailBeginsBehindWhatIsUndelivered(t *testing.T) {
	j := Open(Config{})
	entered, release := make(chan struct{}, 2), make(chan struct{})
	stopSlow, err := j.Tail(t.Context(), "room", func([]chat.Stored) {
		entered <- struct{}{}
		<-release
	})
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	var appenders sync.WaitGroup
	for _, key := range []string{"1", "2"} {
		appenders.Go(func() { _, _, _ = j.Append(t.Context(), "room", key, nil) })
	}
	<-entered
	for len(sequences(t, j, "room")) < 2 {
		runtime.Gosched() // until the second one waits to be delivered
	}
	var got []uint64
	stop, err := j.Tail(t.Context(), "room", func(events []chat.Stored) {
		for _, e := range events {
			got = append(got, e.Sequence)
		}
	})
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	close(release)
	appenders.Wait()
	last, _ := add(t, j, "room", "3", "")
	stop()
	stopSlow()
	if !slices.Equal(got, []uint64{last}) {
		t.Errorf("tail got %v, want [%d], all that came after it", got, last)
	}
}
