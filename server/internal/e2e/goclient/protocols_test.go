package goclient

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"slices"
	"testing"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// overTLS makes a client trust a certificate.
func overTLS(v variant, c *client.Config, trust *tls.Config) {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(v.http1)
	protocols.SetHTTP2(!v.http1)
	c.HTTP = &http.Client{Transport: &http.Transport{Protocols: protocols, TLSClientConfig: trust.Clone()}}
}

// Every call does the same over every protocol, each version of HTTP, and TLS.
func TestProtocols(t *testing.T) {
	certificate := harness.NewCertificate(t, t.TempDir())
	for _, server := range []struct {
		name  string
		start func(*testing.T) *harness.Service
		trust *tls.Config
	}{
		{"plain", func(t *testing.T) *harness.Service {
			return harness.Start(t, harness.InMemory, harness.WithPolicy(t, harness.GuestsManage))
		}, nil},
		{"TLS", func(t *testing.T) *harness.Service {
			return harness.Start(t, harness.InMemory, harness.WithPolicy(t, harness.GuestsManage), certificate.Option)
		}, certificate.Trust()},
	} {
		t.Run(server.name, func(t *testing.T) {
			s := server.start(t)
			for _, v := range variants {
				t.Run(v.name, func(t *testing.T) {
					c := v.config(s.URL)
					guest := client.NewGuest("gopher", "")
					c.Token = guest
					if server.trust != nil {
						overTLS(v, &c, server.trust)
						defer c.HTTP.CloseIdleConnections()
					}
					opened, err := client.New(c)
					harness.Must(t, err)
					u := &user{t: t, ctx: harness.Context(t), client: opened, guest: guest, room: roomFor(server.name, v)}
					u.talk()
					u.read()
					u.refused()
					harness.Must(t, opened.Close(u.ctx))
				})
			}
		})
	}
}

// roomFor returns a room that no other test is in.
func roomFor(server string, v variant) string {
	name := []byte(server + "-" + v.name)
	for i, b := range name {
		switch {
		case b >= 'A' && b <= 'Z':
			name[i] = b + 'a' - 'A'
		case b == ' ' || b == '/':
			name[i] = '-'
		}
	}
	return string(name)
}

// user uses all calls of a client.
type user struct {
	t      *testing.T
	ctx    context.Context
	client *client.Client
	guest  *client.Guest
	room   string

	message client.Receipt
}

func (u *user) send(body client.Body, options ...client.SendOption) client.Receipt {
	u.t.Helper()
	receipt, err := u.client.Send(u.ctx, u.room, body, options...)
	if err != nil {
		u.t.Fatalf("Send = %v, want nil", err)
	}
	return receipt
}

// talk sends every kind of event while it follows, and receives them in their order.
func (u *user) talk() {
	var kinds []string
	for update, err := range u.client.Follow(client.Live(u.room)).Updates(u.ctx) {
		if err != nil {
			u.t.Fatalf("Updates yielded %v", err)
		}
		switch update := update.(type) {
		case client.Joined:
			if update.Member.GetName() != "gopher" || update.Member.GetId() != u.guest.ID() {
				u.t.Errorf("Joined as %v, want gopher with the id %q", update.Member, u.guest.ID())
			}
		case client.CaughtUp:
			u.sendEveryKind()
		case client.Event:
			switch kind := update.GetBody().(type) {
			case *chatv1.Event_Message:
				kinds = append(kinds, kind.Message.GetText())
			case *chatv1.Event_Edit:
				kinds = append(kinds, "edit")
			case *chatv1.Event_Reaction:
				kinds = append(kinds, kind.Reaction.GetEmoji())
			case *chatv1.Event_Deletion:
				kinds = append(kinds, "deletion")
			case *chatv1.Event_Typing:
				kinds = append(kinds, "typing")
			}
		}
		if len(kinds) > 0 && kinds[len(kinds)-1] == "the end" {
			break
		}
	}
	want := []string{"typing", "hello", "reply", "edit", "👍", "👍", "deletion", "the end"}
	slices.Sort(kinds[:len(kinds)-1]) // typing is not in the log, and may be anywhere
	slices.Sort(want[:len(want)-1])
	// The reply may be erased before it is delivered.
	if kinds = slices.DeleteFunc(kinds, isReply); !slices.Equal(kinds, slices.DeleteFunc(want, isReply)) {
		u.t.Errorf("the loop yielded %q, want %q", kinds, want)
	}
}

func isReply(kind string) bool { return kind == "reply" }

