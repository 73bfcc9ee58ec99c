package reference

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	chatv1 "chatroom/gen/chat/v1"
)

// cursor is a position in the log of a room.
type cursor struct {
	Epoch    string
	Sequence uint64
}

// cursors are the cursors of all rooms, and a file that outlives the process.
type cursors struct {
	file   string
	shared bool // SharedCursor

	mu     sync.Mutex // guards below
	byRoom map[string]cursor
}

func openCursors(directory string, shared bool) (*cursors, error) {
	c := &cursors{file: filepath.Join(directory, "cursors.json"), shared: shared, byRoom: make(map[string]cursor)}
	encoded, err := os.ReadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return nil, err
	}
	return c, json.Unmarshal(encoded, &c.byRoom)
}

// get returns the cursor of a room, and whether there is one.
func (c *cursors) get(room string) (cursor, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.byRoom[room]
	return at, ok
}

// set keeps the cursor of a room. It replaces the file by renaming, so that a process that
// is killed leaves the old one or the new one.
func (c *cursors) set(room string, at cursor) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byRoom[room] = at
	if c.shared {
		for other := range c.byRoom {
			c.byRoom[other] = at
		}
	}
	encoded, err := json.Marshal(c.byRoom)
	if err != nil {
		return err
	}
	if err := os.WriteFile(c.file+".new", encoded, 0o600); err != nil {
		return err
	}
	return os.Rename(c.file+".new", c.file)
}

func (c *cursors) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.byRoom)
}

// subscription returns the start of a room: after its cursor, or live.
func (c *cursors) subscription(room string) *chatv1.Subscription {
	s := &chatv1.Subscription{Room: room}
	if at, ok := c.get(room); ok {
		s.Start = &chatv1.Subscription_After{After: &chatv1.Cursor{Epoch: at.Epoch, Sequence: at.Sequence}}
	}
	return s
}
