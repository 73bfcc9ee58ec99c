package chat

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"chatroom/server/internal/presence"
)

// roomPresence is who is in one room, on this node. It exists while there are members,
// and for a moment after the last one was lost.
type roomPresence struct {
	room  string
	count atomic.Int64 // as in roster

	mu     sync.Mutex // guards below; taken before Service.mu
	roster *presence.Roster[Member]
	timer  *time.Timer // ticks when roster is due; nil before the first time
	gone   bool        // not in Service.presences any more
}

// enter counts a connection of m, and notifies those who are there.
func (s *Service) enter(room string, m Member) *roomPresence {
	for {
		p := s.roomPresence(room)
		if p == nil {
			return &roomPresence{gone: true} // the service was closed
		}
		p.mu.Lock()
		if !p.gone {
			p.roster.Enter(time.Now(), m.ID, m)
			s.tickLocked(p)
			p.mu.Unlock()
			return p
		}
		p.mu.Unlock() // the last member has just left
	}
}

// exit takes a connection of m back. A member whose connection is lost may return;
// one that leaves explicitly is gone, and so is one without an ID, which could not be
// recognized.
func (s *Service) exit(p *roomPresence, m Member, explicit bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return // the service was closed
	}
	p.roster.Leave(time.Now(), m.ID, explicit || m.ID == "")
	s.tickLocked(p)
}

// roomPresence returns that of a room; the first caller makes it. It returns nil once
// the service is closed.
func (s *Service) roomPresence(room string) *roomPresence {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	p := s.presences[room]
	if p == nil {
		p = &roomPresence{room: room, roster: presence.New[Member](s.presence)}
		s.presences[room] = p
	}
	return p
}

func (s *Service) tick(p *roomPresence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.gone {
		s.tickLocked(p)
	}
}

// tickLocked notifies the room of what is due, and sets the timer for what comes next.
func (s *Service) tickLocked(p *roomPresence) {
	now := time.Now()
	for _, change := range p.roster.Tick(now) {
		s.notify(p, now, change)
	}
	p.count.Store(int64(p.roster.Count()))
	s.list.directory.SetMembers(p.room, p.roster.Count())
	if p.roster.Empty() {
		s.endPresenceLocked(p)
		s.mu.Lock()
		delete(s.presences, p.room)
		s.mu.Unlock()
		return
	}
	due, ok := p.roster.Due()
	switch {
	case !ok && p.timer != nil:
		p.timer.Stop()
	case ok && p.timer == nil:
		p.timer = time.AfterFunc(due.Sub(now), func() { s.tick(p) })
	case ok:
		p.timer.Reset(due.Sub(now))
	}
}

// endPresenceLocked ends the presence in a room: its timer does nothing any more.
func (s *Service) endPresenceLocked(p *roomPresence) {
	p.gone = true
	if p.timer != nil {
		p.timer.Stop()
	}
}

// notify tells those who are in a room what has changed.
func (s *Service) notify(p *roomPresence, now time.Time, change presence.Change[Member]) {
	e := &Event{Room: p.room, Time: now.UTC()}
	switch change := change.(type) {
	case presence.Joined[Member]:
		e.Sender, e.Body = change.Member, MemberJoined{Members: change.Count}
	case presence.Left[Member]:
		e.Sender, e.Body = change.Member, MemberLeft{Members: change.Count}
	case presence.Renamed[Member]:
		e.Sender, e.Body = change.Member, MemberRenamed{}
	case presence.Counted[Member]:
		e.Body = MemberCount{Members: change.Count}
	case presence.Crowd[Member]:
		count := MemberCount{Members: change.Count, Joined: change.Joined, Left: change.Left}
		for _, m := range change.Sample {
			count.Sample = append(count.Sample, m.Member)
		}
		e.Body = count
	}
	if r := s.openRoom(p.room); r != nil {
		r.pass(e, ephemeralKey{})
		r.ephemeral.forget(func(member string) bool { return p.roster.Has(member) })
	}
}

// Members returns members of a room by id, at most limit of those after one, how
// many there are in all, and whether there are more to list. It returns a
// *FieldError or ErrUnknownRoom.
func (s *Service) Members(ctx context.Context, room, after string, limit int) (members []Member, total int, more bool, err error) {
	if err := checkRoom("room", room); err != nil {
		return nil, 0, false, err
	}
	s.mu.Lock()
	p := s.presences[room]
	s.mu.Unlock()
	if p == nil {
		return nil, 0, false, s.known(ctx, room)
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

// countMembers returns how many members are in a room.
func (s *Service) countMembers(room string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.countLocked(room)
}

func (s *Service) countLocked(room string) int {
	if p := s.presences[room]; p != nil {
		return int(p.count.Load())
	}
	return 0
}
