package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/identity"
)

// The files of a data directory.
const (
	database  = datadir.DatabaseName
	wal       = database + "-wal"
	highwater = "highwater"
)

// damage is what happens to the data of a service that is not running.
type damage struct {
	name   string
	killed bool // the service was killed: the newest events are in the write-ahead log
	do     func(t *testing.T, data string)
}

// losses take events away.
var losses = []damage{
	{"no database", false, removed(database)},
	{"empty database", false, cut(database, 0)},
	{"no database and no write-ahead log", true, removed(database, wal)},
	{"no write-ahead log", true, removed(wal)},
	{"empty write-ahead log", true, cut(wal, 0)},
	{"write-ahead log cut short", true, cut(wal, 0.5)},
}

// A log that has lost events says so, and who has a cursor in it is told, through
// every door.
func TestLossIsTold(t *testing.T) {
	t.Parallel()
	for _, loss := range losses {
		t.Run(loss.name, func(t *testing.T) {
			t.Parallel()
			ctx := bounded(t)
			h, data := stopped(ctx, t, loss.killed)
			loss.do(t, data)

			s := serve(t, inDir(data))
			for _, d := range doors {
				h.isReset(ctx, t, d.name, d.open(t, s, ""))
			}
			_, err := client(t, s).ListEvents(ctx, &chatv1.ListEventsRequest{
				Room: h.room, Page: &chatv1.ListEventsRequest_After{After: &chatv1.Cursor{Epoch: h.epoch, Sequence: h.at[3]}},
			})
			if codeOf(err) != connect.CodeOutOfRange {
				t.Errorf("ListEvents after a cursor of before = %v, want code %v", err, connect.CodeOutOfRange)
			}
			if log := s.log.take(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "events are lost") {
				t.Errorf("the log of the service has something else than one error, that events are lost:\n%s", log)
			}
		})
	}
}

// An older copy of the whole database is another log.
func TestRestoredBackupIsTold(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	h, data := stopped(ctx, t, false)
	backup := contents(t, data)
	s := serve(t, inDir(data))
	h.v = h.signedIn(t, s, "")
	for _, response := range say(ctx, t, h.v, h.room, 10, 5) {
		h.at = append(h.at, response.GetSequence())
	}
	s.Stop(t)
	try(t, os.WriteFile(filepath.Join(data, database), backup[database], 0o600))

	s = serve(t, inDir(data))
	h.isReset(ctx, t, doors[0].name, doors[0].open(t, s, ""))
	if log := s.log.take(); !strings.Contains(log, "events are lost") {
		t.Errorf("the log of the service does not say that events are lost:\n%s", log)
	}
}

// What is there no more, but is not needed, does no harm.
func TestHarmlessLoss(t *testing.T) {
	t.Parallel()
	for _, loss := range []damage{
		{"nothing", true, removed()},
		{"no mark", true, removed(highwater)},
		{"no lock files", true, removed("lock", "lock.json")},
		{"no write-ahead log after a stop", false, removed(wal, database+"-shm")},
	} {
		t.Run(loss.name, func(t *testing.T) {
			t.Parallel()
			ctx := bounded(t)
			h, data := stopped(ctx, t, loss.killed)
			loss.do(t, data)
			s := serve(t, inDir(data))
			h.v = h.signedIn(t, s, "")
			receive, err := h.v.subscribe(ctx, only(h.after(h.epoch, 0)))
			if err != nil {
				t.Fatalf("Subscribe: %v", err)
			}
			expect(t, receive, (*chatv1.Frame).GetJoined)
			receive.events(t, 0, len(h.at))
		})
	}
}

