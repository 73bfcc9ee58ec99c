package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// neighbours are two members who live in one room.
type neighbours struct {
	s        *testService
	ada, ben *actor
	room     string
	names    map[string]string // by id

	middle *chatv1.Cursor // somewhere in the life
	seen   *board         // what was to be seen there
	n      int
}

// The messages of a room live the same life through every door: who is there sees
// it, and so does who comes later, by whatever way.
func TestLife(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, d := range lifeDoors {
		for _, m := range d.manners() {
			t.Run(fmt.Sprintf("%s, %v", d.name, m), func(t *testing.T) {
				t.Parallel()
				n := s.settle(bounded(t), t, d, m, fmt.Sprintf("life-%d-%d", i, m))
				n.live(t)
				if got := boardOf(t, n.ben.heard).show(n.names); got != lived {
					t.Errorf("ben sees, live:\n%swant:\n%s", got, lived)
				}
				if got := boardOf(t, n.ada.heard).show(n.names); got != lived {
					t.Errorf("ada sees, live:\n%swant:\n%s", got, lived)
				}
				n.testChanges(bounded(t), t)
				n.laterSees(bounded(t), t, d, m)
			})
		}
	}
}

// lived is what there is to be seen of a life in the end.
const lived = `ada: Hello, everybody (edited) 🎉 ada ben 👍 ada
[to Hello, everybody] ben: Hi 👩‍👩‍👧‍👦 ada
[to what is gone] ada: So it was
ben: To stay
`

func (s *testService) settle(ctx context.Context, t *testing.T, d door, m manner, room string) *neighbours {
	t.Helper()
	n := &neighbours{s: s, room: room}
	n.ada = s.move(ctx, t, d, m, "ada", &chatv1.Subscription{Room: room})
	n.ben = s.move(ctx, t, d, m, "ben", &chatv1.Subscription{Room: room})
	n.names = map[string]string{n.ada.member.GetId(): "ada", n.ben.member.GetId(): "ben"}
	return n
}

// live is a whole life, and ends when both have heard of all of it.
func (n *neighbours) live(t *testing.T) {
	t.Helper()
	ada, ben := n.ada, n.ben
	first := n.says(t, ada, &chatv1.Message{Text: "Hello"})
	reply := n.says(t, ben, &chatv1.Message{Text: "Hi", ReplyTo: first})
	n.does(t, ada, editing(n.room, n.id(), first, "Hello, all"))
	n.does(t, ben, reacting(n.room, n.id(), first, "🎉", false))
	n.does(t, ben, reacting(n.room, n.id(), first, "👍", false))
	n.does(t, ben, reacting(n.room, n.id(), first, "👍", false))
	n.does(t, ada, reacting(n.room, n.id(), first, "👍", false))
	n.does(t, ada, reacting(n.room, n.id(), first, "🎉", false))
	n.does(t, ben, reacting(n.room, n.id(), first, "👍", true))
	n.does(t, ada, reacting(n.room, n.id(), reply, "👩‍👩‍👧‍👦", false))
	n.does(t, ada, reacting(n.room, n.id(), reply, "👍", true)) // it isn't there

	slip := n.says(t, ben, &chatv1.Message{Text: "A slip"})
	n.does(t, ben, editing(n.room, n.id(), slip, "A slip of the"))
	n.middle = &chatv1.Cursor{Epoch: n.ada.joined.GetRooms()[0].GetEpoch()}
	n.middle.Sequence = n.does(t, ada, reacting(n.room, n.id(), slip, "😱", false))
	n.seen = boardOf(t, ada.heard)
	n.does(t, ben, editing(n.room, n.id(), slip, "A slip of the tongue"))
	n.says(t, ada, &chatv1.Message{Text: "So it was", ReplyTo: slip})
	n.does(t, ben, deleting(n.room, "delete", slip))
	n.does(t, ada, editing(n.room, n.id(), first, "Hello, everybody"))
	last := n.says(t, ben, &chatv1.Message{Text: "To stay"})
	ada.hears(t, last)
	ben.hears(t, last)
}

func (n *neighbours) id() string {
	n.n++
	return fmt.Sprint(n.n)
}

func (n *neighbours) says(t *testing.T, a *actor, m *chatv1.Message) uint64 {
	t.Helper()
	return n.does(t, a, post(n.room, n.id(), m))
}

// does lets somebody do something, and waits until it is told of that.
func (n *neighbours) does(t *testing.T, a *actor, request *chatv1.SendRequest) uint64 {
	t.Helper()
	response := a.do(t, request)
	if response.GetDuplicate() || response.GetSequence() == 0 || response.GetEpoch() == "" || response.GetTime() == nil {
		t.Errorf("%v was answered %v, want a sequence, an epoch and a time, and no duplicate", request, response)
	}
	e := a.hears(t, response.GetSequence())
	if !proto.Equal(e.GetSender(), a.member) || e.GetId() != request.GetId() || !proto.Equal(e.GetTime(), response.GetTime()) {
		t.Errorf("%v is told as %v", request, e)
	}
	return response.GetSequence()
}

