package presence

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// grace is long enough for a client to come back in, and short enough to wait
// for.
const grace = time.Second

func isJoin(m *chatv1.Member) func(*chatv1.Event) bool {
	return func(e *chatv1.Event) bool {
		return e.GetMemberJoined() != nil && e.GetSender().GetId() == m.GetId()
	}
}

func isLeave(m *chatv1.Member) func(*chatv1.Event) bool {
	return func(e *chatv1.Event) bool {
		return e.GetMemberLeft() != nil && e.GetSender().GetId() == m.GetId()
	}
}

// presenceChanges returns the joins and leaves of a member that a participant has
// received, as "+" and "-" with the count of members.
func presenceChanges(a *harness.Participant, m *chatv1.Member) string {
	var all []string
	for _, e := range a.Events {
		switch {
		case isJoin(m)(e):
			all = append(all, fmt.Sprintf("+%d", e.GetMemberJoined().GetMembers()))
		case isLeave(m)(e):
			all = append(all, fmt.Sprintf("-%d", e.GetMemberLeft().GetMembers()))
		}
	}
	return strings.Join(all, " ")
}

// sendMark sends a message, and receives up to it.
func sendMark(t *testing.T, a *harness.Participant, id string) {
	t.Helper()
	a.AwaitSequence(t, a.MustSend(t, harness.TextRequest(a.Room, id)).GetSequence())
}

// listMembers returns the names of the members of the participant's room, and the total.
func listMembers(ctx context.Context, t *testing.T, a *harness.Participant) (names []string, total int) {
	t.Helper()
	list, err := a.ListMembers(ctx, &chatv1.ListMembersRequest{Room: a.Room})
	harness.Must(t, err)
	for _, m := range list.GetMembers() {
		names = append(names, m.GetName())
	}
	slices.Sort(names)
	return names, int(list.GetTotal())
}

func checkListed(ctx context.Context, t *testing.T, a *harness.Participant, when string, total int, want ...string) {
	t.Helper()
	if names, n := listMembers(ctx, t, a); n != total || !slices.Equal(names, want) {
		t.Errorf("%s: members %q of %d, want %q of %d", when, names, n, want, total)
	}
}

// On every protocol a member with several connections joins once, stays for the grace
// after the last one is lost, and leaves at once when it asks to.
func TestPresence(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, func(c *service.Config) { c.PresenceGrace = grace })
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				checkPresence(harness.Context(t), t, s, d, m, &chatv1.Subscription{Room: fmt.Sprintf("presence-%d-%d", i, m)})
			})
		}
	}
}

func checkPresence(ctx context.Context, t *testing.T, s *harness.Service, d harness.Protocol, m harness.Mode, live *chatv1.Subscription) {
	t.Helper()
	host := s.Join(ctx, t, d, m, "host", live)
	token, ben := s.SignIn(t, "ben")
	var bens []*harness.Participant
	for range 3 {
		bens = append(bens, s.JoinWithToken(ctx, t, d, m, token, live))
		if n := bens[0].Joined.GetRooms()[0].GetMembers(); n != 2 {
			t.Errorf("Joined has %d members, want 2", n)
		}
	}
	host.AwaitEvent(t, 0, isJoin(ben))
	checkListed(ctx, t, host, "with three connections", 2, "ben", "host")
	disconnected := time.Now()
	for _, b := range bens {
		b.Disconnect()
	}
	// A reload: another connection within the grace.
	reloaded := s.JoinWithToken(ctx, t, d, m, token, live)
	lost := time.Now()
	if took := lost.Sub(disconnected); took > grace/2 {
		t.Skipf("the machine is too slow: a reload took %v of a grace of %v", took, grace)
	}
	sendMark(t, host, "reloaded")
	checkListed(ctx, t, host, "after a reload", 2, "ben", "host")
	if got := presenceChanges(host, ben); got != "+2" {
		t.Errorf("ben's three connections and a reload were delivered as %q, want one join, +2", got)
	}
	for _, e := range reloaded.Events {
		t.Errorf("the member that reloaded received %v, want nothing", e)
	}

	reloaded.Disconnect()
	left := host.AwaitEvent(t, 0, isLeave(ben))
	if stayed := left.GetTime().AsTime().Sub(lost); stayed < grace {
		t.Errorf("ben was gone %v after its connection was lost, want to be there for %v", stayed, grace)
	}
	if left.GetMemberLeft().GetMembers() != 1 || !proto.Equal(left.GetSender(), ben) || left.GetSequence() != 0 {
		t.Errorf("received %v, want that ben left one member", left)
	}
	checkListed(ctx, t, host, "after the grace", 1, "host")

	if m == harness.ViaChat {
		checkExplicitLeave(ctx, t, s, d, host, token, ben)
	}
	checkNoneInHistory(ctx, t, host)
}

