package main

import (
	"context"
	"fmt"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
)

// next returns the next frame that is not a heartbeat, and fails the test
// without one.
func (receive frames) next(t *testing.T) *chatv1.Frame {
	t.Helper()
	for {
		frame, err := receive()
		if err != nil {
			t.Fatalf("receive: %v", err)
		}
		if frame.GetHeartbeat() == nil && !isEphemeral(frame) {
			return frame
		}
	}
}

// expect fails the test unless the next frame has the kind of want, and returns
// that kind.
func expect[Kind any](t *testing.T, receive frames, kind func(*chatv1.Frame) *Kind) *Kind {
	t.Helper()
	frame := receive.next(t)
	got := kind(frame)
	if got == nil {
		t.Fatalf("received %v, want %T", frame, got)
	}
	return got
}

// joined takes the frames with which a live subscription begins.
func (receive frames) joined(t *testing.T) *chatv1.Joined {
	t.Helper()
	joined := expect(t, receive, (*chatv1.Frame).GetJoined)
	expect(t, receive, (*chatv1.Frame).GetCaughtUp)
	return joined
}

// nextEvent returns the next event. It skips what belongs to a stream on which
// all goes well.
func (receive frames) nextEvent() (*chatv1.Event, error) {
	for {
		frame, err := receive()
		if err != nil {
			return nil, err
		}
		if isEphemeral(frame) {
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

// events takes n events and fails the test unless they are what is said in one
// room, without a gap, after the event with the sequence last.
func (receive frames) events(t *testing.T, last uint64, n int) []*chatv1.Event {
	t.Helper()
	events := make([]*chatv1.Event, n)
	for i := range events {
		events[i] = expect(t, receive, (*chatv1.Frame).GetEvent)
		last = follow(t, last, events[i])
	}
	return events
}

// follow fails the test unless an event follows on the one with the sequence
// last, and returns its sequence.
func follow(t *testing.T, last uint64, e *chatv1.Event) uint64 {
	t.Helper()
	if e.GetPrevious() != last || e.GetSequence() <= last {
		t.Fatalf("event %q has sequence %d and previous %d after sequence %d", e.GetId(), e.GetSequence(), e.GetPrevious(), last)
	}
	return e.GetSequence()
}

// saying makes a request to say something, under an id that is the text.
func saying(room, text string) *chatv1.SendRequest {
	return &chatv1.SendRequest{Room: room, Id: text, Body: &chatv1.SendRequest_Message{Message: &chatv1.Message{Text: text}}}
}

// say sends the texts "FROM" up to "FROM+n-1", waiting for each answer.
func say(ctx context.Context, t *testing.T, v visitor, room string, from, n int) []*chatv1.SendResponse {
	t.Helper()
	responses := make([]*chatv1.SendResponse, n)
	for i := range responses {
		var err error
		if responses[i], err = v.Send(ctx, saying(room, fmt.Sprint(from+i))); err != nil {
			t.Fatalf("Send(%d): %v", from+i, err)
		}
	}
	return responses
}

// ids returns the ids of events.
func ids(events []*chatv1.Event) []string {
	list := make([]string, len(events))
	for i, e := range events {
		list[i] = e.GetId()
	}
	return list
}

func joinRequest(s *chatv1.Subscription) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Join{Join: s}}
}

func leaveRequest(room string) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Leave{Leave: &chatv1.Leave{Room: room}}}
}

func sendRequest(s *chatv1.SendRequest) *chatv1.ChatRequest {
	return &chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: s}}
}

// only makes a request to subscribe to one room.
func only(s *chatv1.Subscription) *chatv1.SubscribeRequest {
	return &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{s}}
}
