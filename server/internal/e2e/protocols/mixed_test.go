package protocols

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

const (
	messageCount = 200        // messages, of all speakers together
	lastText     = "the last" // said when those are stored: whoever hears it has heard them all
)

// party is the lobby with somebody at every door.
type party struct {
	s         *harness.Service
	ctx       context.Context
	listeners []*listener
	speakers  []*speaker
}

// listener hears through one door.
type listener struct {
	door string
	next func() (*chatv1.Event, error) // only with a text from a door of 2019

	heard []*chatv1.Event
	err   error
}

// listen hears everything up to the last words.
func (l *listener) listen() {
	for {
		var e *chatv1.Event
		if e, l.err = l.next(); l.err != nil {
			return
		}
		if e.GetMessage().GetText() == lastText {
			return
		}
		l.heard = append(l.heard, e)
	}
}

// speaker speaks through one door.
type speaker struct {
	door   string
	member *chatv1.Member // nil for an anonymous one
	say    func(text string) error

	share int // how many messages it has to say
	err   error
}

func (s *speaker) speak() {
	for i := range s.share {
		if s.err = s.say(s.text(i)); s.err != nil {
			return
		}
	}
}

func (s *speaker) text(i int) string { return fmt.Sprintf("%s %d", s.door, i) }

// Whatever door they came by, all hear the same in the same order.
func TestEveryProtocolReceivesTheSameOrder(t *testing.T) {
	t.Parallel()
	p := &party{s: harness.Start(t), ctx: harness.Context(t)}
	for _, d := range harness.Protocols {
		p.addSubscriber(t, d)
		p.addSender(t, d)
		if d.Bidi {
			p.addChat(t, d)
		}
	}
	p.addOldClients(t)
	p.addCurl(t)
	p.s.AwaitMembers(p.ctx, t, "lobby", len(p.listeners))
	history := &listener{door: "ListEvents", next: p.poll(t)}
	p.listeners = append(p.listeners, history)
	t.Logf("%d listeners and %d speakers", len(p.listeners), len(p.speakers))

	p.run(t)

	p.complete(t, history.heard)
	for _, l := range p.listeners {
		l.agrees(t, history.heard)
	}
}

// run lets everybody speak, waits until it is stored, and says the last words.
func (p *party) run(t *testing.T) {
	t.Helper()
	var speaking, listening sync.WaitGroup
	defer listening.Wait()
	for _, l := range p.listeners {
		listening.Go(l.listen)
	}
	for i, s := range p.speakers {
		s.share = (messageCount + i) / len(p.speakers)
		speaking.Go(s.speak)
	}
	speaking.Wait()
	for _, s := range p.speakers {
		if s.err != nil {
			t.Errorf("speaker %s: %v", s.door, s.err)
		}
	}
	stored := p.poll(t)
	for i := range messageCount {
		if _, err := stored(); err != nil {
			t.Errorf("ListEvents after %d of %d events: %v", i, messageCount, err)
			break
		}
	}
	_, err := harness.ConnectOver(harness.HTTP1Client)(t, p.s, "").Send(p.ctx, harness.TextRequest("lobby", lastText))
	if err != nil {
		t.Errorf("Send(%q): %v", lastText, err)
	}
}

// complete fails the test unless the events are everything that was said, each
// thing once, after one another without a gap, and each speaker's in its order.
func (p *party) complete(t *testing.T, events []*chatv1.Event) {
	t.Helper()
	by := make(map[string]*speaker)
	for _, s := range p.speakers {
		for i := range s.share {
			by[s.text(i)] = s
		}
	}
	if len(events) != messageCount || len(by) != messageCount {
		t.Errorf("%d events of %d messages, want %d", len(events), len(by), messageCount)
	}
	var last uint64
	said := make(map[*speaker]int)
	for _, e := range events {
		last = harness.Follow(t, last, e)
		s := by[e.GetMessage().GetText()]
		if s == nil {
			t.Errorf("nobody said %v", e)
			continue
		}
		if got, want := e.GetMessage().GetText(), s.text(said[s]); got != want {
			t.Errorf("%s said %q where %q should come", s.door, got, want)
		}
		said[s]++
		switch {
		case s.member == nil && (e.GetSender().GetName() != "anonymous" || e.GetSender().GetId() != ""):
			t.Errorf("sender of %v, want an anonymous one", e)
		case s.member != nil && (!proto.Equal(e.GetSender(), s.member) || e.GetId() != e.GetMessage().GetText()):
			t.Errorf("id and sender of %v, want the text and %v", e, s.member)
		}
	}
}

