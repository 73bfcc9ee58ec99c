package migrate

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// mark is the content of highwater.json.
type mark struct {
	Epoch string `json:"epoch"`
	Last  uint64 `json:"last,string"` // the newest event, as of at most a second before a crash
	// Files is a digest of the log's files as of a clean stop, empty after a crash.
	Files string `json:"files"`
	// Damaged says that the server has found events missing, and has not reported that to
	// clients by a new epoch.
	Damaged bool `json:"damaged"`
	// Reported is the sequence up to which losses were reported to clients.
	Reported uint64 `json:"told,string"`
}

// readMark returns an error that wraps fs.ErrNotExist if there is no mark, and one that
// wraps errMark if it is damaged.
func readMark(path string) (mark, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return mark{}, err
	}
	var m mark
	if err := json.Unmarshal(text, &m); err != nil {
		return mark{}, fmt.Errorf("%w: %w", errMark, err)
	}
	return m, nil
}

var errMark = errors.New("the high-water mark can't be read")

// digestFiles returns the digest of the names, sizes and times of the blocks in a directory,
// which mark.Files has, too.
func digestFiles(blocks string) (string, error) {
	entries, err := os.ReadDir(blocks)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".blk" {
			continue
		}
		info, err := e.Info()
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, e.Name(), info.Size(), info.ModTime().UnixNano())
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
