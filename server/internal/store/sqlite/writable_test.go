package sqlite

import (
	"log/slog"
	"sync/atomic"
	"testing"

	"chatroom/server/internal/chat"

	"github.com/ncruces/go-sqlite3"
)

// Writable tells that writing fails and that it works again, without any append in between.
func TestWritable(t *testing.T) {
	free := new(atomic.Int64)
	free.Store(1 << 40)
	disk := newDisk(t, make(map[string]*image))
	works := new(atomic.Bool)
	works.Store(true)
	s := start(t, Config{
		Dir: disk.dir, VFS: disk.vfs, Log: slog.New(slog.DiscardHandler),
		space:    func(string) (int64, error) { return free.Load(), nil },
		Writable: func(w bool) { works.Store(w) },
	})
	defer closed(t, s)

	free.Store(reserve - 1)
	eventually(t, func() bool { return !works.Load() })
	free.Store(1 << 40)
	eventually(t, works.Load)

	disk.setFault(func(op operation, _ string) error {
		if op == opWrite {
			return sqlite3.IOERR_WRITE
		}
		return nil
	})
	if _, _, err := chat.Append(t.Context(), s, message("room", 1)); err == nil {
		t.Error("Append to a disk that refuses writes = nil, want an error")
	}
	eventually(t, func() bool { return !works.Load() })
	disk.setFault(nil)
	eventually(t, works.Load)
	add(t, s, message("room", 2))
}
