package chat

import (
	"sync"
	"time"

	"chatroom/server/fanout"
	"chatroom/server/internal/chat/directory"
)

const (
	// roomsChangedEvery is the shortest time between two RoomsChanged.
	roomsChangedEvery = time.Second
	// roomsChangedWindow is how many RoomsChanged a feed may be behind before it
	// misses one.
	roomsChangedWindow = 8
)

// RoomsChanged says how the list of rooms has changed since the one before it. It is
// shared between feeds and never changed.
type RoomsChanged struct {
	// Rooms are the rooms that came into being, got a new event, another profile or
	// another number of members, the one that changed last first: MaxRoomsChanged at
	// most. Their Unread is not set.
	Rooms []RoomInfo
	// Removed are the names of rooms that are not in the list any more:
	// MaxRoomsChanged at most.
	Removed []string
	// Incomplete says that there were more changes, or an unknown number of them.
	Incomplete bool

	encodings
}

func (*RoomsChanged) isItem() {}

// missedRooms is delivered to a feed that may have missed changes.
var missedRooms = &RoomsChanged{Incomplete: true}

// roomWatch publishes how the list of rooms changes to the feeds that watch it: one
// RoomsChanged for all of them. Its timer runs only while there are any.
type roomWatch struct {
	rooms *directory.Directory

	mu       sync.Mutex // guards below
	topic    *fanout.Topic[*RoomsChanged]
	watchers int
	since    uint64      // the version of rooms that the watchers know
	timer    *time.Timer // nil before the first watcher
	closed   bool
}

func newRoomWatch(rooms *directory.Directory) *roomWatch {
	return &roomWatch{rooms: rooms, topic: fanout.New[*RoomsChanged](fanout.Config[*RoomsChanged]{Window: roomsChangedWindow})}
}

// subscribe returns a subscription to what changes from now on, or nil once the
// service is closed. It is matched by an unsubscribe.
func (w *roomWatch) subscribe(notify func()) *fanout.Subscription[*RoomsChanged] {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	if w.watchers++; w.watchers == 1 {
		w.since = w.rooms.Version()
		if w.timer == nil {
			w.timer = time.AfterFunc(roomsChangedEvery, w.tick)
		} else {
			w.timer.Reset(roomsChangedEvery)
		}
	}
	return w.topic.SubscribeFunc(notify)
}

func (w *roomWatch) unsubscribe(sub *fanout.Subscription[*RoomsChanged]) {
	sub.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watchers--; w.watchers == 0 {
		w.timer.Stop()
	}
}

// tick publishes what has changed since the last time.
func (w *roomWatch) tick() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.watchers == 0 || w.closed {
		return
	}
	w.timer.Reset(roomsChangedEvery)
	c := w.rooms.Changes(w.since, MaxRoomsChanged)
	if c.Version == w.since {
		return
	}
	w.since = c.Version
	changed := &RoomsChanged{Removed: c.Removed, Incomplete: c.Incomplete}
	for _, r := range c.Rooms {
		changed.Rooms = append(changed.Rooms, roomInfo(r))
	}
	_ = w.topic.Publish(changed) // closed: nobody watches any more
}

func (w *roomWatch) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
	w.topic.Close()
}
