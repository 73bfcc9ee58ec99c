package roomindex

import (
	"slices"

	"chatroom/server/internal/chat"
)

// maxRemoved bounds the removed rooms that are remembered.
const maxRemoved = 1_000

// Changes is how an index has changed since a version of it.
type Changes struct {
	// Version is that of the index at this moment: the next call is since it.
	Version uint64
	// Rooms are the rooms that have changed, as they are now, the one that changed
	// last first.
	Rooms []chat.RoomInfo
	// Removed are the names of rooms that were removed, the last one first.
	Removed []string
	// Incomplete says that more has changed than the limit allows, or than is
	// remembered.
	Incomplete bool
}

// Version returns the index's version, which grows with each change.
func (x *Index) Version() uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.changed.version
}

// Changes returns what has changed since a version: at most limit rooms, and at most
// limit removed ones. It costs what it returns, and what is remembered of removed ones.
func (x *Index) Changes(since uint64, limit int) Changes {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c := Changes{Version: x.changed.version, Incomplete: since < x.changed.forgotten}
	for e := x.changed.newest; e != nil && e.version > since; e = e.older {
		if len(c.Rooms) == limit {
			c.Incomplete = true
			break
		}
		c.Rooms = append(c.Rooms, e.info())
	}
	for _, r := range slices.Backward(x.changed.removed) {
		if r.version <= since {
			break
		}
		if _, again := x.byName.Get(&entry{name: r.name}); again || slices.Contains(c.Removed, r.name) {
			continue
		}
		if len(c.Removed) == limit {
			c.Incomplete = true
			break
		}
		c.Removed = append(c.Removed, r.name)
	}
	return c
}

// changes is the order in which rooms have changed.
type changes struct {
	version   uint64    // of the newest change
	newest    *entry    // the head of a list of all entries, by version
	removed   []removal // by version, maxRemoved at most
	forgotten uint64    // the version of the newest removal that was dropped
}

type removal struct {
	name    string
	version uint64
}

// touch makes an entry the newest.
func (c *changes) touch(e *entry) {
	c.version++
	if e.version != 0 {
		c.unlink(e)
	}
	e.version = c.version
	if e.older = c.newest; e.older != nil {
		e.older.newer = e
	}
	c.newest = e
}

// remove takes an entry out, and remembers its name.
func (c *changes) remove(e *entry) {
	c.version++
	c.unlink(e)
	e.version = 0
	if len(c.removed) == maxRemoved {
		// Half at once: moving the rest for each removal would cost more.
		c.forgotten = c.removed[maxRemoved/2-1].version
		c.removed = slices.Delete(c.removed, 0, maxRemoved/2)
	}
	c.removed = append(c.removed, removal{e.name, c.version})
}

func (c *changes) unlink(e *entry) {
	if e.older != nil {
		e.older.newer = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		c.newest = e.older
	}
	e.older, e.newer = nil, nil
}
