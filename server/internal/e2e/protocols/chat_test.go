package protocols

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// Chat does the same by every client that can do bidirectional streams.
func TestChatOnEveryProtocol(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		if !d.Bidi {
			continue
		}
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			c := startChatSession(t, s, d, fmt.Sprintf("room-%d", i))
			head := checkJoin(t, c)
			accepted := checkSend(t, c, head)
			checkRetry(t, c, accepted)
			last := checkLeave(t, c, accepted.GetSequence())
			checkPipeline(t, c, last)
			checkHalfClose(t, c)
		})
	}
}

func startChatSession(t *testing.T, s *harness.Service, d harness.Protocol, room string) *harness.ChatSession {
	t.Helper()
	ctx := harness.Context(t)
	token, member := s.SignIn(t, d.Name)
	stream, err := d.Open(t, s, token).Chat(ctx)
	if err != nil {
		t.Fatalf("Chat: %v", err)
	}
	other := harness.ConnectOver(harness.HTTP1Client)(t, s, "")
	return &harness.ChatSession{ChatStream: stream, Room: room, Member: member, SendAsOther: func(t *testing.T, said string) uint64 {
		t.Helper()
		response, err := other.Send(ctx, harness.TextRequest(room, said))
		if err != nil {
			t.Fatalf("Send(%q): %v", said, err)
		}
		return response.GetSequence()
	}}
}

// Joined comes first, with the member and the room's state.
func checkJoin(t *testing.T, c *harness.ChatSession) (head *chatv1.Cursor) {
	t.Helper()
	before := c.SendAsOther(t, "before")
	c.MustSend(t, harness.JoinAction(&chatv1.Subscription{Room: c.Room}))
	joined := c.Receive.Joined(t)
	if !proto.Equal(joined.GetMember(), c.Member) {
		t.Errorf("Joined.member = %v, want the one signed in: %v", joined.GetMember(), c.Member)
	}
	if d := joined.GetHeartbeatInterval().AsDuration(); d.Seconds() != 15 {
		t.Errorf("Joined.heartbeat_interval = %v, want 15s", d)
	}
	if len(joined.GetRooms()) != 1 {
		t.Fatalf("Joined.rooms = %v, want one", joined.GetRooms())
	}
	state := joined.GetRooms()[0]
	want := &chatv1.RoomState{Room: c.Room, Epoch: state.GetEpoch(), Head: before, Members: 1, Rights: state.GetRights()}
	if !proto.Equal(state, want) || state.GetEpoch() == "" {
		t.Errorf("Joined.rooms[0] = %v, want %v with an epoch", state, want)
	}
	return &chatv1.Cursor{Epoch: state.GetEpoch(), Sequence: state.GetHead()}
}

// A send is answered with Accepted, and its event is delivered as others' are.
func checkSend(t *testing.T, c *harness.ChatSession, head *chatv1.Cursor) *chatv1.Accepted {
	t.Helper()
	c.MustSend(t, harness.SendAction(harness.TextRequest(c.Room, "one")))
	accepted, event := c.Answered(t)
	harness.Follow(t, head.GetSequence(), event)
	wantAccepted := &chatv1.Accepted{Id: "one", Room: c.Room, Sequence: event.GetSequence(), Epoch: head.GetEpoch(), Time: event.GetTime()}
	if !proto.Equal(accepted, wantAccepted) || accepted.GetTime() == nil {
		t.Errorf("answer = %v, want %v with a time", accepted, wantAccepted)
	}
	wantEvent := &chatv1.Event{
		Room: c.Room, Sequence: accepted.GetSequence(), Previous: head.GetSequence(), Time: accepted.GetTime(),
		Id: "one", Sender: c.Member, Body: &chatv1.Event_Message{Message: &chatv1.Message{Text: "one"}},
	}
	if !proto.Equal(event, wantEvent) {
		t.Errorf("event = %v, want %v", event, wantEvent)
	}
	return accepted
}

// A send with the same id is a retry: it is answered as the first one, and has no event.
func checkRetry(t *testing.T, c *harness.ChatSession, first *chatv1.Accepted) {
	t.Helper()
	c.MustSend(t, harness.SendAction(harness.TextRequest(c.Room, "one")))
	want := proto.CloneOf(first)
	want.Duplicate = true
	if again := harness.Expect(t, c.Receive, (*chatv1.Frame).GetAccepted); !proto.Equal(again, want) {
		t.Errorf("answer to a retry = %v, want %v", again, want)
	}
}

// No event of a room comes after Leave. The stream can still send to the room, and join
// it again.
func checkLeave(t *testing.T, c *harness.ChatSession, last uint64) uint64 {
	t.Helper()
	c.MustSend(t, harness.LeaveAction(c.Room))
	c.MustSend(t, harness.SendAction(harness.TextRequest(c.Room, "from outside")))
	accepted := harness.Expect(t, c.Receive, (*chatv1.Frame).GetAccepted)
	if accepted.GetSequence() <= last || accepted.GetDuplicate() {
		t.Errorf("answer to a send from outside = %v, want a new sequence after %d", accepted, last)
	}
	missed := c.SendAsOther(t, "missed")
	c.MustSend(t, harness.JoinAction(&chatv1.Subscription{Room: c.Room}))
	if head := c.Receive.Joined(t).GetRooms()[0].GetHead(); head != missed {
		t.Errorf("head when joining again = %d, want %d", head, missed)
	}
	c.SendAsOther(t, "received again")
	event := c.Receive.Events(t, missed, 1)[0]
	if event.GetId() != "received again" {
		t.Errorf("first event after joining again = %v", event)
	}
	return event.GetSequence()
}

// Sends in flight together are stored, answered and delivered in their order.
func checkPipeline(t *testing.T, c *harness.ChatSession, last uint64) {
	t.Helper()
	const n = 20
	for i := range n {
		c.MustSend(t, harness.SendAction(harness.TextRequest(c.Room, fmt.Sprint(i))))
	}
	var accepted, said []uint64
	for len(accepted) < n || len(said) < n {
		frame := c.Receive.Next(t)
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
		last = harness.Follow(t, last, event)
		said = append(said, last)
	}
	for i := range n {
		if accepted[i] != said[i] {
			t.Errorf("send %d was accepted as %d and delivered as %d", i, accepted[i], said[i])
		}
	}
}

// A client that half-closes its stream still receives.
func checkHalfClose(t *testing.T, c *harness.ChatSession) {
	t.Helper()
	if err := c.HalfClose(); err != nil {
		t.Fatalf("half-close: %v", err)
	}
	for i := range 10 {
		said := fmt.Sprintf("to the silent %d", i)
		c.SendAsOther(t, said)
		if event := harness.Expect(t, c.Receive, (*chatv1.Frame).GetEvent); event.GetId() != said {
			t.Errorf("event after the half-close = %v, want %q", event, said)
		}
	}
}