// agrees fails the test unless the listener heard exactly these events in this
// order.
func (l *listener) agrees(t *testing.T, events []*chatv1.Event) {
	t.Helper()
	if l.err != nil {
		t.Errorf("%s heard %d of %d: %v", l.door, len(l.heard), len(events), l.err)
	}
	if len(l.heard) != len(events) {
		t.Errorf("%s heard %d messages, want %d", l.door, len(l.heard), len(events))
	}
	for i := range min(len(l.heard), len(events)) {
		got, want := l.heard[i], events[i]
		if got.GetSequence() == 0 {
			want = &chatv1.Event{Body: want.GetBody()}
		}
		if !proto.Equal(got, want) {
			t.Errorf("%s heard as message %d\n\t%v, want\n\t%v", l.door, i, got, want)
			return
		}
	}
}

// enter signs somebody in under the name of a door.
func (p *party) enter(t *testing.T, format, door string) (name, token string, m *chatv1.Member) {
	t.Helper()
	name = fmt.Sprintf(format, door)
	token, m = p.s.SignIn(t, name)
	return name, token, m
}

func (p *party) addSubscriber(t *testing.T, d harness.Protocol) {
	t.Helper()
	name, token, _ := p.enter(t, "Subscribe, %s", d.Name)
	receive, err := d.Open(t, p.s, token).Subscribe(p.ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	receive.Joined(t)
	p.listeners = append(p.listeners, &listener{door: name, next: receive.NextEvent})
}

func (p *party) addSender(t *testing.T, d harness.Protocol) {
	t.Helper()
	name, token, member := p.enter(t, "Send, %s", d.Name)
	v := d.Open(t, p.s, token)
	p.speakers = append(p.speakers, &speaker{door: name, member: member, say: func(text string) error {
		_, err := v.Send(p.ctx, harness.TextRequest("lobby", text))
		return err
	}})
}

// addChat adds somebody who listens and speaks on one stream, without waiting
// for answers.
func (p *party) addChat(t *testing.T, d harness.Protocol) {
	t.Helper()
	name, token, member := p.enter(t, "Chat, %s", d.Name)
	stream, err := d.Open(t, p.s, token).Chat(p.ctx)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := stream.Send(harness.JoinAction(&chatv1.Subscription{Room: "lobby"})); err != nil {
		t.Fatalf("%s: join: %v", name, err)
	}
	stream.Receive.Joined(t)
	p.listeners = append(p.listeners, &listener{door: name, next: stream.Receive.NextEvent})
	p.speakers = append(p.speakers, &speaker{door: name, member: member, say: func(text string) error {
		return stream.Send(harness.SendAction(harness.TextRequest("lobby", text)))
	}})
}

func (p *party) addOldClients(t *testing.T) {
	t.Helper()
	for _, old := range harness.OldClients {
		client := old.Open(t, p.s)
		p.speakers = append(p.speakers, &speaker{door: old.Name, say: client.Say})
		p.listeners = append(p.listeners, &listener{door: old.Name, next: func() (*chatv1.Event, error) {
			text, err := client.Hear()
			return &chatv1.Event{Body: &chatv1.Event_Message{Message: &chatv1.Message{Text: text}}}, err
		}})
	}
}

// addCurl adds somebody who subscribes with one curl and sends with others.
func (p *party) addCurl(t *testing.T) {
	t.Helper()
	path, found := harness.FindTool(t, "curl")
	if !found {
		t.Log("without curl, which is not installed")
		return
	}
	c := harness.Curl{Path: path, Service: p.s}
	receive := c.Subscribe(t, `{"rooms":[{"room":"lobby"}]}`)
	receive.Joined(t)
	p.listeners = append(p.listeners, &listener{door: "Subscribe, curl", next: receive.NextEvent})
	name, token, member := p.enter(t, "Send, %s", "curl")
	c.Token = token
	p.speakers = append(p.speakers, &speaker{door: name, member: member, say: func(text string) error {
		return c.Call(p.ctx, "Send", harness.TextRequest("lobby", text), new(chatv1.SendResponse))
	}})
}

// poll returns a reader of the lobby's history from its beginning, which waits
// for events where it ends.
func (p *party) poll(t *testing.T) func() (*chatv1.Event, error) {
	t.Helper()
	client := chatv1connect.NewChatRoomClient(harness.HTTP1Client(t), p.s.URL, connect.WithHTTPGet())
	page, err := client.ListEvents(p.ctx, &chatv1.ListEventsRequest{Room: "lobby"})
	if err != nil {
		t.Fatalf("ListEvents: %v", err)
	}
	next := &chatv1.Cursor{Epoch: page.GetEpoch()}
	var events []*chatv1.Event
	return func() (*chatv1.Event, error) {
		for len(events) == 0 {
			page, err := client.ListEvents(p.ctx, &chatv1.ListEventsRequest{
				Room: "lobby", Page: &chatv1.ListEventsRequest_After{After: next}, Limit: 7, Wait: durationpb.New(30 * time.Second),
			})
			if err != nil {
				return nil, err
			}
			events, next = page.GetEvents(), page.GetNext()
		}
		e := events[0]
		events = events[1:]
		return e, nil
	}
}
