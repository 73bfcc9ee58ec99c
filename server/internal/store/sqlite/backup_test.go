package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"chatroom/server/internal/chat"

	"github.com/ncruces/go-sqlite3"
)

// testKey stands for a file that is backed up with the store.
var testKey = map[string][]byte{"key": []byte("the key of the test")}

func backUp(t *testing.T, dir string) (file string, r Report) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "backup")
	r, err := Backup(t.Context(), BackupConfig{Dir: dir, File: file, Files: testKey})
	if err != nil || len(r.Findings) > 0 {
		t.Fatalf("Backup() = %+v, %v, want no findings", r, err)
	}
	return file, r
}

func restore(file, dir string) (Report, error) {
	return Restore(context.Background(), RestoreConfig{File: file, Dir: dir, Files: slices.Collect(maps.Keys(testKey))})
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

// A backup of a store that is written to has everything that was acknowledged before, in an
// unbroken log, and a store restored from it accepts sends.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	s := busyStore(t)
	for i := range 800 { // copied in several steps
		add(t, s, chat.Entry{Room: fmt.Sprint("large-", i/40), Key: fmt.Sprint(i), Payload: bytes.Repeat([]byte{byte(i)}, databasePageSize)})
	}
	before := uint64(240 + 800)
	stop := make(chan struct{})
	var appending sync.WaitGroup
	var appendErr error
	appending.Go(func() {
		for i := 1000; appendErr == nil; i++ {
			select {
			case <-stop:
				return
			default:
				_, _, appendErr = chat.Append(t.Context(), s, message("busy", i))
			}
		}
	})
	file, made := backUp(t, s.config.Dir)
	close(stop)
	appending.Wait()
	if appendErr != nil {
		t.Fatalf("Append during a backup = %v, want nil", appendErr)
	}
	if made.Last < before || made.Epoch != s.epoch || made.Records != 1 {
		t.Errorf("Backup() = %+v, want at least %d events", made, before)
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
		t.Errorf("the mode of the backup = %v, %v, want 0600", info.Mode(), err)
	}
	if left := names(t, filepath.Dir(file)); len(left) != 1 {
		t.Errorf("Backup() has left %q, want the file alone", left)
	}
	verified, err := VerifyBackup(t.Context(), file)
	if err != nil || len(verified.Findings) > 0 || verified.Last != made.Last || verified.Events != made.Events || verified.Made.IsZero() {
		t.Errorf("VerifyBackup() = %+v, %v, want what Backup has found", verified, err)
	}
	// A database that has no write-ahead log is one file, also while it is read.
	if text, err := os.ReadFile(file); err != nil || text[18] != 1 || text[19] != 1 {
		t.Errorf("the file format of the backup = %d, %d, %v, want 1, 1", text[18], text[19], err)
	}
	dir := t.TempDir()
	restored, err := restore(file, dir)
	if err != nil || len(restored.Findings) > 0 || restored.Events != made.Events || restored.Epoch == made.Epoch {
		t.Fatalf("Restore() = %+v, %v, want a new epoch and all else as it was", restored, err)
	}
	if got, want := names(t, dir), []string{fileName, markName, "key"}; !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("Restore() has written %q, want %q", got, want)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "key")); err != nil || !bytes.Equal(got, testKey["key"]) {
		t.Errorf("the key = %q, %v, want that of the backup", got, err)
	}
	if text, err := os.ReadFile(filepath.Join(dir, fileName)); err != nil || bytes.Contains(text, testKey["key"]) {
		t.Errorf("the key is still in the restored store, or %v", err)
	}
	checkRestored(t, s, dir, made.Last)
	closed(t, s)
}

// A copy does not start over when the store is written to, as it would without a snapshot: of
// a busy store it would never be complete.
func TestBackupDoesNotStartOver(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	for i := range 800 { // copied in several steps
		add(t, s, chat.Entry{Room: "room", Key: fmt.Sprint(i), Payload: bytes.Repeat([]byte{byte(i)}, databasePageSize)})
	}
	d := newDisk(t, make(map[string]*image))
	writes := 0
	d.setFault(func(op operation, _ string) error {
		if op != opWrite {
			return nil
		}
		if writes++; writes > 10_000 {
			return sqlite3.FULL
		}
		if writes%50 == 0 {
			add(t, s, message("busy", writes))
		}
		return nil
	})
	r, err := Backup(t.Context(), BackupConfig{Dir: s.config.Dir, File: filepath.Join(d.dir, "backup"), vfs: d.vfs})
	if err != nil || r.Events < 800 || len(r.Findings) > 0 || writes < 800 {
		t.Errorf("Backup of a busy store = %+v, %v after %d writes, want 800 events", r, err, writes)
	}
	closed(t, s)
}

