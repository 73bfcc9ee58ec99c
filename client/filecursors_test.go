package client_test

import (
	"os"
	"path/filepath"
	"testing"

	"chatroom/client"
)

// A file of cursors is replaced as a whole, and read by the next process.
func TestFileCursors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors.json")
	open := func() *client.FileCursors {
		f, err := client.OpenFileCursors(path)
		if err != nil {
			t.Fatalf("OpenFileCursors = %v, want nil", err)
		}
		return f
	}
	check := func(f *client.FileCursors, want map[string]client.Cursor) {
		t.Helper()
		for _, room := range []string{"a", "b"} {
			c, ok, err := f.Load(t.Context(), room)
			if w, stored := want[room]; err != nil || ok != stored || c != w {
				t.Errorf("Load(%q) = %v, %t, %v, want %v, %t", room, c, ok, err, w, stored)
			}
		}
	}
	f := open()
	check(f, nil)
	first := map[string]client.Cursor{"a": {Epoch: "E", Sequence: 1}}
	if err := f.Save(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	check(open(), first)
	if err := f.Save(t.Context(), map[string]client.Cursor{"b": {Epoch: "F", Sequence: 2}}); err != nil {
		t.Fatal(err)
	}
	both := map[string]client.Cursor{"a": {Epoch: "E", Sequence: 1}, "b": {Epoch: "F", Sequence: 2}}
	check(f, both)
	check(open(), both)
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("the folder has %v, %v, want one file", files, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %v, %v, want 0600", info.Mode(), err)
	}
}

// A Save that fails changes nothing and leaves nothing behind.
func TestFileCursorsThatCantBeSaved(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "cursors.json")
	f, err := client.OpenFileCursors(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil { // which a file can't replace
		t.Fatal(err)
	}
	if err := f.Save(t.Context(), map[string]client.Cursor{"a": {Epoch: "E", Sequence: 1}}); err == nil {
		t.Error("Save = nil, want an error")
	}
	if _, ok, _ := f.Load(t.Context(), "a"); ok {
		t.Error("Load has the cursor that could not be saved")
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) != 1 {
		t.Errorf("the folder has %v, %v, want nothing new", files, err)
	}
}

// A file that can't be read is an error, and not an empty store.
func TestDamagedFileCursors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "cursors.json")
	if err := os.WriteFile(path, []byte(`{"a": {"Epoch"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := client.OpenFileCursors(path); err == nil {
		t.Error("OpenFileCursors = nil, want an error")
	}
}
