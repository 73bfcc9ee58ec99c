package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"chatroom/server/fanout"
)

// replayChunk is how many events a replay reads from the journal at a time.
const replayChunk = 256

// Start names a room and where a feed starts in it: after a cursor, with the
// newest Recent events, or live when both are zero.
type Start struct {
	Room   string
	After  *Cursor
	Recent int // 0 to MaxRecent
}

// Feed is what one stream receives: the events of every room it joined. One
// goroutine at a time calls Next or Take; another may call Join and Leave meanwhile.
type Feed struct {
	service *Service
	member  Member
	ready   chan struct{}   // capacity 1
	notify  func(many bool) // sends to ready unless Notify has replaced it

	mu      sync.Mutex                          // guards below
	pending []Item                              // to be delivered before anything of the readers
	readers []*roomReader                       // replaced, never changed in place
	watch   *fanout.Subscription[*RoomsChanged] // nil while the list of rooms is not watched
	closed  bool

	turn int // the reader that Next begins with; used by Next alone
}

// NewFeed returns a feed for a member, in no room yet.
func (s *Service) NewFeed(m Member) *Feed {
	f := &Feed{service: s, member: m, ready: make(chan struct{}, 1)}
	f.notify = func(bool) {
		select {
		case f.ready <- struct{}{}:
		default: // a signal that is there covers this one
		}
	}
	return f
}

// Notify has a function called where otherwise Ready would fire, with whether the
// cause is an event that many feeds are notified of. It must not block, and must not
// call the feed. Notify is called before Join, and at most once.
func (f *Feed) Notify(notify func(many bool)) { f.notify = notify }

// Member returns whom the feed is for.
func (f *Feed) Member() Member { return f.member }

// Ready returns the channel on which a receive means that Next may have
// something.
func (f *Feed) Ready() <-chan struct{} { return f.ready }

// Join adds rooms: all of them or, with an error, none. The next item of the
// feed that concerns them is one Joined. It returns a *FieldError or ErrClosed.
func (f *Feed) Join(ctx context.Context, starts ...Start) error {
	if err := f.checkJoin(starts); err != nil {
		return err
	}
	var joined Joined
	var resets []Item
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
		return ErrClosed
	}
	f.pending = append(append(f.pending, joined), resets...)
	f.readers = append(slices.Clip(f.readers), readers...)
	f.mu.Unlock()
	f.signal()
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
		if err := checkRoom("room", start.Room); err != nil {
			return err
		}
		if start.Recent < 0 || start.Recent > MaxRecent {
			return &FieldError{"recent", "recent.range", "must be 0 to 1,000"}
		}
		if joined[start.Room] {
			return &FieldError{"room", "room.once", fmt.Sprintf("must not be joined twice on one stream: %q", start.Room)}
		}
		joined[start.Room] = true
	}
	if len(joined) > MaxRooms {
		return &FieldError{"room", "rooms.count", "must be one of at most 100 rooms on one stream"}
	}
	return nil
}

// attach subscribes before it asks the journal where the room stands: everything that
// is appended after that reaches the subscription. It counts the member before
// that, so that the member is not notified of itself, and asks how many there are
// after it, so that no member is missed.
func (f *Feed) attach(ctx context.Context, start Start) (*roomReader, RoomState, *Reset, error) {
	s := f.service
	if err := s.admit(ctx, f.member, start.Room); err != nil {
		return nil, RoomState{}, nil, err
	}
	joined, err := s.acquire(ctx, start.Room)
	if err != nil {
		return nil, RoomState{}, nil, err
	}
	r := &roomReader{service: s, room: joined, present: s.enter(start.Room, f.member)}
	r.sub, r.carried = joined.subscribe(func() { f.notify(joined.large()) })
	state := RoomState{Room: start.Room, Members: s.countMembers(start.Room)}
	if state.Profile, err = s.profile(ctx, start.Room); err == nil {
		var reset *Reset
		if reset, err = r.start(ctx, start, &state); err == nil {
			return r, state, reset, nil
		}
	}
	f.detach([]*roomReader{r}, true)
	return nil, RoomState{}, nil, err
}

