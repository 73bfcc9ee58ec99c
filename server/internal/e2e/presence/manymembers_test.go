package presence

import (
	"context"
	"fmt"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// A room of more than 200 members receives counts and a sample instead of each member;
// ListMembers lists all in pages.
func TestPresenceOfManyMembers(t *testing.T) {
	t.Parallel()
	const many = 240
	s := harness.Start(t)
	live := &chatv1.Subscription{Room: "lobby"}
	host := s.Join(harness.Context(t), t, harness.GRPCGo, harness.ViaChat, "host", live)
	ctx, leave := context.WithCancel(harness.Context(t))
	defer leave()
	client := harness.RPCClient(t, s)
	conn := harness.DialGRPC(t, s)
	for i := range many {
		identity, err := client.SignIn(ctx, &chatv1.SignInRequest{Name: fmt.Sprintf("member %03d", i)})
		harness.Must(t, err)
		receive, err := harness.GRPCClient{ClientConn: conn, Token: identity.GetToken()}.Subscribe(ctx, harness.SubscribeTo(live))
		harness.Must(t, err)
		frame, err := receive()
		harness.Must(t, err)
		if n := frame.GetJoined().GetRooms()[0].GetMembers(); int(n) != i+2 {
			t.Fatalf("Joined of member %d has %d members", i, n)
		}
	}
	host.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetMemberCount().GetMembers() == many+1 })
	named, counted, sum := 0, 0, 1
	for _, e := range host.Events {
		switch count := e.GetMemberCount(); {
		case e.GetMemberJoined() != nil:
			named++
			sum++
		case count != nil:
			counted++
			if sum += int(count.GetJoined()) - int(count.GetLeft()); sum != int(count.GetMembers()) || len(count.GetSample()) > 20 || len(count.GetSample()) == 0 {
				t.Errorf("received %v when there were %d before", count, sum)
			}
		}
	}
	if named < 190 || named > 201 || counted == 0 || counted > 20 {
		t.Errorf("%d members joined, delivered as %d names and %d counts, want about 200 and few", many, named, counted)
	}
	checkPagesOfMembers(ctx, t, host, many+1)
	leave()
	host.AwaitEvent(t, 0, func(e *chatv1.Event) bool {
		return e.GetMemberCount().GetMembers() == 1 || e.GetMemberLeft().GetMembers() == 1
	})
}

// checkPagesOfMembers reads all pages of the list.
func checkPagesOfMembers(ctx context.Context, t *testing.T, a *harness.Participant, many int) {
	t.Helper()
	ids := make(map[string]bool)
	for token, pages := "", 0; token != "" || pages == 0; pages++ {
		list, err := a.ListMembers(ctx, &chatv1.ListMembersRequest{Room: a.Room, PageSize: 70, PageToken: token})
		harness.Must(t, err)
		for _, m := range list.GetMembers() {
			if m.GetId() <= token || ids[m.GetId()] {
				t.Errorf("%v is listed out of order or twice", m)
			}
			ids[m.GetId()] = true
		}
		if token = list.GetNextPageToken(); int(list.GetTotal()) != many {
			t.Errorf("total = %d, want %d", list.GetTotal(), many)
		}
	}
	if len(ids) != many {
		t.Errorf("%d members are listed, want %d", len(ids), many)
	}
}
