package client

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"

	chatv1 "chatroom/gen/chat/v1"
)

// maxRooms is how many rooms a stream can have.
const maxRooms = 100

// saveInterval is how long a cursor may be kept back while events keep coming.
const saveInterval = time.Second

var (
	// ErrFollowed is the error of a loop over a Feed while there is another one.
	ErrFollowed = errors.New("client: there is another loop over this feed")
	// ErrTooManyRooms is the error of a feed of more than 100 rooms.
	ErrTooManyRooms = errors.New("client: a feed has at most 100 rooms")
)

// Subscription is a room and where to start: the result of Live, Recent, After or Resume.
type Subscription struct {
	room   string
	after  *Cursor
	recent uint32
	resume bool
}

// Live starts with the events that are sent from now on.
func Live(room string) Subscription { return Subscription{room: room} }

// Recent starts with the newest n events of a room, 0 to 1,000.
func Recent(room string, n uint32) Subscription { return Subscription{room: room, recent: n} }

// After starts with the first event after a cursor.
func After(room string, c Cursor) Subscription { return Subscription{room: room, after: &c} }

// Resume starts after the cursor that Config.Cursors has for the room or, if it has none,
// where first starts. While the feed is followed, the cursor of what was handled is saved
// there: see Feed.
func Resume(first Subscription) Subscription {
	first.resume = true
	return first
}

func (s Subscription) check() error {
	err := checkRoom(s.room)
	if err == nil && s.recent > 1000 {
		err = fmt.Errorf("room %q: Recent(%d): must be 0 to 1,000", s.room, s.recent)
	}
	if err == nil && s.after != nil && (s.after.Epoch == "" || len(s.after.Epoch) > 64) {
		err = fmt.Errorf("room %q: a cursor has an epoch of 1 to 64 bytes", s.room)
	}
	return err
}

// place is how far a feed has come in a room. It is guarded by the feed's mu.
type place struct {
	room   string
	start  Subscription
	resume bool

	loaded     bool   // the store was asked
	yielded    Cursor // the next loop continues after it
	positioned bool   // whether yielded is known
	handled    Cursor // the loop has asked for what follows
	unsaved    bool   // handled is not in the store
}

// Feed follows rooms on one stream. Its loops, over Events or Updates, yield every event
// of each room exactly once and in the room's order, across disconnections, restarts and
// drains of the server. Events of different rooms have no order among them.
//
// There is a stream while there is a loop. One loop can run at a time; another one
// continues after what the last one has yielded. The body of a loop may be slow: events
// wait in the server's log. It may call all methods of the feed and of the client.
//
// Rooms with Resume have their cursors saved when the loop waits for the next event, once
// a second while it doesn't wait, and when it ends. An event counts as handled when the
// loop asks for the next one, so one in whose body the process or the loop ends is
// yielded again by the next process: at least once, then, and exactly once if what the
// body does with an event can be repeated, as Send can with an id that follows from the
// event.
//
// A Feed is safe for concurrent use.
type Feed struct {
	client *Client

	mu      sync.Mutex // guards below
	places  []*place
	watch   bool
	err     error // of Follow
	changed chan struct{}
	running bool
}

// Follow returns a feed of rooms, each named once, which may be none: see Feed.Join. It
// does nothing until there is a loop over it.
func (c *Client) Follow(rooms ...Subscription) *Feed {
	f := &Feed{client: c, changed: make(chan struct{}, 1)}
	for _, s := range rooms {
		f.err = errors.Join(f.err, f.Join(s))
	}
	return f
}

// Join adds a room. If there is a loop, it joins at once, and the other rooms have no gap.
// It returns an error if the subscription is invalid or the room is in the feed already.
// That the server refuses the room is a *RoomError of the loop.
func (f *Feed) Join(s Subscription) error {
	if err := s.check(); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.indexLocked(s.room) >= 0 {
		return fmt.Errorf("client: room %q is in the feed already", s.room)
	}
	if len(f.places) == maxRooms {
		return ErrTooManyRooms
	}
	p := &place{room: s.room, start: s, resume: s.resume}
	if s.after != nil {
		p.yielded, p.positioned = *s.after, true
	}
	f.places = append(f.places, p)
	f.changeLocked()
	return nil
}

// Leave removes a room: nothing of it is yielded after Leave has returned. It reports
// whether the room was in the feed.
func (f *Feed) Leave(room string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.indexLocked(room)
	if i < 0 {
		return false
	}
	f.places = slices.Delete(f.places, i, i+1)
	f.changeLocked()
	return true
}

// WatchRooms starts or stops the RoomsChanged of Updates. After each one that is
// incomplete, as the first one of each connection is, call Rooms: see docs/PROTOCOL.md.
// On Split it needs a room in the feed.
func (f *Feed) WatchRooms(watch bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watch = watch
	f.changeLocked()
}

// Rooms returns the names of the rooms in the feed.
func (f *Feed) Rooms() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	names := make([]string, len(f.places))
	for i, p := range f.places {
		names[i] = p.room
	}
	return names
}

