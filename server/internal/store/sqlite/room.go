package sqlite

import (
	"cmp"
	"slices"
	"time"

	"chatroom/server/internal/chat"
)

// overhead is what an event counts against Config.Bytes beside its payload, in bytes: its row
// and its index entries.
const overhead = 128

// countedFlag is set in the flags of a Counted event. The bits below are its
// relation.
const countedFlag = 8

// entry is an event without its payload.
type entry struct {
	seq    uint64
	target uint64
	n      uint64 // how many Counted events the room had, this one included
	at     int64  // Unix milliseconds
	author int64
	size   int64 // with overhead
	flags  int64
}

func (e entry) counted() bool           { return e.flags&countedFlag != 0 }
func (e entry) relation() chat.Relation { return chat.Relation(e.flags &^ countedFlag) }

// room is what is in memory of a room. Only the writer changes it, while it holds Store.mu; it
// reads without the lock.
type room struct {
	id   int64
	name string

	first, last uint64 // the oldest and the newest retained event, 0 for none
	evicted     uint64 // the newest event that retention dropped
	events      int    // how many are retained
	bytes       int64  // their size, with overhead
	counted     uint64 // how many Counted events were ever stored
	erased      uint64 // a bound above how many of them were ever erased
	oldest      int64  // a time before first was stored, Unix milliseconds
	newest      int64  // when last was stored, Unix milliseconds
	// unindexed holds the retained events that are not in the indexes yet. They are
	// newer than all that are.
	unindexed []entry

	// Used by the writer alone.
	staged  stagedRoom
	dirty   bool   // appended to since the indexer's batch began
	through uint64 // of the row in rooms
	buried  uint64 // all evicted events up to it are overwritten
	// victims are the oldest events in the indexes, as far as they were looked up.
	victims []victim
	// heap is the room's index in retention.largest, -1 if it is not in it.
	heap int
}

// stagedRoom is a room within the writer's transaction.
type stagedRoom struct {
	active    bool   // the room is among transaction.rooms
	first     bool   // the oldest retained event is erased
	last      uint64 // the newest retained event
	events    int    // how many are retained
	counted   uint64 // how many Counted events were ever stored
	evicted   uint64 // the newest event that retention drops
	evictions int    // how many it drops
}

func bySequence(e entry, seq uint64) int { return cmp.Compare(e.seq, seq) }

// find returns an event that is not in the indexes yet.
func (r *room) find(seq uint64) (entry, bool) {
	i, ok := slices.BinarySearchFunc(r.unindexed, seq, bySequence)
	if !ok {
		return entry{}, false
	}
	return r.unindexed[i], true
}

// after returns the unindexed events after a sequence.
func (r *room) after(seq uint64) []entry {
	i, ok := slices.BinarySearchFunc(r.unindexed, seq, bySequence)
	if ok {
		i++
	}
	return r.unindexed[i:]
}

// before returns the unindexed events before a sequence.
func (r *room) before(seq uint64) []entry {
	i, _ := slices.BinarySearchFunc(r.unindexed, seq, bySequence)
	return r.unindexed[:i]
}

// indexedBefore returns the sequence below which the room's events are in the
// indexes.
func (r *room) indexedBefore() uint64 {
	if len(r.unindexed) == 0 {
		return maxSequence
	}
	return r.unindexed[0].seq
}

// add makes an event the room's newest.
func (r *room) add(e entry) {
	r.unindexed = append(r.unindexed, e)
	if r.first == 0 {
		r.first, r.oldest = e.seq, e.at
	}
	r.last, r.newest = e.seq, e.at
	r.events++
	r.bytes += e.size
}

// forget removes an event that was erased. The caller corrects first.
func (r *room) forget(e entry) {
	if i, ok := slices.BinarySearchFunc(r.unindexed, e.seq, bySequence); ok {
		r.unindexed = slices.Delete(r.unindexed, i, i+1)
	}
	r.victims = slices.DeleteFunc(r.victims, func(v victim) bool { return v.seq == e.seq })
	r.events--
	r.bytes -= e.size
	if e.counted() {
		r.erased++
	}
}

// head returns where the room's log stands, without its epoch.
func (r *room) head() chat.Head {
	return chat.Head{First: r.first, Last: r.last, Evicted: r.evicted}
}

// roomHead returns the room's newest event.
func (r *room) roomHead() chat.RoomHead {
	return chat.RoomHead{Room: r.name, Last: r.last, Time: time.UnixMilli(r.newest), Counted: r.counted}
}
