package hub

import (
	"cmp"
	"context"
	"sync"
	"sync/atomic"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/presence"
)

// roomPresence is who is present in one room on this node. It exists while there are
// members, and for the grace period after the last one was lost.
type roomPresence struct {
	room  string
	count atomic.Int64 // roster.Count, for readers without the lock

	mu     sync.Mutex                    // guards below; taken before Hub.mu
	roster *presence.Roster[chat.Member] // of members as they are shown
	names  *roomNames
	// founder is the id of the first member with one; empty if there was none.
	founder string
	timer   *time.Timer // fires when the roster is due; nil before it was first
	ended   bool        // not in Hub.presences any more
}

// enter adds a connection, that of a feed, and notifies the room. It returns how the
// feed's member is shown there.
func (h *Hub) enter(start Start, f *Feed) (*roomPresence, chat.Member) {
	for {
		p := h.roomPresence(start.Room)
		if p == nil {
			return &roomPresence{ended: true}, f.member // the hub is closed
		}
		p.mu.Lock()
		if !p.ended {
			m := h.showLocked(p, f)
			m.Moderator = start.Moderator
			p.roster.Enter(time.Now(), m.ID, m)
			p.founder = cmp.Or(p.founder, m.ID)
			h.tickLocked(p)
			p.mu.Unlock()
			return p, m
		}
		p.mu.Unlock() // the last member has just left
	}
}

// exit removes a connection of m. A member whose connection is lost stays present for the
// grace period. One that leaves explicitly does not, nor does one without an ID, as it could
// not be recognized when it returns.
func (h *Hub) exit(p *roomPresence, m chat.Member, explicit bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return // the hub is closed
	}
	p.roster.Leave(time.Now(), m.ID, explicit || m.ID == "")
	h.tickLocked(p)
}

// roomPresence returns the presence of a room, a new one for the first member. It returns
// nil if the hub is closed.
func (h *Hub) roomPresence(room string) *roomPresence {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil
	}
	p := h.presences[room]
	if p == nil {
		p = &roomPresence{room: room, roster: presence.New[chat.Member](h.presence), names: newRoomNames(h.reserved)}
		h.presences[room] = p
	}
	return p
}

func (h *Hub) tick(p *roomPresence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.ended {
		h.tickLocked(p)
	}
}

// tickLocked notifies the room of changes that are due, and sets the timer for the next
// ones.
func (h *Hub) tickLocked(p *roomPresence) {
	now := time.Now()
	for _, change := range p.roster.Tick(now) {
		h.notify(p, now, change)
	}
	h.forgetLocked(p)
	p.count.Store(int64(p.roster.Count()))
	h.directory.SetMembers(p.room, p.roster.Count())
	if p.roster.Empty() {
		p.endLocked()
		h.mu.Lock()
		delete(h.presences, p.room)
		h.mu.Unlock()
		return
	}
	due, ok := p.roster.Due()
	switch {
	case !ok && p.timer != nil:
		p.timer.Stop()
	case ok && p.timer == nil:
		p.timer = time.AfterFunc(due.Sub(now), func() { h.tick(p) })
	case ok:
		p.timer.Reset(due.Sub(now))
	}
}

// endLocked ends the presence: its timer has no effect any more.
func (p *roomPresence) endLocked() {
	p.ended = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// notify publishes a change to the room.
func (h *Hub) notify(p *roomPresence, now time.Time, change presence.Change[chat.Member]) {
	e := &chat.Event{Room: p.room, Time: now.UTC()}
	switch change := change.(type) {
	case presence.Joined[chat.Member]:
		e.Sender, e.Body = change.Member, chat.MemberJoined{Members: change.Count}
	case presence.Left[chat.Member]:
		e.Sender, e.Body = change.Member, chat.MemberLeft{Members: change.Count}
	case presence.Renamed[chat.Member]:
		e.Sender, e.Body = change.Member, chat.MemberRenamed{}
	case presence.Counted[chat.Member]:
		e.Body = chat.MemberCount{Members: change.Count}
	case presence.Summary[chat.Member]:
		count := chat.MemberCount{Members: change.Count, Joined: change.Joined, Left: change.Left}
		for _, m := range change.Sample {
			count.Sample = append(count.Sample, m.Member)
		}
		e.Body = count
	}
	if r := h.openRoom(p.room); r != nil {
		r.ephemeral.Publish(e)
		r.ephemeral.Forget(p.roster.Has)
	}
}

// Members returns members of a room in the order of their ids: at most limit of those after
// an id, how many members there are in total, and whether there are more to list. It returns
// a *chat.FieldError or chat.ErrUnknownRoom.
func (h *Hub) Members(ctx context.Context, room, after string, limit int) (members []chat.Member, total int, more bool, err error) {
	if err := chat.CheckRoom(room); err != nil {
		return nil, 0, false, err
	}
	h.mu.Lock()
	p := h.presences[room]
	h.mu.Unlock()
	if p == nil {
		_, err := h.known(ctx, room)
		return nil, 0, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.roster.Members(after) {
		if len(members) == limit {
			return members, p.roster.Count(), true, nil
		}
		members = append(members, m)
	}
	return members, p.roster.Count(), false, nil
}

// countMembers returns how many members are present in a room.
func (h *Hub) countMembers(room string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.presences[room]; p != nil {
		return int(p.count.Load())
	}
	return 0
}
