package roomindex

import "chatroom/server/internal/chat"

// Listing is a part of the list of all rooms that hold events, by name.
type Listing struct {
	// Version is the index's version from before the list was read: rooms that
	// have changed since are left as they are.
	Version uint64
	// After is the name after which the listing begins. Heads are the heads of all rooms
	// from there to the last one in it, by name.
	After string
	Heads []chat.RoomHead
	// Last says that there are no rooms after Heads.
	Last bool
}

// Reconcile makes the index agree with a listing: it adds heads that were not known, and
// removes those of rooms that have lost their events.
func (x *Index) Reconcile(l Listing) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var lost []*entry
	i := 0
	x.byName.Ascend(&entry{name: l.After}, func(e *entry) bool {
		for i < len(l.Heads) && l.Heads[i].Room < e.name {
			i++
		}
		if i == len(l.Heads) && !l.Last {
			return false
		}
		listed := i < len(l.Heads) && l.Heads[i].Room == e.name
		if !listed && e.head > 0 && e.name > l.After && e.version <= l.Version {
			lost = append(lost, e)
		}
		return true
	})
	for _, e := range lost {
		x.updateLocked(e, func(e *entry) bool { return e.setHead(chat.RoomHead{Counted: e.messages}) })
	}
	for _, h := range l.Heads {
		e := x.entryLocked(h.Room)
		if h.Last >= e.head || e.version <= l.Version {
			x.updateLocked(e, func(e *entry) bool { return e.setHead(h) })
		}
	}
}
