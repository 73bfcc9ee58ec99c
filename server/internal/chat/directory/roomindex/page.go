package roomindex

import (
	"time"

	"github.com/tidwall/btree"

	"chatroom/server/internal/chat"
)

// Position is a position in the order by activity: that of a room with this name and this
// last activity, whether or not there is one.
type Position struct {
	LastActivity time.Time // zero for a room without events
	Name         string
}

// ByName returns the rooms that come after a name, in the order of the names' bytes,
// at most limit of them, and whether there are more. The first page is after "".
func (x *Index) ByName(after string, limit int) (rooms []chat.RoomInfo, more bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return page(x.byName, &entry{name: after}, limit)
}

// ByActivity returns the rooms that come after a position, the newest activity
// first, at most limit of them, and whether there are more. Rooms with the same
// last activity are in the order of their names, and rooms without events come last.
// A nil position is before the first room.
func (x *Index) ByActivity(after *Position, limit int) (rooms []chat.RoomInfo, more bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if after == nil {
		return page(x.byActivity, nil, limit)
	}
	pivot := &entry{name: after.Name}
	if !after.LastActivity.IsZero() {
		pivot.active = after.LastActivity.UnixMilli()
	}
	return page(x.byActivity, pivot, limit)
}

// page returns what comes after a pivot, or from the first entry on if that is nil.
func page(tree *btree.BTreeG[*entry], pivot *entry, limit int) (rooms []chat.RoomInfo, more bool) {
	if limit <= 0 {
		return nil, false
	}
	rooms = make([]chat.RoomInfo, 0, min(limit, tree.Len()))
	visit := func(e *entry) bool {
		switch {
		case pivot != nil && !tree.Less(pivot, e):
			return true
		case len(rooms) == limit:
			more = true
			return false
		}
		rooms = append(rooms, e.info())
		return true
	}
	if pivot == nil {
		tree.Scan(visit)
	} else {
		tree.Ascend(pivot, visit)
	}
	return rooms, more
}
