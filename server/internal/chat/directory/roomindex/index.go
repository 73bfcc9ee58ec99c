package roomindex

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"github.com/tidwall/btree"

	"chatroom/server/internal/chat"
)

// Index holds rooms. Its methods are safe for concurrent use. Create it with New.
type Index struct {
	mu         sync.RWMutex // guards below
	byName     *btree.BTreeG[*entry]
	byActivity *btree.BTreeG[*entry]
	changed    changes
	pivot      entry // for looking up a name without allocating
}

// New returns an index of configured rooms, which are in it whether or not they hold
// anything.
func New(configured ...string) *Index {
	options := btree.Options{NoLocks: true}
	x := &Index{
		byName:     btree.NewBTreeGOptions(lessName, options),
		byActivity: btree.NewBTreeGOptions(lessActivity, options),
	}
	for _, name := range configured {
		x.update(name, func(e *entry) bool {
			e.configured = true
			return true
		})
	}
	return x
}

// SetHeads sets the heads of rooms. A head that is older than the known one of its room is
// ignored, so that heads may come in any order.
func (x *Index) SetHeads(heads ...chat.RoomHead) {
	for _, h := range heads {
		x.update(h.Room, func(e *entry) bool { return h.Last >= e.head && e.setHead(h) })
	}
}

// Append notes that an event, which may be a message, was appended to a room. It is ignored
// if the room's head is not older. The number of messages is exact again with the room's
// next head.
func (x *Index) Append(room string, sequence uint64, at time.Time, message bool) {
	x.update(room, func(e *entry) bool {
		if sequence <= e.head {
			return false
		}
		h := chat.RoomHead{Last: sequence, Time: at, Counted: e.messages}
		if message {
			h.Counted++
		}
		return e.setHead(h)
	})
}

// SetProfile sets the profile of a room. A room with a profile, even an empty one, is in
// the index until RemoveProfile.
func (x *Index) SetProfile(room string, p chat.Profile) {
	x.update(room, func(e *entry) bool {
		if e.profile != nil && *e.profile == p {
			return false
		}
		e.profile = &p
		return true
	})
}

// RemoveProfile removes the profile of a room.
func (x *Index) RemoveProfile(room string) {
	x.update(room, func(e *entry) bool {
		had := e.profile != nil
		e.profile = nil
		return had
	})
}

// SetMembers sets how many members a room has.
func (x *Index) SetMembers(room string, n int) {
	x.update(room, func(e *entry) bool {
		had := e.members
		e.members = int32(n)
		return e.members != had
	})
}

// update changes the entry of a room, which is added if there is none, and removed if it is
// empty after that. change reports whether it has changed anything.
func (x *Index) update(room string, change func(*entry) bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.updateLocked(x.entryLocked(room), change)
}

// entryLocked returns the entry of a room, or a new one that is in no tree yet.
func (x *Index) entryLocked(room string) *entry {
	x.pivot.name = room
	if e, found := x.byName.Get(&x.pivot); found {
		return e
	}
	return &entry{name: strings.Clone(room)} // room may be a part of something large
}

func (x *Index) updateLocked(e *entry, change func(*entry) bool) {
	linked, before := e.version != 0, e.active
	if !change(e) {
		return
	}
	now := e.active
	moves := now != before || !linked || e.empty()
	if linked && moves {
		e.active = before
		x.byActivity.Delete(e)
		e.active = now
	}
	if e.empty() {
		if linked {
			x.byName.Delete(e)
			x.changed.remove(e)
		}
		return
	}
	if !linked {
		x.byName.Set(e)
	}
	if moves {
		x.byActivity.Set(e)
	}
	x.changed.touch(e)
}

// Len returns how many rooms there are.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.byName.Len()
}

// pivots are entries to look for others with.
var pivots = sync.Pool{New: func() any { return new(entry) }}

// Has reports whether a room is in the index.
func (x *Index) Has(room string) bool {
	pivot := pivots.Get().(*entry)
	pivot.name = room
	x.mu.RLock()
	_, found := x.byName.Get(pivot)
	x.mu.RUnlock()
	pivot.name = ""
	pivots.Put(pivot)
	return found
}

// Find returns a room, and whether it is in the index.
func (x *Index) Find(room string) (chat.RoomInfo, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	e, found := x.byName.Get(&entry{name: room})
	if !found {
		return chat.RoomInfo{}, false
	}
	return e.info(), true
}

// entry is a room in the index.
type entry struct {
	name       string
	head       uint64
	active     int64 // RoomInfo.LastActivity as UnixMilli; 0 when there is no event
	messages   uint64
	profile    *chat.Profile // nil when there is none
	members    int32
	configured bool

	// Of changes.
	version      uint64 // when the entry changed last; 0 when it is not linked
	older, newer *entry
}

// empty reports whether an entry holds nothing that keeps its room in the index.
func (e *entry) empty() bool {
	return e.head == 0 && e.members == 0 && e.profile == nil && !e.configured
}

// setHead reports whether it has changed anything.
func (e *entry) setHead(h chat.RoomHead) bool {
	before := *e
	e.head, e.messages, e.active = h.Last, h.Counted, 0
	if h.Last > 0 {
		e.active = max(h.Time.UnixMilli(), 0)
	}
	return e.head != before.head || e.messages != before.messages || e.active != before.active
}

func (e *entry) info() chat.RoomInfo {
	r := chat.RoomInfo{Name: e.name, Head: e.head, Messages: e.messages, Members: int(e.members), Unread: -1}
	if e.head > 0 {
		r.LastActivity = time.UnixMilli(e.active).UTC()
	}
	if e.profile != nil {
		r.Profile = *e.profile
	}
	return r
}

func lessName(a, b *entry) bool { return a.name < b.name }

// lessActivity orders the newest first.
func lessActivity(a, b *entry) bool {
	return cmp.Or(cmp.Compare(b.active, a.active), strings.Compare(a.name, b.name)) < 0
}
