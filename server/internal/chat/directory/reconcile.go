package directory

// Listing is a part of a list of all rooms that hold events, by name.
type Listing struct {
	// Version is the directory's version from before the list was read: rooms that
	// have changed since are left as they are.
	Version uint64
	// After is the name that the rooms of the listing come after, Heads are all that
	// there are up to the last of them, by name.
	After string
	Heads []Head
	// Last says that no rooms come after Heads.
	Last bool
}

// Reconcile makes the directory agree with a listing: with heads that were not known,
// and without those of rooms that have lost their events.
func (d *Directory) Reconcile(l Listing) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var lost []*entry
	i := 0
	d.byName.Ascend(&entry{name: l.After}, func(e *entry) bool {
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
		d.updateLocked(e, func(e *entry) bool { return e.setHead(Head{Messages: e.messages}) })
	}
	for _, h := range l.Heads {
		e := d.entryLocked(h.Room)
		if h.Last >= e.head || e.version <= l.Version {
			d.updateLocked(e, func(e *entry) bool { return e.setHead(h) })
		}
	}
}
