package directory

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/btree"
)

// Room is a room at one moment.
type Room struct {
	Name         string
	Head         uint64    // the newest event's sequence, 0 when there is none
	LastActivity time.Time // when that was stored, in milliseconds; zero when there is none
	Messages     uint64    // how many messages were ever stored in it
	Members      int
	Profile      Profile
}

// Profile is how a room presents itself.
type Profile struct {
	DisplayName string
	Topic       string
}

// Head is where a room's log stands.
type Head struct {
	Room     string
	Last     uint64    // the newest event's sequence
	Time     time.Time // when that was stored; kept in milliseconds
	Messages uint64    // how many messages were ever stored in the room
}

// Directory is the rooms of a service. Its methods are safe for concurrent use.
// Create it with New.
type Directory struct {
	mu         sync.RWMutex // guards below
	byName     *btree.BTreeG[*entry]
	byActivity *btree.BTreeG[*entry]
	changed    changes
	pivot      entry // for looking up a name without allocating
}

// New returns a directory of rooms that are in it whether or not they hold anything.
func New(configured ...string) *Directory {
	options := btree.Options{NoLocks: true}
	d := &Directory{
		byName:     btree.NewBTreeGOptions(lessName, options),
		byActivity: btree.NewBTreeGOptions(lessActivity, options),
	}
	for _, name := range configured {
		d.update(name, func(e *entry) bool {
			e.configured = true
			return true
		})
	}
	return d
}

// SetHeads says where the logs of rooms stand. A head that is older than the one
// that is known of its room is ignored, so that heads may come in any order.
func (d *Directory) SetHeads(heads ...Head) {
	for _, h := range heads {
		d.update(h.Room, func(e *entry) bool { return h.Last >= e.head && e.setHead(h) })
	}
}

// Append says that an event was appended to a room, and whether it is a message. It
// is ignored if the room's head is not older. The number of messages is exact again
// with the next head of the room.
func (d *Directory) Append(room string, sequence uint64, at time.Time, message bool) {
	d.update(room, func(e *entry) bool {
		if sequence <= e.head {
			return false
		}
		h := Head{Last: sequence, Time: at, Messages: e.messages}
		if message {
			h.Messages++
		}
		return e.setHead(h)
	})
}

// SetProfile says how a room presents itself. A room with a profile, an empty one
// too, is in the directory until RemoveProfile.
func (d *Directory) SetProfile(room string, p Profile) {
	d.update(room, func(e *entry) bool {
		if e.profile != nil && *e.profile == p {
			return false
		}
		e.profile = &p
		return true
	})
}

// RemoveProfile takes the profile of a room away.
func (d *Directory) RemoveProfile(room string) {
	d.update(room, func(e *entry) bool {
		had := e.profile != nil
		e.profile = nil
		return had
	})
}

// SetMembers says how many members a room has.
func (d *Directory) SetMembers(room string, n int) {
	d.update(room, func(e *entry) bool {
		had := e.members
		e.members = int32(n)
		return e.members != had
	})
}

// update changes the entry of a room, which is made if there is none, and removed if
// it holds nothing. change says whether it has changed anything.
func (d *Directory) update(room string, change func(*entry) bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.updateLocked(d.entryLocked(room), change)
}

// entryLocked returns the entry of a room, or one that is in no tree yet.
func (d *Directory) entryLocked(room string) *entry {
	d.pivot.name = room
	if e, found := d.byName.Get(&d.pivot); found {
		return e
	}
	return &entry{name: strings.Clone(room)} // room may be a part of something large
}

func (d *Directory) updateLocked(e *entry, change func(*entry) bool) {
	linked, before := e.version != 0, e.active
	if !change(e) {
		return
	}
	now := e.active
	moves := now != before || !linked || e.empty()
	if linked && moves {
		e.active = before
		d.byActivity.Delete(e)
		e.active = now
	}
	if e.empty() {
		if linked {
			d.byName.Delete(e)
			d.changed.remove(e)
		}
		return
	}
	if !linked {
		d.byName.Set(e)
	}
	if moves {
		d.byActivity.Set(e)
	}
	d.changed.touch(e)
}

// Len returns how many rooms there are.
func (d *Directory) Len() int {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byName.Len()
}

// Find returns a room, and whether it is in the directory.
func (d *Directory) Find(room string) (Room, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	e, found := d.byName.Get(&entry{name: room})
	if !found {
		return Room{}, false
	}
	return e.room(), true
}

// entry is what the directory holds of a room.
type entry struct {
	name       string
	head       uint64
	active     int64 // Room.LastActivity as UnixMilli; 0 when there is no event
	messages   uint64
	profile    *Profile // nil when there is none
	members    int32
	configured bool

	// Of changes.
	version      uint64 // when the entry changed last; 0 when it is not linked
	older, newer *entry
}

// empty says whether an entry holds nothing that keeps its room in the directory.
func (e *entry) empty() bool {
	return e.head == 0 && e.members == 0 && e.profile == nil && !e.configured
}

// setHead says whether it has changed anything.
func (e *entry) setHead(h Head) bool {
	before := *e
	e.head, e.messages, e.active = h.Last, h.Messages, 0
	if h.Last > 0 {
		e.active = max(h.Time.UnixMilli(), 0)
	}
	return e.head != before.head || e.messages != before.messages || e.active != before.active
}

func (e *entry) room() Room {
	r := Room{Name: e.name, Head: e.head, Messages: e.messages, Members: int(e.members)}
	if e.head > 0 {
		r.LastActivity = time.UnixMilli(e.active).UTC()
	}
	if e.profile != nil {
		r.Profile = *e.profile
	}
	return r
}

func lessName(a, b *entry) bool { return a.name < b.name }

// lessActivity has the newest first.
func lessActivity(a, b *entry) bool {
	return cmp.Or(cmp.Compare(b.active, a.active), strings.Compare(a.name, b.name)) < 0
}
