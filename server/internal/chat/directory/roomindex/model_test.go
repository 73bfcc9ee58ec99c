package roomindex_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory/roomindex"
)

// model is what an index must hold, without any of its structure.
type model struct {
	*roomindex.Index
	rooms   map[string]modelRoom
	removed map[string]uint64 // the version at which a room was last removed
	// versions are those after each step: one step may change several rooms, and the
	// model does not know in which order.
	versions []uint64
}

type modelRoom struct {
	chat.RoomInfo
	profiled, configured bool
	version              uint64 // at which it last changed
}

func (r modelRoom) empty() bool {
	return r.Head == 0 && r.Members == 0 && !r.profiled && !r.configured
}

// change applies to the model what was just applied to the index.
func (m *model) change(name string, change func(*modelRoom)) {
	before, known := m.rooms[name]
	after := before
	after.Name, after.Unread = name, -1
	change(&after)
	if known && after == before || !known && after.empty() {
		return
	}
	after.version = m.Version()
	if after.empty() {
		delete(m.rooms, name)
		m.removed[name] = after.version
		return
	}
	m.rooms[name] = after
}

func (r *modelRoom) setHead(h chat.RoomHead) {
	r.Head, r.Messages, r.LastActivity = h.Last, h.Counted, time.Time{}
	if h.Last > 0 {
		r.LastActivity = h.Time
	}
}

func (m *model) byName() []chat.RoomInfo {
	var rooms []chat.RoomInfo
	for _, name := range slices.Sorted(maps.Keys(m.rooms)) {
		rooms = append(rooms, m.rooms[name].RoomInfo)
	}
	return rooms
}

func (m *model) byActivity() []chat.RoomInfo {
	rooms := m.byName()
	slices.SortStableFunc(rooms, func(a, b chat.RoomInfo) int { return b.LastActivity.Compare(a.LastActivity) })
	return rooms
}

var (
	names  = rapid.Map(rapid.IntRange(0, 30), func(i int) string { return fmt.Sprintf("room-%02d", i) })
	times  = rapid.Map(rapid.Int64Range(1, 20), func(ms int64) time.Time { return time.UnixMilli(ms).UTC() })
	limits = rapid.IntRange(1, 12)
)

func drawHead(t *rapid.T, name string) chat.RoomHead {
	return chat.RoomHead{
		Room: name, Last: rapid.Uint64Range(1, 50).Draw(t, "last"), Time: times.Draw(t, "time"),
		Counted: rapid.Uint64Range(0, 9).Draw(t, "messages"),
	}
}

// An index holds what a plain map would, in both orders and on pages of any size.
func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &model{Index: roomindex.New("room-03", "room-07"), rooms: make(map[string]modelRoom), removed: make(map[string]uint64)}
		for i, name := range []string{"room-03", "room-07"} {
			m.rooms[name] = modelRoom{RoomInfo: chat.RoomInfo{Name: name, Unread: -1}, configured: true, version: uint64(i + 1)}
		}
		t.Repeat(map[string]func(*rapid.T){
			"SetHeads": func(t *rapid.T) {
				head := drawHead(t, names.Draw(t, "room"))
				m.SetHeads(head)
				m.change(head.Room, func(r *modelRoom) {
					if head.Last >= r.Head {
						r.setHead(head)
					}
				})
			},
			"Append": func(t *rapid.T) {
				head, message := drawHead(t, names.Draw(t, "room")), rapid.Bool().Draw(t, "message")
				m.Append(head.Room, head.Last, head.Time, message)
				m.change(head.Room, func(r *modelRoom) {
					if head.Last <= r.Head {
						return
					}
					if head.Counted = r.Messages; message {
						head.Counted++
					}
					r.setHead(head)
				})
			},
			"SetProfile": func(t *rapid.T) {
				name, p := names.Draw(t, "room"), chat.Profile{Topic: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "topic")}
				m.SetProfile(name, p)
				m.change(name, func(r *modelRoom) { r.Profile, r.profiled = p, true })
			},
			"RemoveProfile": func(t *rapid.T) {
				name := names.Draw(t, "room")
				m.RemoveProfile(name)
				m.change(name, func(r *modelRoom) { r.Profile, r.profiled = chat.Profile{}, false })
			},
			"SetMembers": func(t *rapid.T) {
				name, n := names.Draw(t, "room"), rapid.IntRange(0, 2).Draw(t, "members")
				m.SetMembers(name, n)
				m.change(name, func(r *modelRoom) { r.Members = n })
			},
			"Reconcile": m.reconcile,
			"":          m.check,
		})
	})
}

