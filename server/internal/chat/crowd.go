package chat

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"chatroom/server/internal/presence"
)

// crowd is who is in one room, on this node. It is there as long as somebody is, or
// was until a moment ago.
type crowd struct {
	room  string
	count atomic.Int64 // as in roster

	mu     sync.Mutex // guards below; taken before Service.mu
	roster *presence.Roster[Member]
	timer  *time.Timer // ticks when roster is due; nil before the first time
	gone   bool        // not in Service.crowds any more
}

// enter counts a connection of m, and tells those who are there.
func (s *Service) enter(room string, m Member) *crowd {
	for {
		c := s.crowd(room)
		if c == nil {
			return &crowd{gone: true} // the service was closed
		}
		c.mu.Lock()
		if !c.gone {
			c.roster.Enter(time.Now(), m.ID, m)
			s.tickLocked(c)
			c.mu.Unlock()
			return c
		}
		c.mu.Unlock() // the last one has just left
	}
}

// exit takes a connection of m back. One that is lost may come again; an explicit
// end will not, and neither will one without an ID: nobody would know it.
func (s *Service) exit(c *crowd, m Member, explicit bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.gone {
		return // the service was closed
	}
	c.roster.Leave(time.Now(), m.ID, explicit || m.ID == "")
	s.tickLocked(c)
}

// crowd returns the crowd of a room; the first to come makes it. It returns nil once
// the service is closed.
func (s *Service) crowd(room string) *crowd {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	c := s.crowds[room]
	if c == nil {
		c = &crowd{room: room, roster: presence.New[Member](s.presence)}
		s.crowds[room] = c
	}
	return c
}

func (s *Service) tick(c *crowd) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.gone {
		s.tickLocked(c)
	}
}

// tickLocked tells what there is to tell, and sets the timer for what comes next.
func (s *Service) tickLocked(c *crowd) {
	now := time.Now()
	for _, change := range c.roster.Tick(now) {
		s.tell(c, now, change)
	}
	c.count.Store(int64(c.roster.Count()))
	if c.roster.Empty() {
		s.disperseLocked(c)
		s.mu.Lock()
		delete(s.crowds, c.room)
		s.mu.Unlock()
		return
	}
	due, ok := c.roster.Due()
	switch {
	case !ok && c.timer != nil:
		c.timer.Stop()
	case ok && c.timer == nil:
		c.timer = time.AfterFunc(due.Sub(now), func() { s.tick(c) })
	case ok:
		c.timer.Reset(due.Sub(now))
	}
}

// disperseLocked ends a crowd: its timer does nothing any more.
func (s *Service) disperseLocked(c *crowd) {
	c.gone = true
	if c.timer != nil {
		c.timer.Stop()
	}
}

// tell says what has changed to those who are there.
func (s *Service) tell(c *crowd, now time.Time, change presence.Change[Member]) {
	e := &Event{Room: c.room, Time: now.UTC()}
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
	if r := s.openRoom(c.room); r != nil {
		r.pass(e, passingKey{})
		r.passing.forget(func(member string) bool { return c.roster.Has(member) })
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
	c := s.crowds[room]
	s.mu.Unlock()
	if c == nil {
		head, err := s.journal.Head(ctx, room)
		if err == nil && head.Last == 0 && !s.exists(room) {
			err = ErrUnknownRoom
		}
		return nil, 0, false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, m := range c.roster.Members(after) {
		if len(members) == limit {
			return members, c.roster.Count(), true, nil
		}
		members = append(members, m)
	}
	return members, c.roster.Count(), false, nil
}

// countMembers returns how many members are in a room.
func (s *Service) countMembers(room string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.countLocked(room)
}

func (s *Service) countLocked(room string) int {
	if c := s.crowds[room]; c != nil {
		return int(c.count.Load())
	}
	return 0
}
