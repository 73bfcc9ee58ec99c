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
	events  int    // events in the store
	erased  int    // tombstones in the store
	checked int    // events that were checked
	last    uint64 // the last event that was checked
	evicted uint64 // the newest event that retention has dropped; it has dropped all before it, too
}

func (f *Former) room(name string) *roomState {
	r := f.rooms[name]
	if r == nil {
		r = &roomState{}
		f.rooms[name] = r
	}
	return r
}

// check follows the list that the events of each room form: each event has the sequence of
// its predecessor in the room. An erased predecessor has left a tombstone with the sequence of
// its own predecessor. A predecessor that is missing is a finding unless retention may have
// dropped it, or its sequence is at most reported: clients know of those losses already.
func (f *Former) check(ctx context.Context, reported uint64) error {
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
		f.checkEvent(name, r, m, reported)
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

func (f *Former) checkEvent(name string, r *roomState, m natsfile.Message, reported uint64) {
	named := f.unerased(name, number(m, fieldPrevious), r.last)
	_, lastErased := f.erased[r.last]
	switch {
	case named == r.last, named < r.last && lastErased:
	case named < r.last:
		f.find(fmt.Sprintf("room %q: event %d has %d as its predecessor, which is %d", name, m.Sequence, named, r.last))
	case f.mayBeEvicted(name, r, named):
		r.evicted = named
	case named > reported:
		f.find(fmt.Sprintf("room %q: event %d is missing, the predecessor of event %d", name, named, m.Sequence))
	}
}

// unerased follows tombstones from a predecessor down to one that was not erased, or that is
// not newer than downTo.
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

// mayBeEvicted reports whether retention explains that an event is missing before the
// unchecked events of its room. After a clean stop it does at the beginning of a
// room, since the index has counted the remaining events. After a crash events that retention
// had dropped may be in the files again, some of them older than the missing one. Then a limit
// must have been reached by what came after that: the number of the room's events, with
// those that were erased since, the bytes of all events since, or the age. The first
// event of a room has no predecessor in the files, so the loss of the oldest blocks is not
// noticed after a crash.
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
	// Only the number of the events that were removed since is known. Their size is estimated
	// as four times that of the remaining messages, tombstones included.
	return int64(s.Given-sequence)*4*s.Bytes/int64(s.Messages) >= c.MaxBytes
}

// wasFull reports whether a room has held its maximum of events after a sequence: the
// remaining ones, and those that were erased since.
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
