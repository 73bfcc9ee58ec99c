package migrate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"chatroom/server/internal/migrate/natsfile"
)

// roomState is what is known of a room of the former store.
type roomState struct {
	events  int    // how many are there
	erased  int    // how many tombstones are
	checked int    // how many of them were checked
	last    uint64 // the last one that was checked
	evicted uint64 // the newest event that retention has dropped; those before it are, too
}

func (f *Former) room(name string) *roomState {
	r := f.rooms[name]
	if r == nil {
		r = &roomState{}
		f.rooms[name] = r
	}
	return r
}

// check follows the list that the events of each room form. Each event names the one
// before it in its room. If that was erased since, it has left a tombstone, which names
// the one before that. A named event that is not there was dropped by retention if that
// explains it, and is a finding otherwise, unless its sequence is at most told: clients
// have learned of those already.
func (f *Former) check(ctx context.Context, told uint64) error {
	for _, r := range f.rooms {
		limit := f.stream.Config.MaxPerSubject
		f.full = f.full || limit > 0 && r.events+r.erased >= limit
	}
	for m, err := range f.stream.All(ctx) {
		if err != nil {
			return err
		}
		name, _, kind := parseSubject(m.Subject)
		if kind != eventSubject {
			continue
		}
		r := f.room(name)
		f.checkEvent(name, r, m, told)
		r.last = m.Sequence
		r.checked++
	}
	for name, r := range f.rooms {
		if r.events > 0 {
			f.Rooms = append(f.Rooms, Room{Name: name, Evicted: r.evicted})
		}
	}
	slices.SortFunc(f.Rooms, func(a, b Room) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

func (f *Former) checkEvent(name string, r *roomState, m natsfile.Message, told uint64) {
	named := f.unerased(name, number(m, fieldPrevious), r.last)
	_, lastErased := f.erased[r.last]
	switch {
	case named == r.last, named < r.last && lastErased:
	case named < r.last:
		f.find(fmt.Sprintf("room %q: event %d names %d as the one before it, which is %d", name, m.Sequence, named, r.last))
	case f.mayBeEvicted(name, r, named):
		r.evicted = named
	case named > told:
		f.find(fmt.Sprintf("room %q: event %d is missing: event %d came after it", name, named, m.Sequence))
	}
}

// unerased follows tombstones from the event that one names as the one before it, down
// to one that was not erased, or to one that is not newer than downTo.
func (f *Former) unerased(room string, named, downTo uint64) uint64 {
	for named > downTo {
		t, erased := f.erased[named]
		if !erased || t.room != room || t.previous >= named {
			break
		}
		named = t.previous
	}
	return named
}

// mayBeEvicted tells whether retention explains that an event is missing before those of
// its room that are yet to be checked. After a clean stop it does at the beginning of a
// room, since the index has counted what is left. After a crash events that retention
// had dropped may be back, and some of them older than the missing one. Then a limit
// must have been reached by what came after that: the number of the room's events, with
// those that were erased since, the bytes of all events since, or the age. The first
// event of a room names the newest sequence of which nothing older was left in any room,
// so that the loss of the oldest blocks is not noticed after a crash.
func (f *Former) mayBeEvicted(room string, r *roomState, sequence uint64) bool {
	s, c := f.stream, f.stream.Config
	switch {
	case s.Complete:
		return r.last == 0
	case r.last == 0 && (sequence < s.First || f.full || c.MaxAge > 0):
		return true
	case r.last > 0 && f.wasFull(room, r.events-r.checked, sequence):
		return true
	case c.MaxBytes <= 0 || s.Messages == 0:
		return false
	}
	// The size of the events that are gone since is not known, only their number: they
	// are taken for four times as large as those that are left, tombstones among them.
	return int64(s.Given-sequence)*4*s.Bytes/int64(s.Messages) >= c.MaxBytes
}

// wasFull tells whether a room has held as many events as it may, after a sequence: those
// that are left, and those that were erased since.
func (f *Former) wasFull(room string, left int, after uint64) bool {
	limit := f.stream.Config.MaxPerSubject
	if limit <= 0 {
		return false
	}
	for erased, t := range f.erased {
		if erased > after && t.room == room {
			left++
		}
	}
	return left >= limit
}
