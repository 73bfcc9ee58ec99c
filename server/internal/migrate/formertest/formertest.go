// Package formertest has data directories of the former format for tests. See
// testdata/README.md for what is in them.
package formertest

import (
	"archive/tar"
	"compress/gzip"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"chatroom/server/internal/chat"
)

//go:embed testdata/*.gz
var testdata embed.FS

// Expectation is what the former code has said about a data directory.
type Expectation struct {
	Epoch    string
	Rooms    map[string]Room
	Profiles map[string][]byte // by room, the stored payload
	Deleted  []uint64          // named by a deletion, or edits of such a message, and still there
}

// Room is a room of an Expectation.
type Room struct {
	First, Last, Evicted uint64
	Events               []chat.Stored
}

// Load unpacks the data directory "stopped" or "killed", with the times of its files.
func Load(t testing.TB, name string) (dir string, want Expectation) {
	t.Helper()
	unzip(t, name+".json.gz", func(r io.Reader) error { return json.NewDecoder(r).Decode(&want) })
	dir = t.TempDir()
	unzip(t, name+".tar.gz", func(r io.Reader) error { return untar(r, dir) })
	return dir, want
}

func unzip(t testing.TB, name string, read func(io.Reader) error) {
	t.Helper()
	f, err := testdata.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		err = read(z)
	}
	if err != nil {
		t.Fatalf("read %s: %v", name, err)
	}
}

func untar(r io.Reader, dir string) error {
	for archive := tar.NewReader(r); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		text, err := io.ReadAll(archive)
		if err == nil {
			err = os.WriteFile(path, text, 0o600)
		}
		if err == nil {
			err = os.Chtimes(path, header.ModTime, header.ModTime)
		}
		if err != nil {
			return err
		}
	}
}