// checkRestored compares a restored store with the one that was backed up, up to a sequence.
func checkRestored(t *testing.T, s *Store, dir string, last uint64) {
	t.Helper()
	r := start(t, Config{Dir: dir, RoomEvents: 50, indexEvery: 40, buryEvery: 10, segmentKeys: 30})
	for room := range 3 {
		room := fmt.Sprint("room-", room)
		want, got := timeline(t, s, room), timeline(t, r, room)
		if !slices.EqualFunc(want, got, func(a, b chat.Stored) bool {
			return a.Sequence == b.Sequence && a.Previous == b.Previous && bytes.Equal(a.Payload, b.Payload)
		}) {
			t.Errorf("%s has %d events, want the %d of the store that was backed up", room, len(got), len(want))
		}
	}
	if record, err := r.Get(t.Context(), "profiles/room-0"); err != nil || string(record.Value) != "profile" {
		t.Errorf("Get() = %v, %v, want the profile", record, err)
	}
	if seq, duplicate := appendEntry(t, r, message("room-0", 0)); !duplicate || seq != 1 {
		t.Errorf("Append of the first key again = %d, %t, want 1, true", seq, duplicate)
	}
	if seq, duplicate := appendEntry(t, r, message("room-0", 5000)); duplicate || seq <= last+markSlack {
		t.Errorf("Append() = %d, %t, want a sequence that was not assigned after the backup", seq, duplicate)
	}
	closed(t, r)
	if report := verify(t, dir); len(report.Findings) > 0 {
		t.Errorf("Verify() = %q, want no findings", report.Findings)
	}
}

// timeline returns all events of a room.
func timeline(t *testing.T, s *Store, room string) []chat.Stored {
	t.Helper()
	page, err := s.Read(t.Context(), room, 0, 1000)
	if err != nil {
		t.Fatalf("Read(%q) = %v, want nil", room, err)
	}
	return page
}

// A backup that fails, for whatever reason, leaves nothing behind.
func TestBackupFails(t *testing.T) {
	t.Parallel()
	s := busyStore(t)
	defer closed(t, s)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name  string
		ctx   context.Context
		fault func(n int, op operation) error
		want  error
	}{
		{"full at once", t.Context(), func(int, operation) error { return sqlite3.FULL }, sqlite3.FULL},
		{"full later", t.Context(), func(n int, op operation) error {
			if op == opWrite && n > 20 {
				return sqlite3.FULL
			}
			return nil
		}, sqlite3.FULL},
		{"no sync", t.Context(), func(_ int, op operation) error {
			if op == opSync {
				return sqlite3.IOERR_FSYNC
			}
			return nil
		}, sqlite3.IOERR_FSYNC},
		{"ended", ended, nil, context.Canceled},
	} {
		d := newDisk(t, make(map[string]*image))
		n := 0
		d.setFault(func(op operation, _ string) error {
			if n++; tt.fault != nil {
				return tt.fault(n, op)
			}
			return nil
		})
		_, err := Backup(tt.ctx, BackupConfig{Dir: s.config.Dir, File: filepath.Join(d.dir, "backup"), Files: testKey, vfs: d.vfs})
		if left := names(t, d.dir); !errors.Is(err, tt.want) || len(left) > 0 {
			t.Errorf("Backup (%s) = %v and leaves %q, want %v and nothing", tt.name, err, left, tt.want)
		}
	}
	file := filepath.Join(t.TempDir(), "backup")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Backup(t.Context(), BackupConfig{Dir: s.config.Dir, File: file})
	if text, readErr := os.ReadFile(file); !errors.Is(err, fs.ErrExist) || readErr != nil || string(text) != "precious" {
		t.Errorf("Backup over a file = %v and leaves %q, want %v and the file", err, text, fs.ErrExist)
	}
}

// A backup that is cancelled in the middle of the copy ends, and leaves nothing behind.
func TestBackupIsCancelled(t *testing.T) {
	t.Parallel()
	s := busyStore(t)
	defer closed(t, s)
	for at := 1; ; at += 7 {
		ctx, cancel := context.WithCancel(t.Context())
		d := newDisk(t, make(map[string]*image))
		n := 0
		d.setFault(func(operation, string) error {
			if n++; n == at {
				cancel()
			}
			return nil
		})
		_, err := Backup(ctx, BackupConfig{Dir: s.config.Dir, File: filepath.Join(d.dir, "backup"), vfs: d.vfs})
		cancel()
		left := names(t, d.dir)
		if n < at {
			if err != nil || len(left) != 1 {
				t.Errorf("Backup() = %v and leaves %q, want a file", err, left)
			}
			return
		}
		// What comes after the last check of the context succeeds.
		if whole := err == nil && slices.Equal(left, []string{"backup"}); !whole && (!errors.Is(err, context.Canceled) || len(left) > 0) {
			t.Errorf("Backup that is cancelled at operation %d = %v and leaves %q, want %v and nothing", at, err, left, context.Canceled)
		}
	}
}

