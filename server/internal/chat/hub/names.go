package hub

import (
	"slices"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/text"
)

// roomNames are the names by which the members of a room are shown. A member who comes
// gets a name that no other member has; it keeps that while it is present and its own name
// stays the same, whoever comes and goes. The same holds for the mark of the name.
type roomNames struct {
	shown *text.Present
	byID  map[string]memberName
}

// memberName is how a member is shown.
type memberName struct {
	own   string // the name that the member has chosen
	shown chat.Member
}

func newRoomNames(reserved *text.ReservedNames) *roomNames {
	return &roomNames{text.NewPresent(reserved), make(map[string]memberName)}
}

// add returns how a member is shown from now on, and whether it was not shown before.
func (n *roomNames) add(m chat.Member) (shown chat.Member, added bool) {
	former, found := n.byID[m.ID]
	if found && former.own == m.Name && former.shown.Guest == m.Guest {
		return former.shown, false
	}
	if found {
		n.shown.Remove(former.shown.Name)
	}
	shown = n.choose(m)
	n.shown.Add(shown.Name)
	n.byID[m.ID] = memberName{m.Name, shown}
	return shown, !found
}

// find returns how a member is shown, as it is or would be if it came now.
func (n *roomNames) find(m chat.Member) chat.Member {
	if name, found := n.byID[m.ID]; found {
		return name.shown
	}
	return n.choose(m)
}

func (n *roomNames) choose(m chat.Member) chat.Member {
	m.Mark = n.shown.Check(m.Name).Reason
	if m.Mark == chat.Reserved && !m.Guest {
		m.Mark = chat.Unmarked // an account may stand for the service
	}
	m.Name = n.shown.Number(m.Name, chat.MaxName)
	return m
}

// remove ends that a member is shown.
func (n *roomNames) remove(id string) {
	if name, found := n.byID[id]; found {
		n.shown.Remove(name.shown.Name)
		delete(n.byID, id)
	}
}

// ShownIn returns a member as it is shown in a room: with the number and the mark that
// tell its name apart from those of the members who are present there on this node.
func (h *Hub) ShownIn(room string, m chat.Member) chat.Member {
	if m.ID == "" {
		return m
	}
	h.mu.Lock()
	p := h.presences[room]
	h.mu.Unlock()
	if p == nil {
		return newRoomNames(h.reserved).choose(m)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.names.find(m)
}

// Rename shows a member by another name in all rooms in which it is present on this node,
// and announces that to them.
func (h *Hub) Rename(m chat.Member) {
	h.mu.Lock()
	h.renames++
	var rooms []*roomPresence
	if present := h.present[m.ID]; present != nil {
		present.name, present.renamed = m.Name, h.renames
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
	name    string // by the last Rename
	renamed uint64 // Hub.renames after it, 0 before the first one
}

// latestName returns a member with the name that it has now: feeds keep the member of
// their token, also when it is renamed later.
func (h *Hub) latestName(f *Feed) chat.Member {
	h.mu.Lock()
	defer h.mu.Unlock()
	m := f.member
	if present := h.present[m.ID]; present != nil && present.renamed > f.renames {
		m.Name = present.name
	}
	return m
}

func (h *Hub) renameIn(p *roomPresence, m chat.Member) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended || !p.roster.Has(m.ID) {
		return // it has left meanwhile
	}
	shown, _ := p.names.add(m)
	p.roster.Rename(time.Now(), m.ID, shown)
	h.tickLocked(p)
}

// showLocked returns how a member who enters a room is shown there.
func (h *Hub) showLocked(p *roomPresence, m chat.Member) chat.Member {
	if m.ID == "" {
		return m
	}
	shown, added := p.names.add(m)
	if added {
		h.mu.Lock()
		present := h.present[m.ID]
		if present == nil {
			present = new(presentMember)
			h.present[m.ID] = present
		}
		present.rooms = append(present.rooms, p)
		h.mu.Unlock()
	}
	return shown
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
