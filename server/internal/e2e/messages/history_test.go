package messages

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// A restart changes nothing of what there is to be seen, and a deletion that was
// answered is known to be one.
func TestRestartKeepsHistory(t *testing.T) {
	t.Parallel()
	for _, d := range []harness.Protocol{harness.ConnectHTTP1, harness.GRPC, harness.GRPCGo} {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			s := harness.Start(t, harness.InDir(data))
			token, ada := s.SignIn(t, "ada")
			n := &story{Pair: s.JoinPair(harness.Context(t), t, d, harness.ViaSend, "life")}
			n.Ada.Disconnect() // another ada would have a number
			s.AwaitMembers(harness.Context(t), t, n.Room, 1)
			n.Ada = s.JoinWithToken(harness.Context(t), t, d, harness.ViaSend, token, &chatv1.Subscription{Room: n.Room})
			n.Ada.Member = ada
			n.Names[ada.GetId()] = "ada"
			n.play(t)
			slip := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "another slip"})
			deletion := n.Ada.MustSend(t, harness.DeletionRequest(n.Room, "another", slip))
			s.Stop(t)

			ctx := harness.Context(t)
			s = harness.Start(t, harness.InDir(data))
			n.Service = s
			n.Ada = s.JoinWithToken(ctx, t, d, harness.ViaSend, token, &chatv1.Subscription{Room: n.Room})
			n.Ada.Member = ada
			n.checkLaterReaders(ctx, t, d, harness.ViaSend)
			again := n.Ada.MustSend(t, harness.DeletionRequest(n.Room, "another", slip))
			if !again.GetDuplicate() || again.GetSequence() != deletion.GetSequence() {
				t.Errorf("a deletion of before the restart, retried, was answered %v, want the duplicate of %v", again, deletion)
			}
			n.Ada.MustSend(t, harness.EditRequest(n.Room, "own", n.SendMessage(t, n.Ada, &chatv1.Message{Text: "after"}), "still my own"))
		})
	}
}

// story is a room in which messages are sent, edited, reacted to and deleted.
type story struct {
	*harness.Pair
	middle *chatv1.Cursor // in the middle of it
	seen   *roomView      // the room as it was there
}

// The messages of a room, with edits, reactions and deletions, are the same on every
// protocol, live, on replay and in pages.
func TestMessageHistoryIsSameOnEveryPath(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		for _, m := range d.Modes() {
			t.Run(fmt.Sprintf("%s, %v", d.Name, m), func(t *testing.T) {
				t.Parallel()
				n := &story{Pair: s.JoinPair(harness.Context(t), t, d, m, fmt.Sprintf("life-%d-%d", i, m))}
				n.play(t)
				if got := viewOf(t, n.Ben.Events).render(n.Names); got != finalView {
					t.Errorf("ben sees, live:\n%swant:\n%s", got, finalView)
				}
				if got := viewOf(t, n.Ada.Events).render(n.Names); got != finalView {
					t.Errorf("ada sees, live:\n%swant:\n%s", got, finalView)
				}
				n.checkChanges(harness.Context(t), t)
				n.checkLaterReaders(harness.Context(t), t, d, m)
			})
		}
	}
}

// finalView is the room at the end of a story.
const finalView = `ada: Hello, everybody (edited) 🎉 ada ben 👍 ada
[to Hello, everybody] ben: Hi 👩‍👩‍👧‍👦 ada
[to what is gone] ada: So it was
ben: To stay
`