// What can't be read is refused with the name of the file and the remedy, and left as
// it is: with the file put back, the service has everything.
func TestRefusedData(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		damage
		want []string // parts of the error
	}{
		{damage{"database cut short", false, cut(database, 0.5)}, []string{database, "restore", "move it away"}},
		{damage{"first page damaged", false, flipped(database, 0)}, []string{database}},
		{damage{"database is text", false, overwritten(database)}, []string{database, "restore", "move it away"}},
		{damage{"write-ahead log without its database", true, removed(database)}, []string{database, wal, "restore both", "move the second away"}},
		{damage{"write-ahead log with an empty database", true, cut(database, 0)}, []string{database, wal, "restore both"}},
		{damage{"write-ahead log damaged", true, flipped(wal, 0.3)}, []string{wal, "transactions follow", "cut it to"}},
		{damage{"mark is text", false, overwritten(highwater)}, []string{highwater, "remove it"}},
		{damage{"mark cut short", false, cut(highwater, 0.5)}, []string{highwater, "remove it"}},
		{damage{"mark damaged", false, flipped(highwater, 0.4)}, []string{highwater, "remove it"}},
		{damage{"key of guests is text", false, overwritten(identity.KeyName)}, []string{identity.KeyName, "restore"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx := bounded(t)
			h, data := stopped(ctx, t, tt.killed)
			whole := contents(t, data)
			tt.do(t, data)
			before := contents(t, data)
			err := startRefused(t, inDir(data))
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("run() = %q, want %q in it", err, part)
				}
			}
			if after := contents(t, data); !maps.EqualFunc(before, after, bytes.Equal) {
				t.Errorf("a refused start has changed the directory")
			}
			for name, text := range whole {
				try(t, os.WriteFile(filepath.Join(data, name), text, 0o600))
			}
			s := serve(t, inDir(data))
			h.v = h.signedIn(t, s, "")
			if response, err := h.v.Send(ctx, saying(h.room, "after")); err != nil || response.GetEpoch() != h.epoch {
				t.Errorf("Send with the file put back = %v, %v, want epoch %q", response, err, h.epoch)
			}
		})
	}
}

// A lost key ends the identities of all guests, and is told.
func TestLostKeyIsTold(t *testing.T) {
	t.Parallel()
	_, data := stopped(bounded(t), t, false)
	removed(identity.KeyName)(t, data)
	s := serve(t, inDir(data))
	if log := s.log.take(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, identity.KeyName) || !strings.Contains(log, "put the file back") {
		t.Errorf("the log of the service has something else than one error, that the key is lost:\n%s", log)
	}
}

// Whatever bit is flipped and wherever a file is cut: the service is refused, or says
// that events are lost, or has every event; one that it can't read is an error.
func TestRandomDamage(t *testing.T) {
	t.Parallel()
	ctx, seed := bounded(t), rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	var histories [2]*history
	var images [2]map[string][]byte
	for i := range images {
		var data string
		histories[i], data = stopped(ctx, t, i == 1)
		images[i] = contents(t, data)
	}
	names := []string{database, wal, highwater, identity.KeyName, "lock", "lock.json"}
	outcomes := make(map[string]int)
	for i := range 100 {
		h, whole := histories[i%2], images[i%2]
		name, where := names[random.IntN(len(names))], random.Float64()
		d := damage{name + " cut", true, cut(name, where)}
		if random.IntN(3) > 0 {
			d = damage{name + " flipped", true, flipped(name, where)}
		}
		copied := t.TempDir()
		copyInto(t, copied, whole)
		d.do(t, copied)
		outcome := h.outcome(ctx, t, d, where, copied)
		outcomes[outcome]++
		try(t, os.RemoveAll(copied))
	}
	t.Logf("outcomes: %v", outcomes)
}

