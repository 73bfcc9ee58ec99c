package hub

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/directory"
)

// replayChunk is how many events a replay reads from the journal at a time.
const replayChunk = 256

// Start names a room and where a feed starts in it: after a cursor, with the newest Recent
// events, or live when both are zero.
type Start struct {
	Room   string
	After  *chat.Cursor
	Recent int // 0 to chat.MaxRecent
	// Moderator says that the member moderates the room.
	Moderator bool
}

// Feed delivers the events of the rooms that one stream has joined. One goroutine at a time
// calls Take; another may call the other methods meanwhile.
type Feed struct {
	hub     *Hub
	member  chat.Member
	renames uint64 // Hub.renames when the feed was made
	notify  func(many bool)

	mu      sync.Mutex       // guards below
	pending []chat.Item      // to be delivered before anything of the readers
	readers []*roomReader    // replaced, never changed in place
	watch   *directory.Watch // nil while the list of rooms is not watched
	closed  bool

	turn int // the reader that Take begins with; used by Take alone
}

// NewFeed returns a feed for a member, in no room yet. notify is called when Take may return
// something, with whether many feeds are notified of the same event. It must not block, and
// must not call the feed.
func (h *Hub) NewFeed(m chat.Member, notify func(many bool)) *Feed {
	h.mu.Lock()
	defer h.mu.Unlock()
	return &Feed{hub: h, member: m, renames: h.renames, notify: notify}
}

// Member returns the member that the feed is for, by the name that it has now.
func (f *Feed) Member() chat.Member {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	return f.hub.present[f.member.ID].latest(f.member, f.renames)
}

// Rooms returns the names of the rooms that the feed has joined.
func (f *Feed) Rooms() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := make([]string, len(f.readers))
	for i, r := range f.readers {
		names[i] = r.room.name
	}
	return names
}

// Join adds rooms: all of them or, with an error, none. The first item of the feed that
// concerns them is one Joined. It returns a *chat.FieldError, a *chat.TargetError or
// chat.ErrClosed.
func (f *Feed) Join(ctx context.Context, starts ...Start) error {
	if err := f.checkJoin(starts); err != nil {
		return err
	}
	var joined chat.Joined
	var resets []chat.Item
	var readers []*roomReader
	for _, start := range starts {
		r, state, reset, err := f.attach(ctx, start)
		if err != nil {
			f.detach(readers, true)
			return err
		}
		readers = append(readers, r)
		joined.Rooms = append(joined.Rooms, state)
		if reset != nil {
			resets = append(resets, *reset)
		}
	}
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		f.detach(readers, true)
		return chat.ErrClosed
	}
	f.pending = append(append(f.pending, joined), resets...)
	f.readers = append(slices.Clip(f.readers), readers...)
	f.mu.Unlock()
	f.notify(false)
	return nil
}

func (f *Feed) checkJoin(starts []Start) error {
	f.mu.Lock()
	joined := make(map[string]bool, len(f.readers)+len(starts))
	for _, r := range f.readers {
		joined[r.room.name] = true
	}
	f.mu.Unlock()
	for _, start := range starts {
		if err := chat.CheckRoom(start.Room); err != nil {
			return err
		}
		if start.Recent < 0 || start.Recent > chat.MaxRecent {
			return &chat.FieldError{Field: "recent", Rule: "recent.range", Bound: "must be 0 to 1,000"}
		}
		if joined[start.Room] {
			return &chat.FieldError{Field: "room", Rule: "room.once", Bound: fmt.Sprintf("must not be joined twice on one stream: %q", start.Room)}
		}
		joined[start.Room] = true
	}
	if len(joined) > chat.MaxRooms {
		return &chat.FieldError{Field: "room", Rule: "rooms.count", Bound: "must be one of at most 100 rooms on one stream"}
	}
	return nil
}

