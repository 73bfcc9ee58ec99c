package sqlite

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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

// A store that is opened on a full disk says so at once.
func TestWritableAtTheStart(t *testing.T) {
	disk, works := newDisk(t, make(map[string]*image)), true
	var log bytes.Buffer
	s := start(t, Config{
		Dir: disk.dir, VFS: disk.vfs, Log: slog.New(slog.NewTextHandler(&log, nil)),
		space:    func(string) (int64, error) { return reserve - 1, nil },
		Writable: func(w bool) { works = w },
	})
	if works {
		t.Error("the store is open on a full disk, and has not told that it can't write")
	}
	closed(t, s)
	if line := "appending is refused until writing works again"; strings.Count(log.String(), line) != 1 {
		t.Errorf("the log is %q, want one line with %q", log.String(), line)
	}
}

// What fails each second is logged once a minute, each with its own line.
func TestComplain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := &writer{Store: newStore(Config{Log: slog.New(slog.NewTextHandler(&log, nil))})}
		for range 120 {
			w.complain("one", errors.New("x"))
			w.complain("two", errors.New("x"))
			time.Sleep(time.Second)
		}
		for _, message := range []string{"msg=one", "msg=two"} {
			if n := strings.Count(log.String(), message); n != 2 {
				t.Errorf("%s was logged %d times in 2 minutes, want 2", message, n)
			}
		}
	})
}
