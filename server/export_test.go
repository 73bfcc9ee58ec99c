package main

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/e2e/harness"

	chatv1 "chatroom/gen/chat/v1"
)

// sendAll sends an event of each kind to a room, and deletes one message with its edit.
func sendAll(t *testing.T, c harness.Client, room string) {
	t.Helper()
	send := func(m *chatv1.SendRequest) uint64 {
		t.Helper()
		m.Room, m.Id = room, rand.Text()
		response, err := c.Send(harness.Context(t), m)
		if err != nil {
			t.Fatal(err)
		}
		return response.GetSequence()
	}
	message := func(text string, replyTo uint64) uint64 {
		return send(&chatv1.SendRequest{Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text, ReplyTo: replyTo}}})
	}
	first, secret := message("first", 0), message("a secret", 0)
	reply := message("reply", first)
	send(&chatv1.SendRequest{Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: reply, Text: "edited"}}})
	send(&chatv1.SendRequest{Body: &chatv1.SendRequest_Edit{Edit: &chatv1.Edit{Target: secret, Text: "another secret"}}})
	for _, target := range []uint64{first, secret} {
		send(&chatv1.SendRequest{Body: &chatv1.SendRequest_Reaction{Reaction: &chatv1.Reaction{Target: target, Emoji: "👍"}}})
	}
	send(&chatv1.SendRequest{Body: &chatv1.SendRequest_Deletion{Deletion: &chatv1.Deletion{Target: secret}}})
}

// pageOf returns the events of a room as a client reads them, and the epoch.
func pageOf(t *testing.T, c harness.Client, room string) ([]*chatv1.Event, string) {
	t.Helper()
	page, err := c.ListEvents(harness.Context(t), &chatv1.ListEventsRequest{Room: room})
	if err != nil {
		t.Fatal(err)
	}
	return page.GetEvents(), page.GetEpoch()
}

var firstHere = regexp.MustCompile(`room "here": sequence 1 of the file is (\d+) here`)

// A room that was exported from a server that runs is the same in another store: under its
// name in a new one, and under another name beside other rooms.
func TestExportAndImportCommands(t *testing.T) {
	data, elsewhere, base := t.TempDir(), filepath.Join(t.TempDir(), "data"), t.TempDir()
	s := harness.Start(t, harness.InDir(data))
	harness.SeedRoom(harness.Context(t), t, s, "other")
	token, _ := s.SignIn(t, "Ada")
	client := harness.ConnectOver(harness.H2CClient)(t, s, token)
	sendAll(t, client, "tea")
	if _, err := client.SetRoom(harness.Context(t), &chatv1.SetRoomRequest{Room: "tea", DisplayName: "Tea", Topic: "leaves"}); err != nil {
		t.Fatal(err)
	}
	want, epoch := pageOf(t, client, "tea")
	file := filepath.Join(base, "tea.jsonl")
	if out, log, err := runCommand(t, "export", "-data", data, "-room", "tea", file); err != nil || out != "" || !strings.Contains(log, "exported 6 events of 1 room") {
		t.Fatalf("export = %q, %q, %v, want 6 events of 1 room", out, log, err)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text), "secret") || !strings.Contains(string(text), `"displayName":"Tea"`) {
		t.Errorf("the file has\n%s, %v, want a profile, and nothing that was deleted", text, err)
	}
	if out, _, err := runCommand(t, "export", "-data", data, "-room", "tea"); err != nil || strings.Count(out, "\n") != strings.Count(string(text), "\n") {
		t.Errorf("export to the standard output = %s, %v, want as many lines as in\n%s", out, err, text)
	}

	if out, _, err := runCommand(t, "import", "-data", elsewhere, file); err != nil || !strings.Contains(out, `room "tea": sequence 1 of the file is 1 here`) || !strings.Contains(out, "imported 6 events of 1 room") || !strings.Contains(out, "the key of guests") {
		t.Fatalf("import = %q, %v, want 6 events of 1 room", out, err)
	}
	imported := harness.Start(t, harness.InDir(elsewhere))
	got, newEpoch := pageOf(t, harness.ConnectOver(harness.H2CClient)(t, imported, ""), "tea")
	if newEpoch == epoch || len(got) != len(want) {
		t.Fatalf("the room has %d events of epoch %s, want %d of another epoch than %s", len(got), newEpoch, len(want), epoch)
	}
	for i := range want {
		if !proto.Equal(got[i], want[i]) {
			t.Errorf("event = %v, want %v", got[i], want[i])
		}
	}
	if log := imported.Log.Take(); strings.Contains(log, "level=ERROR") {
		t.Errorf("the server that starts on what was imported logs an error:\n%s", log)
	}

	s.Stop(t)
	out, _, err := runCommand(t, "import", "-data", data, "-as", "here", file)
	if match := firstHere.FindStringSubmatch(out); err != nil || match == nil || match[1] == "1" {
		t.Fatalf("import into the same store = %q, %v, want greater sequences", out, err)
	}
	again := harness.Start(t, harness.InDir(data))
	client = harness.ConnectOver(harness.H2CClient)(t, again, "")
	if original, sameEpoch := pageOf(t, client, "tea"); sameEpoch != epoch || len(original) != len(want) {
		t.Errorf("the room that was exported has %d events of epoch %s, want %d of %s", len(original), sameEpoch, len(want), epoch)
	}
	here, _ := pageOf(t, client, "here")
	if len(here) != len(want) {
		t.Fatalf("the imported room has %d events, want %d", len(here), len(want))
	}
	shift := here[0].GetSequence() - want[0].GetSequence()
	for i, e := range here {
		if e.GetSequence() != want[i].GetSequence()+shift || e.GetId() != want[i].GetId() || !proto.Equal(e.GetSender(), want[i].GetSender()) || !proto.Equal(e.GetTime(), want[i].GetTime()) {
			t.Errorf("event = %v, want %v, shifted by %d", e, want[i], shift)
		}
	}
	if reply := here[1].GetMessage(); reply.GetReplyTo() != here[0].GetSequence() || reply.GetText() != "edited" || len(here[0].GetChanges().GetReactions()) != 1 {
		t.Errorf("the reply is %v and its target %v, want the edited text, and a reaction", reply, here[0])
	}
	again.Stop(t)
	if out, err := verify(t, data); err != nil {
		t.Errorf("verify = %q, %v, want nil", out, err)
	}
}

