package durability

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/testenv"
)

// losses are ways to lose events.
var losses = []damage{
	{"no database", false, removed(database)},
	{"empty database", false, cut(database, 0)},
	{"no database and no write-ahead log", true, removed(database, wal)},
	{"no write-ahead log", true, removed(wal)},
	{"empty write-ahead log", true, cut(wal, 0)},
	{"write-ahead log cut short", true, cut(wal, 0.5)},
}

// A service whose log has lost events logs it, and answers cursors of before with Reset
// on every protocol.
func TestLostEventsAreReported(t *testing.T) {
	t.Parallel()
	for _, loss := range losses {
		t.Run(loss.name, func(t *testing.T) {
			t.Parallel()
			ctx := harness.Context(t)
			h, data := stopped(ctx, t, loss.killed)
			loss.do(t, data)

			s := harness.Start(t, harness.InDir(data))
			for _, d := range harness.Protocols {
				checkReset(ctx, t, h, d.Name, d.Open(t, s, ""))
			}
			_, err := harness.RPCClient(t, s).ListEvents(ctx, &chatv1.ListEventsRequest{
				Room: h.Room, Page: &chatv1.ListEventsRequest_After{After: &chatv1.Cursor{Epoch: h.Epoch, Sequence: h.Sequences[3]}},
			})
			if harness.CodeOf(err) != connect.CodeOutOfRange {
				t.Errorf("ListEvents after a cursor of before = %v, want code %v", err, connect.CodeOutOfRange)
			}
			if log := s.Log.Take(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, "events are lost") {
				t.Errorf("the log of the service has something else than one error, that events are lost:\n%s", log)
			}
		})
	}
}

// An older copy of the whole database is another log.
func TestRestoredBackupIsReported(t *testing.T) {
	t.Parallel()
	ctx := harness.Context(t)
	h, data := stopped(ctx, t, false)
	backup := contents(t, data)
	s := harness.Start(t, harness.InDir(data))
	h.Client = harness.ConnectOver(harness.H2CClient)(t, s, "")
	for _, response := range harness.SendTexts(ctx, t, h.Client, h.Room, 10, 5) {
		h.Sequences = append(h.Sequences, response.GetSequence())
	}
	s.Stop(t)
	harness.Must(t, os.WriteFile(filepath.Join(data, database), backup[database], 0o600))

	s = harness.Start(t, harness.InDir(data))
	checkReset(ctx, t, h, harness.ConnectHTTP1.Name, harness.ConnectHTTP1.Open(t, s, ""))
	if log := s.Log.Take(); !strings.Contains(log, "events are lost") {
		t.Errorf("the log of the service does not say that events are lost:\n%s", log)
	}
}

// What is there no more, but is not needed, does no harm.
func TestHarmlessDamageLosesNothing(t *testing.T) {
	t.Parallel()
	for _, loss := range []damage{
		{"nothing", true, removed()},
		{"no mark", true, removed(highwater)},
		{"no lock files", true, removed("lock", "lock.json")},
		{"no write-ahead log after a stop", false, removed(wal, database+"-shm")},
	} {
		t.Run(loss.name, func(t *testing.T) {
			t.Parallel()
			ctx := harness.Context(t)
			h, data := stopped(ctx, t, loss.killed)
			loss.do(t, data)
			s := harness.Start(t, harness.InDir(data))
			h.Client = harness.ConnectOver(harness.H2CClient)(t, s, "")
			receive, err := h.Client.Subscribe(ctx, harness.SubscribeTo(h.After(h.Epoch, 0)))
			if err != nil {
				t.Fatalf("Subscribe: %v", err)
			}
			harness.Expect(t, receive, (*chatv1.Frame).GetJoined)
			receive.Events(t, 0, len(h.Sequences))
		})
	}
}

// What can't be read is refused with the name of the file and the remedy, and left as
// it is: with the file put back, the service has everything.
func TestUnreadableDataIsRefused(t *testing.T) {
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
			ctx := harness.Context(t)
			h, data := stopped(ctx, t, tt.killed)
			whole := contents(t, data)
			tt.do(t, data)
			before := contents(t, data)
			err := harness.StartRefused(t, harness.InDir(data))
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("run() = %q, want %q in it", err, part)
				}
			}
			if after := contents(t, data); !maps.EqualFunc(before, after, bytes.Equal) {
				t.Errorf("a refused start has changed the directory")
			}
			for name, text := range whole {
				harness.Must(t, os.WriteFile(filepath.Join(data, name), text, 0o600))
			}
			s := harness.Start(t, harness.InDir(data))
			h.Client = harness.ConnectOver(harness.H2CClient)(t, s, "")
			if response, err := h.Client.Send(ctx, harness.TextRequest(h.Room, "after")); err != nil || response.GetEpoch() != h.Epoch {
				t.Errorf("Send with the file put back = %v, %v, want epoch %q", response, err, h.Epoch)
			}
		})
	}
}

