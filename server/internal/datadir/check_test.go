package datadir

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Check finds what Open would fail on, and changes nothing.
func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink("nowhere", link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                             "",
		filepath.Join(dir, "a", "b"):    "",
		file:                            "a file, not a directory",
		filepath.Join(file, "below"):    "not a directory",
		filepath.Join(file, "far/down"): "not a directory",
		link:                            "a symbolic link to nowhere, which does not exist",
		filepath.Join(link, "below"):    "a symbolic link to nowhere, which does not exist",
	} {
		checkCheck(t, path, want)
	}
	if runtime.GOOS == "linux" {
		checkCheck(t, "/proc/nope", "no space for files")
		checkCheck(t, "/proc", "no space for files")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("the directory has %v, %v, want the file and the link alone", entries, err)
	}
}

func checkCheck(t *testing.T, path, want string) {
	t.Helper()
	err := Check(path)
	if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), path+" can't be ") || !strings.Contains(err.Error(), want)) {
		t.Errorf("Check(%s) = %v, want %q in an error that begins with the path", path, err, want)
	}
	if want == "" {
		return
	}
	if _, err := Open(path); err == nil {
		t.Errorf("Open(%s) succeeds, but Check fails", path)
	}
}
