package ephemeral

import (
	"sync"
	"time"

	"chatroom/server/fanout"
	"chatroom/server/internal/chat"
)

const (
	// typingInterval is the shortest time between two deliveries of a member's typing.
	typingInterval = 3 * time.Second
	// maxKeys bounds the keys of a topic.
	maxKeys = 1_000
)

// Topic publishes the ephemeral events of one room. Its methods are safe for concurrent
// use. Create it with New.
type Topic struct {
	events *fanout.Topic[*chat.Event]

	mu     sync.Mutex // guards below; held while publishing, so that no subscriber receives the newest twice
	newest map[key]*chat.Event
	typing map[string]time.Time // when a member's typing was last delivered, by member
}

// key identifies events that supersede one another. The zero key is that of events that
// supersede none.
type key struct{ member, name string }

// profileKey is the key of RoomChanged.
var profileKey = key{name: "profile"}

// New returns a topic that publishes to another, which the caller closes.
func New(events *fanout.Topic[*chat.Event]) *Topic { return &Topic{events: events} }

// Check returns chat.ErrSignIn for an event that a member without an ID may not send.
func Check(e *chat.Event) error {
	if e.Sender.ID != "" {
		return nil
	}
	switch body := e.Body.(type) {
	case chat.Typing:
		return chat.ErrSignIn
	case chat.Custom:
		if body.Key != "" {
			return chat.ErrSignIn // it would supersede the events of other anonymous members
		}
	}
	return nil
}

// Publish delivers an event to the subscribers. It sets the event's PayloadSize.
func (t *Topic) Publish(e *chat.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var k key
	switch body := e.Body.(type) {
	case chat.Custom:
		e.PayloadSize = len(body.Type) + len(body.Payload)
		if body.Key != "" {
			k = key{e.Sender.ID, body.Key}
		}
	case chat.RoomChanged:
		e.PayloadSize = len(body.DisplayName) + len(body.Topic)
		k = profileKey
	case chat.Typing:
		if !t.typesLocked(e, body.Stopped) {
			return
		}
	}
	if k != (key{}) {
		t.supersedeLocked(k, e)
	}
	_ = t.events.Publish(e) // fails after the last listener has left and the topic is closed
}

// typesLocked reports whether a member's typing is to be delivered.
func (t *Topic) typesLocked(e *chat.Event, stopped bool) bool {
	since, typing := t.typing[e.Sender.ID]
	if stopped {
		delete(t.typing, e.Sender.ID)
		return typing
	}
	if typing && e.Time.Sub(since) < typingInterval {
		return false
	}
	if t.typing == nil {
		t.typing = make(map[string]time.Time)
	}
	t.typing[e.Sender.ID] = e.Time
	return true
}

func (t *Topic) supersedeLocked(k key, e *chat.Event) {
	before := t.newest[k]
	if before == nil && len(t.newest) >= maxKeys {
		for other := range t.newest { // an arbitrary one
			delete(t.newest, other)
			break
		}
	}
	if before != nil {
		before.Supersede()
	}
	if t.newest == nil {
		t.newest = make(map[key]*chat.Event)
	}
	t.newest[k] = e
}

// Forget drops the newest events of members who are not present.
func (t *Topic) Forget(present func(member string) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for member := range t.typing {
		if !present(member) {
			delete(t.typing, member)
		}
	}
	for k := range t.newest {
		if k != profileKey && !present(k.member) {
			delete(t.newest, k)
		}
	}
}

// Subscribe returns a subscription to all that is published from now on, and the newest
// event of each key. notify is called as fanout.Topic.SubscribeFunc does.
func (t *Topic) Subscribe(notify func()) (*fanout.Subscription[*chat.Event], []*chat.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.events.SubscribeFunc(notify), t.newestLocked()
}

// Rejoin lets a subscription that has fallen behind continue with what is published from
// now on, and returns the newest event of each key.
func (t *Topic) Rejoin(sub *fanout.Subscription[*chat.Event]) []*chat.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	sub.Rejoin()
	return t.newestLocked()
}

func (t *Topic) newestLocked() []*chat.Event {
	var newest []*chat.Event
	for _, e := range t.newest {
		newest = append(newest, e)
	}
	return newest
}
