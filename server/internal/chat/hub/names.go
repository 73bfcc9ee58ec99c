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
	presences := slices.Clone(h.presentIn[m.ID])
	h.mu.Unlock()
	for _, p := range presences {
		h.renameIn(p, m)
	}
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
		h.presentIn[m.ID] = append(h.presentIn[m.ID], p)
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
		left := slices.DeleteFunc(h.presentIn[id], func(other *roomPresence) bool { return other == p })
		if h.presentIn[id] = left; len(left) == 0 {
			delete(h.presentIn, id)
		}
	}
}
