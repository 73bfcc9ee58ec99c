package sqlite

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Stats are figures of a store.
type Stats struct {
	Bytes     int64 // of the database and its write-ahead log
	FreeBytes int64 // of the disk
}

// Stats returns figures as of now. It may be called after Close.
func (s *Store) Stats() (Stats, error) {
	var stats Stats
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(filepath.Join(s.config.Dir, fileName+suffix))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return Stats{}, fmt.Errorf("sqlite: %w", err)
		default:
			stats.Bytes += info.Size()
		}
	}
	var err error
	if stats.FreeBytes, err = s.config.space(s.config.Dir); err != nil {
		return Stats{}, fmt.Errorf("sqlite: look for free space: %w", err)
	}
	return stats, nil
}
