package client

import (
	"context"
	"maps"
	"sync"

	chatv1 "chatroom/gen/chat/v1"
)

// Cursor is a position in a room's log: everything up to and including Sequence has
// been seen. A stored Cursor lets another process resume: see After and Resume.
type Cursor struct {
	Epoch    string // identifies the log that Sequence belongs to
	Sequence uint64 // 0 is before the first event
}

func (c Cursor) proto() *chatv1.Cursor {
	return &chatv1.Cursor{Epoch: c.Epoch, Sequence: c.Sequence}
}

// CursorStore keeps how far rooms were handled, for Resume. Its methods are called by
// one goroutine of each Feed.
type CursorStore interface {
	// Load returns the cursor of a room, and whether there is one.
	Load(ctx context.Context, room string) (Cursor, bool, error)
	// Save replaces the cursors of rooms by name. When it returns nil, they are as
	// durable as the store promises; with an error, none or some are replaced.
	Save(ctx context.Context, cursors map[string]Cursor) error
}

// MemoryCursors is a CursorStore that lasts as long as the process. The zero value is
// empty and ready to use. It is safe for concurrent use.
type MemoryCursors struct {
	mu      sync.Mutex // guards below
	cursors map[string]Cursor
}

// Load implements CursorStore.
func (m *MemoryCursors) Load(_ context.Context, room string) (Cursor, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c, ok := m.cursors[room]
	return c, ok, nil
}

// Save implements CursorStore.
func (m *MemoryCursors) Save(_ context.Context, cursors map[string]Cursor) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.cursors == nil {
		m.cursors = make(map[string]Cursor)
	}
	maps.Copy(m.cursors, cursors)
	return nil
}
