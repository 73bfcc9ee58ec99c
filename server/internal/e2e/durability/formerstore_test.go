package durability

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/migrate/formertest"
)

// A server that is started on a store of the former format moves it, and clients resume
// where they were.
func TestFormerStoreIsMoved(t *testing.T) {
	for _, name := range []string{"stopped", "killed"} {
		t.Run(name, func(t *testing.T) {
			dir, want := harness.FormerData(t, name)
			for range 2 { // the second start finds it migrated
				s := harness.Start(t, harness.InDir(dir))
				resumesAsBefore(t, s, want)
				if log := s.Log.String(); !strings.Contains(log, "files of the former store are still there") {
					t.Errorf("the server does not say that the former files are still there:\n%s", log)
				}
				s.Stop(t)
			}
		})
	}
}

func resumesAsBefore(t *testing.T, s *harness.Service, want formertest.Expectation) {
	t.Helper()
	ctx, client := harness.Context(t), chatv1connect.NewChatRoomClient(harness.HTTP1Client(t), s.URL)
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

// A former server that was started once more is reported.
func TestFormerStoreUsedSinceIsReported(t *testing.T) {
	dir, _ := harness.FormerData(t, "stopped")
	harness.Start(t, harness.InDir(dir)).Stop(t)
	block := filepath.Join(dir, datadir.FormerEventsName, "jetstream", "$G", "streams", "CHATROOM", "msgs", "10.blk")
	if err := os.WriteFile(block, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if log := logOfStart(t, dir); !strings.Contains(log, "level=ERROR") || !strings.Contains(log, "has changed since it was migrated") {
		t.Errorf("openData has logged %q, want an error that the former store has changed", log)
	}
}

// logOfStart runs the server on a data directory, and returns what was logged.
func logOfStart(t *testing.T, dir string) (log string) {
	t.Helper()
	s, err := harness.TryStart(harness.InDir(dir))
	if err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	return s.Log.String()
}

// A lost key of guests is reported, and costs nothing else.
func TestMissingKeyIsReported(t *testing.T) {
	dir := t.TempDir()
	s := harness.Start(t, harness.InDir(dir))
	harness.SeedRoom(harness.Context(t), t, s, "kept")
	s.Stop(t)
	if log := s.Log.String(); strings.Contains(log, "key of guests") {
		t.Errorf("the first start has reported its new key:\n%s", log)
	}
	if err := os.Remove(filepath.Join(dir, identity.KeyName)); err != nil {
		t.Fatal(err)
	}
	if text := logOfStart(t, dir); !strings.Contains(text, "level=ERROR") || !strings.Contains(text, identity.KeyName) || !strings.Contains(text, "from a backup") {
		t.Errorf("openData without a key has logged %q, want an error with the file and the remedy", text)
	}
}