// What can't be exported or imported is refused with the remedy, and nothing is changed.
func TestExportAndImportRefusals(t *testing.T) {
	data, empty, base := t.TempDir(), t.TempDir(), t.TempDir()
	s := harness.Start(t, harness.InDir(data))
	harness.SeedRoom(harness.Context(t), t, s, "room")
	harness.SeedRoom(harness.Context(t), t, s, "other")
	file, both, cut := filepath.Join(base, "file"), filepath.Join(base, "both"), filepath.Join(base, "cut")
	missing, target := filepath.Join(base, "missing"), filepath.Join(base, "target")
	for _, args := range [][]string{{"export", "-data", data, "-room", "room", file}, {"export", "-data", data, both}} {
		if _, log, err := runCommand(t, args...); err != nil {
			t.Fatalf("%q = %q, %v, want nil", args, log, err)
		}
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(cut, text[:len(text)-200], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	former, _ := harness.FormerData(t, "stopped")
	before := harness.Snapshot(t, base)
	check := func(args []string, want string) {
		t.Helper()
		if err := runRefused(t, args...); !strings.Contains(err.Error(), want) {
			t.Errorf("%q = %v, want %q in it", args, err, want)
		}
	}
	check([]string{"import", "-data", data, "-as", "new", file}, "is in use")
	s.Stop(t)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"export", "-data", data, file}, "exists, and is not overwritten"},
		{[]string{"export", "-data", empty, target}, "there is no store in"},
		{[]string{"export", "-data", former, target}, "chatroom migrate"},
		{[]string{"export", "-data", data, "-room", "nowhere", target}, `there is no room "nowhere"`},
		{[]string{"export", "-data", data, "-room", "No!", target}, "must be 1 to 64 characters"},
		{[]string{"export", "-data", data, "-room", "room", "-room", "room", target}, "is there twice"},
		{[]string{"export", "-data", data, "-schema", missing, target}, "-schema: "},
		{[]string{"export", "-nats", "nats://127.0.0.1", target}, "-nats: "},
		{[]string{"import", "-data", data}, "must be followed by the file"},
		{[]string{"import", "-data", target, missing}, "no such file"},
		{[]string{"import", "-data", former, file}, "chatroom migrate"},
		{[]string{"import", "-data", data, file}, `room "room": the room exists: -as NAME`},
		{[]string{"import", "-data", data, "-as", "other", file}, `room "other": the room exists`},
		{[]string{"import", "-data", data, "-as", "No!", file}, "must be 1 to 64 characters"},
		{[]string{"import", "-data", empty, "-as", "new", both}, "the file has 2 rooms, and not one"},
		{[]string{"import", "-data", empty, cut}, "the file is cut"},
		{[]string{"import", "-data", empty, filepath.Join(data, datadir.DatabaseName)}, "line 1: "},
		{[]string{"import", "-data", empty, "-nats", "nats://127.0.0.1", file}, "-nats: "},
	} {
		check(tt.args, tt.want)
	}
	if after := harness.Snapshot(t, base); after != before {
		t.Errorf("the files were changed to %v, want %v", after, before)
	}
	if names, err := datadir.Contents(empty); err != nil || len(names) > 0 {
		t.Errorf("an import that was refused has left %q, %v, want nothing", names, err)
	}
	if out, err := verify(t, data); err != nil || !strings.Contains(out, "20 events of 2 rooms") {
		t.Errorf("verify after imports that were refused = %q, %v, want the 20 events of 2 rooms", out, err)
	}
}

// What earlier versions have stored is exported and imported as it is.
func TestExportOfMigratedStore(t *testing.T) {
	dir, _ := harness.FormerData(t, "stopped")
	elsewhere, base := filepath.Join(t.TempDir(), "data"), t.TempDir()
	harness.Start(t, harness.InDir(dir)).Stop(t)
	first, second := filepath.Join(base, "first"), filepath.Join(base, "second")
	for _, args := range [][]string{
		{"export", "-data", dir, "-schema", "internal/schema/testdata/app.binpb", first},
		{"import", "-data", elsewhere, "-schema", "internal/schema/testdata/app.binpb", first},
		{"export", "-data", elsewhere, "-schema", "internal/schema/testdata/app.binpb", second},
	} {
		if out, log, err := runCommand(t, args...); err != nil {
			t.Fatalf("%q = %q, %q, %v, want nil", args, out, log, err)
		}
	}
	if out, err := verify(t, elsewhere); err != nil || !strings.Contains(out, "207 events of 9 rooms") {
		t.Errorf("verify of what was imported = %q, %v, want 207 events of 9 rooms", out, err)
	}
	var texts [2]string
	for i, file := range []string{first, second} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// The sequences of all rooms but the first are shifted.
		texts[i] = regexp.MustCompile(`"(sequence|previous|target|replyTo|made|epoch|sha256)":"[^"]*",?`).ReplaceAllString(string(text), "")
	}
	if texts[0] != texts[1] {
		t.Errorf("an export of what was imported has\n%s\nwant\n%s", texts[1], texts[0])
	}
}
