package jetstream

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chatroom/server/internal/chat"
)

// The files that are synced are those that the server writes.
func TestDiskFollowsTheBlocks(t *testing.T) {
	t.Parallel()
	c := Config{Dir: filepath.Join(t.TempDir(), "events"), RoomEvents: 20}
	j := open(t, c)
	big := make([]byte, 512<<10)
	for i := range 45 { // blocks come, and go
		at, _, err := j.Append(t.Context(), "room", fmt.Sprint(i), big)
		if err != nil {
			t.Fatalf("Append = %v, want nil", err)
		}
		j.disk.syncing.Lock()
		synced, want := j.disk.path(j.disk.block), newest(t, c.Dir)
		j.disk.syncing.Unlock()
		if synced != want {
			t.Fatalf("after event %d, %s was synced last, want %s", at.Sequence, synced, want)
		}
	}
}

// What can't be synced is not acknowledged, and nothing is after that.
func TestFailingDisk(t *testing.T) {
	t.Parallel()
	var log logged
	c := Config{Dir: filepath.Join(t.TempDir(), "events"), Log: slog.New(slog.NewTextHandler(&log, nil))}
	j := open(t, c)
	want := sayAll(t, j, "room", "before", 5)
	j.disk.syncing.Lock()
	j.disk.blocks = filepath.Join(t.TempDir(), "none")
	j.disk.syncing.Unlock()
	for i := range 3 {
		if at, _, err := j.Append(t.Context(), "room", fmt.Sprint("lost/", i), payload); !errors.Is(err, chat.ErrNotStored) {
			t.Fatalf("Append to a disk that fails = %v, %v, want %v", at, err, chat.ErrNotStored)
		}
	}
	if !strings.Contains(log.String(), "the disk fails") {
		t.Errorf("the disk fails, and nothing says so:\n%s", log.String())
	}
	if got := sequences(t, j, "room"); len(got) < len(want) || !slices.Equal(got[:len(want)], want) {
		t.Errorf("Read from a disk that fails = %v, want it to begin with %v", got, want)
	}
	closed(t, j)
	sayAll(t, open(t, c), "room", "after", 5)
}

// More than the server sends at once, or in the time that it is given by default,
// is read all the same.
func TestReadsMuch(t *testing.T) {
	t.Parallel()
	j := open(t, Config{NoFsync: true})
	big := make([]byte, 900<<10)
	const n = 80 // more than 64 MiB
	for i := range n {
		if _, _, err := j.Append(t.Context(), "room", fmt.Sprint(i), big); err != nil {
			t.Fatalf("Append = %v, want nil", err)
		}
	}
	if got := sequences(t, j, "room"); len(got) != n {
		t.Errorf("Read = %d events, want %d", len(got), n)
	}
}