// outcome starts the service on damaged data, and says what came of it.
func (h *history) outcome(ctx context.Context, t *testing.T, d damage, where float64, data string) string {
	t.Helper()
	before := contents(t, data)
	s, err := tryToServe(inDir(data))
	if err != nil {
		if after := contents(t, data); !maps.EqualFunc(before, after, bytes.Equal) {
			t.Errorf("%s at %f: a refused start has changed the directory", d.name, where)
		}
		return "refused"
	}
	defer s.end()
	page, err := client(t, s).ListEvents(ctx, &chatv1.ListEventsRequest{
		Room: h.room, Page: &chatv1.ListEventsRequest_After{After: &chatv1.Cursor{Epoch: h.epoch}},
	})
	log := s.log.take()
	switch {
	case strings.Contains(log, "events are lost"):
		if err == nil {
			t.Errorf("%s at %f: events are lost, but a cursor of before is good", d.name, where)
		}
		return "reset"
	case err != nil && codeOf(err) == connect.CodeInternal && strings.Contains(log, "level=ERROR"):
		return "error when read"
	case err != nil:
		t.Errorf("%s at %f: ListEvents = %v; the service logged:\n%s", d.name, where, err, log)
	case len(page.GetEvents()) != len(h.at):
		t.Errorf("%s at %f: %d events are left of %d, and nothing is said", d.name, where, len(page.GetEvents()), len(h.at))
	}
	for i, e := range page.GetEvents() {
		if e.GetMessage().GetText() != e.GetId() || e.GetSequence() != h.at[i] {
			t.Errorf("%s at %f: event %d is %v", d.name, where, i, e)
		}
	}
	return "harmless"
}

// stopped returns the data of a service that had a room with some events, and was
// stopped or killed.
func stopped(ctx context.Context, t *testing.T, killed bool) (*history, string) {
	t.Helper()
	data := t.TempDir()
	s := serve(t, inDir(data))
	h := newHistory(ctx, t, s, "lost")
	if !killed {
		s.Stop(t)
		return h, data
	}
	last := h.at[len(h.at)-1]
	waitUntil(ctx, t, "the mark covers all events", func() bool { return markOf(t, data) > last })
	image := t.TempDir() // what is there now is what SIGKILL leaves
	files := contents(t, data)
	delete(files, database+"-shm")
	copyInto(t, image, files)
	if len(files[wal]) == 0 {
		t.Fatal("nothing is in the write-ahead log")
	}
	s.Stop(t)
	return h, image
}

// markOf returns the sequence of the high-water mark.
func markOf(t *testing.T, data string) uint64 {
	t.Helper()
	var mark struct {
		Next uint64 `json:"next,string"`
	}
	text, err := os.ReadFile(filepath.Join(data, highwater))
	try(t, err)
	try(t, json.Unmarshal(text, &mark))
	return mark.Next
}

// waitUntil asks until something holds.
func waitUntil(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %v", what, context.Cause(ctx))
		}
	}
}

// contents returns the files of a directory, without those of its lock.
func contents(t *testing.T, data string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	try(t, filepath.WalkDir(data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), "lock") {
			return err
		}
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was replaced meanwhile
		}
		files[e.Name()] = text
		return err
	}))
	return files
}

func copyInto(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for name, text := range files {
		try(t, os.WriteFile(filepath.Join(dir, name), text, 0o600))
	}
}

// removed removes files.
func removed(names ...string) func(*testing.T, string) {
	return func(t *testing.T, data string) {
		t.Helper()
		for _, name := range names {
			try(t, os.RemoveAll(filepath.Join(data, name)))
		}
	}
}

// cut keeps a part of a file, if there is one.
func cut(name string, keep float64) func(*testing.T, string) {
	return changed(name, func(text []byte) []byte { return text[:int(keep*float64(len(text)))] })
}

// flipped flips one bit at a place between 0 and 1.
func flipped(name string, where float64) func(*testing.T, string) {
	return changed(name, func(text []byte) []byte {
		if len(text) > 0 {
			text[int(where*float64(len(text)))] ^= 4
		}
		return text
	})
}

// overwritten puts something else into a file.
func overwritten(name string) func(*testing.T, string) {
	return changed(name, func([]byte) []byte { return bytes.Repeat([]byte("something else\n"), 2000) })
}

func changed(name string, change func([]byte) []byte) func(*testing.T, string) {
	return func(t *testing.T, data string) {
		t.Helper()
		path := filepath.Join(data, name)
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		try(t, err)
		try(t, os.WriteFile(path, change(text), 0o600))
	}
}