// A damaged store gets no backup.
func TestBackupOfDamagedStore(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, path string){
		"a page": func(t *testing.T, path string) { flip(t, path, 3*databasePageSize+100) },
		"a row":  func(t *testing.T, path string) { alter(t, path, `DELETE FROM timeline WHERE seq = 230`) },
	} {
		s := busyStore(t)
		closed(t, s)
		damage(t, s.config.path())
		dir := t.TempDir()
		r, err := Backup(t.Context(), BackupConfig{Dir: s.config.Dir, File: filepath.Join(dir, "backup")})
		if left := names(t, dir); err != nil || len(r.Findings) == 0 || len(left) > 0 {
			t.Errorf("Backup of a store in which %s is damaged = %+v, %v and leaves %q, want findings and nothing", name, r, err, left)
		}
	}
}

// Each kind of damage of a backup is found, and nothing is restored from it.
func TestDamagedBackup(t *testing.T) {
	t.Parallel()
	s := busyStore(t)
	defer closed(t, s)
	whole, _ := backUp(t, s.config.Dir)
	text, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, file string) {
		t.Helper()
		r, err := VerifyBackup(t.Context(), file)
		if !errors.Is(err, ErrNotBackup) && (err != nil || len(r.Findings) == 0) {
			t.Errorf("VerifyBackup with %s = %+v, %v, want a finding", name, r, err)
		}
		dir := t.TempDir()
		r, err = restore(file, dir)
		if left := names(t, dir); err == nil && len(r.Findings) == 0 || len(left) > 0 {
			t.Errorf("Restore with %s = %+v, %v and leaves %q, want a finding and nothing", name, r, err, left)
		}
	}
	write := func(text []byte) string {
		file := filepath.Join(t.TempDir(), "backup")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	for at := 50; at < len(text); at += 4093 {
		damaged := bytes.Clone(text)
		damaged[at] ^= 4
		check(fmt.Sprint("byte ", at, " changed"), write(damaged))
	}
	for _, size := range []int{0, 10, 100, 5000, databasePageSize, 3 * databasePageSize, len(text) - databasePageSize, len(text) - 1} {
		check(fmt.Sprint(size, " bytes left"), write(text[:size]))
	}
	check("text in it", write([]byte(strings.Repeat("this is no backup\n", 1000))))
	check("the store in it", s.config.path())
	for _, sql := range []string{
		`DELETE FROM events WHERE pos = 230`,
		`UPDATE events SET payload = CAST('x' AS BLOB) WHERE pos = 230`,
		`UPDATE rooms SET events = events + 1 WHERE id = 1`,
		`DELETE FROM meta`,
		`PRAGMA user_version = 9`,
	} {
		file := write(text)
		alter(t, file, sql)
		check(sql, file)
	}
	file := write(text)
	alter(t, file, `INSERT INTO backup_files VALUES ('../outside', x'00')`)
	dir := t.TempDir()
	if _, err := restore(file, dir); err == nil || !strings.Contains(err.Error(), `the file "../outside"`) || len(names(t, dir)) > 0 {
		t.Errorf("Restore with an unknown file = %v, want an error that names it", err)
	}
}

// alter changes a database that is closed.
func alter(t *testing.T, path, sql string) {
	t.Helper()
	c, err := dial(path, "", sqlite3.OPEN_READWRITE)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.Exec(sql), c.Close()); err != nil {
		t.Fatal(err)
	}
}

// What was erased before a backup is not in it.
func TestBackupHasNoErasedText(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	const secret = "a word that is erased"
	at := add(t, s, chat.Entry{Room: "room", Key: "secret", Payload: []byte(secret)})
	add(t, s, chat.Entry{Room: "room", Key: "shown", Payload: []byte("a word that is kept")})
	contains := func(text string) bool {
		file, _ := backUp(t, s.config.Dir)
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(content, []byte(text))
	}
	if !contains(secret) {
		t.Error("a text that is not erased is not in the backup")
	}
	add(t, s, chat.Entry{Room: "room", Key: "erase", Relation: chat.Erases, Target: at.Sequence})
	if contains(secret) || !contains("a word that is kept") {
		t.Error("an erased text is in the backup, or one that is kept is not")
	}
	closed(t, s)
}