// attach opens a room. It subscribes before it reads the head of the log: all that is
// appended after that head reaches the subscription. The member enters before the
// subscription, so that it is not notified of itself, and members are counted after it, so
// that none is missed.
func (f *Feed) attach(ctx context.Context, start Start) (*roomReader, chat.RoomState, *chat.Reset, error) {
	h := f.hub
	if err := h.admit(ctx, f.member, start.Room); err != nil {
		return nil, chat.RoomState{}, nil, err
	}
	joined, err := h.acquire(ctx, start.Room)
	if err != nil {
		return nil, chat.RoomState{}, nil, err
	}
	present, shown := h.enter(start, f)
	r := &roomReader{hub: h, room: joined, present: present}
	notify := f.notify
	r.sub, r.ephemeral = joined.ephemeral.Subscribe(func() { notify(joined.large()) })
	state := chat.RoomState{Room: start.Room, Members: h.countMembers(start.Room), Member: shown}
	if state.Profile, err = h.directory.Profile(ctx, start.Room); err == nil {
		var reset *chat.Reset
		if reset, err = r.start(ctx, start, &state); err == nil {
			state.Creator, err = h.CreatorOf(ctx, chat.RoomInfo{Name: start.Room, Head: state.Head})
		}
		if err == nil {
			return r, state, reset, nil
		}
	}
	f.detach([]*roomReader{r}, true)
	return nil, chat.RoomState{}, nil, err
}

// detach leaves rooms: explicitly, or because the connection is lost.
func (f *Feed) detach(readers []*roomReader, explicit bool) {
	for _, r := range readers {
		r.sub.Close()
		f.hub.exit(r.present, f.member, explicit)
		f.hub.release(r.room)
	}
}

// Leave leaves a room. Items of it that Take has already returned may still be delivered by
// the caller. It returns a *chat.FieldError for a room that is not joined.
func (f *Feed) Leave(room string) error {
	f.mu.Lock()
	i := slices.IndexFunc(f.readers, func(r *roomReader) bool { return r.room.name == room })
	if i < 0 {
		f.mu.Unlock()
		return &chat.FieldError{Field: "room", Rule: "room.joined", Bound: fmt.Sprintf("must be joined to be left: %q", room)}
	}
	r := f.readers[i]
	f.readers = slices.Concat(f.readers[:i], f.readers[i+1:])
	f.mu.Unlock()
	f.detach([]*roomReader{r}, true)
	return nil
}

// WatchRooms makes the feed deliver RoomsChanged, at most once a second. The first one comes
// at once and is incomplete: a caller that lists the rooms after it misses no change.
// Watching twice has no further effect. It returns chat.ErrClosed, or an error of the store
// that the rooms are read from.
func (f *Feed) WatchRooms(ctx context.Context) error {
	if err := f.hub.directory.Load(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return chat.ErrClosed
	case f.watch != nil:
		return nil
	}
	watch, err := f.hub.directory.Watch(func() { f.notify(true) })
	if err != nil {
		return err
	}
	f.watch = watch
	f.notify(false)
	return nil
}

// UnwatchRooms ends the delivery of RoomsChanged. One that Take has already returned may
// still be delivered by the caller.
func (f *Feed) UnwatchRooms() {
	f.mu.Lock()
	watch := f.watch
	f.watch = nil
	f.mu.Unlock()
	if watch != nil {
		watch.Close()
	}
}

// Close leaves all rooms as if the connection were lost: the member stays present for the
// grace period. It may be called twice.
func (f *Feed) Close() {
	f.mu.Lock()
	readers := f.readers
	f.readers, f.pending, f.closed = nil, nil, true
	f.mu.Unlock()
	f.UnwatchRooms()
	f.detach(readers, false)
}

// Take puts what is pending into buf and returns how many items. It does not wait for
// events. It reads the journal only if mayRead is set; otherwise it skips rooms that are to
// be replayed, and replay reports whether there are any. Rooms take turns, so that a long
// replay of one does not hold up the others. If something is left, notify is called again.
func (f *Feed) Take(ctx context.Context, buf []chat.Item, mayRead bool) (n int, replay bool, err error) {
	f.mu.Lock()
	n = copy(buf, f.pending)
	f.pending = slices.Delete(f.pending, 0, n)
	readers, watch, left := f.readers, f.watch, len(f.pending) > 0
	f.mu.Unlock()
	if watch != nil && !left && n < len(buf) {
		n += watch.Take(buf[n:])
	}
	if left || n == len(buf) {
		f.notify(false)
		return n, false, nil
	}
	f.turn++
	for i := range readers {
		r := readers[(f.turn+i)%len(readers)]
		if r.replaying && !mayRead {
			replay = true
			continue
		}
		k, more, err := r.take(ctx, buf[n:])
		n += k
		if err != nil {
			return n, replay, err
		}
		if more || n == len(buf) {
			f.notify(false)
		}
		if n == len(buf) {
			break
		}
	}
	return n, replay, nil
}
