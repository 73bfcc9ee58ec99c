package reference

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/conformance/driver"
)

const (
	// startTimeout bounds the wait for the first frame, before which the heartbeat interval
	// is not known.
	startTimeout = 30 * time.Second
	pingAfter    = 5 * time.Second
	pingTimeout  = 3 * time.Second
)

var (
	errSilent   = errors.New("nothing came for twice the heartbeat interval")
	errDraining = errors.New("the server asked to reconnect")
	errGap      = errors.New("an event is missing")
	errUnknown  = errors.New("a frame of an unknown kind")
)

// follow keeps a stream open: for given rooms, or for those that the client has.
func (c *client) follow(ctx context.Context, rooms []string) {
	var pauses backOff
	for ctx.Err() == nil {
		f := &follower{client: c, pauses: &pauses, rooms: rooms}
		if rooms == nil {
			c.mu.Lock()
			f.rooms = slices.Clone(c.rooms)
			c.mu.Unlock()
		}
		err := f.stream(ctx)
		if errors.Is(err, errRejoin) {
			if c.config.Fault == JoinsLive {
				c.cursors.forget()
			}
			continue
		}
		if refused(err) && !c.hasNewToken() && c.config.Fault != HidesRefusal {
			c.report.Report(driver.Report{Report: driver.Status, Status: driver.StatusRefused, Message: err.Error()})
			return
		}
		wait(ctx, max(pauses.next(c.config.Fault), c.retryAfter(err), time.Until(f.notBefore)))
	}
}

// hasNewToken reports whether the application has another token than that of the last call.
func (c *client) hasNewToken() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.used != c.token && c.config.Fault != KeepsToken
}

// follower is one stream.
type follower struct {
	client    *client
	rooms     []string
	pauses    *backOff
	streamID  string
	notBefore time.Time // when the server wants the client back
}

// stream opens a stream, and handles its frames until it ends. It returns why.
func (f *follower) stream(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	fault := f.client.config.Fault
	silence := startTimeout
	if fault == ImpatientStart {
		silence = time.Second
	}
	watchdog := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer watchdog.Stop()
	drained := time.AfterFunc(math.MaxInt64, func() { cancel(errDraining) })
	defer drained.Stop()
	defer f.client.whenRoomsChange(ctx, func() { cancel(errRejoin) })()

	request := &chatv1.SubscribeRequest{}
	for _, room := range f.rooms {
		request.Rooms = append(request.Rooms, f.client.cursors.subscription(room))
		if fault == StartsLive {
			request.Rooms[len(request.Rooms)-1].Start = nil
		}
	}
	stream, err := f.client.rpc.Subscribe(ctx, request)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer func() {
		cancel(nil) // Close waits for the end of a stream that is open
		_ = stream.Close()
	}()
	for stream.Receive() {
		watchdog.Stop()
		frame := stream.Msg().GetFrame()
		if interval := frame.GetJoined().GetHeartbeatInterval().AsDuration(); interval > 0 {
			silence = 2 * interval
		}
		if draining := frame.GetDraining(); draining != nil && fault != IgnoresDraining {
			after := draining.GetReconnectAfter().AsDuration()
			f.notBefore = time.Now().Add(after)
			drained.Reset(after)
		}
		if err := f.frame(ctx, frame); err != nil {
			return err
		}
		if fault != IgnoresSilence {
			watchdog.Reset(silence)
		}
	}
	return cmp.Or(context.Cause(ctx), stream.Err(), errors.New("the server ended the stream"))
}

// whenRoomsChange calls do when the rooms change, until the returned function is called.
func (c *client) whenRoomsChange(ctx context.Context, do func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-c.changed:
			do()
		case <-ctx.Done():
		}
	}()
	return func() { cancel(); <-ended }
}

