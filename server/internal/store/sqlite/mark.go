package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"chatroom/server/internal/durable"
)

const (
	markName = "highwater"
	// markEvery is how often the mark is written while events are stored. The loss of events
	// that were stored after the last write is not noticed.
	markEvery = time.Second
	// markSlack is more events than can be stored in that time: a log that has become shorter
	// continues that far above its mark.
	markSlack = 1 << 20
)

// highwater describes a log, and is stored apart from it.
type highwater struct {
	Lineage string `json:"lineage"`
	Epoch   string `json:"epoch"`
	Next    uint64 `json:"next,string"` // the sequence after the last
	Sum     uint32 `json:"sum"`         // CRC-32C of the rest
}

func (h highwater) sum() uint32 {
	return crc32.Checksum(fmt.Appendf(nil, "%s %s %d", h.Lineage, h.Epoch, h.Next), castagnoli)
}

// mark keeps the high-water mark of a store in a file.
type mark struct {
	path string
	log  *slog.Logger

	mu      sync.Mutex // guards below
	value   highwater
	written highwater
}

// readMark returns the mark of a directory, nil if there is none.
func readMark(dir string) (*highwater, error) {
	path := filepath.Join(dir, markName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var h highwater
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err == nil && h.Sum != h.sum() {
		err = errors.New("its checksum does not match")
	}
	if err != nil {
		return nil, fmt.Errorf("%s, which says how far the log had come, can't be read: %w; "+
			"remove it to start without: events that are missing are not noticed then", path, err)
	}
	return &h, nil
}

// raise notes that the log has reached a sequence.
func (m *mark) raise(next uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.value.Next = max(m.value.Next, next)
}

// write puts the mark on disk if it has changed.
func (m *mark) write() error {
	m.mu.Lock()
	value := m.value
	changed := value != m.written
	m.mu.Unlock()
	if !changed {
		return nil
	}
	if err := writeMark(m.path, value); err != nil {
		return err
	}
	m.mu.Lock()
	m.written = value
	m.mu.Unlock()
	return nil
}

func writeMark(path string, value highwater) error {
	value.Sum = value.sum()
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(path, append(text, '\n')); err != nil {
		return fmt.Errorf("write the high-water mark: %w", err)
	}
	return nil
}

// run writes the mark at intervals until ctx ends.
func (m *mark) run(ctx context.Context) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	failed := false
	for {
		select {
		case <-tick.C:
			err := m.write()
			if err != nil && !failed {
				m.log.ErrorContext(ctx, "the high-water mark can't be written: events that are lost from now on are not noticed", "err", err)
			}
			failed = err != nil
		case <-ctx.Done():
			return
		}
	}
}
