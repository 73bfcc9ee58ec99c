package policy

import (
	"errors"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Effect is what a Denial takes away.
type Effect uint8

const (
	// Ban takes all rights.
	Ban Effect = iota
	// Mute takes what others would see: post, react, edit_own, create and manage.
	Mute
)

func (e Effect) String() string {
	if e == Mute {
		return "mute"
	}
	return "ban"
}

func (e Effect) denies() Rights {
	if e == Mute {
		return muted
	}
	return All
}

// Denial takes rights from a member, or from the callers of an address.
type Denial struct {
	ID      string // 1 to MaxDenialID bytes; Put replaces the one with the same
	Effect  Effect
	Rooms   Pattern
	Member  string       // a member id, or
	Address netip.Prefix // an address or a network
	Until   time.Time    // when it ends; zero for never
	Reason  string
	By      string // the member id of the moderator
}

// MaxDenialID is how long the ID of a Denial may be, in bytes.
const MaxDenialID = 128

// ErrDenial is returned for a Denial that denies nothing to anyone, or has no ID.
var ErrDenial = errors.New("policy: a denial needs an id, a pattern of rooms, and either a member or an address")

// active reports whether the denial applies at a time.
func (d *Denial) active(now time.Time) bool { return d.Until.IsZero() || now.Before(d.Until) }

// Denials is the bans and mutes in force. Its zero value is empty and ready to use.
//
// A decision looks at the denials of its caller only, however many there are of others.
type Denials struct {
	changes atomic.Uint64 // grows with each change

	mu        sync.RWMutex // guards below
	byID      map[string]*Denial
	byMember  map[string][]*Denial
	byAddress map[netip.Prefix][]*Denial
	lengths   map[int]int // how many denials have an Address with so many bits
}

// Put adds a denial, or replaces the one with its ID. It returns ErrDenial.
func (ds *Denials) Put(d Denial) error {
	if d.Address.IsValid() {
		d.Address = Network(d.Address)
	}
	if d.ID == "" || len(d.ID) > MaxDenialID || d.Rooms.text == "" || d.Effect > Mute || (d.Member != "") == d.Address.IsValid() {
		return ErrDenial
	}
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.removeLocked(d.ID)
	if ds.byID == nil {
		ds.byID = make(map[string]*Denial)
		ds.byMember = make(map[string][]*Denial)
		ds.byAddress = make(map[netip.Prefix][]*Denial)
		ds.lengths = make(map[int]int)
	}
	ds.byID[d.ID] = &d
	if d.Member != "" {
		ds.byMember[d.Member] = append(ds.byMember[d.Member], &d)
	} else {
		ds.byAddress[d.Address] = append(ds.byAddress[d.Address], &d)
		ds.lengths[d.Address.Bits()]++
	}
	ds.changes.Add(1)
	return nil
}

// Remove ends a denial, and reports whether there was one.
func (ds *Denials) Remove(id string) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	removed := ds.removeLocked(id)
	if removed {
		ds.changes.Add(1)
	}
	return removed
}

// Get returns the denial with an ID.
func (ds *Denials) Get(id string) (d Denial, found bool) {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	if at := ds.byID[id]; at != nil {
		return *at, true
	}
	return Denial{}, false
}

// RemoveEnded removes the denials that have ended, and returns their IDs. They have no
// effect any more; removing them frees the memory.
func (ds *Denials) RemoveEnded(now time.Time) []string {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	var ended []string
	for id, d := range ds.byID {
		if !d.active(now) {
			ended = append(ended, id)
		}
	}
	for _, id := range ended {
		ds.removeLocked(id)
	}
	slices.Sort(ended)
	return ended
}

// All returns the denials in the order of their IDs, also those that have ended.
func (ds *Denials) All() []Denial {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	all := make([]Denial, 0, len(ds.byID))
	for _, d := range ds.byID {
		all = append(all, *d)
	}
	slices.SortFunc(all, func(a, b Denial) int { return strings.Compare(a.ID, b.ID) })
	return all
}

func (ds *Denials) removeLocked(id string) bool {
	d, found := ds.byID[id]
	if !found {
		return false
	}
	delete(ds.byID, id)
	if d.Member != "" {
		removeFrom(ds.byMember, d.Member, d)
		return true
	}
	removeFrom(ds.byAddress, d.Address, d)
	bits := d.Address.Bits()
	if ds.lengths[bits]--; ds.lengths[bits] == 0 {
		delete(ds.lengths, bits)
	}
	return true
}

func removeFrom[K comparable](index map[K][]*Denial, key K, d *Denial) {
	left := slices.DeleteFunc(index[key], func(other *Denial) bool { return other == d })
	if len(left) == 0 {
		delete(index, key)
		return
	}
	index[key] = left
}

// find returns the denial that takes a right from a caller in a room, nil if there is
// none. A ban comes before a mute, and then the one that lasts longer.
func (ds *Denials) find(c *Caller, room string, right Rights, now time.Time) *Denial {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	if len(ds.byID) == 0 {
		return nil
	}
	var found *Denial
	consider := func(candidates []*Denial) {
		for _, d := range candidates {
			if d.Effect.denies()&right != 0 && d.active(now) && d.Rooms.Match(room) && (found == nil || d.outranks(found)) {
				found = d
			}
		}
	}
	if c.Member != "" {
		consider(ds.byMember[c.Member])
	}
	for _, id := range c.Former {
		consider(ds.byMember[id])
	}
	if addr := c.Address.Unmap(); c.Kind != Key && addr.IsValid() {
		for bits := range ds.lengths {
			// With more bits than the address has, the prefix is not valid and not found.
			consider(ds.byAddress[netip.PrefixFrom(addr, bits).Masked()])
		}
	}
	return found
}

// outranks reports whether d is the one to tell the caller, of two that both apply.
func (d *Denial) outranks(other *Denial) bool {
	switch {
	case d.Effect != other.Effect:
		return d.Effect == Ban
	case !d.Until.Equal(other.Until):
		return d.Until.IsZero() || !other.Until.IsZero() && d.Until.After(other.Until)
	}
	return d.ID < other.ID
}

// Network returns a network in the form in which it is looked up: the addresses of IPv4 as
// such, and no bits beyond the length.
func Network(p netip.Prefix) netip.Prefix {
	if addr := p.Addr(); addr.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(addr.Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

// concern reports whether there is a denial that may apply to a caller, in any room. One
// that has ended counts.
func (ds *Denials) concern(c *Caller) bool {
	ds.mu.RLock()
	defer ds.mu.RUnlock()
	denied := func(id string) bool { return len(ds.byMember[id]) > 0 }
	return denied(c.Member) || len(ds.byAddress) > 0 || slices.ContainsFunc(c.Former, denied)
}
