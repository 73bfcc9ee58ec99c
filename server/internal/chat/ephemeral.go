package chat

import (
	"sync"
	"time"

	"chatroom/server/fanout"
)

const (
	// typingEvery is the shortest time between two deliveries of a member's typing.
	typingEvery = 3 * time.Second
	// maxNewest bounds the keys of ephemeral events in a room.
	maxNewest = 1_000
)

// ephemeral is what a room keeps of its ephemeral events: for each key of a sender,
// the newest. Readers who join or have fallen behind begin with these, and skip
// those that a newer one has replaced.
type ephemeral struct {
	mu     sync.Mutex // guards below; held while publishing, so that no subscriber gets the newest twice
	newest map[ephemeralKey]*Event
	typed  map[string]time.Time // when a member's typing was last delivered
}

type ephemeralKey struct{ member, key string }

// roomKey is the key of what the server itself says about a room.
var roomKey = ephemeralKey{key: "room"}

// passEphemeral gives an ephemeral event to those who are in its room on this node.
func (s *Service) passEphemeral(e *Event) error {
	key := ephemeralKey{member: e.Sender.ID}
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

// openRoom returns a room that has listeners, or nil.
func (s *Service) openRoom(name string) *room {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rooms[name]
}

func (r *room) pass(e *Event, key ephemeralKey) {
	p := &r.ephemeral
	p.mu.Lock()
	defer p.mu.Unlock()
	switch body := e.Body.(type) {
	case Custom:
		e.payload = len(body.Type) + len(body.Payload)
	case RoomChanged:
		e.payload = len(body.DisplayName) + len(body.Topic)
	}
	if typing, ok := e.Body.(Typing); ok && !p.typesLocked(e, typing.Stopped) {
		return
	}
	if key.key != "" {
		p.replaceLocked(key, e)
	}
	_ = r.topic.Publish(e) // fails once the last listener has gone
}

// typesLocked reports whether a member's typing is to be delivered.
func (p *ephemeral) typesLocked(e *Event, stopped bool) bool {
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

func (p *ephemeral) replaceLocked(key ephemeralKey, e *Event) {
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
		p.newest = make(map[ephemeralKey]*Event)
	}
	p.newest[key] = e
}

// forget drops what was sent by members who have left.
func (p *ephemeral) forget(there func(member string) bool) {
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

// subscribe returns the newest ephemeral events, and a subscription to all that is
// published after them.
func (r *room) subscribe(notify func()) (*fanout.Subscription[*Event], []*Event) {
	p := &r.ephemeral
	p.mu.Lock()
	defer p.mu.Unlock()
	return r.topic.SubscribeFunc(notify), p.allLocked()
}

// rejoin is subscribe for a subscription that has fallen behind.
func (r *room) rejoin(sub *fanout.Subscription[*Event]) []*Event {
	p := &r.ephemeral
	p.mu.Lock()
	defer p.mu.Unlock()
	sub.Rejoin()
	return p.allLocked()
}

func (p *ephemeral) allLocked() []*Event {
	var all []*Event
	for _, e := range p.newest {
		all = append(all, e)
	}
	return all
}