// testChanges reads the page of the first message alone: it has what has become of
// it, and how far a reader need not apply that again.
func (n *neighbours) testChanges(ctx context.Context, t *testing.T) {
	t.Helper()
	said := n.ada.until(t, 0, func(e *chatv1.Event) bool { return e.GetMessage() != nil })
	edited := n.ada.until(t, 0, func(e *chatv1.Event) bool { return e.GetEdit().GetText() == "Hello, everybody" })
	want := proto.CloneOf(said)
	want.GetMessage().Text = edited.GetEdit().GetText()
	ada, ben := n.ada.member.GetId(), n.ben.member.GetId()
	want.Changes = &chatv1.Changes{Sequence: edited.GetSequence(), EditTime: edited.GetTime(), Reactions: []*chatv1.Reactions{
		{Emoji: "🎉", MemberIds: slices.Sorted(slices.Values([]string{ben, ada}))}, {Emoji: "👍", MemberIds: []string{ada}},
	}}
	page, err := n.ben.ListEvents(ctx, &chatv1.ListEventsRequest{
		Room: n.room, Page: &chatv1.ListEventsRequest_After{After: &chatv1.Cursor{Epoch: n.middle.GetEpoch()}}, Limit: 1,
	})
	must(t, err)
	if events := page.GetEvents(); len(events) != 1 || !proto.Equal(events[0], want) {
		t.Errorf("the page of the first message has %v, want %v", events, want)
	}
}

// laterSees looks at the room in every way that there is for who comes later.
func (n *neighbours) laterSees(ctx context.Context, t *testing.T, d door, m manner) {
	t.Helper()
	recent := n.s.move(ctx, t, d, m, "later", &chatv1.Subscription{Room: n.room, Start: &chatv1.Subscription_Recent{Recent: 1000}})
	n.sees(t, "with recent events", boardOf(t, recent.heard))
	unbroken(t, "with recent events", recent.heard, 0)
	beginning := &chatv1.Cursor{Epoch: n.middle.GetEpoch()}
	all := n.s.move(ctx, t, d, m, "later", subscribeAfter(n.room, beginning))
	n.sees(t, "after the beginning", boardOf(t, all.heard))
	missed := n.s.move(ctx, t, d, m, "later", subscribeAfter(n.room, n.middle))
	for _, e := range missed.heard {
		n.seen.see(t, e)
	}
	n.sees(t, "after what it has seen", n.seen)
	for _, limit := range []uint32{1, 2, 3, 500} {
		n.sees(t, fmt.Sprintf("in pages of %d, forward", limit), n.forward(ctx, t, limit))
		n.sees(t, fmt.Sprintf("in pages of %d, backward", limit), n.backward(ctx, t, limit))
	}
	n.pageThenLive(ctx, t, d, m)
}

func subscribeAfter(room string, c *chatv1.Cursor) *chatv1.Subscription {
	return &chatv1.Subscription{Room: room, Start: &chatv1.Subscription_After{After: c}}
}

func (n *neighbours) sees(t *testing.T, how string, b *board) {
	t.Helper()
	if got := b.show(n.names); got != lived {
		t.Errorf("who comes later sees, %s:\n%swant:\n%s", how, got, lived)
	}
}

// unbroken fails the test unless each event names the one before it.
func unbroken(t *testing.T, how string, events []*chatv1.Event, last uint64) {
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

func (n *neighbours) forward(ctx context.Context, t *testing.T, limit uint32) *board {
	t.Helper()
	b, next := new(board), &chatv1.Cursor{Epoch: n.middle.GetEpoch()}
	var all []*chatv1.Event
	for more := true; more; {
		page, err := n.ada.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.room, Page: &chatv1.ListEventsRequest_After{After: next}, Limit: limit})
		must(t, err)
		for _, e := range page.GetEvents() {
			b.see(t, e)
		}
		all = append(all, page.GetEvents()...)
		next, more = page.GetNext(), page.GetMore()
	}
	unbroken(t, "forward", all, 0)
	return b
}

func (n *neighbours) backward(ctx context.Context, t *testing.T, limit uint32) *board {
	t.Helper()
	b, before := new(board), uint64(math.MaxUint64)
	for more := true; more; {
		page, err := n.ada.ListEvents(ctx, &chatv1.ListEventsRequest{
			Room: n.room, Page: &chatv1.ListEventsRequest_Before{Before: &chatv1.Cursor{Epoch: n.middle.GetEpoch(), Sequence: before}}, Limit: limit,
		})
		must(t, err)
		b.prepend(page.GetEvents())
		if more = page.GetMore(); len(page.GetEvents()) > 0 {
			before = page.GetEvents()[0].GetSequence()
		}
	}
	return b
}

// pageThenLive reads a page, and goes on from there on a stream: what the page had
// of changes already comes once more, and is skipped.
func (n *neighbours) pageThenLive(ctx context.Context, t *testing.T, d door, m manner) {
	t.Helper()
	page, err := n.ada.ListEvents(ctx, &chatv1.ListEventsRequest{
		Room: n.room, Page: &chatv1.ListEventsRequest_After{After: &chatv1.Cursor{Epoch: n.middle.GetEpoch()}}, Limit: 5,
	})
	must(t, err)
	b := boardOf(t, page.GetEvents())
	rest := n.s.move(ctx, t, d, m, "later", subscribeAfter(n.room, page.GetNext()))
	for _, e := range rest.heard {
		b.see(t, e)
	}
	n.sees(t, "in a page and then live", b)
}
