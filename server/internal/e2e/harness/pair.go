package harness

import (
	"context"
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// Pair are two members who live in one room.
type Pair struct {
	Service  *Service
	Ada, Ben *Participant
	Room     string
	Names    map[string]string // by id
	n        int
}

func (s *Service) JoinPair(ctx context.Context, t *testing.T, d Protocol, m Mode, room string) *Pair {
	t.Helper()
	n := &Pair{Service: s, Room: room}
	n.Ada = s.Join(ctx, t, d, m, "ada", &chatv1.Subscription{Room: room})
	n.Ben = s.Join(ctx, t, d, m, "ben", &chatv1.Subscription{Room: room})
	n.Names = map[string]string{n.Ada.Member.GetId(): "ada", n.Ben.Member.GetId(): "ben"}
	return n
}

func (n *Pair) NewID() string {
	n.n++
	return fmt.Sprint(n.n)
}

func (n *Pair) Say(t *testing.T, a *Participant, m *chatv1.Message) uint64 {
	t.Helper()
	return n.Do(t, a, MessageRequest(n.Room, n.NewID(), m))
}

// Do lets somebody do something, and waits until it is told of that.
func (n *Pair) Do(t *testing.T, a *Participant, request *chatv1.SendRequest) uint64 {
	t.Helper()
	response := a.Do(t, request)
	if response.GetDuplicate() || response.GetSequence() == 0 || response.GetEpoch() == "" || response.GetTime() == nil {
		t.Errorf("%v was answered %v, want a sequence, an epoch and a time, and no duplicate", request, response)
	}
	e := a.AwaitSequence(t, response.GetSequence())
	if !proto.Equal(e.GetSender(), a.Member) || e.GetId() != request.GetId() || !proto.Equal(e.GetTime(), response.GetTime()) {
		t.Errorf("%v is told as %v", request, e)
	}
	return response.GetSequence()
}
