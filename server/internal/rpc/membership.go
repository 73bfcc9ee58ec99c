package rpc

import (
	"context"
	"slices"
	"sync"

	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/ratelimit"
)

// membership is what a stream holds of the bounds of what is held at the same time: one
// of the streams, and one of its member's rooms for each room that it has joined.
type membership struct {
	stream func() // gives the stream back

	mu    sync.Mutex // guards below
	rooms []heldRoom // a map would be larger for the few rooms that most have
	ended bool
}

type heldRoom struct {
	name     string
	giveBack func()
}

// takeRooms takes one of the member's rooms for each of those that are not held yet, or none
// of them. It returns what gives them back.
func (s *stream) takeRooms(ctx context.Context, starts []hub.Start) (giveBack func(), err error) {
	m := &s.membership
	id := s.feed.Member().ID
	if id == "" {
		return func() {}, nil // what an anonymous caller holds is bounded by its streams
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := make([]string, 0, len(starts))
	giveBack = func() { m.giveBack(taken...) }
	for _, start := range starts {
		if m.ended || m.indexLocked(start.Room) >= 0 {
			continue // the feed refuses it
		}
		release, err := s.server.memberRooms.Acquire(id)
		if err != nil {
			m.giveBackLocked(taken...)
			return nil, s.server.refusedCall(ctx, err)
		}
		m.rooms = append(m.rooms, heldRoom{start.Room, release})
		taken = append(taken, start.Room)
	}
	return giveBack, nil
}

func (m *membership) giveBack(rooms ...string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.giveBackLocked(rooms...)
}

func (m *membership) giveBackLocked(rooms ...string) {
	for _, room := range rooms {
		if i := m.indexLocked(room); i >= 0 {
			m.rooms[i].giveBack()
			m.rooms = slices.Delete(m.rooms, i, i+1)
		}
	}
}

func (m *membership) indexLocked(room string) int {
	return slices.IndexFunc(m.rooms, func(r heldRoom) bool { return r.name == room })
}

// end gives everything back.
func (m *membership) end() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended = true
	for _, r := range m.rooms {
		r.giveBack()
	}
	m.rooms = nil
	m.stream()
}

// joinRooms joins rooms, if the limits and the caller's rights let it.
func (s *stream) joinRooms(ctx context.Context, starts ...hub.Start) error {
	if err := s.server.limitJoin(ctx, starts); err != nil {
		return err
	}
	generation, credential := s.server.config.Policy.Generation(), identified(ctx)
	if err := s.server.authorizeJoin(ctx, starts); err != nil {
		return err
	}
	giveBack, err := s.takeRooms(ctx, starts)
	if err != nil {
		return err
	}
	if err := s.feed.Join(ctx, starts...); err != nil {
		giveBack()
		return err
	}
	if generation != s.server.config.Policy.Generation() || credential != identified(ctx) {
		s.notify(noticeRights) // a ban or a renewal may have missed the rooms
	}
	s.logRooms(ctx, "a stream has joined", starts...)
	return nil
}

// leaveRoom leaves a room, if the limits let it.
func (s *stream) leaveRoom(ctx context.Context, room string) error {
	if err := s.server.charge(ctx, ratelimit.Join, 1, room); err != nil {
		return err
	}
	if err := s.feed.Leave(room); err != nil {
		return err
	}
	s.membership.giveBack(room)
	s.logRooms(ctx, "a stream has left", hub.Start{Room: room})
	return nil
}

// watchRooms watches the list of rooms, if the limits let it.
func (s *stream) watchRooms(ctx context.Context) error {
	if err := s.server.charge(ctx, ratelimit.List, 1, ""); err != nil {
		return err
	}
	return s.feed.WatchRooms(ctx)
}
