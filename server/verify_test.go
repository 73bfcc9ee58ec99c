package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/e2e/harness"
)

func verify(t *testing.T, dir string) (out string, err error) {
	t.Helper()
	var stdout, log harness.Buffer
	err = run(t.Context(), []string{"verify", "-data", dir}, environment(nil), &stdout, &log)
	return stdout.String(), err
}

func TestVerifyCommand(t *testing.T) {
	dir, _ := harness.FormerData(t, "stopped")
	if out, err := verify(t, dir); err != nil || !strings.Contains(out, "a store of the former format: 207 events of 9 rooms") || !strings.Contains(out, "nothing is wrong") {
		t.Errorf("verify of a former store = %q, %v, want what is in it", out, err)
	}
	s := harness.Start(t, harness.InDir(dir))
	harness.SeedRoom(harness.Context(t), t, s, "fresh")
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
	if out, err := verify(t, dir); err == nil || !strings.HasPrefix(out, "- a page of ") || !strings.Contains(out, "can't be read: the checksum does not match; ") || strings.Contains(out, "0 events") || strings.Count(out, "\n") != 1 {
		t.Errorf("verify of a damaged store = %q, %v, want one finding and an error", out, err)
	}
	if out, err := verify(t, t.TempDir()); err == nil || out != "" || !strings.Contains(err.Error(), "with -nats the store is in NATS") {
		t.Errorf("verify of an empty directory = %q, %v, want an error that names -nats", out, err)
	}
	if err := runRefused(t, "verify", "-nats", "nats://127.0.0.1"); !strings.HasPrefix(err.Error(), "-nats: the store is in NATS") {
		t.Errorf("verify -nats = %v, want that the store is in NATS", err)
	}
}
