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
	messageCount = 200        // messages, of all senders together
	lastText     = "the last" // sent after all others are stored
)

// party is the lobby with a client on every protocol.
type party struct {
	s         *harness.Service
	ctx       context.Context
	receivers []*receiver
	senders   []*sender
}

// receiver receives on one protocol.
type receiver struct {
	protocol string
	next     func() (*chatv1.Event, error) // only with a text on the 2019 contract

	received []*chatv1.Event
	err      error
}

// receiveAll receives everything up to lastText.
func (l *receiver) receiveAll() {
	for {
		var e *chatv1.Event
		if e, l.err = l.next(); l.err != nil {
			return
		}
		if e.GetMessage().GetText() == lastText {
			return
		}
		l.received = append(l.received, e)
	}
}

// sender sends on one protocol.
type sender struct {
	protocol string
	member   *chatv1.Member // nil for an anonymous one
	send     func(text string) error

	share int // how many messages it has to send
	err   error
}

func (s *sender) sendAll() {
	for i := range s.share {
		if s.err = s.send(s.text(i)); s.err != nil {
			return
		}
	}
}

func (s *sender) text(i int) string { return fmt.Sprintf("%s %d", s.protocol, i) }

// Clients on every protocol receive the same events in the same order.
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
	p.s.AwaitMembers(p.ctx, t, "lobby", len(p.receivers))
	history := &receiver{protocol: "ListEvents", next: p.poll(t)}
	p.receivers = append(p.receivers, history)
	t.Logf("%d receivers and %d senders", len(p.receivers), len(p.senders))

	p.run(t)

	p.checkComplete(t, history.received)
	for _, l := range p.receivers {
		l.checkReceived(t, history.received)
	}
}

// run sends all messages, waits until they are stored, and sends lastText.
func (p *party) run(t *testing.T) {
	t.Helper()
	var sending, receiving sync.WaitGroup
	defer receiving.Wait()
	for _, l := range p.receivers {
		receiving.Go(l.receiveAll)
	}
	for i, s := range p.senders {
		s.share = (messageCount + i) / len(p.senders)
		sending.Go(s.sendAll)
	}
	sending.Wait()
	for _, s := range p.senders {
		if s.err != nil {
			t.Errorf("sender %s: %v", s.protocol, s.err)
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

// checkComplete fails the test unless the events are all messages, once each, without a
// gap, and each sender's in its order.
func (p *party) checkComplete(t *testing.T, events []*chatv1.Event) {
	t.Helper()
	by := make(map[string]*sender)
	for _, s := range p.senders {
		for i := range s.share {
			by[s.text(i)] = s
		}
	}
	if len(events) != messageCount || len(by) != messageCount {
		t.Errorf("%d events of %d messages, want %d", len(events), len(by), messageCount)
	}
	var last uint64
	sent := make(map[*sender]int)
	for _, e := range events {
		last = harness.Follow(t, last, e)
		s := by[e.GetMessage().GetText()]
		if s == nil {
			t.Errorf("%v was never sent", e)
			continue
		}
		if got, want := e.GetMessage().GetText(), s.text(sent[s]); got != want {
			t.Errorf("%s sent %q where %q should come", s.protocol, got, want)
		}
		sent[s]++
		switch {
		case s.member == nil && (e.GetSender().GetName() != "anonymous" || e.GetSender().GetId() != ""):
			t.Errorf("sender of %v, want an anonymous one", e)
		case s.member != nil && (!proto.Equal(e.GetSender(), s.member) || e.GetId() != e.GetMessage().GetText()):
			t.Errorf("id and sender of %v, want the text and %v", e, s.member)
		}
	}
}

// checkReceived fails the test unless the receiver has received exactly these events in
// this order.
func (l *receiver) checkReceived(t *testing.T, events []*chatv1.Event) {
	t.Helper()
	if l.err != nil {
		t.Errorf("%s received %d of %d: %v", l.protocol, len(l.received), len(events), l.err)
	}
	if len(l.received) != len(events) {
		t.Errorf("%s received %d messages, want %d", l.protocol, len(l.received), len(events))
	}
	for i := range min(len(l.received), len(events)) {
		got, want := l.received[i], events[i]
		if got.GetSequence() == 0 {
			want = &chatv1.Event{Body: want.GetBody()}
		}
		if !proto.Equal(got, want) {
			t.Errorf("%s received as message %d\n\t%v, want\n\t%v", l.protocol, i, got, want)
			return
		}
	}
}

// signIn signs in a guest who is named after a protocol.
func (p *party) signIn(t *testing.T, format, protocol string) (name, token string, m *chatv1.Member) {
	t.Helper()
	name = fmt.Sprintf(format, protocol)
	token, m = p.s.SignIn(t, name)
	return name, token, m
}

func (p *party) addSubscriber(t *testing.T, d harness.Protocol) {
	t.Helper()
	name, token, _ := p.signIn(t, "Subscribe, %s", d.Name)
	receive, err := d.Open(t, p.s, token).Subscribe(p.ctx, harness.SubscribeTo(&chatv1.Subscription{Room: "lobby"}))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	receive.Joined(t)
	p.receivers = append(p.receivers, &receiver{protocol: name, next: receive.NextEvent})
}

func (p *party) addSender(t *testing.T, d harness.Protocol) {
	t.Helper()
	name, token, member := p.signIn(t, "Send, %s", d.Name)
	v := d.Open(t, p.s, token)
	p.senders = append(p.senders, &sender{protocol: name, member: member, send: func(text string) error {
		_, err := v.Send(p.ctx, harness.TextRequest("lobby", text))
		return err
	}})
}

// addChat adds a client that sends and receives on one stream, without waiting for
// answers.
func (p *party) addChat(t *testing.T, d harness.Protocol) {
	t.Helper()
	name, token, member := p.signIn(t, "Chat, %s", d.Name)
	stream, err := d.Open(t, p.s, token).Chat(p.ctx)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if err := stream.Send(harness.JoinAction(&chatv1.Subscription{Room: "lobby"})); err != nil {
		t.Fatalf("%s: join: %v", name, err)
	}
	stream.Receive.Joined(t)
	p.receivers = append(p.receivers, &receiver{protocol: name, next: stream.Receive.NextEvent})
	p.senders = append(p.senders, &sender{protocol: name, member: member, send: func(text string) error {
		return stream.Send(harness.SendAction(harness.TextRequest("lobby", text)))
	}})
}

func (p *party) addOldClients(t *testing.T) {
	t.Helper()
	for _, old := range harness.OldClients {
		client := old.Open(t, p.s)
		p.senders = append(p.senders, &sender{protocol: old.Name, send: client.Send})
		p.receivers = append(p.receivers, &receiver{protocol: old.Name, next: func() (*chatv1.Event, error) {
			text, err := client.Receive()
			return &chatv1.Event{Body: &chatv1.Event_Message{Message: &chatv1.Message{Text: text}}}, err
		}})
	}
}

// addCurl adds a curl that subscribes, and others that send.
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
	p.receivers = append(p.receivers, &receiver{protocol: "Subscribe, curl", next: receive.NextEvent})
	name, token, member := p.signIn(t, "Send, %s", "curl")
	c.Token = token
	p.senders = append(p.senders, &sender{protocol: name, member: member, send: func(text string) error {
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
