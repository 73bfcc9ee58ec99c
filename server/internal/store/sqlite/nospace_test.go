//go:build linux

package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// smallDisk returns a file system that is too small for a store, or skips the test.
func smallDisk(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "mode=0700,size=100k"); err != nil {
		t.Skipf("mounting a tmpfs is not allowed here: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// On a full disk SQLite tells of a disk error. The error says in one line how much space there is.
func TestErrorsTellTheFreeSpace(t *testing.T) {
	dir, _ := filled(t, 100)
	backup := filepath.Join(t.TempDir(), "backup")
	if _, err := Backup(t.Context(), BackupConfig{Dir: dir, File: backup}); err != nil {
		t.Fatal(err)
	}
	disk := smallDisk(t)
	t.Setenv("TMPDIR", disk)
	target := filepath.Join(disk, "target")
	if err := os.Mkdir(target, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func() error{
		"Backup": func() error {
			_, err := Backup(t.Context(), BackupConfig{Dir: dir, File: filepath.Join(disk, "backup")})
			return err
		},
		"Verify": func() error {
			_, err := Verify(t.Context(), dir)
			return err
		},
		"OpenCopy": func() error {
			_, _, err := OpenCopy(t.Context(), dir, target)
			return err
		},
		"Restore": func() error {
			_, err := Restore(t.Context(), RestoreConfig{File: backup, Dir: target})
			return err
		},
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), " KiB free in "+disk) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s on a full disk = %v, want one line with the free space", name, err)
		}
		if err := os.RemoveAll(target); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(target, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// An error that several steps of closing have is there once.
func TestJoinDistinct(t *testing.T) {
	one, same, other := errors.New("one"), errors.New("one"), errors.New("other")
	if err := joinDistinct([]error{nil, one, nil, same, other}); err == nil || err.Error() != "one\nother" {
		t.Errorf("joinDistinct = %v, want one and other", err)
	}
	if err := joinDistinct([]error{nil, nil}); err != nil {
		t.Errorf("joinDistinct of nothing = %v, want nil", err)
	}
}
