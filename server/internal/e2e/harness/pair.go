package harness

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// Pair is a room with two members, both subscribed.
type Pair struct {
	Service  *Service
	Ada, Ben *Participant
	Room     string
	Names    map[string]string // by id
	n        int
}

// JoinPair signs in two members, and subscribes them to a room.
func (s *Service) JoinPair(ctx context.Context, t *testing.T, d Protocol, m Mode, room string) *Pair {
	t.Helper()
	n := &Pair{Service: s, Room: room}
	n.Ada = s.Join(ctx, t, d, m, "ada", &chatv1.Subscription{Room: room})
	n.Ben = s.Join(ctx, t, d, m, "ben", &chatv1.Subscription{Room: room})
	n.Names = map[string]string{n.Ada.Member.GetId(): "ada", n.Ben.Member.GetId(): "ben"}
	return n
}

// NewID returns an id that no request of the pair has.
func (n *Pair) NewID() string {
	n.n++
	return fmt.Sprint(n.n)
}

// SendMessage sends a message of a participant, and waits until it receives it.
func (n *Pair) SendMessage(t *testing.T, a *Participant, m *chatv1.Message) uint64 {
	t.Helper()
	return n.SendAndReceive(t, a, MessageRequest(n.Room, n.NewID(), m))
}

// SendAndReceive sends a request of a participant, and waits until it receives the
// event.
func (n *Pair) SendAndReceive(t *testing.T, a *Participant, request *chatv1.SendRequest) uint64 {
	t.Helper()
	response := a.MustSend(t, request)
	if response.GetDuplicate() || response.GetSequence() == 0 || response.GetEpoch() == "" || response.GetTime() == nil {
		t.Errorf("%v was answered %v, want a sequence, an epoch and a time, and no duplicate", request, response)
	}
	e := a.AwaitSequence(t, response.GetSequence())
	if !proto.Equal(e.GetSender(), a.Member) || e.GetId() != request.GetId() || !proto.Equal(e.GetTime(), response.GetTime()) {
		t.Errorf("%v was received as %v", request, e)
	}
	return response.GetSequence()
}