// frame handles a frame. Frames of other kinds are skipped: a later server has them.
func (f *follower) frame(ctx context.Context, frame *chatv1.Frame) error {
	c := f.client
	switch kind := frame.GetKind().(type) {
	case *chatv1.Frame_Joined:
		f.pauses.reset()
		f.streamID = kind.Joined.GetStreamId()
		if c.config.Fault == TrustsClock && time.Now().After(kind.Joined.GetTokenExpireTime().AsTime()) {
			return errors.New("the token has expired")
		}
		for _, state := range kind.Joined.GetRooms() {
			if _, ok := c.cursors.get(state.GetRoom()); !ok {
				at := cursor{Epoch: state.GetEpoch(), Sequence: state.GetHead()}
				if err := c.cursors.set(state.GetRoom(), at); err != nil {
					return err
				}
			}
		}
	case *chatv1.Frame_Event:
		return f.event(ctx, kind.Event)
	case *chatv1.Frame_Reset_:
		if c.config.Fault == IgnoresReset {
			return nil
		}
		c.report.Report(driver.Report{Report: driver.Reset, Room: kind.Reset_.GetRoom()})
		return c.cursors.set(kind.Reset_.GetRoom(), cursor{Epoch: kind.Reset_.GetEpoch(), Sequence: kind.Reset_.GetHead()})
	case *chatv1.Frame_Expiring:
		if c.config.Fault != IgnoresExpiring && c.config.Fault != KeepsToken {
			// If it fails, the stream ends when the token has expired, and the next one has
			// the new token.
			_, _ = c.rpc.RenewStream(ctx, &chatv1.RenewStreamRequest{StreamId: f.streamID})
		}
	case nil:
		if c.config.Fault == FailsOnUnknown {
			return errUnknown
		}
	}
	return nil
}

// event handles an event, and keeps the cursor after that.
func (f *follower) event(ctx context.Context, e *chatv1.Event) error {
	c := f.client
	fault := c.config.Fault
	at, _ := c.cursors.get(e.GetRoom())
	if e.GetSequence() == 0 {
		if fault == EphemeralCursor {
			return c.cursors.set(e.GetRoom(), cursor{Epoch: at.Epoch})
		}
		return nil // it is not in the log, and moves no cursor
	}
	if e.GetBody() == nil && fault == FailsOnUnknown {
		return errUnknown
	}
	if e.GetSequence() <= at.Sequence && fault != AppliesDuplicates {
		return nil // it was seen
	}
	if e.GetPrevious() > at.Sequence && fault != IgnoresGaps {
		return errGap // the next stream begins with what is missing
	}
	if fault == CountsSequences && e.GetSequence() != at.Sequence+1 {
		return errGap
	}
	next := cursor{Epoch: at.Epoch, Sequence: max(at.Sequence, e.GetSequence())}
	if fault == CursorBeforeHandling {
		if err := c.cursors.set(e.GetRoom(), next); err != nil {
			return err
		}
	}
	if err := c.handle(ctx, e); err != nil {
		return err
	}
	return c.cursors.set(e.GetRoom(), next)
}

// handle is the application.
func (c *client) handle(ctx context.Context, e *chatv1.Event) error {
	if e.GetMessage() == nil {
		return nil
	}
	sequence := e.GetSequence()
	if c.config.Fault == RoundsSequences {
		sequence = uint64(float64(sequence))
	}
	if c.hangAt == sequence {
		c.report.Report(driver.Report{Report: driver.Handling, Room: e.GetRoom(), Sequence: driver.Sequence(sequence)})
		<-ctx.Done()
		return fmt.Errorf("handling event %d: %w", sequence, ctx.Err())
	}
	c.report.Report(driver.Report{Report: driver.Event, Room: e.GetRoom(), Sequence: driver.Sequence(sequence), Text: e.GetMessage().GetText()})
	return nil
}

// retryAfter returns how long the server asks to wait before another attempt.
func (c *client) retryAfter(err error) time.Duration {
	coded, ok := errors.AsType[*connect.Error](err)
	if !ok || c.config.Fault == IgnoresRetryInfo {
		return 0
	}
	return retryInfo(coded)
}
