package chat

import (
	"context"
	"fmt"
	"slices"
	"sync"
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
// goroutine calls Next; another may call Join and Leave meanwhile.
type Feed struct {
	service *Service
	member  Member
	ready   chan struct{} // capacity 1

	mu      sync.Mutex // guards below
	pending []Item     // to be delivered before anything of the places
	places  []*place   // replaced, never changed in place
	closed  bool

	turn int // the place that Next begins with; used by Next alone
}

// NewFeed returns a feed for a member, in no room yet.
func (s *Service) NewFeed(m Member) *Feed {
	return &Feed{service: s, member: m, ready: make(chan struct{}, 1)}
}

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
	var err error
	apart(func() { err = f.join(ctx, starts) })
	return err
}

func (f *Feed) join(ctx context.Context, starts []Start) error {
	var joined Joined
	var resets []Item
	var places []*place
	for _, start := range starts {
		p, state, reset, err := f.attach(ctx, start)
		if err != nil {
			f.detach(places, true)
			return err
		}
		places = append(places, p)
		joined.Rooms = append(joined.Rooms, state)
		if reset != nil {
			resets = append(resets, *reset)
		}
	}
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		f.detach(places, true)
		return ErrClosed
	}
	f.pending = append(append(f.pending, joined), resets...)
	f.places = append(slices.Clip(f.places), places...)
	f.mu.Unlock()
	f.signal()
	return nil
}

func (f *Feed) checkJoin(starts []Start) error {
	f.mu.Lock()
	joined := make(map[string]bool, len(f.places)+len(starts))
	for _, p := range f.places {
		joined[p.room.name] = true
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

// attach subscribes before it asks the journal where the room stands: whatever
// is appended after that reaches the subscription. It counts the member before
// that, so that the member is not told of itself, and asks how many there are after
// it, so that nobody is missed.
func (f *Feed) attach(ctx context.Context, start Start) (*place, RoomState, *Reset, error) {
	s := f.service
	if err := s.admit(ctx, f.member, start.Room); err != nil {
		return nil, RoomState{}, nil, err
	}
	r, err := s.acquire(ctx, start.Room)
	if err != nil {
		return nil, RoomState{}, nil, err
	}
	p := &place{service: s, room: r, crowd: s.enter(start.Room, f.member)}
	p.sub, p.carried = r.subscribe(f.ready)
	state := RoomState{Room: start.Room, Members: s.countMembers(start.Room)}
	if state.Profile, err = s.profile(ctx, start.Room); err == nil {
		var reset *Reset
		if reset, err = p.start(ctx, start, &state); err == nil {
			return p, state, reset, nil
		}
	}
	f.detach([]*place{p}, true)
	return nil, RoomState{}, nil, err
}

// detach leaves rooms. A member who does so of its own accord is gone at once.
func (f *Feed) detach(places []*place, explicit bool) {
	for _, p := range places {
		p.sub.Close()
		f.service.exit(p.crowd, f.member, explicit)
		f.service.release(p.room)
	}
}

// Leave ends what Join began. Items of the room that Next has already taken may
// still be on their way. It returns a *FieldError for a room that is not joined.
func (f *Feed) Leave(room string) error {
	f.mu.Lock()
	i := slices.IndexFunc(f.places, func(p *place) bool { return p.room.name == room })
	if i < 0 {
		f.mu.Unlock()
		return &FieldError{"room", "room.joined", fmt.Sprintf("must be joined to be left: %q", room)}
	}
	p := f.places[i]
	f.places = slices.Concat(f.places[:i], f.places[i+1:])
	f.mu.Unlock()
	f.detach([]*place{p}, true)
	return nil
}

// Close leaves all rooms, as one whose connection is lost: the member is in them
// for a moment longer. Closing twice is harmless.
func (f *Feed) Close() {
	f.mu.Lock()
	places := f.places
	f.places, f.pending, f.closed = nil, nil, true
	f.mu.Unlock()
	f.detach(places, false)
}

// Next puts what is pending into buf and returns how many items. It does not
// wait for events, but it may read the journal. Rooms take turns, so that a long
// replay of one does not hold up the others. When something is left, Ready
// fires again.
func (f *Feed) Next(ctx context.Context, buf []Item) (int, error) {
	f.mu.Lock()
	n := copy(buf, f.pending)
	f.pending = slices.Delete(f.pending, 0, n)
	places, held := f.places, len(f.pending) > 0
	f.mu.Unlock()
	if held {
		f.signal()
		return n, nil
	}
	f.turn++
	for i := range places {
		p := places[(f.turn+i)%len(places)]
		k, more, err := p.take(ctx, buf[n:])
		n += k
		if err != nil {
			return n, err
		}
		if more || n == len(buf) {
			f.signal()
		}
		if n == len(buf) {
			break
		}
	}
	return n, nil
}

// Wake makes Ready fire, for whoever waits there and has something else to see to.
func (f *Feed) Wake() { f.signal() }

// signal never blocks: a signal that is already there covers this one.
func (f *Feed) signal() {
	select {
	case f.ready <- struct{}{}:
	default:
	}
}
