package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/service"
)

// lifeGrace is long enough for a client to come back in, and short enough to wait
// for.
const lifeGrace = 700 * time.Millisecond

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

// comings returns what was heard of a member's coming and going, as "+" and "-" with
// the count told.
func (a *actor) comings(m *chatv1.Member) string {
	var all []string
	for _, e := range a.heard {
		switch {
		case isJoin(m)(e):
			all = append(all, fmt.Sprintf("+%d", e.GetMemberJoined().GetMembers()))
		case isLeave(m)(e):
			all = append(all, fmt.Sprintf("-%d", e.GetMemberLeft().GetMembers()))
		}
	}
	return strings.Join(all, " ")
}

// marks says something, and hears all that was told before.
func (a *actor) marks(t *testing.T, id string) {
	t.Helper()
	a.hears(t, a.do(t, saying(a.room, id)).GetSequence())
}

// listed returns the names of the members of the actor's room, and the total.
func (a *actor) listed(ctx context.Context, t *testing.T) (names []string, total int) {
	t.Helper()
	list, err := a.ListMembers(ctx, &chatv1.ListMembersRequest{Room: a.room})
	must(t, err)
	for _, m := range list.GetMembers() {
		names = append(names, m.GetName())
	}
	slices.Sort(names)
	return names, int(list.GetTotal())
}

func (a *actor) wantListed(ctx context.Context, t *testing.T, when string, total int, want ...string) {
	t.Helper()
	if names, n := a.listed(ctx, t); n != total || !slices.Equal(names, want) {
		t.Errorf("%s: members %q of %d, want %q of %d", when, names, n, want, total)
	}
}

// Through every door a member comes once, however many connections it has, stays
// for a moment when they are lost, and goes at once when it says so.
func TestLifePresence(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *service.Config) { c.PresenceGrace = lifeGrace })
	for i, d := range lifeDoors {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				t.Parallel()
				s.testPresence(bounded(t), t, d, m, &chatv1.Subscription{Room: fmt.Sprintf("presence-%d-%d", i, m)})
			})
		}
	}
}

func (s *testService) testPresence(ctx context.Context, t *testing.T, d door, m manner, live *chatv1.Subscription) {
	t.Helper()
	host := s.move(ctx, t, d, m, "host", live)
	token, ben := s.enter(t, "ben")
	var bens []*actor
	for range 3 {
		bens = append(bens, s.moveAs(ctx, t, d, m, token, live))
		if n := bens[0].joined.GetRooms()[0].GetMembers(); n != 2 {
			t.Errorf("Joined has %d members, want 2", n)
		}
	}
	host.until(t, 0, isJoin(ben))
	host.wantListed(ctx, t, "with three connections", 2, "ben", "host")
	for _, b := range bens {
		b.hangUp()
	}
	// A reload: another connection within the grace.
	reloaded := s.moveAs(ctx, t, d, m, token, live)
	lost := time.Now()
	host.marks(t, "reloaded")
	host.wantListed(ctx, t, "after a reload", 2, "ben", "host")
	if got := host.comings(ben); got != "+2" {
		t.Errorf("ben's three connections and a reload were told as %q, want one coming, +2", got)
	}
	for _, e := range reloaded.heard {
		t.Errorf("who came was told %v, want nothing", e)
	}

	reloaded.hangUp()
	left := host.until(t, 0, isLeave(ben))
	if stayed := left.GetTime().AsTime().Sub(lost); stayed < lifeGrace {
		t.Errorf("ben was gone %v after its connection was lost, want to be there for %v", stayed, lifeGrace)
	}
	if left.GetMemberLeft().GetMembers() != 1 || !proto.Equal(left.GetSender(), ben) || left.GetSequence() != 0 {
		t.Errorf("told of %v, want that ben left one member", left)
	}
	host.wantListed(ctx, t, "after the grace", 1, "host")

	if m == byChat {
		s.testExplicitLeave(ctx, t, d, host, token, ben)
	}
	host.testUnkept(ctx, t)
}

// testExplicitLeave leaves in so many words: with one of two connections, and then
// with the last.
func (s *testService) testExplicitLeave(ctx context.Context, t *testing.T, d door, host *actor, token string, ben *chatv1.Member) {
	t.Helper()
	live := &chatv1.Subscription{Room: host.room}
	one, two := s.moveAs(ctx, t, d, byChat, token, live), s.moveAs(ctx, t, d, byChat, token, live)
	must(t, one.chat.send(leaveRequest(host.room)))
	one.do(t, saying("elsewhere", one.room)) // answered after the leave
	host.wantListed(ctx, t, "when one of two connections has left", 2, "ben", "host")
	must(t, two.chat.send(leaveRequest(host.room)))
	two.do(t, saying("elsewhere", two.room+" again"))
	host.wantListed(ctx, t, "when both have left", 1, "host")
	host.marks(t, "both have left")
	if got := host.comings(ben); got != "+2 -1 +2 -1" {
		t.Errorf("ben's coming and going was told as %q, want +2 -1 +2 -1", got)
	}
}