func (u *user) sendEveryKind() {
	u.t.Helper()
	if receipt := u.send(client.Typing()); receipt.Sequence != 0 {
		u.t.Errorf("typing is stored at %d, want 0", receipt.Sequence)
	}
	u.message = u.send(client.Text("hello"), client.WithID("first"))
	if again := u.send(client.Text("hello"), client.WithID("first")); !again.Duplicate || again.Cursor != u.message.Cursor || !again.Time.Equal(u.message.Time) {
		u.t.Errorf("the same send = %+v, want a duplicate of %+v", again, u.message)
	}
	reply := u.send(client.Reply(u.message.Sequence, "reply"))
	u.send(client.Edit(u.message.Sequence, "hello, all"))
	u.send(client.React(u.message.Sequence, "👍"))
	u.send(client.Unreact(u.message.Sequence, "👍"))
	u.send(client.Delete(reply.Sequence))
	u.send(client.Text("the end"))
}

// read reads pages and lists.
func (u *user) read() {
	newest, err := u.client.NewestPage(u.ctx, u.room, 1)
	harness.Must(u.t, err)
	if len(newest.Events) != 1 || newest.Events[0].GetMessage().GetText() != "the end" || !newest.More || newest.Next != newest.Events[0].Cursor() {
		u.t.Errorf("NewestPage = %+v, want the last message", newest)
	}
	previous, err := u.client.PreviousPage(u.ctx, u.room, newest.First(), 500)
	harness.Must(u.t, err)
	if previous.More || len(previous.Events) == 0 || previous.Events[0].GetMessage().GetText() != "hello, all" {
		u.t.Errorf("PreviousPage = %+v, want all from the first message on, as it was edited", previous)
	}
	next, err := u.client.NextPage(u.ctx, u.room, previous.Next, 10)
	harness.Must(u.t, err)
	if len(next.Events) != 1 || next.Events[0].GetSequence() != newest.Events[0].GetSequence() {
		u.t.Errorf("NextPage = %+v, want the last message", next)
	}
	n := 0
	for e, err := range u.client.Backward(u.ctx, u.room) {
		harness.Must(u.t, err)
		if n++; n == 1 && e.GetMessage().GetText() != "the end" {
			u.t.Errorf("Backward begins with %v", e)
		}
	}
	if n != len(previous.Events)+1 {
		u.t.Errorf("Backward has %d events, want %d", n, len(previous.Events)+1)
	}
	harness.Must(u.t, u.client.SetRoom(u.ctx, u.room, "A room", "A topic"))
	room, err := u.client.Room(u.ctx, u.room)
	harness.Must(u.t, err)
	if room.GetDisplayName() != "A room" || room.GetTopic() != "A topic" {
		u.t.Errorf("Room = %v, want its new name and topic", room)
	}
	seen := map[string]client.Cursor{u.room: {Epoch: newest.Epoch}}
	for r, err := range u.client.Rooms(u.ctx, chatv1.RoomOrder_ROOM_ORDER_ACTIVITY, seen) {
		harness.Must(u.t, err)
		if r.GetName() == u.room && (r.Unread == nil || r.GetUnread() != 0) {
			u.t.Errorf("Rooms has %v, want no unread messages of others", r)
		}
	}
	for m, err := range u.client.Members(u.ctx, u.room) {
		harness.Must(u.t, err)
		if m.GetId() == "" {
			u.t.Errorf("Members has %v, want an id", m)
		}
	}
}

// refused checks the errors of what the service refuses.
func (u *user) refused() {
	for name, tt := range map[string]struct {
		body client.Body
		code connect.Code
	}{
		"the edit of a message that does not exist": {client.Edit(1<<40, "x"), connect.CodeNotFound},
		"an empty text":     {client.Text(""), connect.CodeInvalidArgument},
		"an unknown type":   {client.Custom(wrapperspb.String("x")), connect.CodeInvalidArgument},
		"what is no emoji":  {client.React(u.message.Sequence, "hello"), connect.CodeInvalidArgument},
		"text of bad UTF-8": {client.Text("\xff"), connect.CodeInvalidArgument},
	} {
		_, err := u.client.Send(u.ctx, u.room, tt.body)
		if connect.CodeOf(err) != tt.code || errors.Is(err, client.ErrUnknownOutcome) {
			u.t.Errorf("Send of %s = %v, want code %v", name, err, tt.code)
		}
	}
	if _, err := u.client.Send(u.ctx, u.room, client.Text("other"), client.WithID("first")); connect.CodeOf(err) != connect.CodeAlreadyExists {
		u.t.Errorf("Send with a used id = %v, want code already_exists", err)
	}
	if _, err := u.client.NewestPage(u.ctx, "no-such-room", 1); connect.CodeOf(err) != connect.CodeNotFound {
		u.t.Errorf("NewestPage of no room = %v, want code not_found", err)
	}
}
