package datadir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// errNoSpace is the error for a file system that holds no files, such as /proc.
var errNoSpace = errors.New("its file system has no space for files")

// Check returns an error for a path that Open, or opening a store there, would fail on, as far as
// that is known without a change: the directory, or the nearest one above it that exists, must be
// one that this process can write to.
func Check(path string) error {
	path = filepath.Clean(path)
	there := path
	for {
		info, err := os.Stat(there)
		if err == nil && !info.IsDir() {
			return explain(path, errNotDirectory)
		}
		if err == nil {
			break
		}
		parent := filepath.Dir(there)
		if !errors.Is(err, fs.ErrNotExist) || parent == there {
			return explain(path, err)
		}
		if err := checkLink(there); err != nil {
			return explain(path, err)
		}
		there = parent
	}
	if err := checkWritable(there); err != nil {
		return explain(path, err)
	}
	database := filepath.Join(path, DatabaseName)
	if found, err := exists(database); err != nil || !found {
		return explain(path, err)
	}
	return explain(database, checkWritable(database))
}