// play sends all that happens in the story, and returns when both members have received
// it.
func (n *story) play(t *testing.T) {
	t.Helper()
	ada, ben := n.Ada, n.Ben
	first := n.SendMessage(t, ada, &chatv1.Message{Text: "Hello"})
	reply := n.SendMessage(t, ben, &chatv1.Message{Text: "Hi", ReplyTo: first})
	n.SendAndReceive(t, ada, harness.EditRequest(n.Room, n.NewID(), first, "Hello, all"))
	n.SendAndReceive(t, ben, harness.ReactionRequest(n.Room, n.NewID(), first, "🎉", false))
	n.SendAndReceive(t, ben, harness.ReactionRequest(n.Room, n.NewID(), first, "👍", false))
	n.SendAndReceive(t, ben, harness.ReactionRequest(n.Room, n.NewID(), first, "👍", false))
	n.SendAndReceive(t, ada, harness.ReactionRequest(n.Room, n.NewID(), first, "👍", false))
	n.SendAndReceive(t, ada, harness.ReactionRequest(n.Room, n.NewID(), first, "🎉", false))
	n.SendAndReceive(t, ben, harness.ReactionRequest(n.Room, n.NewID(), first, "👍", true))
	n.SendAndReceive(t, ada, harness.ReactionRequest(n.Room, n.NewID(), reply, "👩‍👩‍👧‍👦", false))
	n.SendAndReceive(t, ada, harness.ReactionRequest(n.Room, n.NewID(), reply, "👍", true)) // it isn't there

	slip := n.SendMessage(t, ben, &chatv1.Message{Text: "A slip"})
	n.SendAndReceive(t, ben, harness.EditRequest(n.Room, n.NewID(), slip, "A slip of the"))
	n.middle = &chatv1.Cursor{Epoch: n.Ada.Joined.GetRooms()[0].GetEpoch()}
	n.middle.Sequence = n.SendAndReceive(t, ada, harness.ReactionRequest(n.Room, n.NewID(), slip, "😱", false))
	n.seen = viewOf(t, ada.Events)
	n.SendAndReceive(t, ben, harness.EditRequest(n.Room, n.NewID(), slip, "A slip of the tongue"))
	n.SendMessage(t, ada, &chatv1.Message{Text: "So it was", ReplyTo: slip})
	n.SendAndReceive(t, ben, harness.DeletionRequest(n.Room, "delete", slip))
	n.SendAndReceive(t, ada, harness.EditRequest(n.Room, n.NewID(), first, "Hello, everybody"))
	last := n.SendMessage(t, ben, &chatv1.Message{Text: "To stay"})
	ada.AwaitSequence(t, last)
	ben.AwaitSequence(t, last)
}

// checkChanges reads the page of the first message alone: it has what has become of
// it, and how far a reader need not apply that again.
func (n *story) checkChanges(ctx context.Context, t *testing.T) {
	t.Helper()
	said := n.Ada.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetMessage() != nil })
	edited := n.Ada.AwaitEvent(t, 0, func(e *chatv1.Event) bool { return e.GetEdit().GetText() == "Hello, everybody" })
	want := proto.CloneOf(said)
	want.GetMessage().Text = edited.GetEdit().GetText()
	ada, ben := n.Ada.Member.GetId(), n.Ben.Member.GetId()
	want.Changes = &chatv1.Changes{Sequence: edited.GetSequence(), EditTime: edited.GetTime(), Reactions: []*chatv1.Reactions{
		{Emoji: "🎉", MemberIds: slices.Sorted(slices.Values([]string{ben, ada}))}, {Emoji: "👍", MemberIds: []string{ada}},
	}}
	page, err := n.Ben.ListEvents(ctx, &chatv1.ListEventsRequest{
		Room: n.Room, Page: &chatv1.ListEventsRequest_After{After: &chatv1.Cursor{Epoch: n.middle.GetEpoch()}}, Limit: 1,
	})
	harness.Must(t, err)
	if events := page.GetEvents(); len(events) != 1 || !proto.Equal(events[0], want) {
		t.Errorf("the page of the first message has %v, want %v", events, want)
	}
}

