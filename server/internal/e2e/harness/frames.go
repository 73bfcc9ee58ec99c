package harness

import (
	"context"
	"fmt"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// Next returns the next frame that is not a heartbeat, and fails the test
// without one.
func (receive Frames) Next(t *testing.T) *chatv1.Frame {
	t.Helper()
	for {
		frame, err := receive()
		if err != nil {
			t.Fatalf("receive: %v", err)
		}
		if frame.GetHeartbeat() == nil && !IsEphemeral(frame) {
			return frame
		}
	}
}

// Expect fails the test unless the next frame has the kind of want, and returns
// that kind.
func Expect[Kind any](t *testing.T, receive Frames, kind func(*chatv1.Frame) *Kind) *Kind {
	t.Helper()
	frame := receive.Next(t)
	got := kind(frame)
	if got == nil {
		t.Fatalf("received %v, want %T", frame, got)
	}
	return got
}

// Joined takes the frames that a subscription begins with, up to CaughtUp.
func (receive Frames) Joined(t *testing.T) *chatv1.Joined {
	t.Helper()
	joined := Expect(t, receive, (*chatv1.Frame).GetJoined)
	Expect(t, receive, (*chatv1.Frame).GetCaughtUp)
	return joined
}

// NextEvent returns the next event. It skips frames that are not errors.
func (receive Frames) NextEvent() (*chatv1.Event, error) {
	for {
		frame, err := receive()
		if err != nil {
			return nil, err
		}
		if IsEphemeral(frame) {
			continue
		}
		switch kind := frame.GetKind().(type) {
		case *chatv1.Frame_Event:
			return kind.Event, nil
		case *chatv1.Frame_Accepted, *chatv1.Frame_CaughtUp, *chatv1.Frame_Heartbeat:
		default:
			return nil, fmt.Errorf("received %v, want an event", frame)
		}
	}
}

// Events takes n events of one room, and fails the test unless they follow on the event
// with the sequence last, without a gap.
func (receive Frames) Events(t *testing.T, last uint64, n int) []*chatv1.Event {
	t.Helper()
	events := make([]*chatv1.Event, n)
	for i := range events {
		events[i] = Expect(t, receive, (*chatv1.Frame).GetEvent)
		last = Follow(t, last, events[i])
	}
	return events
}

// Follow fails the test unless an event follows on the one with the sequence
// last, and returns its sequence.
func Follow(t *testing.T, last uint64, e *chatv1.Event) uint64 {
	t.Helper()
	if e.GetPrevious() != last || e.GetSequence() <= last {
		t.Fatalf("event %q has sequence %d and previous %d after sequence %d", e.GetId(), e.GetSequence(), e.GetPrevious(), last)
	}
	return e.GetSequence()
}

// SendTexts sends the texts "FROM" up to "FROM+n-1", waiting for each answer.
func SendTexts(ctx context.Context, t *testing.T, v Client, room string, from, n int) []*chatv1.SendResponse {
	t.Helper()
	responses := make([]*chatv1.SendResponse, n)
	for i := range responses {
		var err error
		if responses[i], err = v.Send(ctx, TextRequest(room, fmt.Sprint(from+i))); err != nil {
			t.Fatalf("Send(%d): %v", from+i, err)
		}
	}
	return responses
}

// EventIDs returns the ids of events.
func EventIDs(events []*chatv1.Event) []string {
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = e.GetId()
	}
	return list
}

// Frames returns the next frame of a stream.
type Frames func() (*chatv1.Frame, error)

// IsEphemeral reports whether a frame is an event that is not in the log, such as that a
// member has joined.
func IsEphemeral(f *chatv1.Frame) bool {
	return f.GetEvent() != nil && f.GetEvent().GetSequence() == 0
}

// End receives until the stream ends, and returns why it did.
func (receive Frames) End() error {
	for {
		if _, err := receive(); err != nil {
			return err
		}
	}
}
