package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	chatv1 "chatroom/gen/chat/v1"
)

const (
	// maxQueued is how many updates wait for the body of a loop. Then the session
	// receives no more, and the events wait at the server.
	maxQueued = 256
	// maxGaps is how many streams in a row may have a gap in a room.
	maxGaps = 3
	// defaultMaxSilence is how long a stream may be silent if the server does not tell.
	defaultMaxSilence = 30 * time.Second
)

var (
	errDraining    = errors.New("client: the server asked to reconnect")
	errBehind      = errors.New("client: the body of the loop is slower than the events, and a send waits for its answer")
	errResubscribe = errors.New("client: another stream is needed at once")
)

// output is what a session has for its loop.
type output struct {
	update     Update
	err        error  // a *RoomError, in place of an update
	place      *place // of the room, nil if it concerns none
	cursor     Cursor // of the room after the update
	positioned bool   // whether cursor is known
}

// session keeps streams open for one loop over a feed, in a goroutine of its own. The
// other goroutines are those of the current link.
type session struct {
	feed    *Feed
	client  *Client
	ctx     context.Context
	cancel  context.CancelCauseFunc
	detach  func() bool   // of the client's end
	outputs chan output   // closed at the end, once err is set
	done    chan struct{} // closed when the goroutine ends
	err     error

	logs    []*roomLog
	queue   []output
	backoff backoff

	notBefore  time.Time     // the server asked not to reconnect before
	maxSilence time.Duration // how long a stream may be silent
	culprit    string        // the room whose join was answered by the end of the stream
	stale      string        // the token that was refused
	refused    bool          // the last stream was refused for its token
}

func newSession(ctx context.Context, f *Feed) *session {
	s := &session{
		feed: f, client: f.client,
		outputs: make(chan output), done: make(chan struct{}),
		backoff:    backoff{max: f.client.config.MaxBackoff},
		maxSilence: defaultMaxSilence,
	}
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.detach = context.AfterFunc(s.client.lifetime, func() { s.cancel(ErrClosed) })
	go s.run()
	return s
}

// stop ends the session, and waits for it.
func (s *session) stop() {
	s.cancel(nil)
	<-s.done
}

// outcome returns why there is no output, if there is none.
func (s *session) outcome(ok bool) error {
	if ok {
		return nil
	}
	return s.err
}

func (s *session) run() {
	defer s.client.sessions.Done()
	defer close(s.done)
	defer close(s.outputs)
	defer s.detach()
	err := s.follow()
	if s.ctx.Err() == nil {
		_ = s.idle(0, true) // what came before the error; it fails with ctx alone, which follows
	}
	if s.ctx.Err() != nil {
		err = context.Cause(s.ctx)
	}
	s.err = fmt.Errorf("follow: %w", err)
}

// follow opens one stream after the other. It returns an error that is for good.
func (s *session) follow() error {
	for {
		if err := s.reconcile(nil); err != nil {
			return err
		}
		if len(s.logs) == 0 {
			if err := s.idle(-1, false); err != nil {
				return err
			}
			continue
		}
		err := s.stream()
		switch {
		case s.ctx.Err() != nil:
			return context.Cause(s.ctx)
		case errors.Is(err, errResubscribe):
			continue
		case errors.Is(err, errBehind):
			if err := s.idle(0, true); err != nil {
				return err
			}
			continue
		}
		if err := s.failed(err); err != nil {
			return err
		}
		pause := max(s.backoff.after(err), time.Until(s.notBefore))
		s.disconnected(err, pause)
		if err := s.idle(pause, false); err != nil {
			return err
		}
	}
}

// failed returns nil if another stream may succeed where one has ended with an error.
func (s *session) failed(err error) error {
	for _, l := range s.logs {
		if l.gaps == maxGaps {
			return fmt.Errorf("%w of room %q, after sequence %d", ErrGap, l.room, l.cursor.Sequence)
		}
	}
	switch {
	case errors.Is(err, errGap):
		return nil
	case refusesToken(err):
		return s.refusedToken(err)
	case permanent(err):
		return s.refusedRoom(err)
	}
	return nil
}

// refusedToken returns nil if there is another token than the one that was refused. A
// source may give bad ones again and again: if the next one is refused as well, that is
// for good.
func (s *session) refusedToken(err error) error {
	if s.stale == "" || s.refused {
		return err
	}
	token, otherErr := s.client.tokenOf(s.ctx, s.stale)
	switch {
	case otherErr != nil && permanent(otherErr):
		return errors.Join(otherErr, err)
	case otherErr != nil:
		return nil
	case token == s.stale:
		return err
	}
	s.refused = true
	return nil
}

// refusedRoom drops the room that a stream was refused for. It returns the error if there
// is none, or if the feed has no other room.
func (s *session) refusedRoom(err error) error {
	room := s.culprit
	if _, metadata := errorInfo(err); metadata["room"] != "" {
		room = metadata["room"]
	}
	for _, l := range s.logs {
		if l.room == room || len(s.logs) == 1 {
			return s.drop(l, err)
		}
	}
	return s.probe(err)
}

