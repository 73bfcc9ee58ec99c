package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestWriteFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	for _, want := range []string{"first", "the second one", ""} {
		if err := WriteFile(path, []byte(want)); err != nil {
			t.Fatalf("WriteFile(%q) = %v, want nil", want, err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("the file holds %q, %v, want %q", got, err, want)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v, want 0600", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("the directory holds %q, %v, want the file alone", left, err)
	}
}

func TestWriteFileFails(t *testing.T) {
	if err := WriteFile(filepath.Join(t.TempDir(), "missing", "file"), nil); err == nil {
		t.Error("WriteFile in a directory that is missing = nil, want an error")
	}
}

func TestMove(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := os.WriteFile(from, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Move(from, to); err != nil {
		t.Fatalf("Move = %v, want nil", err)
	}
	if err := os.WriteFile(from, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Move(from, to); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Move to a file that exists = %v, want %v", err, fs.ErrExist)
	}
	if text, err := os.ReadFile(to); err != nil || string(text) != "text" {
		t.Errorf("the file has %q, %v, want what was moved first", text, err)
	}
}
