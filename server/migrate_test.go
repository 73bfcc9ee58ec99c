package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/migrate/formertest"
)

// formerData returns a data directory of the former format, with a key of guests.
func formerData(t *testing.T, name string) (dir string, want formertest.Expectation) {
	t.Helper()
	dir, want = formertest.Load(t, name)
	if _, err := identity.OpenGuests(dir); err != nil {
		t.Fatal(err)
	}
	return dir, want
}

// A server that is started on a store of the former format moves it, and clients resume
// where they were.
func TestServeMovesAFormerStore(t *testing.T) {
	for _, name := range []string{"stopped", "killed"} {
		t.Run(name, func(t *testing.T) {
			dir, want := formerData(t, name)
			for range 2 { // the second start finds it moved
				s := serve(t, inDir(dir))
				resumesAsBefore(t, s, want)
				if log := s.log.String(); !strings.Contains(log, "files of the former store are still there") {
					t.Errorf("the server does not say that the former files are still there:\n%s", log)
				}
				s.Stop(t)
			}
		})
	}
}

func resumesAsBefore(t *testing.T, s *testService, want formertest.Expectation) {
	t.Helper()
	ctx, client := bounded(t), chatv1connect.NewChatRoomClient(http1Client(t), s.URL)
	rooms, err := client.ListRooms(ctx, &chatv1.ListRoomsRequest{})
	if err != nil {
		t.Fatalf("ListRooms: %v", err)
	}
	lobby := slices.IndexFunc(rooms.GetRooms(), func(r *chatv1.Room) bool { return r.GetName() == "lobby" })
	if lobby < 0 || rooms.GetRooms()[lobby].GetDisplayName() != "The Lobby" {
		t.Errorf("ListRooms = %v, want the lobby with its name", rooms)
	}
	var sequences []uint64
	for _, e := range want.Rooms["lobby"].Events {
		if !slices.Contains(want.Deleted, e.Sequence) {
			sequences = append(sequences, e.Sequence)
		}
	}
	stream, err := client.Subscribe(ctx, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{
		Room: "lobby", Start: &chatv1.Subscription_After{After: &chatv1.Cursor{Epoch: want.Epoch, Sequence: sequences[2]}},
	}}})
	if err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	defer stream.Close()
	var got []uint64
	for stream.Receive() {
		f := stream.Msg().GetFrame()
		if f.GetReset_() != nil {
			t.Fatalf("Subscribe with a cursor of before: %v, want no Reset", f)
		}
		if sequence := f.GetEvent().GetSequence(); sequence > 0 {
			got = append(got, sequence)
		}
		if f.GetCaughtUp() != nil {
			break
		}
	}
	if !slices.Equal(got, sequences[3:]) {
		t.Errorf("Subscribe with a cursor of before: events %d, %v, want %d", got, stream.Err(), sequences[3:])
	}
}

func TestMigrateCommand(t *testing.T) {
	dir, _ := formerData(t, "stopped")
	t.Chdir(filepath.Dir(dir)) // a relative path, as the default is
	dir = filepath.Base(dir)
	for _, want := range []string{"moved 224 events", "nothing was changed"} {
		var out, log syncBuffer
		if err := run(t.Context(), []string{"migrate", "-data", dir}, environment(nil), &out, &log); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("migrate = %v, it said %q, want %q", err, out.String(), want)
		}
	}
	missing := filepath.Join(dir, "missing")
	if err := runRefused(t, "migrate", "-data", missing); !strings.Contains(err.Error(), "-data") {
		t.Errorf("migrate of a missing directory = %v, want an error of -data", err)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("migrate has made a missing directory")
	}
	serve(t, inDir(dir))
	if err := runRefused(t, "migrate", "-data", dir); !strings.Contains(err.Error(), "is in use by process") {
		t.Errorf("migrate while a server runs = %v, want that the directory is in use", err)
	}
}