// probe subscribes to each room alone, to find those that a stream of all of them was
// refused for. It returns the error if that was none of them.
func (s *session) probe(err error) error {
	found := false
	for _, l := range s.logs {
		token, tokenErr := s.client.tokenOf(s.ctx, s.stale)
		if tokenErr != nil {
			return nil // retried as a whole
		}
		refusal := s.client.attempt(s.ctx, func(ctx context.Context) error {
			alone := newLink(ctx, false)
			defer alone.close()
			alone.subscribe(s.client, token, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{l.subscription()}})
			if _, ok := <-alone.frames; !ok {
				return alone.err
			}
			return nil
		})
		if refusal == nil || !permanent(refusal) {
			continue
		}
		found = true
		if err := s.drop(l, refusal); err != nil {
			return err
		}
	}
	if !found {
		return err
	}
	return nil
}

// drop removes a room that the server refuses.
func (s *session) drop(l *roomLog, err error) error {
	refusal := &RoomError{Room: l.room, Err: err}
	if !s.feed.refuse(l.place) {
		return refusal
	}
	s.put(output{err: refusal, place: l.place})
	return nil
}

// stream opens one stream, and takes what it brings until it ends.
func (s *session) stream() error {
	token, err := s.client.tokenOf(s.ctx, s.stale)
	if err != nil {
		return err
	}
	st := &streaming{session: s, token: token, link: newLink(s.ctx, s.client.bidi()), silence: newStoppedTimer(), drain: newStoppedTimer(), renewed: make(chan string)}
	return st.run()
}

// reconcile brings the logs in line with the places of the feed. What it changes is
// requested on st, unless that is nil.
func (s *session) reconcile(st *streaming) error {
	s.feed.mu.Lock()
	places := append([]*place(nil), s.feed.places...)
	watch := s.feed.watch
	s.feed.mu.Unlock()
	var kept []*roomLog
	for _, l := range s.logs {
		if i := indexOf(places, l.place); i >= 0 {
			places = append(places[:i], places[i+1:]...)
			kept = append(kept, l)
		} else if err := st.leave(l); err != nil {
			return err
		}
	}
	s.logs = kept
	for _, p := range places {
		l, err := s.open(p)
		if err != nil {
			return err
		}
		s.logs = append(s.logs, l)
		if err := st.join(l); err != nil {
			return err
		}
	}
	return st.watchRooms(watch)
}

func indexOf(places []*place, p *place) int {
	for i, other := range places {
		if other == p {
			return i
		}
	}
	return -1
}

// open returns the log of a place, with the cursor that is stored for it.
func (s *session) open(p *place) (*roomLog, error) {
	s.feed.mu.Lock()
	load := p.resume && !p.loaded
	s.feed.mu.Unlock()
	var stored Cursor
	var found bool
	if store := s.client.config.Cursors; load && store != nil {
		var err error
		if stored, found, err = store.Load(s.ctx, p.room); err != nil {
			return nil, fmt.Errorf("load the cursor of room %q: %w", p.room, err)
		}
	}
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	p.loaded = true
	if found {
		p.yielded, p.handled, p.positioned = stored, stored, true
	}
	return &roomLog{place: p, room: p.room, recent: p.start.recent, cursor: p.yielded, positioned: p.positioned}, nil
}

// put queues an output for the loop.
func (s *session) put(o output) { s.queue = append(s.queue, o) }

// disconnected queues a Disconnected, in place of one that was not taken yet.
func (s *session) disconnected(err error, pause time.Duration) {
	o := output{update: Disconnected{Err: err, RetryIn: pause}}
	if n := len(s.queue); n > 0 {
		if _, again := s.queue[n-1].update.(Disconnected); again {
			s.queue[n-1] = o
			return
		}
	}
	s.put(o)
}

// idle gives the loop what is queued, until d has passed or, if d is negative, the feed
// has changed. With drain it returns when the queue is empty.
func (s *session) idle(d time.Duration, drain bool) error {
	expired := newStoppedTimer()
	defer expired.Stop()
	if d >= 0 && !drain {
		expired.Reset(d)
	}
	for {
		if drain && len(s.queue) == 0 {
			return nil
		}
		var changed <-chan struct{}
		if d < 0 {
			changed = s.feed.changed
		}
		outputs, first := s.first()
		select {
		case outputs <- first:
			s.queue = s.queue[1:]
		case <-expired.C:
			return nil
		case <-changed:
			return nil
		case <-s.ctx.Done():
			return context.Cause(s.ctx)
		}
	}
}

// first returns where the first output in the queue goes: nowhere if there is none.
func (s *session) first() (chan<- output, output) {
	if len(s.queue) == 0 {
		return nil, output{}
	}
	return s.outputs, s.queue[0]
}

// log returns the log of a room, nil if it is not followed.
func (s *session) log(room string) *roomLog {
	for _, l := range s.logs {
		if l.room == room {
			return l
		}
	}
	return nil
}

// event takes an event.
func (s *session) event(e *chatv1.Event) error {
	l := s.log(e.GetRoom())
	if l == nil {
		return nil
	}
	yields, err := l.take(e)
	if err != nil {
		l.gaps++
		return err
	}
	if yields {
		s.update(l, Event{Event: e, Epoch: l.cursor.Epoch, position: l.cursor.Sequence})
	}
	return nil
}

// update queues an update of a room.
func (s *session) update(l *roomLog, u Update) {
	s.put(output{update: u, place: l.place, cursor: l.cursor, positioned: l.positioned})
}