// testUnkept checks that nothing of who came and went is in the history.
func (a *actor) testUnkept(ctx context.Context, t *testing.T) {
	t.Helper()
	page, err := a.ListEvents(ctx, &chatv1.ListEventsRequest{Room: a.room})
	must(t, err)
	for _, e := range page.GetEvents() {
		if e.GetMessage() == nil {
			t.Errorf("history has %v, want messages alone", e)
		}
	}
}

// Who has no token is counted, once for each connection, and not named.
func TestLifePresenceOfAnonymous(t *testing.T) {
	t.Parallel()
	s, ctx := serve(t, func(c *service.Config) { c.PresenceGrace = lifeGrace }), bounded(t)
	live := &chatv1.Subscription{Room: "lobby"}
	host := s.move(ctx, t, doors[7], byChat, "host", live)
	for i := range 3 {
		a := s.moveAs(ctx, t, doors[0], bySend, "", live)
		if n := a.joined.GetRooms()[0].GetMembers(); int(n) != i+2 {
			t.Errorf("Joined has %d members, want %d", n, i+2)
		}
		defer a.hangUp()
	}
	count := host.until(t, 0, func(e *chatv1.Event) bool { return e.GetMemberCount().GetMembers() == 4 })
	if count.GetSender() != nil && count.GetSender().GetId() != "" {
		t.Errorf("told of %v, want no sender", count)
	}
	host.wantListed(ctx, t, "with three without a token", 4, "host")
}

// A member who signs in under another name is renamed where it is.
func TestLifeRenames(t *testing.T) {
	t.Parallel()
	s, ctx := serve(t, func(c *service.Config) { c.PresenceGrace = time.Second }), bounded(t)
	live := &chatv1.Subscription{Room: "lobby"}
	host := s.move(ctx, t, doors[1], bySend, "host", live)
	token, cleo := s.enter(t, "cleo")
	s.moveAs(ctx, t, doors[1], bySend, token, live)
	renewed := s.rename(ctx, t, token, "Cleopatra")
	s.moveAs(ctx, t, doors[1], bySend, renewed, live)
	e := host.until(t, 0, func(e *chatv1.Event) bool { return e.GetMemberRenamed() != nil })
	if e.GetSender().GetId() != cleo.GetId() || e.GetSender().GetName() != "Cleopatra" {
		t.Errorf("told of %v, want that %v is Cleopatra now", e, cleo)
	}
	host.wantListed(ctx, t, "after the renaming", 2, "Cleopatra", "host")
	if got := host.comings(cleo); got != "+2" {
		t.Errorf("the renaming was told as %q, want one coming", got)
	}
}

// A room of more than 200 is told counts and a sample, not each name; all are
// listed, in pages.
func TestLifePresenceOfMany(t *testing.T) {
	t.Parallel()
	const many = 240
	s := serve(t)
	live := &chatv1.Subscription{Room: "lobby"}
	host := s.move(bounded(t), t, doors[7], byChat, "host", live)
	ctx, leave := context.WithCancel(bounded(t))
	defer leave()
	client := client(t, s)
	conn := dialGRPC(t, s)
	for i := range many {
		identity, err := client.SignIn(ctx, &chatv1.SignInRequest{Name: fmt.Sprintf("member %03d", i)})
		must(t, err)
		receive, err := grpcVisitor{conn, identity.GetToken()}.subscribe(ctx, only(live))
		must(t, err)
		frame, err := receive()
		must(t, err)
		if n := frame.GetJoined().GetRooms()[0].GetMembers(); int(n) != i+2 {
			t.Fatalf("Joined of member %d has %d members", i, n)
		}
	}
	host.until(t, 0, func(e *chatv1.Event) bool { return e.GetMemberCount().GetMembers() == many+1 })
	named, counted, sum := 0, 0, 1
	for _, e := range host.heard {
		switch count := e.GetMemberCount(); {
		case e.GetMemberJoined() != nil:
			named++
			sum++
		case count != nil:
			counted++
			if sum += int(count.GetJoined()) - int(count.GetLeft()); sum != int(count.GetMembers()) || len(count.GetSample()) > 20 || len(count.GetSample()) == 0 {
				t.Errorf("told of %v when there were %d before", count, sum)
			}
		}
	}
	if named < 190 || named > 201 || counted == 0 || counted > 20 {
		t.Errorf("%d members came, and were told by %d names and %d counts, want about 200 and few", many, named, counted)
	}
	host.testListOfMany(ctx, t, many+1)
	leave()
	host.until(t, 0, func(e *chatv1.Event) bool {
		return e.GetMemberCount().GetMembers() == 1 || e.GetMemberLeft().GetMembers() == 1
	})
}

// testListOfMany reads all pages of the list.
func (a *actor) testListOfMany(ctx context.Context, t *testing.T, many int) {
	t.Helper()
	ids := make(map[string]bool)
	for token, pages := "", 0; token != "" || pages == 0; pages++ {
		list, err := a.ListMembers(ctx, &chatv1.ListMembersRequest{Room: a.room, PageSize: 70, PageToken: token})
		must(t, err)
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
