package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	chatv1 "chatroom/gen/chat/v1"
)

const (
	// firstFrameTimeout bounds the wait for the first frame. The heartbeat interval
	// is not known before it.
	firstFrameTimeout = 30 * time.Second
	// maxGaps is how many times in a row Follow resumes to fill a gap before it
	// returns ErrGap.
	maxGaps = 3
)

var (
	errSilent   = errors.New("client: nothing was received for twice the heartbeat interval")
	errDraining = errors.New("client: the server asked to reconnect")
	errEnded    = errors.New("client: the server ended the stream")
	errGap      = errors.New("client: an event is missing from the stream")
)

// Follow returns an iterator over the events of a room, beginning at from, exactly
// once and in the room's order. It continues until the loop ends or an error occurs:
// after a lost connection, or if the server drains, restarts or is silent for twice
// the heartbeat interval, it resumes after the last event it yielded. Each use of the
// iterator begins at from again.
//
// A *ResetError is yielded in place of events that can't be delivered. The iteration
// continues after its Head. Any other error is the last: the error of ctx, a permanent
// *connect.Error, or ErrGap.
//
// An event counts as seen when it is yielded: store Event.Cursor to resume in another
// process. The body of the loop may be slow: the server then reads from its log, and
// Follow resumes if the server ended the stream.
func (c *Client) Follow(ctx context.Context, room string, from Start) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := &follower{client: c, room: room, recent: from.recent, yield: yield}
		if from.after != nil {
			f.cursor, f.positioned = *from.after, true
		}
		if err := f.run(ctx); err != nil {
			yield(Event{}, fmt.Errorf("follow room %q: %w", room, err))
		}
	}
}

// follower is the state of one iteration of Follow.
type follower struct {
	client *Client
	room   string
	recent uint32
	yield  func(Event, error) bool

	cursor     Cursor // everything up to it was yielded or not asked for
	positioned bool   // whether cursor is known
	stopped    bool   // the loop has ended
	streamID   string // of the last stream, for renewal; empty until it has begun

	backoff   backoff
	gaps      int       // consecutive resumes because of a gap
	notBefore time.Time // the server asked not to reconnect before
}

// run keeps a stream open until the loop ends. It then returns nil.
func (f *follower) run(ctx context.Context) error {
	f.backoff.max = f.client.maxBackoff
	for {
		err := f.stream(ctx)
		switch {
		case f.stopped:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errGap):
			if f.gaps++; f.gaps == maxGaps {
				return fmt.Errorf("%w after sequence %d", ErrGap, f.cursor.Sequence)
			}
		case f.outlived(err):
		case permanent(err):
			return err
		}
		if err := wait(ctx, max(f.backoff.pause(), time.Until(f.notBefore), retryAfter(err))); err != nil {
			return err
		}
	}
}

// stream opens one stream and yields its events. It returns a non-nil error unless it
// has set stopped.
func (f *follower) stream(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	f.streamID = ""
	maxSilence := firstFrameTimeout
	watchdog := time.AfterFunc(maxSilence, func() { cancel(errSilent) })
	defer watchdog.Stop()

	stream, err := f.client.rpc.Subscribe(ctx, f.request())
	if err != nil {
		return cause(ctx, err)
	}
	defer func() {
		cancel(nil) // Close waits for the end of a stream that is still open
		_ = stream.Close()
	}()
	drain := time.AfterFunc(math.MaxInt64, func() { cancel(errDraining) })
	defer drain.Stop()
	for stream.Receive() {
		// The body of the loop may take longer than maxSilence.
		watchdog.Stop()
		switch kind := stream.Msg().GetFrame().GetKind().(type) {
		case *chatv1.Frame_Joined:
			if interval := kind.Joined.GetHeartbeatInterval().AsDuration(); interval > 0 {
				maxSilence = 2 * interval
			}
			f.streamID = kind.Joined.GetStreamId()
		case *chatv1.Frame_Expiring:
			f.renew(ctx)
		case *chatv1.Frame_Draining:
			after := kind.Draining.GetReconnectAfter().AsDuration()
			f.notBefore = time.Now().Add(after)
			drain.Reset(after)
		}
		if err := f.handle(stream.Msg().GetFrame()); err != nil || f.stopped {
			return err
		}
		watchdog.Reset(maxSilence)
	}
	return cause(ctx, cmp.Or(stream.Err(), errEnded))
}

// request returns the request for the events after the cursor, if that is known.
func (f *follower) request() *chatv1.SubscribeRequest {
	subscription := &chatv1.Subscription{Room: f.room}
	switch {
	case f.positioned:
		subscription.Start = &chatv1.Subscription_After{After: &chatv1.Cursor{Epoch: f.cursor.Epoch, Sequence: f.cursor.Sequence}}
	case f.recent > 0:
		subscription.Start = &chatv1.Subscription_Recent{Recent: f.recent}
	}
	return &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{subscription}}
}

// handle handles one frame.
func (f *follower) handle(frame *chatv1.Frame) error {
	switch kind := frame.GetKind().(type) {
	case *chatv1.Frame_Joined:
		f.joined(kind.Joined)
	case *chatv1.Frame_Event:
		return f.event(kind.Event)
	case *chatv1.Frame_CaughtUp:
		f.positioned = true
	case *chatv1.Frame_Reset_:
		reset := kind.Reset_
		f.cursor, f.positioned = Cursor{Epoch: reset.GetEpoch(), Sequence: reset.GetHead()}, true
		f.emit(Event{}, &ResetError{Room: f.room, Epoch: reset.GetEpoch(), Oldest: reset.GetOldest(), Head: reset.GetHead()})
	}
	return nil
}

// joined sets the cursor of a follower that has none. If it starts with recent events,
// the cursor is set by the first of them, or by CaughtUp if there are none.
func (f *follower) joined(joined *chatv1.Joined) {
	f.backoff.reset()
	for _, state := range joined.GetRooms() {
		if state.GetRoom() != f.room || f.positioned {
			continue
		}
		f.cursor = Cursor{Epoch: state.GetEpoch()}
		if f.recent == 0 {
			f.cursor.Sequence, f.positioned = state.GetHead(), true
		}
	}
}

func (f *follower) event(e *chatv1.Event) error {
	switch {
	case e.GetRoom() != f.room:
		return nil
	case e.GetSequence() == 0: // ephemeral
		f.emit(Event{Event: e, Epoch: f.cursor.Epoch, position: f.cursor.Sequence}, nil)
		return nil
	case !f.positioned:
		f.positioned = true // events before this one were not asked for
	case e.GetSequence() <= f.cursor.Sequence:
		return nil
	case e.GetPrevious() > f.cursor.Sequence:
		return errGap
	}
	f.cursor.Sequence, f.gaps = e.GetSequence(), 0
	f.emit(Event{Event: e, Epoch: f.cursor.Epoch, position: f.cursor.Sequence}, nil)
	return nil
}

func (f *follower) emit(e Event, err error) { f.stopped = !f.yield(e, err) }

// cause returns the cause of ctx if ctx is done, and err otherwise.
func cause(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); reason != nil {
		return reason
	}
	return err
}
