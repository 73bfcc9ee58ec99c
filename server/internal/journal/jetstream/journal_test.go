package jetstream

import (
	"testing"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/journal/journaltest"
)

func open(t *testing.T, c Config) *Journal {
	t.Helper()
	if c.Dir == "" {
		c.Dir = t.TempDir()
	}
	j, err := Open(t.Context(), c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Errorf("Close() = %v, want nil", err)
		}
	})
	return j
}

func TestEmbedded(t *testing.T) {
	journaltest.Run(t, func(t *testing.T) chat.Journal { return open(t, Config{NoFsync: true}) })
	journaltest.RunRetention(t, func(t *testing.T, roomEvents int) chat.Journal {
		return open(t, Config{NoFsync: true, RoomEvents: roomEvents})
	})
}
