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

// moved is what datadir.MovedName says of a former store that was moved.
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

// UsedSince tells whether the former store in a data directory has changed since it was
// moved: by a former server, whose events are not in the new store. It is false if the
// former store was not moved, or is not there any more.
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
		return false, fmt.Errorf("%s: %w; it only says what the former store was when it was moved: remove it", path, err)
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