// A lost key of guests is logged as an error.
func TestLostKeyIsReported(t *testing.T) {
	t.Parallel()
	_, data := stopped(harness.Context(t), t, false)
	removed(identity.KeyName)(t, data)
	s := harness.Start(t, harness.InDir(data))
	if log := s.Log.Take(); strings.Count(log, "level=ERROR") != 1 || !strings.Contains(log, identity.KeyName) || !strings.Contains(log, "put the file back") {
		t.Errorf("the log of the service has something else than one error, that the key is lost:\n%s", log)
	}
}

// A start that fails creates no key of guests: the next one would not notice that there was another.
func TestFailedStartCreatesNoKey(t *testing.T) {
	t.Parallel()
	_, data := stopped(harness.Context(t), t, false)
	removed(identity.KeyName)(t, data)
	overwritten(database)(t, data)
	if err := harness.StartRefused(t, harness.InDir(data)); !strings.Contains(err.Error(), database) {
		t.Errorf("run() = %q, want %q in it", err, database)
	}
	if _, err := os.Stat(filepath.Join(data, identity.KeyName)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Stat of the key = %v, want that there is none", err)
	}
}

// After a bit flip or a truncation anywhere, the service refuses to start, or reports
// lost events, or has every event; an event that it can't read is an internal error.
func TestRandomDamage(t *testing.T) {
	t.Parallel()
	ctx, seed := harness.Context(t), rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	var histories [2]*harness.SeededRoom
	var images [2]map[string][]byte
	for i := range images {
		var data string
		histories[i], data = stopped(ctx, t, i == 1)
		images[i] = contents(t, data)
	}
	names := []string{database, wal, highwater, identity.KeyName, "lock", "lock.json"}
	outcomes := make(map[string]int)
	for i := range testenv.Rounds(25, 100) {
		h, whole := histories[i%2], images[i%2]
		name, where := names[random.IntN(len(names))], random.Float64()
		d := damage{name + " cut", true, cut(name, where)}
		if random.IntN(3) > 0 {
			d = damage{name + " flipped", true, flipped(name, where)}
		}
		copied := t.TempDir()
		copyInto(t, copied, whole)
		d.do(t, copied)
		outcome := outcomeOf(ctx, t, h, d, where, copied)
		outcomes[outcome]++
		harness.Must(t, os.RemoveAll(copied))
	}
	t.Logf("outcomes: %v", outcomes)
}

// outcomeOf starts the service on damaged data, and returns what the damage resulted in.
func outcomeOf(ctx context.Context, t *testing.T, h *harness.SeededRoom, d damage, where float64, data string) string {
	t.Helper()
	before := contents(t, data)
	s, err := harness.TryStart(harness.InDir(data))
	if err != nil {
		if after := contents(t, data); !maps.EqualFunc(before, after, bytes.Equal) {
			t.Errorf("%s at %f: a refused start has changed the directory", d.name, where)
		}
		return "refused"
	}
	defer func() { _ = s.Shutdown() }() // damage may fail it
	page, err := harness.RPCClient(t, s).ListEvents(ctx, &chatv1.ListEventsRequest{
		Room: h.Room, Page: &chatv1.ListEventsRequest_After{After: &chatv1.Cursor{Epoch: h.Epoch}},
	})
	log := s.Log.Take()
	switch {
	case strings.Contains(log, "events are lost"):
		if err == nil {
			t.Errorf("%s at %f: events are lost, but a cursor of before is good", d.name, where)
		}
		return "reset"
	case err != nil && harness.CodeOf(err) == connect.CodeInternal && strings.Contains(log, "level=ERROR"):
		return "error when read"
	case err != nil:
		t.Errorf("%s at %f: ListEvents = %v; the service logged:\n%s", d.name, where, err, log)
	case len(page.GetEvents()) != len(h.Sequences):
		t.Errorf("%s at %f: %d events are left of %d, which is not reported", d.name, where, len(page.GetEvents()), len(h.Sequences))
	}
	for i, e := range page.GetEvents() {
		if e.GetMessage().GetText() != e.GetId() || e.GetSequence() != h.Sequences[i] {
			t.Errorf("%s at %f: event %d is %v", d.name, where, i, e)
		}
	}
	return "harmless"
}
