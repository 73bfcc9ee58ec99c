package sqlite

import (
	"testing"

	"go.uber.org/goleak"

	"chatroom/server/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// configs are how the suite is run: as the service does, and with batches so small
// that all that is done in bulk is done all the time.
var configs = map[string]Config{
	"default": {},
	"small":   {indexEvery: 3, buryEvery: 2, segmentKeys: 5},
}

func TestStore(t *testing.T) {
	t.Parallel()
	for name, c := range configs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, func(t *testing.T) storetest.Store { return start(t, c) })
		})
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	for name, c := range configs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.RunRetention(t, func(t *testing.T, roomEvents int) storetest.Store {
				c.RoomEvents = roomEvents
				return start(t, c)
			})
		})
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	for name, c := range configs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.RunRestart(t, func(t *testing.T, dir string) storetest.Store {
				c.Dir = dir
				return start(t, c)
			})
		})
	}
}

// start opens a store that the test closes.
func start(t testing.TB, c Config) *Store {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatalf("Open() = %v, want a store", err)
	}
	return s
}
