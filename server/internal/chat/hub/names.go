package hub

import (
	"slices"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/text"
)

// roomNames are the names by which the members of a room are shown. A member who comes
// gets a name that no other member has; it keeps that while it is present and its own name
// stays the same, also when other members come and go. The same holds for the mark of the name.
type roomNames struct {
	shown *text.ShownNames
	byID  map[string]memberName
	// absent caches how members who are not present would be shown, until the others
	// change: checking a name takes about 10 µs, and a sender may never join.
	absent map[string]memberName
}

// maxAbsent bounds roomNames.absent.
const maxAbsent = 1_000

// memberName is how a member is shown. It is small, as there is one for each member.
type memberName struct {
	own   string // the name that the member has chosen
	shown string
	mark  chat.NameMark
	guest bool
}

func newRoomNames(reserved *text.ReservedNames) *roomNames {
	return &roomNames{shown: text.NewShownNames(reserved), byID: make(map[string]memberName)}
}

// of reports whether it is still the name of a member.
func (n memberName) of(m chat.Member) bool { return n.own == m.Name && n.guest == m.Guest }

// show returns a member as it is shown.
func (n memberName) show(m chat.Member) chat.Member {
	m.Name, m.Mark, m.Guest = n.shown, n.mark, n.guest
	return m
}

// add returns how a member is shown from now on.
func (n *roomNames) add(m chat.Member) chat.Member {
	former, found := n.byID[m.ID]
	if found && former.of(m) {
		return former.show(m)
	}
	if found {
		n.shown.Remove(former.shown)
	}
	n.absent = nil
	name := n.choose(m)
	n.shown.Add(name.shown)
	n.byID[m.ID] = name
	return name.show(m)
}

// find returns how a member is shown, as it is or would be if it came now.
func (n *roomNames) find(m chat.Member) chat.Member {
	if name, found := n.byID[m.ID]; found {
		return name.show(m)
	}
	name, found := n.absent[m.ID]
	if !found || !name.of(m) {
		name = n.choose(m)
		if n.absent == nil || len(n.absent) >= maxAbsent {
			n.absent = make(map[string]memberName)
		}
		n.absent[m.ID] = name
	}
	return name.show(m)
}

func (n *roomNames) choose(m chat.Member) memberName {
	name := memberName{own: m.Name, mark: n.shown.Check(m.Name).Reason, guest: m.Guest}
	if name.mark == chat.Reserved && !m.Guest {
		name.mark = chat.Unmarked // an account may stand for the service
	}
	name.shown = n.shown.Disambiguate(m.Name, chat.MaxName)
	return name
}

// remove ends that a member is shown.
func (n *roomNames) remove(id string) {
	if name, found := n.byID[id]; found {
		n.shown.Remove(name.shown)
		delete(n.byID, id)
		n.absent = nil
	}
}

// ShownIn returns a member as it is shown in a room: with the number and the mark that
// tell its name apart from those of the members who are present there on this node. It has
// no picture: this is how it is named in what it sends.
func (h *Hub) ShownIn(room string, m chat.Member) chat.Member {
	if m.ID == "" {
		return m
	}
	h.mu.Lock()
	p := h.presences[room]
	h.mu.Unlock()
	if p == nil {
		p = h.nobody
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	shown := p.names.find(m)
	shown.Picture = ""
	return shown
}

// Rename shows a member by another name or picture in all rooms in which it is present on
// this node, and announces that to them.
func (h *Hub) Rename(m chat.Member) {
	h.mu.Lock()
	h.renames++
	var rooms []*roomPresence
	if present := h.present[m.ID]; present != nil {
		present.renamed = &rename{h.renames, m.Name, m.Picture}
		rooms = slices.Clone(present.rooms)
	}
	h.mu.Unlock()
	for _, p := range rooms {
		h.renameIn(p, m)
	}
}

// presentMember is a member who has a name in a room. Its fields are guarded by Hub.mu.
type presentMember struct {
	rooms   []*roomPresence
	renamed *rename // nil before the first Rename
}

// rename is what a Rename has changed.
type rename struct {
	number        uint64 // Hub.renames after it
	name, picture string
}

// latest returns a member with the name and the picture that it has now, if it was renamed
// after renames.
func (p *presentMember) latest(m chat.Member, renames uint64) chat.Member {
	if p != nil && p.renamed != nil && p.renamed.number > renames {
		m.Name, m.Picture = p.renamed.name, p.renamed.picture
	}
	return m
}

func (h *Hub) renameIn(p *roomPresence, m chat.Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	former, present := p.roster.Find(m.ID)
	if p.ended || !present {
		return // it has left meanwhile
	}
	shown := p.names.add(m)
	shown.Moderator = former.Moderator
	p.roster.Rename(time.Now(), m.ID, shown)
	h.tickLocked(p)
}

// SetModerator says whether a member moderates a room. If it is present there on this node,
// a change is announced.
func (h *Hub) SetModerator(room, id string, moderator bool) {
	h.mu.Lock()
	p := h.presences[room]
	h.mu.Unlock()
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	m, present := p.roster.Find(id)
	if p.ended || !present || m.Moderator == moderator {
		return
	}
	m.Moderator = moderator
	p.roster.Rename(time.Now(), id, m)
	h.tickLocked(p)
}

// showLocked returns how the member of a feed that enters a room is shown there. A Rename
// either comes before, and is the name, or finds the room.
func (h *Hub) showLocked(p *roomPresence, f *Feed) chat.Member {
	m := f.member
	if m.ID == "" {
		return m
	}
	h.mu.Lock()
	present := h.present[m.ID]
	if present == nil {
		present = new(presentMember)
		h.present[m.ID] = present
	}
	if _, shown := p.names.byID[m.ID]; !shown {
		present.rooms = append(present.rooms, p)
	}
	m = present.latest(m, f.renames)
	h.mu.Unlock()
	return p.names.add(m)
}

// forgetLocked frees the names of members who have left a room.
func (h *Hub) forgetLocked(p *roomPresence) {
	ids := p.roster.TakeForgotten()
	if len(ids) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, id := range ids {
		p.names.remove(id)
		present := h.present[id]
		if present == nil {
			continue // the hub is closed
		}
		present.rooms = slices.DeleteFunc(present.rooms, func(other *roomPresence) bool { return other == p })
		if len(present.rooms) == 0 {
			delete(h.present, id)
		}
	}
}