// Events returns a loop over the events of the rooms. A Reset is an Event whose Reset is
// set. The loop ends when its body breaks out of it, or after it has yielded one of these
// errors: that of ctx, ErrClosed, a permanent *connect.Error, ErrGap, or an error of
// Config.Cursors. A *RoomError ends the loop only if it is of the only room: otherwise the
// loop may continue without the room.
func (f *Feed) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		for u, err := range f.Updates(ctx) {
			var e Event
			switch u := u.(type) {
			case Event:
				e = u
			case Reset:
				e = Event{Event: &chatv1.Event{Room: u.Room}, Epoch: u.Epoch, Reset: &u, position: u.Head}
			default:
				if err == nil {
					continue
				}
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

// Updates is Events for programs that show rooms and the state of the connection. The
// Update is nil if there is an error.
func (f *Feed) Updates(ctx context.Context) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		s, err := f.begin(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		l := loop{feed: f, saved: time.Now()}
		if err := l.runAndEnd(ctx, s, yield); err != nil && !l.ended {
			yield(nil, err)
		}
	}
}

// begin starts a session.
func (f *Feed) begin(ctx context.Context) (*session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.err != nil:
		return nil, f.err
	case f.running:
		return nil, ErrFollowed
	case !f.client.begin():
		return nil, ErrClosed
	}
	f.running = true
	for _, p := range f.places {
		if p.loaded && p.handled != p.yielded {
			p.handled, p.unsaved = p.yielded, true
		}
	}
	return newSession(ctx, f), nil
}

func (f *Feed) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running = false
}

func (f *Feed) indexLocked(room string) int {
	return slices.IndexFunc(f.places, func(p *place) bool { return p.room == room })
}

// changeLocked tells the session that places or watch have changed.
func (f *Feed) changeLocked() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// refuse removes a place, and reports whether the feed has others.
func (f *Feed) refuse(p *place) (others bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.places = slices.DeleteFunc(f.places, func(other *place) bool { return other == p })
	return len(f.places) > 0
}

// loop is one loop over a feed.
type loop struct {
	feed  *Feed
	ended bool // by the body
	saved time.Time
}

// runAndEnd runs the loop, and leaves nothing of it, even if the body panics.
func (l *loop) runAndEnd(ctx context.Context, s *session, yield func(Update, error) bool) (err error) {
	defer l.feed.end()
	defer func() { err = errors.Join(err, l.save(context.WithoutCancel(ctx))) }()
	defer s.stop()
	return l.run(ctx, s, yield)
}

// run yields what the session has, until one of them ends.
func (l *loop) run(ctx context.Context, s *session, yield func(Update, error) bool) error {
	for {
		o, err := l.next(ctx, s)
		if err != nil {
			return err
		}
		if !l.arrived(o) {
			continue // of a room that was left
		}
		if !yield(o.update, o.err) {
			l.ended = true
			return nil
		}
		l.handled(o)
	}
}

// next waits for the next output of the session. Before it waits, and at times when it
// does not, it saves the cursors.
func (l *loop) next(ctx context.Context, s *session) (output, error) {
	if time.Since(l.saved) >= saveInterval {
		if err := l.save(ctx); err != nil {
			return output{}, err
		}
	}
	select {
	case o, ok := <-s.outputs:
		return o, s.outcome(ok)
	default:
	}
	if err := l.save(ctx); err != nil {
		return output{}, err
	}
	o, ok := <-s.outputs
	return o, s.outcome(ok)
}

// arrived notes that an output is yielded. It returns false if its room was left.
func (l *loop) arrived(o output) bool {
	if o.place == nil {
		return true
	}
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	if o.err == nil && !slices.Contains(l.feed.places, o.place) {
		return false
	}
	if o.positioned {
		o.place.yielded, o.place.positioned = o.cursor, true
	}
	return true
}

// handled notes that the body is done with an output.
func (l *loop) handled(o output) {
	if o.place == nil || !o.positioned {
		return
	}
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	if o.place.handled != o.cursor {
		o.place.handled, o.place.unsaved = o.cursor, true
	}
}

// save saves the cursors that have changed.
func (l *loop) save(ctx context.Context) error {
	l.saved = time.Now()
	store := l.feed.client.config.Cursors
	if store == nil {
		return nil
	}
	cursors := make(map[string]Cursor)
	l.feed.mu.Lock()
	places := slices.Clone(l.feed.places)
	places = slices.DeleteFunc(places, func(p *place) bool { return !p.resume || !p.unsaved })
	for _, p := range places {
		cursors[p.room] = p.handled
	}
	l.feed.mu.Unlock()
	if len(cursors) == 0 {
		return nil
	}
	if err := store.Save(ctx, cursors); err != nil {
		return fmt.Errorf("follow: save cursors: %w", err)
	}
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	for _, p := range places {
		p.unsaved = false // only this goroutine handles events
	}
	return nil
}
