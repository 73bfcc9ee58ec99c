package jetstream

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/journal/journaltest"
)

func TestMain(m *testing.M) {
	// Each step of the model is an exchange with a server: a seventh of rapid's
	// default is 3 s for each of the five runs, with the race detector.
	if err := flag.Set("rapid.checks", "15"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		removeNATS()
		os.Exit(code)
	}))
}

// open opens a journal that the test closes, or its end does.
func open(t *testing.T, c Config) *Journal {
	t.Helper()
	if c.Dir == "" && c.URL == "" {
		c.Dir = filepath.Join(t.TempDir(), "events")
	}
	j, err := Open(t.Context(), c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { closed(t, j) })
	return j
}

func closed(t *testing.T, j *Journal) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(t *testing.T) chat.Journal { return open(t, Config{NoFsync: true}) })
	journaltest.RunRetention(t, func(t *testing.T, roomEvents int) chat.Journal {
		return open(t, Config{NoFsync: true, RoomEvents: roomEvents})
	})
}

func TestEmbeddedFsync(t *testing.T) {
	t.Parallel()
	journaltest.Run(t, func(t *testing.T) chat.Journal { return open(t, Config{}) })
}