// checkLaterReaders reads the room in every way in which a later reader can.
func (n *story) checkLaterReaders(ctx context.Context, t *testing.T, d harness.Protocol, m harness.Mode) {
	t.Helper()
	recent := n.Service.Join(ctx, t, d, m, "later", &chatv1.Subscription{Room: n.Room, Start: &chatv1.Subscription_Recent{Recent: 1000}})
	n.checkView(t, "with recent events", viewOf(t, recent.Events))
	checkUnbroken(t, "with recent events", recent.Events, 0)
	beginning := &chatv1.Cursor{Epoch: n.middle.GetEpoch()}
	all := n.Service.Join(ctx, t, d, m, "later", subscribeAfter(n.Room, beginning))
	n.checkView(t, "after the beginning", viewOf(t, all.Events))
	missed := n.Service.Join(ctx, t, d, m, "later", subscribeAfter(n.Room, n.middle))
	for _, e := range missed.Events {
		n.seen.add(t, e)
	}
	n.checkView(t, "after what it has seen", n.seen)
	for _, limit := range []uint32{1, 2, 3, 500} {
		n.checkView(t, fmt.Sprintf("in pages of %d, forward", limit), n.forward(ctx, t, limit))
		n.checkView(t, fmt.Sprintf("in pages of %d, backward", limit), n.backward(ctx, t, limit))
	}
	n.pageThenLive(ctx, t, d, m)
}

func subscribeAfter(room string, c *chatv1.Cursor) *chatv1.Subscription {
	return &chatv1.Subscription{Room: room, Start: &chatv1.Subscription_After{After: c}}
}

func (n *story) checkView(t *testing.T, how string, b *roomView) {
	t.Helper()
	if got := b.render(n.Names); got != finalView {
		t.Errorf("a later reader sees, %s:\n%swant:\n%s", how, got, finalView)
	}
}

// checkUnbroken fails the test unless each event names the one before it.
func checkUnbroken(t *testing.T, how string, events []*chatv1.Event, last uint64) {
	t.Helper()
	for _, e := range events {
		if e.GetSequence() == 0 {
			continue
		}
		if e.GetPrevious() != last || e.GetSequence() <= last {
			t.Errorf("%s: event %d has previous %d, after event %d", how, e.GetSequence(), e.GetPrevious(), last)
		}
		last = e.GetSequence()
	}
}

func (n *story) forward(ctx context.Context, t *testing.T, limit uint32) *roomView {
	t.Helper()
	b, next := new(roomView), &chatv1.Cursor{Epoch: n.middle.GetEpoch()}
	var all []*chatv1.Event
	for more := true; more; {
		page, err := n.Ada.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.Room, Page: &chatv1.ListEventsRequest_After{After: next}, Limit: limit})
		harness.Must(t, err)
		for _, e := range page.GetEvents() {
			b.add(t, e)
		}
		all = append(all, page.GetEvents()...)
		next, more = page.GetNext(), page.GetMore()
	}
	checkUnbroken(t, "forward", all, 0)
	return b
}

func (n *story) backward(ctx context.Context, t *testing.T, limit uint32) *roomView {
	t.Helper()
	b, before := new(roomView), uint64(math.MaxUint64)
	for more := true; more; {
		page, err := n.Ada.ListEvents(ctx, &chatv1.ListEventsRequest{
			Room: n.Room, Page: &chatv1.ListEventsRequest_Before{Before: &chatv1.Cursor{Epoch: n.middle.GetEpoch(), Sequence: before}}, Limit: limit,
		})
		harness.Must(t, err)
		b.prependPage(page.GetEvents())
		if more = page.GetMore(); len(page.GetEvents()) > 0 {
			before = page.GetEvents()[0].GetSequence()
		}
	}
	return b
}

// pageThenLive reads a page, and continues on a stream: changes that the page includes
// come once more, and must be skipped.
func (n *story) pageThenLive(ctx context.Context, t *testing.T, d harness.Protocol, m harness.Mode) {
	t.Helper()
	page, err := n.Ada.ListEvents(ctx, &chatv1.ListEventsRequest{
		Room: n.Room, Page: &chatv1.ListEventsRequest_After{After: &chatv1.Cursor{Epoch: n.middle.GetEpoch()}}, Limit: 5,
	})
	harness.Must(t, err)
	b := viewOf(t, page.GetEvents())
	rest := n.Service.Join(ctx, t, d, m, "later", subscribeAfter(n.Room, page.GetNext()))
	for _, e := range rest.Events {
		b.add(t, e)
	}
	n.checkView(t, "in a page and then live", b)
}
