package jetstream

import (
	"cmp"
	"container/list"
	"slices"
	"time"

	"chatroom/server/internal/chat"
)

// entry is what the index knows of a stored event: 24 bytes.
type entry struct {
	sequence uint64
	target   uint64
	author   uint32 // see authorNumber
	relation chat.Relation
	flags    uint8
}

const (
	isCounted = 1 << iota
	isHidden  // erased, or about to be
)

func (e entry) counted() bool { return e.flags&isCounted != 0 }
func (e entry) hidden() bool  { return e.flags&isHidden != 0 }

const (
	entryBytes = 24
	// roomBytes is what a room takes in memory beside its name and its entries.
	roomBytes = 512
)

// room is what this node knows of a room. All fields are guarded by Store.mu.
type room struct {
	name       string
	subject    string
	load       chan struct{} // capacity 1: held while older entries are loaded
	tails      []*tail
	lruElement *list.Element // in Store.recent

	// countsKnown says that counts, and newest, are those of the newest event.
	countsKnown bool
	counts      roomCounts
	newest      time.Time // when counts.through was stored

	// entries are all events from floor on, in order; complete says that there are
	// none before.
	entries  []entry
	floor    uint64
	complete bool
	deleted  map[uint64]struct{} // targets of the deletions among entries
	evicted  uint64              // the newest event that retention is known to have dropped, or a bound above it
	lossless bool                // nothing was dropped before the oldest entry when that was loaded
	purged   uint64              // up to where the server was told to drop events
	grown    int                 // bytes of events that were received since the room was added
}

func (r *room) bytes() int {
	return roomBytes + len(r.name) + entryBytes*cap(r.entries) + 16*len(r.deleted)
}

// search returns the index of the first entry that is not before a sequence.
func (r *room) search(sequence uint64) (int, bool) {
	return slices.BinarySearchFunc(r.entries, sequence, func(e entry, sequence uint64) int {
		return cmp.Compare(e.sequence, sequence)
	})
}

// after returns the index of the first retained entry after a sequence.
func (r *room) after(sequence uint64) int {
	at, found := r.search(max(sequence, r.evicted))
	if found {
		at++
	}
	return at
}

// visible returns the newest visible entries before the index end, at most limit,
// in order.
func (r *room) visibleBefore(end, limit int) []entry {
	var page []entry
	for at, oldest := end-1, r.after(0); at >= oldest && len(page) < limit; at-- {
		if !r.entries[at].hidden() {
			page = append(page, r.entries[at])
		}
	}
	slices.Reverse(page)
	return page
}

// visibleFrom returns the oldest visible entries from the index start on, at most
// limit, in order.
func (r *room) visibleFrom(start, limit int) []entry {
	var page []entry
	for at := start; at < len(r.entries) && len(page) < limit; at++ {
		if !r.entries[at].hidden() {
			page = append(page, r.entries[at])
		}
	}
	return page
}

// previous returns the event before one, also if retention has dropped it, or
// otherwise if the index does not have it.
func (r *room) previous(sequence, otherwise uint64) uint64 {
	at, found := r.search(sequence)
	if !found {
		return otherwise
	}
	for at--; at >= 0; at-- {
		if !r.entries[at].hidden() {
			return r.entries[at].sequence
		}
	}
	if r.complete && r.evicted == 0 {
		return 0
	}
	return otherwise
}

// last returns the newest visible event, 0 when there is none in the index.
func (r *room) last() uint64 {
	if page := r.visibleBefore(len(r.entries), 1); len(page) > 0 {
		return page[0].sequence
	}
	return 0
}

// newestVisible returns up to limit of the newest visible events, in order, and
// 0 before the room's first.
func (r *room) newestVisible(limit int) (sequences []uint64) {
	page := r.visibleBefore(len(r.entries), limit)
	if len(page) < limit && r.complete || len(page) == 0 {
		sequences = append(sequences, 0)
	}
	for _, e := range page {
		sequences = append(sequences, e.sequence)
	}
	return sequences
}

// append adds the newest event, and returns what it hides.
func (r *room) append(e entry) (hidden []uint64) {
	if e.sequence < r.floor {
		return nil
	}
	r.entries = append(r.entries, e)
	at := len(r.entries) - 1
	switch e.relation {
	case chat.Erases:
		r.delete(e.target)
		return r.hideFrom(e.target)
	case chat.Revises:
		if r.hides(e.target) {
			r.entries[at].flags |= isHidden
			return []uint64{e.sequence}
		}
	}
	return nil
}

func (r *room) delete(target uint64) {
	if r.deleted == nil {
		r.deleted = make(map[uint64]struct{})
	}
	r.deleted[target] = struct{}{}
}

// hides reports whether an event is deleted, or revises one that is.
func (r *room) hides(sequence uint64) bool {
	if _, deleted := r.deleted[sequence]; deleted {
		return true
	}
	at, found := r.search(sequence)
	return found && r.entries[at].hidden()
}

// hideFrom hides what the deletions hide from a sequence on, and returns what was
// not hidden before. Whatever revises an event comes after it.
func (r *room) hideFrom(sequence uint64) (hidden []uint64) {
	start, _ := r.search(sequence)
	for at := start; at < len(r.entries); at++ {
		e := &r.entries[at]
		if e.hidden() {
			continue
		}
		_, deleted := r.deleted[e.sequence]
		if deleted || e.relation == chat.Revises && r.hides(e.target) {
			e.flags |= isHidden
			hidden = append(hidden, e.sequence)
		}
	}
	return hidden
}

// prepend adds all events from a sequence up to the floor, and returns what is
// hidden of what it has added, or by that.
func (r *room) prepend(from uint64, older []entry) (hidden []uint64) {
	for _, e := range older {
		if e.relation == chat.Erases {
			r.delete(e.target)
		}
	}
	r.entries = slices.Concat(older, r.entries)
	r.floor = from
	return r.hideFrom(from)
}

// forget drops the index, except for what is still to come.
func (r *room) forget(floor uint64) {
	r.entries, r.deleted, r.complete, r.lossless = nil, nil, false, false
	r.floor = floor
}
