package chat

import (
	"sync"
	"time"

	"chatroom/server/fanout"
)

const (
	// typingEvery is how often at most a member is said to be typing.
	typingEvery = 3 * time.Second
	// maxNewest bounds the keys of ephemeral events in a room.
	maxNewest = 1_000
)

// passing is what a room knows of its ephemeral events: for each key of a sender,
// the newest. Readers who join or have fallen behind begin with these, and leave
// out what is not the newest any more.
type passing struct {
	mu     sync.Mutex // guards below; held while publishing, so that nobody gets the newest twice
	newest map[passingKey]*Event
	typed  map[string]time.Time // when members were last said to be typing
}

type passingKey struct{ member, key string }

// roomKey is the key of what the server itself says about a room.
var roomKey = passingKey{key: "room"}

// pass hands an ephemeral event to those who are in its room on this node.
func (s *Service) pass(e *Event) error {
	key := passingKey{member: e.Sender.ID}
	switch body := e.Body.(type) {
	case Custom:
		key.key = body.Key
	case Typing:
		if e.Sender.ID == "" {
			return ErrSignIn
		}
	case RoomChanged:
		key = roomKey
	}
	if key.key != "" && key.member == "" && key != roomKey {
		return ErrSignIn // or it would replace what others without an id have sent
	}
	if r := s.openRoom(e.Room); r != nil {
		r.pass(e, key)
	}
	return nil
}

// openRoom returns a room that somebody listens to, or nil.
func (s *Service) openRoom(name string) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rooms[name]
}

func (r *room) pass(e *Event, key passingKey) {
	p := &r.passing
	p.mu.Lock()
	defer p.mu.Unlock()
	if typing, ok := e.Body.(Typing); ok && !p.typesLocked(e, typing.Stopped) {
		return
	}
	if key.key != "" {
		p.replaceLocked(key, e)
	}
	_ = r.topic.Publish(e) // closed: nobody listens any more
}

// typesLocked tells whether somebody's typing is to be said.
func (p *passing) typesLocked(e *Event, stopped bool) bool {
	since, typing := p.typed[e.Sender.ID]
	if stopped {
		delete(p.typed, e.Sender.ID)
		return typing
	}
	if typing && e.Time.Sub(since) < typingEvery {
		return false
	}
	if p.typed == nil {
		p.typed = make(map[string]time.Time)
	}
	p.typed[e.Sender.ID] = e.Time
	return true
}

func (p *passing) replaceLocked(key passingKey, e *Event) {
	before := p.newest[key]
	if before == nil && len(p.newest) >= maxNewest {
		for other := range p.newest { // any one of them
			delete(p.newest, other)
			break
		}
	}
	if before != nil {
		before.outdated.Store(true)
	}
	if p.newest == nil {
		p.newest = make(map[passingKey]*Event)
	}
	p.newest[key] = e
}

// forget lets go of what members have sent who are not there any more.
func (p *passing) forget(there func(member string) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for member := range p.typed {
		if !there(member) {
			delete(p.typed, member)
		}
	}
	for key := range p.newest {
		if key != roomKey && !there(key.member) {
			delete(p.newest, key)
		}
	}
}

// subscribe begins with the newest ephemeral events, and goes on with all that is
// published.
func (r *room) subscribe(ready chan struct{}) (*fanout.Subscription[*Event], []*Event) {
	p := &r.passing
	p.mu.Lock()
	defer p.mu.Unlock()
	return r.topic.SubscribeWith(ready), p.allLocked()
}

// rejoin is subscribe for a subscription that has fallen behind.
func (r *room) rejoin(sub *fanout.Subscription[*Event]) []*Event {
	p := &r.passing
	p.mu.Lock()
	defer p.mu.Unlock()
	sub.Rejoin()
	return p.allLocked()
}

func (p *passing) allLocked() []*Event {
	var all []*Event
	for _, e := range p.newest {
		all = append(all, e)
	}
	return all
}
