package sqlite

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// busyStore returns a store, in use, in which there is one of everything.
func busyStore(t *testing.T) *Store {
	s := start(t, Config{RoomEvents: 50, indexEvery: 40, buryEvery: 10, segmentKeys: 30})
	for i := range 200 {
		room := fmt.Sprint("room-", i%3)
		at := add(t, s, message(room, i))
		switch i % 10 {
		case 3:
			add(t, s, chat.Entry{Room: room, Key: fmt.Sprint("erase", i), Relation: chat.Erases, Target: at.Sequence})
		case 6:
			add(t, s, chat.Entry{Room: room, Key: fmt.Sprint("edit", i), Payload: []byte("edit"), Relation: chat.Revises, Target: at.Sequence})
		}
	}
	if _, err := s.Put(t.Context(), "profiles/room-0", []byte("profile"), 0); err != nil {
		t.Fatal(err)
	}
	return s
}

func verify(t *testing.T, dir string) Report {
	t.Helper()
	report, err := Verify(t.Context(), dir)
	if err != nil {
		t.Fatalf("Verify() = %v, want a report", err)
	}
	return report
}

// A store in which nothing is wrong has no findings: in use, as a crash leaves it,
// and closed.
func TestVerify(t *testing.T) {
	s := busyStore(t)
	dir := t.TempDir()
	check := func(state, dir string) {
		t.Helper()
		r := verify(t, dir)
		if len(r.Findings) > 0 || r.Rooms != 3 || r.Events < 100 || r.Events > 150 || r.Gone == 0 || r.Records != 1 || r.Epoch != s.epoch || r.Last != 240 {
			t.Errorf("Verify(%s) = %+v, want 3 rooms, 240 events ever, and no findings", state, r)
		}
	}
	if err := os.WriteFile(filepath.Join(s.config.Dir, "other"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	check("in use", s.config.Dir)
	copyFiles(t, s.config.Dir, dir)
	check("crashed", dir)
	crashed := start(t, Config{Dir: dir, RoomEvents: 50})
	check("open after a crash", dir)
	closed(t, crashed)
	check("closed after a crash", dir)
	closed(t, s)
	check("closed", s.config.Dir)
}

// Each kind of damage is found, and said in plain words.
func TestVerifyFinds(t *testing.T) {
	for _, tt := range []struct{ sql, want string }{
		{`UPDATE events SET payload = CAST('x' AS BLOB) WHERE pos = 230`, `event 230 of room "room-2" is damaged`},
		{`UPDATE events SET payload = CAST('secret' AS BLOB) WHERE gone = 1`, `its payload is still there`},
		{`DELETE FROM events WHERE pos = 230`, `has event 230, which is not there or erased`},
		{`UPDATE events SET n = 1 WHERE pos = 230`, `event 230 of room "room-2" has the running number 1`},
		{`UPDATE events SET room = 77 WHERE pos = 230`, `event 230 is of a room that is not there`},
		{`UPDATE events SET at = 5 WHERE pos = 230`, `event 230 of room "room-2" is older than the one before it`},
		{`DELETE FROM timeline WHERE seq = 230`, `event 230 of room "room-2" is not in the room's timeline`},
		{`UPDATE counted SET author = 3 WHERE seq = 230`, `event 230 of room "room-2" is not counted`},
		{`DELETE FROM timeline WHERE seq = 230`, `event 230 of room "room-2" is counted, and is not there`},
		{`DELETE FROM changes WHERE seq = 233`, `event 233 of room`},
		{`UPDATE rooms SET events = events + 1 WHERE id = 1`, `and its row says`},
		{`UPDATE rooms SET first = first + 1 WHERE id = 1`, `begins with event`},
		{`UPDATE key_segments SET keys = zeroblob(length(keys))`, `the key of event`},
		{`UPDATE key_segments SET keys = zeroblob(7)`, `have 7 bytes`},
		{`UPDATE meta SET epoch = 'x'`, `the high-water mark has epoch`},
		{`UPDATE meta SET lineage = 'x'`, `of another database`},
		{`DELETE FROM meta`, `its table meta is empty`},
		{`UPDATE meta SET next = 100; DELETE FROM events WHERE pos > 150`, `the log had come to sequence 240 and ends at 150`},
		{`PRAGMA user_version = 9`, `the schema has version 9`},
	} {
		t.Run(tt.want, func(t *testing.T) {
			s := busyStore(t)
			closed(t, s)
			execute(t, s.config.Dir, tt.sql)
			r := verify(t, s.config.Dir)
			if !strings.Contains(strings.Join(r.Findings, "\n"), tt.want) {
				t.Errorf("Verify after %q = %q, want %q", tt.sql, r.Findings, tt.want)
			}
		})
	}
	t.Run("a page", func(t *testing.T) {
		s := busyStore(t)
		closed(t, s)
		flip(t, filepath.Join(s.config.Dir, fileName), 5*8192+100)
		if r := verify(t, s.config.Dir); len(r.Findings) == 0 {
			t.Error("Verify after a flipped bit = no findings, want one")
		}
	})
	t.Run("no store", func(t *testing.T) {
		if _, err := Verify(t.Context(), t.TempDir()); err == nil {
			t.Error("Verify of an empty directory = nil, want an error")
		}
	})
}

// A database whose newest pages are in the write-ahead log is copied with the checksums
// of all pages, also when it is larger than the cache of the copy.
func TestVerifyLargeWriteAheadLog(t *testing.T) {
	s := start(t, Config{})
	defer closed(t, s)
	const events = 600
	for i := range events {
		e := message("room", i)
		e.Payload = bytes.Repeat([]byte{byte(i)}, 10_000)
		add(t, s, e)
	}
	info, err := os.Stat(filepath.Join(s.config.Dir, fileName+"-wal"))
	if err != nil || info.Size() < 4<<20 {
		t.Fatalf("the write-ahead log = %v, %v, want 4 MiB that are not in the database", info, err)
	}
	if r := verify(t, s.config.Dir); len(r.Findings) > 0 || r.Events != events {
		t.Errorf("Verify() = %+v, want %d events and no findings", r, events)
	}
}

// Verify of a store that is open does not take for unfinished what Scrub has done a
// moment before.
func TestVerifyAfterScrub(t *testing.T) {
	s := start(t, Config{Dir: t.TempDir()})
	defer s.Close()
	at, _, err := chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: "1", Payload: []byte("gone")})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := chat.Append(t.Context(), s, chat.Entry{Room: "room", Key: "2", Relation: chat.Erases, Target: at.Sequence}); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Scrub(t.Context()); n != 1 || err != nil {
		t.Fatalf("Scrub() = %d, %v, want 1", n, err)
	}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for range 100 {
		r, err := Verify(t.Context(), s.config.Dir)
		if err != nil {
			t.Fatal(err)
		}
		if r.Unscrubbed == 0 {
			return
		}
		<-again.C
	}
	t.Error("Verify says for 10 s that what was scrubbed is in the write-ahead log")
}
