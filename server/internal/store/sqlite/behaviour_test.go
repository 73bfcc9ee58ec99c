package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// clock is a time that tests move.
type clock struct{ millis atomic.Int64 }

func newClock() *clock {
	c := new(clock)
	c.millis.Store(time.Now().UnixMilli())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMilli(c.millis.Load()) }
func (c *clock) advance(d time.Duration) { c.millis.Add(d.Milliseconds()) }

func appendEntry(t testing.TB, s *Store, e chat.Entry) (seq uint64, duplicate bool) {
	t.Helper()
	at, duplicate, err := chat.Append(t.Context(), s, e)
	if err != nil {
		t.Fatalf("Append(%+v) = %v, want nil", e, err)
	}
	return at.Sequence, duplicate
}

// Keys are remembered for the window and no longer, across restarts, whether they
// are in a segment, in a row or in a row that is gone.
func TestKeysAcrossRestarts(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprint("crash=", crash), func(t *testing.T) {
			clock := newClock()
			c := Config{Dir: t.TempDir(), Window: time.Minute, RoomEvents: 20, segmentKeys: 7, indexEvery: 5, buryEvery: 3, now: clock.now}
			s := start(t, c)
			first := make(map[int]uint64)
			for i := range 100 {
				first[i], _ = appendEntry(t, s, message("room", i))
				clock.advance(100 * time.Millisecond)
			}
			s = reopen(t, s, crash)
			for i := range 100 {
				if seq, duplicate := appendEntry(t, s, message("room", i)); !duplicate || seq != first[i] {
					t.Errorf("Append of key %d again = %d, %t, want %d, true", i, seq, duplicate, first[i])
				}
			}
			// The first half was stored longer than the window ago, the second was not.
			clock.advance(55 * time.Second)
			s = reopen(t, s, crash)
			for i := range 100 {
				if _, duplicate := appendEntry(t, s, message("room", i)); duplicate != (i > 50) {
					t.Errorf("Append of key %d after the window = %t, want %t", i, duplicate, i > 50)
				}
			}
			closed(t, s)
		})
	}
}

// reopen opens a store again: as it was closed, or as a crash leaves it.
func reopen(t *testing.T, s *Store, crash bool) *Store {
	t.Helper()
	c := s.config
	if crash {
		from := c.Dir
		c.Dir = t.TempDir()
		// Housekeeping may empty the log between the copies of the database and of the log:
		// that is not what a crash leaves.
		for whole := false; !whole; {
			header := logHeader(t, from)
			copyFiles(t, from, c.Dir)
			whole = logHeader(t, from) == header
		}
	}
	closed(t, s)
	return start(t, c)
}

// logHeader returns the header of the write-ahead log, which changes when the log is emptied.
func logHeader(t *testing.T, dir string) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(dir, fileName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	return string(log[:min(32, len(log))])
}

// A key that has the hash of another is not taken for it.
func TestKeyCollision(t *testing.T) {
	s := start(t, Config{})
	defer closed(t, s)
	add(t, s, message("room", 1))
	e := message("room", 2)
	j := newAppendJob(e)
	first := digestOf("room", "room/1")
	copy(j.key[:8], first[:8])
	outcome := make(chan chat.Appended, 1)
	j.done = func(a chat.Appended) { outcome <- a }
	if err := s.queue.put(t.Context(), job{append: j}); err != nil {
		t.Fatal(err)
	}
	if a := <-outcome; a.Err != nil || a.Duplicate {
		t.Errorf("an append with the hash of another = %+v, want a new event", a)
	}
}

// More keys than MaxKeys shorten the window, and that is said.
func TestMaxKeys(t *testing.T) {
	c, log := logged(t.TempDir())
	c.MaxKeys, c.segmentKeys = 50, 10
	s := start(t, c)
	for i := range 200 {
		add(t, s, message("room", i))
	}
	eventually(t, func() bool {
		_, duplicate := appendEntry(t, s, message("room", 0))
		return !duplicate
	})
	closed(t, s)
	if text := log.String(); !strings.Contains(text, "shortened_to") {
		t.Errorf("log = %q, want it to say that the window is shortened", text)
	}
}

// eventually waits for what the writer does when it has time.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for deadline := time.Now().Add(20 * time.Second); !done(); <-poll.C {
		if time.Now().After(deadline) {
			t.Fatal("it has not happened within 20 s")
		}
	}
}

