package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/testenv"
)

// outages runs a chain of lives that end in kills and so many power cuts. Every
// other chain has many events, so that rows are reclaimed. prepare is called with
// each new disk; it may be nil.
func outages(t *testing.T, seed uint64, chain, cuts int, prepare func(*outage)) error {
	o := newOutage(t, seed+uint64(chain))
	for life := 0; o.cuts < cuts; life++ {
		if chain%2 == 1 && life%8 == 2 {
			o.bulk = 5000
		}
		if prepare != nil {
			prepare(o)
		}
		if err := o.life(); err != nil {
			return fmt.Errorf("chain %d, life %d: %w", chain, life, err)
		}
	}
	if o.epoch == "" {
		return errors.New("no store was ever opened")
	}
	return nil
}

// What is acknowledged survives power cuts and kills at any write: every event
// once, in order, with its key; deletions; records; and nobody's cursor is lost.
func TestPowerCuts(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for chain := range testenv.Rounds(2, 10) { // of 20 cuts
		t.Run(fmt.Sprint("chain ", chain), func(t *testing.T) {
			t.Parallel()
			if err := outages(t, seed, chain, 20, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// The test notices what breaks the promise.
func TestPowerCutsNotices(t *testing.T) {
	for _, tt := range []struct {
		name  string
		plant func(*outage)
	}{
		{"no sync", func(o *outage) { o.disk.lies = func(string) bool { return true } }},
		{"no sync of the log", func(o *outage) { o.disk.lies = func(file string) bool { return file == fileName+"-wal" } }},
		{"no sync of the database", func(o *outage) { o.disk.lies = func(file string) bool { return file == fileName } }},
		{"NoFsync", func(o *outage) { o.config.NoFsync = true }},
		{"acknowledged before it is stored", func(o *outage) { o.early = true }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			var err error
			for chain := 0; chain < 5 && err == nil; chain++ {
				err = outages(t, seed, chain, 20, tt.plant)
			}
			if err == nil {
				t.Fatalf("nothing was noticed, seed %d", seed)
			}
			t.Logf("seed %d: %v", seed, err)
		})
	}
}

// A power cut after Scrub has returned brings back nothing that was erased.
func TestPowerCutAfterScrub(t *testing.T) {
	d := newDisk(t, make(map[string]*image))
	s := start(t, Config{Dir: d.dir, VFS: d.vfs})
	at := add(t, s, chat.Entry{Room: "room", Key: "1", Payload: []byte(textPrefix + "12345678")})
	add(t, s, chat.Entry{Room: "room", Key: "2", Relation: chat.Erases, Target: at.Sequence})
	if n, err := s.Scrub(t.Context()); err != nil || n != 1 {
		t.Fatalf("Scrub() = %d, %v, want 1", n, err)
	}
	left := newDisk(t, d.dropped())
	if found, err := texts(left.dir, textPrefix, textLength); err != nil || len(found) > 0 {
		t.Errorf("after a power cut: %v, %v, want no text", found, err)
	}
	closed(t, s)
}

// What a killed process had written and not synced is on disk before the next one
// answers with it: a power cut then loses nothing.
func TestPowerCutAfterKill(t *testing.T) {
	d := newDisk(t, make(map[string]*image))
	s := start(t, Config{Dir: d.dir, VFS: d.vfs})
	first := add(t, s, message("room", 1))
	d.mu.Lock()
	d.lies = func(string) bool { return true } // the next sync is not reached
	d.mu.Unlock()
	second := add(t, s, message("room", 2))
	killed := newDisk(t, d.killed())
	closed(t, s)

	s = start(t, Config{Dir: killed.dir, VFS: killed.vfs})
	if seq, duplicate := appendEntry(t, s, message("room", 2)); seq != second.Sequence || !duplicate {
		t.Fatalf("Append again after the kill = %d, %t, want %d, true", seq, duplicate, second.Sequence)
	}
	cut := newDisk(t, killed.dropped())
	if err := os.CopyFS(cut.dir, markOf(t, killed.dir)); err != nil {
		t.Fatal(err)
	}
	closed(t, s)

	s = start(t, Config{Dir: cut.dir, VFS: cut.vfs})
	defer closed(t, s)
	got, err := s.Read(t.Context(), "room", 0, 10)
	head, _ := s.Head(t.Context(), "room")
	if err != nil || len(got) != 2 || head.Epoch != first.Epoch {
		t.Errorf("after the power cut: %d events, epoch %q, %v, want 2 and %q", len(got), head.Epoch, err, first.Epoch)
	}
}

// markOf returns the high-water mark of a directory.
func markOf(t *testing.T, dir string) fstest.MapFS {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, markName))
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{markName: {Data: content, Mode: 0o600}}
}

// The keys of rows that were deleted are known after a kill, too.
func TestKillAfterReclaim(t *testing.T) {
	c := Config{Dir: t.TempDir(), RoomEvents: 20, indexEvery: 200, buryEvery: 100, NoFsync: true}
	s := start(t, c)
	const n = 3 * leastDead
	var stored sync.WaitGroup
	for i := range n {
		stored.Add(1)
		s.Submit(t.Context(), message("room", i), func(a chat.Appended) {
			if a.Err != nil {
				t.Errorf("Submit() = %v, want nil", a.Err)
			}
			stored.Done()
		})
		if i%100 == 99 {
			stored.Wait()
		}
	}
	stored.Wait()
	s = reopen(t, s, true)
	defer closed(t, s)
	for i := range n {
		if seq, duplicate := appendEntry(t, s, message("room", i)); !duplicate {
			t.Fatalf("Append of key %d again = %d, a new event", i, seq)
		}
	}
}
