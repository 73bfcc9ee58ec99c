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
	// firstFrame is how long the first frame may take, as the heartbeat interval
	// is not known before.
	firstFrame = 30 * time.Second
	// maxGaps is how often in a row Follow resumes to fill a gap before it
	// believes that the server has nothing to fill it with.
	maxGaps = 3
)

var (
	errSilent  = errors.New("client: nothing was heard for twice the heartbeat interval")
	errDrained = errors.New("client: the server asked to reconnect")
	errEnded   = errors.New("client: the server ended the stream")
	errBroken  = errors.New("client: an event is missing from the stream")
)

// Follow returns the events of a room, from a start on, exactly once and in the
// room's order. It goes on for ever: through lost connections and servers that
// drain, restart or fall silent (twice the heartbeat interval), it resumes after
// the last event it gave. Each use of the sequence begins at the start again.
//
// A *ResetError comes in the place of events that can't be delivered. It does
// not end the sequence, which goes on after its Head. Any other error is the
// last: ctx's, a *connect.Error that trying again can't help, or ErrGap.
//
// An event counts as seen when the loop's body gets it: keep Event.Cursor to
// resume in another process. The body may take its time; the server reads on
// from its log when a reader is slow, and Follow resumes if it had to let go.
func (c *Client) Follow(ctx context.Context, room string, from Start) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		f := &follower{client: c, room: room, recent: from.recent, yield: yield}
		if from.after != nil {
			f.cursor, f.placed = *from.after, true
		}
		if err := f.run(ctx); err != nil {
			yield(Event{}, fmt.Errorf("follow room %q: %w", room, err))
		}
	}
}

// follower is one use of what Follow returned.
type follower struct {
	client *Client
	room   string
	recent uint32
	yield  func(Event, error) bool

	cursor  Cursor // everything up to it was given, or not asked for
	placed  bool   // whether the cursor is known
	stopped bool   // the loop was left

	pauses  backoff
	gaps    int       // in a row
	notTill time.Time // the server asked not to be called before
}

// run holds a stream open until the loop is left, which is no error.
func (f *follower) run(ctx context.Context) error {
	f.pauses.max = f.client.maxBackoff
	for {
		err := f.stream(ctx)
		switch {
		case f.stopped:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, errBroken):
			if f.gaps++; f.gaps == maxGaps {
				return fmt.Errorf("%w after sequence %d", ErrGap, f.cursor.Sequence)
			}
		case permanent(err):
			return err
		}
		if err := wait(ctx, max(f.pauses.pause(), time.Until(f.notTill))); err != nil {
			return err
		}
	}
}

// stream opens one stream and gives what it brings. It always returns an error,
// or has set stopped.
func (f *follower) stream(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	silence := firstFrame
	watchdog := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watchdog.Stop()

	stream, err := f.client.rpc.Subscribe(ctx, f.request())
	if err != nil {
		return cause(ctx, err)
	}
	defer func() {
		cancel(nil) // closing waits for the end of a stream that goes on
		_ = stream.Close()
	}()
	move := time.AfterFunc(math.MaxInt64, func() { cancel(errDrained) })
	defer move.Stop()
	for stream.Receive() {
		// The loop's body may take longer than the server may be silent.
		watchdog.Stop()
		switch kind := stream.Msg().GetFrame().GetKind().(type) {
		case *chatv1.Frame_Joined:
			if interval := kind.Joined.GetHeartbeatInterval().AsDuration(); interval > 0 {
				silence = 2 * interval
			}
		case *chatv1.Frame_Draining:
			after := kind.Draining.GetReconnectAfter().AsDuration()
			f.notTill = time.Now().Add(after)
			move.Reset(after)
		}
		if err := f.take(stream.Msg().GetFrame()); err != nil || f.stopped {
			return err
		}
		watchdog.Reset(silence)
	}
	return cause(ctx, cmp.Or(stream.Err(), errEnded))
}

// request asks for what comes after the cursor, once that is known.
func (f *follower) request() *chatv1.SubscribeRequest {
	subscription := &chatv1.Subscription{Room: f.room}
	switch {
	case f.placed:
		subscription.Start = &chatv1.Subscription_After{After: &chatv1.Cursor{Epoch: f.cursor.Epoch, Sequence: f.cursor.Sequence}}
	case f.recent > 0:
		subscription.Start = &chatv1.Subscription_Recent{Recent: f.recent}
	}
	return &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{subscription}}
}

// take handles one frame.
func (f *follower) take(frame *chatv1.Frame) error {
	switch kind := frame.GetKind().(type) {
	case *chatv1.Frame_Joined:
		f.joined(kind.Joined)
	case *chatv1.Frame_Event:
		return f.event(kind.Event)
	case *chatv1.Frame_CaughtUp:
		f.placed = true
	case *chatv1.Frame_Reset_:
		reset := kind.Reset_
		f.cursor, f.placed = Cursor{Epoch: reset.GetEpoch(), Sequence: reset.GetHead()}, true
		f.give(Event{}, &ResetError{Room: f.room, Epoch: reset.GetEpoch(), Oldest: reset.GetOldest(), Head: reset.GetHead()})
	}
	return nil
}

// joined places a reader that has no cursor yet. One that starts with recent
// events is placed by the first of them, or by CaughtUp if there are none.
func (f *follower) joined(joined *chatv1.Joined) {
	f.pauses.reset()
	for _, state := range joined.GetRooms() {
		if state.GetRoom() != f.room || f.placed {
			continue
		}
		f.cursor = Cursor{Epoch: state.GetEpoch()}
		if f.recent == 0 {
			f.cursor.Sequence, f.placed = state.GetHead(), true
		}
	}
}

func (f *follower) event(e *chatv1.Event) error {
	switch {
	case e.GetRoom() != f.room:
		return nil
	case e.GetSequence() == 0: // ephemeral
		f.give(Event{Event: e, Epoch: f.cursor.Epoch, place: f.cursor.Sequence}, nil)
		return nil
	case !f.placed:
		f.placed = true // whatever came before was not asked for
	case e.GetSequence() <= f.cursor.Sequence:
		return nil
	case e.GetPrevious() > f.cursor.Sequence:
		return errBroken
	}
	f.cursor.Sequence, f.gaps = e.GetSequence(), 0
	f.give(Event{Event: e, Epoch: f.cursor.Epoch, place: f.cursor.Sequence}, nil)
	return nil
}

func (f *follower) give(e Event, err error) { f.stopped = !f.yield(e, err) }

// cause returns why ctx was ended, if it was, and else err.
func cause(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); reason != nil {
		return reason
	}
	return err
}