// checkExplicitLeave leaves by Leave: with one of two connections, and then with the
// other.
func checkExplicitLeave(ctx context.Context, t *testing.T, s *harness.Service, d harness.Protocol, host *harness.Participant, token string, ben *chatv1.Member) {
	t.Helper()
	live := &chatv1.Subscription{Room: host.Room}
	one, two := s.JoinWithToken(ctx, t, d, harness.ViaChat, token, live), s.JoinWithToken(ctx, t, d, harness.ViaChat, token, live)
	harness.Must(t, one.Stream.Send(harness.LeaveAction(host.Room)))
	one.MustSend(t, harness.TextRequest("elsewhere", one.Room)) // answered after the leave
	checkListed(ctx, t, host, "when one of two connections has left", 2, "ben", "host")
	harness.Must(t, two.Stream.Send(harness.LeaveAction(host.Room)))
	two.MustSend(t, harness.TextRequest("elsewhere", two.Room+" again"))
	checkListed(ctx, t, host, "when both have left", 1, "host")
	sendMark(t, host, "both have left")
	if got := presenceChanges(host, ben); got != "+2 -1 +2 -1" {
		t.Errorf("ben's joins and leaves were received as %q, want +2 -1 +2 -1", got)
	}
}

// checkNoneInHistory checks that no join or leave is in the history.
func checkNoneInHistory(ctx context.Context, t *testing.T, a *harness.Participant) {
	t.Helper()
	page, err := a.ListEvents(ctx, &chatv1.ListEventsRequest{Room: a.Room})
	harness.Must(t, err)
	for _, e := range page.GetEvents() {
		if e.GetMessage() == nil {
			t.Errorf("history has %v, want messages alone", e)
		}
	}
}

// Members without a token are counted, once for each connection, and not named.
func TestAnonymousMembersAreCounted(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t, func(c *service.Config) { c.PresenceGrace = grace }), harness.Context(t)
	live := &chatv1.Subscription{Room: "lobby"}
	host := s.Join(ctx, t, harness.GRPCGo, harness.ViaChat, "host", live)
	for i := range 3 {
		a := s.JoinWithToken(ctx, t, harness.ConnectHTTP1, harness.ViaSend, "", live)
		if n := a.Joined.GetRooms()[0].GetMembers(); int(n) != i+2 {
			t.Errorf("Joined has %d members, want %d", n, i+2)
		}
		defer a.Disconnect()
	}
	count := host.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetMemberCount().GetMembers() == 4 })
	if count.GetSender() != nil && count.GetSender().GetId() != "" {
		t.Errorf("received %v, want no sender", count)
	}
	checkListed(ctx, t, host, "with three without a token", 4, "host")
}

// A member that signs in under another name is renamed in its rooms.
func TestRenamedMember(t *testing.T) {
	t.Parallel()
	s, ctx := harness.Start(t, func(c *service.Config) { c.PresenceGrace = time.Second }), harness.Context(t)
	live := &chatv1.Subscription{Room: "lobby"}
	host := s.Join(ctx, t, harness.ConnectHTTP2, harness.ViaSend, "host", live)
	token, cleo := s.SignIn(t, "cleo")
	s.JoinWithToken(ctx, t, harness.ConnectHTTP2, harness.ViaSend, token, live)
	renewed := s.Rename(ctx, t, token, "Cleopatra")
	s.JoinWithToken(ctx, t, harness.ConnectHTTP2, harness.ViaSend, renewed, live)
	e := host.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetMemberRenamed() != nil })
	if e.GetSender().GetId() != cleo.GetId() || e.GetSender().GetName() != "Cleopatra" {
		t.Errorf("received %v, want that %v is Cleopatra now", e, cleo)
	}
	checkListed(ctx, t, host, "after the renaming", 2, "Cleopatra", "host")
	if got := presenceChanges(host, cleo); got != "+2" {
		t.Errorf("the renaming was received as %q, want one join", got)
	}
}