// detach leaves rooms. A member who does so of its own accord is gone at once.
func (f *Feed) detach(readers []*roomReader, explicit bool) {
	for _, r := range readers {
		r.sub.Close()
		f.service.exit(r.present, f.member, explicit)
		f.service.release(r.room)
	}
}

// Leave ends what Join began. Items of the room that Next has already taken may
// still be on their way. It returns a *FieldError for a room that is not joined.
func (f *Feed) Leave(room string) error {
	f.mu.Lock()
	i := slices.IndexFunc(f.readers, func(r *roomReader) bool { return r.room.name == room })
	if i < 0 {
		f.mu.Unlock()
		return &FieldError{"room", "room.joined", fmt.Sprintf("must be joined to be left: %q", room)}
	}
	r := f.readers[i]
	f.readers = slices.Concat(f.readers[:i], f.readers[i+1:])
	f.mu.Unlock()
	f.detach([]*roomReader{r}, true)
	return nil
}

// WatchRooms begins to deliver RoomsChanged, at most once a second. The first one comes
// at once and is incomplete: a caller that lists the rooms after it misses no change.
// Watching twice is watching once. It returns ErrClosed, or an error of the store that
// the rooms are read from.
func (f *Feed) WatchRooms(ctx context.Context) error {
	if err := f.service.openRooms(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return ErrClosed
	case f.watch != nil:
		return nil
	}
	if f.watch = f.service.watch.subscribe(func() { f.notify(true) }); f.watch == nil {
		return ErrClosed
	}
	f.pending = append(f.pending, missedRooms)
	f.signal()
	return nil
}

// UnwatchRooms ends what WatchRooms began. A RoomsChanged that is pending may still be
// delivered.
func (f *Feed) UnwatchRooms() {
	f.mu.Lock()
	watch := f.watch
	f.watch = nil
	f.mu.Unlock()
	if watch != nil {
		f.service.watch.unsubscribe(watch)
	}
}

// Close leaves all rooms, as one whose connection is lost: the member is in them
// for a moment longer. Closing twice is harmless.
func (f *Feed) Close() {
	f.mu.Lock()
	readers := f.readers
	f.readers, f.pending, f.closed = nil, nil, true
	f.mu.Unlock()
	f.UnwatchRooms()
	f.detach(readers, false)
}

// Next puts what is pending into buf and returns how many items. It does not
// wait for events, but it may read the journal. Rooms take turns, so that a long
// replay of one does not hold up the others. When something is left, Ready
// fires again.
func (f *Feed) Next(ctx context.Context, buf []Item) (int, error) {
	n, _, err := f.Take(ctx, buf, true)
	return n, err
}

// Take is Next for a caller that may not wait for the journal unless mayRead is set.
// Without it, rooms that are to be replayed are passed over, and replay tells whether
// there are any.
func (f *Feed) Take(ctx context.Context, buf []Item, mayRead bool) (n int, replay bool, err error) {
	f.mu.Lock()
	n = copy(buf, f.pending)
	f.pending = slices.Delete(f.pending, 0, n)
	readers, watch, held := f.readers, f.watch, len(f.pending) > 0
	f.mu.Unlock()
	if held || n == len(buf) {
		f.signal()
		return n, false, nil
	}
	if watch != nil {
		n += takeRooms(watch, buf[n:])
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
			f.signal()
		}
		if n == len(buf) {
			break
		}
	}
	return n, replay, nil
}

// takeRooms puts what has changed in the list of rooms into buf: one incomplete
// RoomsChanged if some were missed.
func takeRooms(watch *fanout.Subscription[*RoomsChanged], buf []Item) (n int) {
	var changed [roomsChangedWindow]*RoomsChanged
	k, err := watch.Take(changed[:min(len(changed), len(buf))])
	if errors.Is(err, fanout.ErrLagged) {
		watch.Rejoin()
		buf[0] = missedRooms
		return 1
	}
	for i, c := range changed[:k] {
		buf[i] = c
	}
	return k
}

// signal says that there is something to take.
func (f *Feed) signal() { f.notify(false) }