// When the disk is full but for the reserve, appends are refused and reads work;
// when there is space again, so do appends.
func TestDiskReserve(t *testing.T) {
	free := new(atomic.Int64)
	free.Store(1 << 40)
	c, log := logged(t.TempDir())
	c.space = func(string) (int64, error) { return free.Load(), nil }
	s := start(t, c)
	defer closed(t, s)
	at := add(t, s, message("room", 1))
	free.Store(reserve)
	if _, _, err := chat.Append(t.Context(), s, message("room", 2)); !errors.Is(err, chat.ErrNotStored) {
		t.Errorf("Append with a full disk = %v, want ErrNotStored", err)
	}
	if _, err := s.Put(t.Context(), "key", nil, 0); !errors.Is(err, chat.ErrNotStored) {
		t.Errorf("Put with a full disk = %v, want ErrNotStored", err)
	}
	if got, err := s.Read(t.Context(), "room", 0, 10); err != nil || len(got) != 1 {
		t.Errorf("Read with a full disk = %v, %v, want the event", got, err)
	}
	free.Store(reserve + 1<<20)
	if after := add(t, s, message("room", 2)); after.Sequence != at.Sequence+1 {
		t.Errorf("Append with space again = %v, want the sequence after %d", after, at.Sequence)
	}
	if !strings.Contains(log.String(), "KiB free") {
		t.Errorf("log = %q, want it to say that the disk is full", log)
	}
}

// A flood in one room costs that room its events, and no other.
func TestBytesAreFair(t *testing.T) {
	const size = 1000
	s := start(t, Config{Bytes: 100 * (size + overhead), NoFsync: true, indexEvery: 30, buryEvery: 10})
	defer closed(t, s)
	for i := range 1000 {
		room := "flood"
		if i%100 == 0 {
			room = "quiet"
		}
		add(t, s, chat.Entry{Room: room, Key: strconv.Itoa(i), Payload: make([]byte, size)})
	}
	for room, want := range map[string]int{"quiet": 10, "flood": 90} {
		if got, err := s.Read(t.Context(), room, 0, maxRows); err != nil || len(got) != want {
			t.Errorf("Read(%q) = %d events, %v, want %d", room, len(got), err, want)
		}
	}
}

// Old events go, whether they are in the indexes or not, and their room's head
// says so.
func TestAge(t *testing.T) {
	clock := newClock()
	s := start(t, Config{Age: time.Hour, NoFsync: true, indexEvery: 30, now: clock.now})
	defer closed(t, s)
	for i := range 100 {
		add(t, s, message("old", i))
	}
	clock.advance(50 * time.Minute)
	var last chat.Cursor
	for i := range 100 {
		last = add(t, s, message("both", i))
		if i == 49 {
			clock.advance(20 * time.Minute)
		}
	}
	clock.advance(45 * time.Minute)
	eventually(t, func() bool {
		old, err := s.Head(t.Context(), "old")
		both, err2 := s.Head(t.Context(), "both")
		if err := errors.Join(err, err2); err != nil {
			t.Fatal(err)
		}
		return old.Last == 0 && old.Evicted == 100 && both.First == 151 && both.Last == last.Sequence
	})
	clock.advance(time.Hour)
	eventually(t, func() bool {
		heads, err := s.Rooms(t.Context(), "", 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(heads) == 0
	})
	if at := add(t, s, message("old", 1000)); at.Sequence != 201 {
		t.Errorf("the next sequence = %d, want 201", at.Sequence)
	}
	if head, err := s.Head(t.Context(), "old"); err != nil || head.First != 201 || head.Evicted != 100 {
		t.Errorf("Head(old) = %+v, %v, want one event, 201, and 100 evicted", head, err)
	}
}

// A room that was emptied and the rows of which are gone still answers, after a
// restart, too.
func TestSmallerRooms(t *testing.T) {
	s := start(t, Config{NoFsync: true, indexEvery: 30})
	for i := range 500 {
		add(t, s, message("room", i))
	}
	s.config.RoomEvents = 7
	s = reopen(t, s, false)
	defer func() { closed(t, s) }()
	for range 2 {
		got, err := s.Read(t.Context(), "room", 0, 1000)
		if err != nil || len(got) != 7 || got[0].Sequence != 494 || got[0].Previous != 0 {
			t.Fatalf("Read = %v, %v, want the last 7 of 500", got, err)
		}
		s = reopen(t, s, true)
	}
}

// A reader that holds a snapshot delays Scrub and nothing else.
func TestScrubUnderAHeldReader(t *testing.T) {
	s := start(t, Config{})
	defer closed(t, s)
	at := add(t, s, chat.Entry{Room: "room", Key: "1", Payload: []byte("secret text")})
	held, err := dial(s.config.path(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if err := held.Exec(`BEGIN; SELECT count(*) FROM events`); err != nil {
		t.Fatal(err)
	}
	add(t, s, chat.Entry{Room: "room", Key: "2", Relation: chat.Erases, Target: at.Sequence})
	type result struct {
		n   int
		err error
	}
	scrubbed := make(chan result, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		n, err := s.Scrub(t.Context())
		scrubbed <- result{n, err}
	})
	for i := range 50 {
		add(t, s, message("room", i))
	}
	select {
	case r := <-scrubbed:
		t.Errorf("Scrub under a held reader = %+v, want it to wait", r)
	default:
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Scrub(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Scrub with an ended context = %v, want %v", err, context.Canceled)
	}
	if err := held.Exec(`COMMIT`); err != nil {
		t.Fatal(err)
	}
	if r := <-scrubbed; r.n != 1 || r.err != nil {
		t.Errorf("Scrub = %+v, want 1 event", r)
	}
	for name, content := range contents(t, s.config.Dir) {
		if strings.Contains(string(content), "secret text") {
			t.Errorf("%s holds the erased text", name)
		}
	}
}

// What a crash leaves is complete: all that was acknowledged, in the same order,
// with the same counts and heads, wherever the indexes had come to.
func TestCrashes(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 2))
	s := start(t, Config{RoomEvents: 60, indexEvery: 37, buryEvery: 11, segmentKeys: 23, NoFsync: true})
	rooms := []string{"a", "b", "c"}
	n := 0
	for range 40 {
		var answered sync.WaitGroup
		for range random.IntN(80) {
			n++
			answered.Add(1)
			e := message(rooms[random.IntN(3)], n)
			if random.IntN(5) == 0 {
				e.Relation, e.Target = chat.Relation(1+random.IntN(3)), uint64(random.IntN(n)+1)
			}
			s.Submit(t.Context(), e, func(chat.Appended) { answered.Done() })
		}
		answered.Wait()
		before := observe(t, s, rooms)
		s = reopen(t, s, true)
		if after := observe(t, s, rooms); after != before {
			t.Fatalf("after a crash:\n%s\nwant\n%s", after, before)
		}
		if r := verify(t, s.config.Dir); len(r.Findings) > 0 {
			t.Fatalf("Verify after a crash = %q, want no findings", r.Findings)
		}
	}
	closed(t, s)
}

// observe describes all that readers get of rooms.
func observe(t *testing.T, s *Store, rooms []string) string {
	t.Helper()
	var b strings.Builder
	for _, room := range rooms {
		head, err := s.Head(t.Context(), room)
		if err != nil {
			t.Fatal(err)
		}
		events, err := s.Read(t.Context(), room, 0, maxRows)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %+v", room, head)
		var targets []uint64
		for _, e := range events {
			fmt.Fprintf(&b, " %d(%d)=%s", e.Sequence, e.Previous, e.Payload)
			targets = append(targets, e.Sequence)
		}
		changes, err := s.Changes(t.Context(), room, targets, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range changes {
			fmt.Fprintf(&b, " change %d", e.Sequence)
		}
		for _, after := range []uint64{0, head.First, (head.First + head.Last) / 2} {
			count, err := s.Count(t.Context(), room, after, "bob", 1000)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, " count after %d %d", after, count)
		}
		b.WriteByte('\n')
	}
	heads, err := s.Rooms(t.Context(), "", 10)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "%v", heads)
	return b.String()
}

