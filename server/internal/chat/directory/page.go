package directory

import (
	"time"

	"github.com/tidwall/btree"
)

// Position is a place in the order by activity: that of a room with this name and
// this last activity, whether or not there is one.
type Position struct {
	LastActivity time.Time // zero for a room without events
	Name         string
}

// Position returns the place of a room in the order by activity.
func (r Room) Position() Position { return Position{r.LastActivity, r.Name} }

// ByName returns the rooms that come after a name, in the order of the names' bytes,
// at most limit of them, and whether there are more. The first page is after "".
func (d *Directory) ByName(after string, limit int) (rooms []Room, more bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return page(d.byName, &entry{name: after}, limit)
}

// ByActivity returns the rooms that come after a position, the newest activity
// first, at most limit of them, and whether there are more. Rooms with the same
// last activity are in the order of their names, and rooms without events come last.
// A nil position is before the first room.
func (d *Directory) ByActivity(after *Position, limit int) (rooms []Room, more bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if after == nil {
		return page(d.byActivity, nil, limit)
	}
	pivot := &entry{name: after.Name}
	if !after.LastActivity.IsZero() {
		pivot.active = after.LastActivity.UnixMilli()
	}
	return page(d.byActivity, pivot, limit)
}

// page returns what comes after a pivot, or from the first entry on if that is nil.
func page(tree *btree.BTreeG[*entry], pivot *entry, limit int) (rooms []Room, more bool) {
	if limit <= 0 {
		return nil, false
	}
	rooms = make([]Room, 0, min(limit, tree.Len()))
	take := func(e *entry) bool {
		switch {
		case pivot != nil && !tree.Less(pivot, e):
			return true
		case len(rooms) == limit:
			more = true
			return false
		}
		rooms = append(rooms, e.room())
		return true
	}
	if pivot == nil {
		tree.Scan(take)
	} else {
		tree.Ascend(pivot, take)
	}
	return rooms, more
}
