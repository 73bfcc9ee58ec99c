package main

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// conversation is one member's Chat stream in a room of its own, and somebody
// else who speaks there.
type conversation struct {
	*chatStream
	room   string
	member *chatv1.Member
	other  func(t *testing.T, text string) uint64
}

func (c *conversation) do(t *testing.T, request *chatv1.ChatRequest) {
	t.Helper()
	if err := c.send(request); err != nil {
		t.Fatalf("send %v: %v", request, err)
	}
}

// answered takes the Accepted and the event of one send. Which of them comes
// first is not promised.
func (c *conversation) answered(t *testing.T) (*chatv1.Accepted, *chatv1.Event) {
	t.Helper()
	frames := [2]*chatv1.Frame{c.receive.next(t), c.receive.next(t)}
	for i, frame := range frames {
		if accepted, event := frame.GetAccepted(), frames[1-i].GetEvent(); accepted != nil && event != nil {
			return accepted, event
		}
	}
	t.Fatalf("received %v, want one Accepted and one Event", frames)
	return nil, nil
}

// Chat does the same by every client that can do bidirectional streams.
func TestChatDoors(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, d := range doors {
		if !d.bidi {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			c := converse(t, s, d, fmt.Sprintf("room-%d", i))
			head := c.testJoin(t)
			accepted := c.testSend(t, head)
			c.testRetry(t, accepted)
			last := c.testLeave(t, accepted.GetSequence())
			c.testPipeline(t, last)
			c.testHalfClose(t)
		})
	}
}

func converse(t *testing.T, s *testService, d door, room string) *conversation {
	t.Helper()
	ctx := bounded(t)
	token, member := s.enter(t, d.name)
	stream, err := d.open(t, s, token).chat(ctx)
	if err != nil {
		t.Fatalf("Chat: %v", err)
	}
	other := connectDoor(http1Client)(t, s, "")
	return &conversation{chatStream: stream, room: room, member: member, other: func(t *testing.T, said string) uint64 {
		t.Helper()
		response, err := other.Send(ctx, saying(room, said))
		if err != nil {
			t.Fatalf("Send(%q): %v", said, err)
		}
		return response.GetSequence()
	}}
}

// Joined comes first, and says who and where.
func (c *conversation) testJoin(t *testing.T) (head *chatv1.Cursor) {
	t.Helper()
	before := c.other(t, "before")
	c.do(t, joinRequest(&chatv1.Subscription{Room: c.room}))
	joined := c.receive.joined(t)
	if !proto.Equal(joined.GetMember(), c.member) {
		t.Errorf("Joined.member = %v, want the one signed in: %v", joined.GetMember(), c.member)
	}
	if d := joined.GetHeartbeatInterval().AsDuration(); d.Seconds() != 15 {
		t.Errorf("Joined.heartbeat_interval = %v, want 15s", d)
	}
	if len(joined.GetRooms()) != 1 {
		t.Fatalf("Joined.rooms = %v, want one", joined.GetRooms())
	}
	state := joined.GetRooms()[0]
	want := &chatv1.RoomState{Room: c.room, Epoch: state.GetEpoch(), Head: before, Members: 1}
	if !proto.Equal(state, want) || state.GetEpoch() == "" {
		t.Errorf("Joined.rooms[0] = %v, want %v with an epoch", state, want)
	}
	return &chatv1.Cursor{Epoch: state.GetEpoch(), Sequence: state.GetHead()}
}

// A send is answered, and comes back as an event like everybody's.
func (c *conversation) testSend(t *testing.T, head *chatv1.Cursor) *chatv1.Accepted {
	t.Helper()
	c.do(t, sendRequest(saying(c.room, "one")))
	accepted, event := c.answered(t)
	follow(t, head.GetSequence(), event)
	wantAccepted := &chatv1.Accepted{Id: "one", Room: c.room, Sequence: event.GetSequence(), Epoch: head.GetEpoch(), Time: event.GetTime()}
	if !proto.Equal(accepted, wantAccepted) || accepted.GetTime() == nil {
		t.Errorf("answer = %v, want %v with a time", accepted, wantAccepted)
	}
	wantEvent := &chatv1.Event{
		Room: c.room, Sequence: accepted.GetSequence(), Previous: head.GetSequence(), Time: accepted.GetTime(),
		Id: "one", Sender: c.member, Body: &chatv1.Event_Message{Message: &chatv1.Message{Text: "one"}},
	}
	if !proto.Equal(event, wantEvent) {
		t.Errorf("event = %v, want %v", event, wantEvent)
	}
	return accepted
}

// The same id is the same send: it gets the first answer, and nothing is said.
func (c *conversation) testRetry(t *testing.T, first *chatv1.Accepted) {
	t.Helper()
	c.do(t, sendRequest(saying(c.room, "one")))
	want := proto.CloneOf(first)
	want.Duplicate = true
	if again := expect(t, c.receive, (*chatv1.Frame).GetAccepted); !proto.Equal(again, want) {
		t.Errorf("answer to a retry = %v, want %v", again, want)
	}
}

// Nothing of a room comes after it was left. The stream can still say something
// there, and come back.
func (c *conversation) testLeave(t *testing.T, last uint64) uint64 {
	t.Helper()
	c.do(t, leaveRequest(c.room))
	c.do(t, sendRequest(saying(c.room, "from outside")))
	accepted := expect(t, c.receive, (*chatv1.Frame).GetAccepted)
	if accepted.GetSequence() <= last || accepted.GetDuplicate() {
		t.Errorf("answer to a send from outside = %v, want a new sequence after %d", accepted, last)
	}
	missed := c.other(t, "missed")
	c.do(t, joinRequest(&chatv1.Subscription{Room: c.room}))
	if head := c.receive.joined(t).GetRooms()[0].GetHead(); head != missed {
		t.Errorf("head when joining again = %d, want %d", head, missed)
	}
	c.other(t, "heard again")
	event := c.receive.events(t, missed, 1)[0]
	if event.GetId() != "heard again" {
		t.Errorf("first event after joining again = %v", event)
	}
	return event.GetSequence()
}

// Sends in flight together are stored, answered and delivered in their order.
func (c *conversation) testPipeline(t *testing.T, last uint64) {
	t.Helper()
	const n = 20
	for i := range n {
		c.do(t, sendRequest(saying(c.room, fmt.Sprint(i))))
	}
	var accepted, said []uint64
	for len(accepted) < n || len(said) < n {
		frame := c.receive.next(t)
		if a := frame.GetAccepted(); a != nil {
			if a.GetId() != fmt.Sprint(len(accepted)) {
				t.Fatalf("answer %d = %v", len(accepted), a)
			}
			accepted = append(accepted, a.GetSequence())
			continue
		}
		event := frame.GetEvent()
		if event.GetId() != fmt.Sprint(len(said)) {
			t.Fatalf("event %d = %v", len(said), frame)
		}
		last = follow(t, last, event)
		said = append(said, last)
	}
	for i := range n {
		if accepted[i] != said[i] {
			t.Errorf("send %d was accepted as %d and delivered as %d", i, accepted[i], said[i])
		}
	}
}

// A client that has no more to say goes on receiving.
func (c *conversation) testHalfClose(t *testing.T) {
	t.Helper()
	if err := c.halfClose(); err != nil {
		t.Fatalf("half-close: %v", err)
	}
	for i := range 10 {
		said := fmt.Sprintf("to the silent %d", i)
		c.other(t, said)
		if event := expect(t, c.receive, (*chatv1.Frame).GetEvent); event.GetId() != said {
			t.Errorf("event after the half-close = %v, want %q", event, said)
		}
	}
}
