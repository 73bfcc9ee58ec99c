package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/identity"

	chatv1 "chatroom/gen/chat/v1"
)

// A backup of a server that runs is restored elsewhere: clients start over, and guests are
// who they were.
func TestBackupAndRestoreCommands(t *testing.T) {
	ctx := harness.Context(t)
	data, elsewhere, file := t.TempDir(), filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "monday.backup")
	s := harness.Start(t, harness.InDir(data))
	h := harness.SeedRoom(ctx, t, s, "room")
	token, ada := s.SignIn(t, "Ada")
	if out, _, err := runCommand(t, "backup", "-data", data, file); err != nil || !strings.Contains(out, "backed up 10 events of 1 room") || !strings.Contains(out, file) {
		t.Fatalf("backup = %q, %v, want what is in it", out, err)
	}
	harness.SendTexts(ctx, t, h.Client, "room", 10, 5) // not in the backup
	if out, _, err := runCommand(t, "verify", file); err != nil || !strings.Contains(out, "a backup of 10 events of 1 room") || !strings.Contains(out, "nothing is wrong") {
		t.Errorf("verify of a backup = %q, %v, want what is in it", out, err)
	}
	if out, _, err := runCommand(t, "restore", file, "-data", elsewhere); err != nil || !strings.Contains(out, "restored 10 events of 1 room") || !strings.Contains(out, "the epoch is new") {
		t.Fatalf("restore = %q, %v, want what was restored", out, err)
	}
	if out, err := verify(t, elsewhere); err != nil || !strings.Contains(out, "10 events of 1 room") {
		t.Errorf("verify of what was restored = %q, %v, want what is in the backup", out, err)
	}
	restored := harness.Start(t, harness.InDir(elsewhere))
	client := harness.ConnectOver(harness.H2CClient)(t, restored, token)
	receive, err := client.Subscribe(ctx, harness.SubscribeTo(h.After(h.Epoch, h.Sequences[4])))
	if err != nil {
		t.Fatal(err)
	}
	harness.Expect(t, receive, (*chatv1.Frame).GetJoined)
	if reset := harness.Expect(t, receive, (*chatv1.Frame).GetReset_); reset.GetEpoch() == h.Epoch {
		t.Errorf("a client is reset to %v, want another epoch", reset)
	}
	harness.Expect(t, receive, (*chatv1.Frame).GetCaughtUp)
	harness.SendTexts(ctx, t, client, "room", 20, 5)
	if e, err := receive.NextEvent(); err != nil || e.GetSender().GetId() != ada.GetId() {
		t.Errorf("an event of a guest of the former server = %v, %v, want the sender %s", e, err, ada.GetId())
	}
	if log := restored.Log.Take(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the server that starts on what was restored logs an error:\n%s", log)
	}
	restored.Stop(t)
	if out, err := verify(t, elsewhere); err != nil || !strings.Contains(out, "15 events of 1 room") {
		t.Errorf("verify after more was sent = %q, %v, want 15 events", out, err)
	}
}

// What can't be backed up or restored is refused with the remedy, and nothing is changed.
func TestBackupAndRestoreRefusals(t *testing.T) {
	data, empty, base := t.TempDir(), t.TempDir(), t.TempDir()
	ctx := harness.Context(t)
	s := harness.Start(t, harness.InDir(data))
	harness.SeedRoom(ctx, t, s, "room")
	file, missing, target := filepath.Join(base, "file"), filepath.Join(base, "missing"), filepath.Join(base, "target")
	if out, _, err := runCommand(t, "backup", "-data", data, file); err != nil {
		t.Fatalf("backup = %q, %v, want nil", out, err)
	}
	former, _ := harness.FormerData(t, "stopped")
	damaged := filepath.Join(base, "damaged")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(damaged, text, 0o600); err != nil {
		t.Fatal(err)
	}
	before := harness.Snapshot(t, base)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"backup"}, "must be followed by the file"},
		{[]string{"backup", "-data", data, file}, "exists, and is not overwritten"},
		{[]string{"backup", "-data", empty, target}, "there is no store in"},
		{[]string{"backup", "-data", missing, target}, "there is no store in"},
		{[]string{"backup", "-data", former, target}, "chatroom migrate"},
		{[]string{"backup", "-nats", "nats://127.0.0.1", target}, "nats account backup"},
		{[]string{"backup", "-data", data, target, "more"}, `unexpected argument "more"`},
		{[]string{"backup", "-data", data, filepath.Join(missing, "target")}, "no such file"},
		{[]string{"restore"}, "must be followed by the file"},
		{[]string{"restore", missing, "-data", target}, "no such file"},
		{[]string{"restore", file, "-data", data}, "is not empty"},
		{[]string{"restore", file, "-data", base}, "is not empty"},
		{[]string{"restore", file, "-nats", "nats://127.0.0.1"}, "nats account restore"},
		{[]string{"restore", damaged, "-data", empty}, "is damaged"},
		{[]string{"restore", filepath.Join(data, datadir.DatabaseName), "-data", empty}, "it is not a file that chatroom backup has written"},
		{[]string{"restore", damaged, "-data", filepath.Join(base, "new", "below")}, "is damaged"},
		{[]string{"import", damaged, "-data", filepath.Join(base, "new", "below")}, "nothing was imported"},
		{[]string{"verify", damaged}, "is damaged"},
		{[]string{"verify", filepath.Join(data, datadir.DatabaseName)}, "it is not a file that chatroom backup has written"},
		{[]string{"verify", missing}, "no such file"},
	} {
		if err := runRefused(t, tt.args...); !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q = %v, want %q in it", tt.args, err, tt.want)
		}
	}
	if after := harness.Snapshot(t, base); after != before {
		t.Errorf("the files were changed to %v, want %v", after, before)
	}
	if names, err := os.ReadDir(empty); err != nil || len(names) > 0 {
		t.Errorf("a restore that was refused has left %v, %v, want nothing", names, err)
	}
	s.Stop(t)
	if err := os.Remove(filepath.Join(data, identity.KeyName)); err != nil {
		t.Fatal(err)
	}
	if _, log, err := runCommand(t, "backup", "-data", data, target); err != nil || !strings.Contains(log, "there is no key of guests") {
		t.Errorf("backup without a key = %v, it said %q, want a warning", err, log)
	}
}

// A restore that was killed does not keep the next one from the directory.
func TestRestoreAfterAKill(t *testing.T) {
	data, base := t.TempDir(), t.TempDir()
	s := harness.Start(t, harness.InDir(data))
	harness.SeedRoom(harness.Context(t), t, s, "room")
	s.Stop(t)
	file, target := filepath.Join(base, "file"), filepath.Join(base, "target")
	left := filepath.Join(target, ".chatroom-restore-123")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(target, "lock"), filepath.Join(target, "lock.json"), filepath.Join(left, datadir.DatabaseName)} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{{"backup", "-data", data, file}, {"restore", "-data", target, file}, {"verify", "-data", target}} {
		if out, stderr, err := runCommand(t, args...); err != nil {
			t.Fatalf("%q = %q, %q, %v, want nil", args, out, stderr, err)
		}
	}
	if _, err := os.Stat(left); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what the killed restore has left: %v, want it removed", err)
	}
}
