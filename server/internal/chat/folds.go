package chat

import (
	"sync"
	"time"
)

// foldBytes bounds what all folds hold together, roughly. Those that were asked
// last stay.
const foldBytes = 64 << 20

// folds are the rooms whose messages were asked for.
type folds struct {
	mu    sync.Mutex // guards below; taken before that of a fold
	rooms map[string]*fold
	size  int // of all, in bytes, roughly
}

// get returns the fold of a room; a new one is empty, and stands at the end of the
// log. One of another epoch is of no use any more.
func (fs *folds) get(room string, head Head) *fold {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f := fs.rooms[room]
	if f != nil && f.epoch != head.Epoch {
		fs.dropLocked(f)
		f = nil
	}
	if f == nil {
		f = &fold{
			room: room, epoch: head.Epoch, counted: sizeOfTarget,
			from: head.Last + 1, through: head.Last, targets: make(map[uint64]*changed),
		}
		if fs.rooms == nil {
			fs.rooms = make(map[string]*fold)
		}
		fs.rooms[room] = f
		fs.size += f.counted
	}
	f.used = time.Now()
	return f
}

// grown counts what a fold has grown by, and forgets others if that is too much,
// those first that were not asked for the longest.
func (fs *folds) grown(f *fold) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.rooms[f.room] != f {
		return // forgotten meanwhile
	}
	f.mu.Lock()
	size := sizeOfTarget + f.size
	f.mu.Unlock()
	fs.size += size - f.counted
	f.counted = size
	for fs.size > foldBytes && len(fs.rooms) > 1 {
		oldest := f
		for _, other := range fs.rooms {
			if other.used.Before(oldest.used) {
				oldest = other
			}
		}
		fs.dropLocked(oldest)
	}
}

func (fs *folds) dropLocked(f *fold) {
	fs.size -= f.counted
	delete(fs.rooms, f.room)
}