// reconcile applies a listing that was read at an earlier version.
func (m *model) reconcile(t *rapid.T) {
	listing := roomindex.Listing{
		Version: rapid.SampledFrom(m.versions).Draw(t, "version"),
		Last:    rapid.Bool().Draw(t, "last"),
	}
	if rapid.Bool().Draw(t, "not the first page") {
		listing.After = names.Draw(t, "after")
	}
	for _, name := range slices.Sorted(slices.Values(rapid.SliceOfDistinct(names, rapid.ID).Draw(t, "rooms"))) {
		if name > listing.After {
			listing.Heads = append(listing.Heads, drawHead(t, name))
		}
	}
	listed := make(map[string]chat.RoomHead)
	for _, h := range listing.Heads {
		listed[h.Room] = h
	}
	within := func(name string) bool {
		return name > listing.After && (listing.Last || len(listing.Heads) > 0 && name <= listing.Heads[len(listing.Heads)-1].Room)
	}
	m.Reconcile(listing)
	for name, r := range m.rooms {
		if _, found := listed[name]; !found && r.version <= listing.Version && within(name) {
			m.change(name, func(r *modelRoom) { r.setHead(chat.RoomHead{Counted: r.Messages}) })
		}
	}
	for name, h := range listed {
		m.change(name, func(r *modelRoom) {
			if h.Last >= r.Head || r.version <= listing.Version {
				r.setHead(h)
			}
		})
	}
}

func (m *model) check(t *rapid.T) {
	m.versions = append(m.versions, m.Version())
	if m.Len() != len(m.rooms) {
		t.Fatalf("Len() = %d, want %d", m.Len(), len(m.rooms))
	}
	limit := limits.Draw(t, "limit")
	var rooms []chat.RoomInfo
	for after, more := "", true; more; {
		var page []chat.RoomInfo
		if page, more = m.ByName(after, limit); more && len(page) != limit {
			t.Fatalf("ByName(%q, %d) = %d rooms and more", after, limit, len(page))
		}
		if rooms = append(rooms, page...); more {
			after = page[len(page)-1].Name
		}
	}
	if want := m.byName(); !slices.Equal(rooms, want) {
		t.Fatalf("by name, %d at a time: %v, want %v", limit, rooms, want)
	}
	rooms = nil
	for after, more := (*roomindex.Position)(nil), true; more; {
		var page []chat.RoomInfo
		if page, more = m.ByActivity(after, limit); more && len(page) != limit {
			t.Fatalf("ByActivity(%v, %d) = %d rooms and more", after, limit, len(page))
		}
		if rooms = append(rooms, page...); more {
			after = positionOf(page[len(page)-1])
		}
	}
	if want := m.byActivity(); !slices.Equal(rooms, want) {
		t.Fatalf("by activity, %d at a time: %v, want %v", limit, rooms, want)
	}
	m.checkChanges(t, limit)
}

func (m *model) checkChanges(t *rapid.T, limit int) {
	since := rapid.SampledFrom(m.versions).Draw(t, "since")
	var changed []modelRoom
	for _, r := range m.rooms {
		if r.version > since {
			changed = append(changed, r)
		}
	}
	var removed []string
	for name, version := range m.removed {
		if _, again := m.rooms[name]; !again && version > since {
			removed = append(removed, name)
		}
	}
	got := m.Changes(since, limit)
	if got.Version != m.Version() || got.Incomplete != (len(changed) > limit || len(removed) > limit) {
		t.Fatalf("Changes(%d, %d) = %+v, want version %d and what there is of %v, %v", since, limit, got, m.Version(), changed, removed)
	}
	if len(got.Rooms) != min(limit, len(changed)) || len(got.Removed) != min(limit, len(removed)) {
		t.Fatalf("Changes(%d, %d) = %+v, want what there is of %v, %v", since, limit, got, changed, removed)
	}
	newest := func(a, b modelRoom) int { return cmp.Compare(b.version, a.version) }
	slices.SortFunc(changed, newest)
	for i, r := range got.Rooms {
		want := m.rooms[r.Name]
		if want.RoomInfo != r || want.version != changed[i].version {
			t.Fatalf("Changes(%d, %d) has %v at %d, want a room of version %d", since, limit, r, i, changed[i].version)
		}
	}
	slices.SortFunc(removed, func(a, b string) int { return cmp.Compare(m.removed[b], m.removed[a]) })
	for i, name := range got.Removed {
		if m.removed[name] != m.removed[removed[i]] {
			t.Fatalf("Changes(%d, %d) has %q removed at %d, want %v", since, limit, name, i, removed)
		}
	}
}
