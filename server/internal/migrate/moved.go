package migrate

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/durable"
	"chatroom/server/internal/migrate/natsfile"
)

// moved is the content of datadir.MovedName.
type moved struct {
	Files string `json:"files"` // the digest of its files at that time
}

func writeMoved(dir string, f *Former) error {
	text, err := json.Marshal(moved{Files: f.files})
	if err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, datadir.MovedName), append(text, '\n'))
}

// UsedSince reports whether a server of the former version has changed the former store of a
// data directory since it was moved: its events are not in the new store. It is false if the
// former store was not moved, or was removed.
func UsedSince(dir string) (bool, error) {
	path := filepath.Join(dir, datadir.MovedName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var m moved
	if err := json.Unmarshal(text, &m); err != nil {
		return false, fmt.Errorf("%s: %w; it only describes the former store as of its migration: remove it", path, err)
	}
	files, err := digestFiles(blocksOf(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return files != m.Files, err
}

// blocksOf returns the directory of the former store's blocks.
func blocksOf(dir string) string {
	return filepath.Join(dir, datadir.FormerEventsName, filepath.FromSlash(streamPath), natsfile.BlocksName)
}