// When a transaction fails nothing of it is stored, and the next one works.
func TestFailedTransaction(t *testing.T) {
	s := start(t, Config{})
	defer closed(t, s)
	at := add(t, s, message("room", 1))
	execute(t, s.config.Dir, `CREATE TRIGGER fail BEFORE INSERT ON events WHEN NEW.payload = CAST('room/3' AS BLOB)
		BEGIN SELECT RAISE(ABORT, 'it fails'); END`)
	var answered sync.WaitGroup
	outcomes := make([]chat.Appended, 3)
	// They are queued together: the writer is kept waiting.
	other, err := dial(s.config.path(), "", 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if err := other.Exec(`BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	for i := range outcomes {
		answered.Add(1)
		e := message("room", i+2)
		if i == 0 {
			e = chat.Entry{Room: "room", Key: "erase", Relation: chat.Erases, Target: at.Sequence}
		}
		s.Submit(t.Context(), e, func(a chat.Appended) {
			outcomes[i] = a
			answered.Done()
		})
	}
	if err := other.Exec(`ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	answered.Wait()
	if err := outcomes[1].Err; !errors.Is(err, chat.ErrNotStored) {
		t.Errorf("an append that fails = %v, want ErrNotStored", err)
	}
	stored := 1
	for _, a := range outcomes {
		if a.Err == nil {
			stored++
		}
	}
	if outcomes[0].Err == nil {
		stored-- // it erases
	}
	if got, err := s.Read(t.Context(), "room", 0, 10); err != nil || len(got) != stored {
		t.Errorf("Read = %v, %v, want %d events", got, err, stored)
	}
	execute(t, s.config.Dir, `DROP TRIGGER fail`)
	add(t, s, message("room", 3))
	if r := verify(t, s.config.Dir); len(r.Findings) > 0 {
		t.Errorf("Verify = %q, want no findings", r.Findings)
	}
}

// copyFiles copies a directory as a crash leaves it. A store may use it, and rename a
// file meanwhile.
func copyFiles(t testing.TB, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(from, entry.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, entry.Name()), content, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
