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
	"chatroom/server/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStore(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Store { return Open(Config{}) })
}

func TestRetention(t *testing.T) {
	storetest.RunRetention(t, func(_ *testing.T, roomEvents int) storetest.Store {
		return Open(Config{RoomEvents: roomEvents})
	})
}

// TestNodes checks the suite rather than the store, which has no second handle.
func TestNodes(t *testing.T) {
	storetest.RunNodes(t, func(*testing.T) (a, b storetest.Store) {
		s := Open(Config{})
		return s, s
	})
}

// TestRestart checks the suite rather than the store: one that keeps everything has
// to pass the tests for durable stores.
func TestRestart(t *testing.T) {
	stores := make(map[string]*Store)
	storetest.RunRestart(t, func(_ *testing.T, dir string) storetest.Store {
		s := stores[dir]
		if s == nil {
			s = Open(Config{})
			stores[dir] = s
		}
		s.closed, s.state.closed = false, false
		return s
	})
}

// add appends an event, and returns its sequence and whether it was there.
func add(t *testing.T, s *Store, room, key, payload string) (uint64, bool) {
	t.Helper()
	at, duplicate, err := chat.Append(t.Context(), s, chat.Entry{Room: room, Key: key, Payload: []byte(payload)})
	if err != nil {
		t.Fatalf("Append(%q, %q) = %v, want nil", room, key, err)
	}
	return at.Sequence, duplicate
}

func sequences(t *testing.T, s *Store, room string) []uint64 {
	t.Helper()
	events, err := s.Read(t.Context(), room, 0, math.MaxInt)
	if err != nil {
		t.Fatalf("Read(%q) = %v, want nil", room, err)
	}
	var all []uint64
	for _, e := range events {
		all = append(all, e.Sequence)
	}
	return all
}

// Within the window a key stands for its event, and at its end no more.
func TestWindow(t *testing.T) {
	for _, window := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			s := Open(Config{Window: window})
			if window == 0 {
				window = 10 * time.Minute
			}
			first, _ := add(t, s, "room", "key", "payload")
			<-time.After(window - 1)
			if got, duplicate := add(t, s, "room", "key", "payload"); !duplicate || got != first {
				t.Errorf("Append just within %v = %d, %t, want the duplicate of %d", window, got, duplicate, first)
			}
			<-time.After(1)
			second, duplicate := add(t, s, "room", "key", "payload")
			if duplicate {
				t.Errorf("Append after %v = %d, a duplicate, want a new event", window, second)
			}
			// A retry does not prolong the window, but a new event begins one.
			<-time.After(window - 1)
			if got, duplicate := add(t, s, "room", "key", "payload"); !duplicate || got != second {
				t.Errorf("Append just within the second %v = %d, %t, want the duplicate of %d", window, got, duplicate, second)
			}
		})
	}
}

func TestKeysBound(t *testing.T) {
	s := Open(Config{Keys: 3})
	places := make([]uint64, 5)
	for i := range places {
		places[i], _ = add(t, s, "room", fmt.Sprint(i), "payload")
	}
	for i := 2; i < 5; i++ {
		if got, duplicate := add(t, s, "room", fmt.Sprint(i), "payload"); !duplicate || got != places[i] {
			t.Errorf("Append(%d) = %d, %t, want the duplicate of %d: 3 keys are remembered", i, got, duplicate, places[i])
		}
	}
	if got, duplicate := add(t, s, "room", "1", "payload"); duplicate {
		t.Errorf("Append(1) = %d, a duplicate, want a new event: only 3 keys are remembered", got)
	}
	if len(s.keys.first) > 4 || len(s.keys.expiry) > 4 {
		t.Errorf("the store remembers %d keys and %d expiries, want about 3", len(s.keys.first), len(s.keys.expiry))
	}
}

// Tails that were stopped leave nothing behind.
func TestTailsLeaveNothingBehind(t *testing.T) {
	s := Open(Config{})
	for i := range 100 {
		stop, err := s.Tail(t.Context(), fmt.Sprint("room-", i), func([]chat.Stored) {})
		if err != nil {
			t.Fatalf("Tail = %v, want nil", err)
		}
		stop()
	}
	if len(s.rooms) != 0 {
		t.Errorf("the store holds %d rooms without events, want 0", len(s.rooms))
	}
}

// A slow function of a tail holds up its room only.
func TestSlowTailHoldsUpItsRoomOnly(t *testing.T) {
	s := Open(Config{})
	entered, release := make(chan struct{}, 3), make(chan struct{})
	var got []uint64
	stop, err := s.Tail(t.Context(), "slow", func(events []chat.Stored) {
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
		appenders.Go(func() { _, _, _ = chat.Append(t.Context(), s, chat.Entry{Room: "slow", Key: fmt.Sprint(i)}) })
	}
	<-entered
	add(t, s, "fast", "key", "")
	close(release)
	appenders.Wait()
	stop()
	if want := sequences(t, s, "slow"); len(want) != 3 || !slices.Equal(got, want) {
		t.Errorf("slow tail got %v, want %v, and three of them", got, want)
	}
}

// A tail begins behind what is stored, also if that is not delivered to another yet.
func TestTailBeginsBehindWhatIsUndelivered(t *testing.T) {
	s := Open(Config{})
	entered, release := make(chan struct{}, 2), make(chan struct{})
	stopSlow, err := s.Tail(t.Context(), "room", func([]chat.Stored) {
		entered <- struct{}{}
		<-release
	})
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	var appenders sync.WaitGroup
	for _, key := range []string{"1", "2"} {
		appenders.Go(func() { _, _, _ = chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: key}) })
	}
	<-entered
	for len(sequences(t, s, "room")) < 2 {
		runtime.Gosched() // until the second one waits to be delivered
	}
	var got []uint64
	stop, err := s.Tail(t.Context(), "room", func(events []chat.Stored) {
		for _, e := range events {
			got = append(got, e.Sequence)
		}
	})
	if err != nil {
		t.Fatalf("Tail = %v, want nil", err)
	}
	close(release)
	appenders.Wait()
	last, _ := add(t, s, "room", "3", "")
	stop()
	stopSlow()
	if !slices.Equal(got, []uint64{last}) {
		t.Errorf("tail got %v, want [%d], all that came after it", got, last)
	}
}
