package jetstream

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// markEvery is how often the high-water mark is written while events come. A log
// that loses no more than came in that time since is not noticed to be shorter.
const markEvery = time.Second

// highwater is how far a log has come, kept apart from it.
type highwater struct {
	Epoch string `json:"epoch"`
	Last  uint64 `json:"last,string"`
	// Files is a digest of the log's files as Close has left them, empty after a
	// crash. The server trusts its index: it would not notice until somebody
	// reads an event that is not there any more, and not say so then.
	Files string `json:"files,omitempty"`
	// Damaged says that events were missing when somebody read them.
	Damaged bool `json:"damaged,omitempty"`
	// Told is up to where clients know from the epoch that events are missing.
	Told uint64 `json:"told,string,omitempty"`
}

// filesOf returns a digest of the names, sizes and times of a log's files, empty
// when there are none. Their contents would take a second for each GiB.
func filesOf(blocks string) (string, error) {
	entries, err := os.ReadDir(blocks)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
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

// mark keeps a high-water mark in a file. Without a path it keeps none.
type mark struct {
	path string

	mu      sync.Mutex // guards below
	value   highwater
	written highwater
}

func newMark(path string, value highwater) *mark { return &mark{path: path, value: value} }

func readMark(path string) (highwater, error) {
	var h highwater
	if path == "" {
		return h, nil
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return h, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err != nil {
		return h, fmt.Errorf("read the high-water mark: %s: %w", path, err)
	}
	return h, nil
}

// damaged notes that events are missing, for the next start to see.
func (m *mark) damaged() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.value.Damaged = true
}

// told tells whether the epoch says that an event may be missing.
func (m *mark) told(sequence uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sequence <= m.value.Told
}

// closed notes how the log was left.
func (m *mark) closed(files string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.value.Files = files
}

// raise notes that the log has come to a sequence.
func (m *mark) raise(last uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.value.Last = max(m.value.Last, last)
}

// write puts the mark on disk, under another name first: a crash leaves the old
// one or the new.
func (m *mark) write() error {
	m.mu.Lock()
	value := m.value
	changed := value != m.written
	m.mu.Unlock()
	if m.path == "" || !changed {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := writeFile(m.path, text); err != nil {
		return fmt.Errorf("write the high-water mark: %w", err)
	}
	m.mu.Lock()
	m.written = value
	m.mu.Unlock()
	return nil
}

func writeFile(path string, text []byte) error {
	temporary := path + ".new"
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(temporary, path); err != nil {
		return err
	}
	_, err = syncFile(filepath.Dir(path))
	return err
}

// run writes the mark from time to time until ctx ends.
func (m *mark) run(ctx context.Context, j *Journal) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := m.write(); err != nil && j.complain() {
				j.log.Error("the high-water mark can't be kept", "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}
