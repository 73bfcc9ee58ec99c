package jetstream

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
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
		return h, fmt.Errorf("read the high-water mark: %w", err)
	}
	return h, nil
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
	return os.Rename(temporary, path)
}

// run writes the mark from time to time until ctx ends.
func (m *mark) run(ctx context.Context, j *Journal) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := m.write(); err != nil {
				j.log.Error("the high-water mark can't be kept", "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}
