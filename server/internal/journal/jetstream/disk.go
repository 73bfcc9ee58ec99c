package jetstream

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// syncPatience is how long readers leave it to the appender to sync.
const syncPatience = time.Second

// disk makes durable what the embedded server has written, once for a whole
// batch. The server itself can sync each event, at the rate of one caller
// whatever the concurrency, or each atomic batch, which it stages in a store of
// its own: some twenty syncs. It writes to its block files before it answers, so
// that they can be synced from here.
//
// An event is in the log a moment before it is durable. Nobody may see it then: a
// crash of the machine would take it back, and give its sequence to another.
// Whoever hands out events or sequences waits for them first.
//
// When the server compacts an older block, it renames the new file over the old
// one just before it syncs that: safe where a file system writes the one before
// the other, as ext4 does.
//
// A nil disk makes nothing durable, and waits for nothing.
type disk struct {
	blocks string // the directory of the stream's block files
	log    *slog.Logger
	fsync  func(path string) (size int64, err error) // syncFile; tests look over its shoulder

	syncing sync.Mutex // guards below; held while files are synced
	block   int        // the newest block, as far as known
	size    int64      // of that block

	mu      sync.Mutex // guards below
	synced  uint64
	failed  error         // of a sync; there is no saying what is durable after that
	changed chan struct{} // closed, and replaced, when one of the above changes
}

// blocksOf returns where an embedded server keeps the stream's block files.
func blocksOf(store string) string {
	return filepath.Join(store, "jetstream", "$G", "streams", streamName, "msgs")
}

// openDisk makes durable what is in a store, up to a sequence.
func openDisk(store string, last uint64, log *slog.Logger) (*disk, error) {
	d := &disk{
		blocks:  blocksOf(store),
		log:     log,
		fsync:   syncFile,
		synced:  last,
		changed: make(chan struct{}),
	}
	err := filepath.WalkDir(store, func(path string, _ fs.DirEntry, err error) error {
		if err == nil {
			_, err = syncFile(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err == nil {
		_, err = syncFile(filepath.Dir(store))
	}
	if err == nil {
		err = d.findBlock()
	}
	if err != nil {
		return nil, fmt.Errorf("sync the log: %w", err)
	}
	return d, nil
}

// sync makes durable what was written up to a sequence.
func (d *disk) sync(upTo uint64) error {
	if d == nil {
		return nil
	}
	d.syncing.Lock()
	defer d.syncing.Unlock()
	d.mu.Lock()
	synced, err := d.synced, d.failed
	d.mu.Unlock()
	if err != nil || upTo <= synced {
		return err
	}
	if err = d.syncBlocks(); err != nil {
		return d.fail(err)
	}
	d.settle(upTo, nil)
	return nil
}

// fail notes that the files can't be synced.
func (d *disk) fail(err error) error {
	err = fmt.Errorf("sync the log: %w", err)
	d.log.Error("the disk fails: nothing can be stored until a restart, and the newest events may be lost then", "err", err)
	d.settle(0, err)
	return err
}

func (d *disk) settle(upTo uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.synced, d.failed = max(d.synced, upTo), err
	close(d.changed)
	d.changed = make(chan struct{})
}

// syncRemoval makes durable that an event was overwritten. The server syncs the
// block that it writes anew, but not that this has taken the place of the old one,
// nor the note in the newest block that the event is gone.
func (d *disk) syncRemoval() error {
	if d == nil {
		return nil
	}
	d.syncing.Lock()
	defer d.syncing.Unlock()
	d.mu.Lock()
	err := d.failed
	d.mu.Unlock()
	if err != nil {
		return err
	}
	if err = d.syncBlocks(); err == nil {
		_, err = d.fsync(d.blocks)
	}
	if err == nil {
		return nil
	}
	return d.fail(err)
}

// wait returns when an event that is in the log is durable. The appender syncs
// what it has stored at once, except when it was not told that it has.
func (d *disk) wait(ctx context.Context, sequence uint64) error {
	if d == nil {
		return nil
	}
	var patience <-chan time.Time
	for {
		d.mu.Lock()
		settled, changed := d.synced >= sequence || d.failed != nil, d.changed
		d.mu.Unlock()
		if settled {
			return nil
		}
		if patience == nil {
			patience = time.After(syncPatience)
		}
		select {
		case <-changed:
		case <-patience:
			return d.sync(sequence)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// syncBlocks syncs the newest block, and all that have come since the last time.
func (d *disk) syncBlocks() error {
	size, err := d.fsync(d.path(d.block))
	if errors.Is(err, fs.ErrNotExist) || err == nil && size == d.size && !d.exists(d.block+1) {
		// Retention took it, and what was written is elsewhere.
		return d.syncFrom(d.block)
	}
	for err == nil && d.exists(d.block+1) {
		d.block++
		if size, err = d.fsync(d.path(d.block)); err == nil {
			_, err = d.fsync(d.blocks)
		}
	}
	d.size = size
	return err
}

// syncFrom syncs all blocks that there are from one on.
func (d *disk) syncFrom(block int) error {
	if err := d.findBlock(); err != nil {
		return err
	}
	for ; block <= d.block; block++ {
		if _, err := d.fsync(d.path(block)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	_, err := d.fsync(d.blocks)
	return err
}

// findBlock finds the newest block.
func (d *disk) findBlock() error {
	entries, err := os.ReadDir(d.blocks)
	if err != nil {
		return err
	}
	for _, e := range entries {
		number, isBlock := strings.CutSuffix(e.Name(), ".blk")
		if n, err := strconv.Atoi(number); isBlock && err == nil {
			d.block = max(d.block, n)
		}
	}
	d.size = 0
	return nil
}

func (d *disk) path(block int) string {
	return filepath.Join(d.blocks, strconv.Itoa(block)+".blk")
}

func (d *disk) exists(block int) bool {
	_, err := os.Stat(d.path(block))
	return err == nil
}

// syncFile makes a file or a directory durable, and returns its size.
func syncFile(path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if err := f.Sync(); err != nil {
		return 0, err
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
