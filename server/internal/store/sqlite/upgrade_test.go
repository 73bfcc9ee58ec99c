package sqlite

import (
	"slices"
	"strings"
	"testing"
)

// A backup of an earlier release is checked and restored; the schema becomes that of this one.
// It is not parallel, since it changes the migrations of the package.
func TestBackupOfEarlierSchema(t *testing.T) {
	s := busyStore(t)
	want := contentOf(t, s)
	file, before := backUp(t, s.config.Dir)
	closed(t, s)
	known := migrations
	t.Cleanup(func() { migrations = known })
	migrations = append(slices.Clip(migrations), `CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT`)
	for name, verify := range map[string]func() (Report, error){
		"the backup": func() (Report, error) { return VerifyBackup(t.Context(), file) },
		"the store":  func() (Report, error) { return Verify(t.Context(), s.config.Dir) },
	} {
		if r, err := verify(); err != nil || len(r.Findings) > 0 || r.Events != before.Events {
			t.Errorf("verify %s = %+v, %v, want %d events and no findings", name, r, err, before.Events)
		}
	}
	dir := t.TempDir()
	if r, err := restore(file, dir); err != nil || len(r.Findings) > 0 || r.Events != before.Events {
		t.Fatalf("Restore = %+v, %v, want %d events and no findings", r, err, before.Events)
	}
	restored := start(t, Config{Dir: dir})
	for room, got := range contentOf(t, restored) {
		// All is the same but the epoch.
		if _, events, _ := strings.Cut(got, "} {"); !strings.HasSuffix(want[room], events[strings.Index(events, "First"):]) {
			t.Errorf("room %q = %.300s, want %.300s", room, got, want[room])
		}
	}
	closed(t, restored)
}

// A backup of a newer release is refused in one line.
func TestRestoreOfNewerSchema(t *testing.T) {
	s := busyStore(t)
	file, _ := backUp(t, s.config.Dir)
	closed(t, s)
	alter(t, file, `PRAGMA user_version = 9`)
	dir := t.TempDir()
	if _, err := restore(file, dir); err == nil || !strings.Contains(err.Error(), "its schema has version 9") ||
		!strings.Contains(err.Error(), "newer release") || strings.Contains(err.Error(), "\n") || len(names(t, dir)) > 0 {
		t.Errorf("Restore = %v, with %q in the directory, want one line, and nothing", err, names(t, dir))
	}
}
