package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/datadir"
	"chatroom/server/internal/e2e/harness"
)

func TestMigrateCommand(t *testing.T) {
	dir, _ := harness.FormerData(t, "stopped")
	t.Chdir(filepath.Dir(dir)) // a relative path, as the default is
	dir = filepath.Base(dir)
	for _, want := range []string{"migrated 224 events", "nothing was changed"} {
		var out, log harness.Buffer
		if err := run(t.Context(), []string{"migrate", "-data", dir}, environment(nil), &out, &log); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("migrate = %v, it said %q, want %q", err, out.String(), want)
		}
	}
	empty := t.TempDir()
	var out harness.Buffer
	err := run(t.Context(), []string{"migrate", "-data", empty}, environment(nil), &out, &out)
	if files, readErr := os.ReadDir(empty); err != nil || readErr != nil || len(files) != 0 || !strings.Contains(out.String(), "nothing was changed") {
		t.Errorf("migrate of an empty directory = %v, it said %q and left %v, %v, want nothing changed", err, out.String(), files, readErr)
	}
	missing := filepath.Join(dir, "missing")
	if err := runRefused(t, "migrate", "-data", missing); !strings.Contains(err.Error(), "-data") {
		t.Errorf("migrate of a missing directory = %v, want an error of -data", err)
	}
	if _, err := os.Stat(missing); err == nil {
		t.Error("migrate has made a missing directory")
	}
	harness.Start(t, harness.InDir(dir))
	if err := runRefused(t, "migrate", "-data", dir); !strings.Contains(err.Error(), "is in use by process") {
		t.Errorf("migrate while a server runs = %v, want that the directory is in use", err)
	}
}

// A damaged store is refused by serve and migrate alike, with the remedy, which works.
func TestDamagedFormerStore(t *testing.T) {
	dir, want := harness.FormerData(t, "stopped")
	path := filepath.Join(dir, datadir.FormerEventsName, "jetstream", "$G", "streams", "CHATROOM", "meta.inf")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text[len(text)/2] ^= 1
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	before := harness.Snapshot(t, filepath.Join(dir, datadir.FormerEventsName))
	for command, err := range map[string]error{"serve": harness.StartRefused(t, harness.InDir(dir)), "migrate": runRefused(t, "migrate", "-data", dir)} {
		for _, part := range []string{"meta.inf does not match its checksum", "chatroom migrate -force -data " + dir} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s = %q, want %q in it", command, err, part)
			}
		}
	}
	var out, log harness.Buffer
	if err := run(t.Context(), []string{"migrate", "-force", "-data", dir}, environment(nil), &out, &log); err != nil {
		t.Fatalf("migrate -force = %v, want nil", err)
	}
	if after := harness.Snapshot(t, filepath.Join(dir, datadir.FormerEventsName)); after != before {
		t.Errorf("the former files have changed:\n%s\nwant\n%s", after, before)
	}
	s := harness.Start(t, harness.InDir(dir))
	got, err := harness.RPCClient(t, s).ListEvents(harness.Context(t), &chatv1.ListEventsRequest{Room: "lobby"})
	if err != nil || len(got.GetEvents()) == 0 || got.GetEpoch() == want.Epoch {
		t.Errorf("ListEvents = %v, %v, want events and another epoch than %q", got, err, want.Epoch)
	}
}