// A damaged store is refused by serve and migrate alike, with the remedy, which works.
func TestDamagedFormerStore(t *testing.T) {
	dir, want := formerData(t, "stopped")
	path := filepath.Join(dir, datadir.FormerEventsName, "jetstream", "$G", "streams", "CHATROOM", "meta.inf")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, filepath.Join(dir, datadir.FormerEventsName))
	for command, err := range map[string]error{"serve": startRefused(t, inDir(dir)), "migrate": runRefused(t, "migrate", "-data", dir)} {
		for _, part := range []string{"meta.inf does not match its checksum", "chatroom migrate -force -data " + dir} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s = %q, want %q in it", command, err, part)
			}
		}
	}
	var out, log syncBuffer
	if err := run(t.Context(), []string{"migrate", "-force", "-data", dir}, environment(nil), &out, &log); err != nil {
		t.Fatalf("migrate -force = %v, want nil", err)
	}
	if after := snapshot(t, filepath.Join(dir, datadir.FormerEventsName)); after != before {
		t.Errorf("the former files have changed:\n%s\nwant\n%s", after, before)
	}
	s := serve(t, inDir(dir))
	got, err := client(t, s).ListEvents(bounded(t), &chatv1.ListEventsRequest{Room: "lobby"})
	if err != nil || len(got.GetEvents()) == 0 || got.GetEpoch() == want.Epoch {
		t.Errorf("ListEvents = %v, %v, want events and another epoch than %q", got, err, want.Epoch)
	}
}

// A former server that was started once more is reported.
func TestFormerStoreUsedSince(t *testing.T) {
	dir, _ := formerData(t, "stopped")
	serve(t, inDir(dir)).Stop(t)
	block := filepath.Join(dir, datadir.FormerEventsName, "jetstream", "$G", "streams", "CHATROOM", "msgs", "10.blk")
	if err := os.WriteFile(block, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if log := openAndClose(t, dir); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "has changed since it was moved") {
		t.Errorf("openData has logged %q, want an error that the former store has changed", log)
	}
}

// openAndClose runs the server on a data directory, and returns what was logged.
func openAndClose(t *testing.T, dir string) (log string) {
	t.Helper()
	s, err := tryToServe(inDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	return s.log.String()
}

// A lost key of guests is reported, and costs nothing else.
func TestMissingKey(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, inDir(dir))
	newHistory(bounded(t), t, s, "kept")
	s.Stop(t)
	if log := s.log.String(); strings.Contains(log, "key of guests") {
		t.Errorf("the first start has reported its new key:\n%s", log)
	}
	if err := os.Remove(filepath.Join(dir, identity.KeyName)); err != nil {
		t.Fatal(err)
	}
	if text := openAndClose(t, dir); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, identity.KeyName) || !strings.Contains(text, "from a backup") {
		t.Errorf("openData without a key has logged %q, want an error with the file and the remedy", text)
	}
}

func verify(t *testing.T, dir string) (out string, err error) {
	t.Helper()
	var stdout, log syncBuffer
	err = run(t.Context(), []string{"verify", "-data", dir}, environment(nil), &stdout, &log)
	return stdout.String(), err
}

func TestVerifyCommand(t *testing.T) {
	dir, _ := formerData(t, "stopped")
	if out, err := verify(t, dir); err != nil || !strings.Contains(out, "a store of the former format: 207 events of 9 rooms") || !strings.Contains(out, "nothing is wrong") {
		t.Errorf("verify of a former store = %q, %v, want what is in it", out, err)
	}
	s := serve(t, inDir(dir))
	newHistory(bounded(t), t, s, "fresh")
	if out, err := verify(t, dir); err != nil || !strings.Contains(out, "217 events of 10 rooms") || !strings.Contains(out, "nothing is wrong") {
		t.Errorf("verify while a server runs = %q, %v, want what is in the store", out, err)
	}
	s.Stop(t)
	path := filepath.Join(dir, datadir.DatabaseName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := verify(t, dir); err == nil || !strings.Contains(out, "- ") {
		t.Errorf("verify of a damaged store = %q, %v, want a finding and an error", out, err)
	}
	if out, err := verify(t, t.TempDir()); err == nil || out != "" {
		t.Errorf("verify of an empty directory = %q, %v, want an error", out, err)
	}
}
