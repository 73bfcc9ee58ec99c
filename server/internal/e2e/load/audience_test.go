package load

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"

	"connectrpc.com/connect"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/gen/hello/helloconnect"
	"chatroom/server/internal/e2e/harness"
)

// orderedListener receives the texts of one room's messages.
type orderedListener struct {
	name, room string
	next       func() (text string, err error)
}

// listen checks that the numbers come once each, in order, until the end.
func (l orderedListener) listen(t *testing.T) {
	for n := 0; ; n++ {
		text, err := l.next()
		if err != nil {
			t.Errorf("%s in %q: %v, want message %d", l.name, l.room, err, n)
			return
		}
		if text == lastText {
			t.Logf("%s in %q: %d messages", l.name, l.room, n)
			return
		}
		if text != fmt.Sprint(n) {
			t.Errorf("%s in %q: message %q, want %d", l.name, l.room, text, n)
			return
		}
	}
}

// audience are subscribers that stay until the end.
type audience struct {
	t         *testing.T
	listening sync.WaitGroup
	members   map[string]uint32 // by room
	closers   []func()
}

// newAudience opens a stream of each kind in each room, and returns when all have
// joined.
func newAudience(ctx context.Context, t *testing.T, s *harness.Service, list harness.RoomList, h2c, http1 *http.Client) *audience {
	ctx, leave := context.WithCancel(ctx)
	a := &audience{t: t, members: make(map[string]uint32), closers: []func(){leave}}
	t.Cleanup(a.leave)
	for _, room := range busyRooms {
		web := chatv1connect.NewChatRoomClient(h2c, s.URL, connect.WithGRPCWeb())
		a.add("Subscribe on HTTP/1.1", room, harness.OpenSubscribe(ctx, chatv1connect.NewChatRoomClient(http1, s.URL), room))
		a.add("Subscribe on h2c", room, harness.OpenSubscribe(ctx, web, room))
		a.add("Chat", room, openChat(ctx, list.Client, room))
	}
	hello, err := helloconnect.NewChatRoomClient(h2c, s.URL, connect.WithGRPC()).Chat(ctx)
	if err != nil {
		t.Fatalf("hello Chat: %v", err)
	}
	a.members["lobby"]++
	a.closers = append(a.closers, func() { closeChat(hello) })
	list.AwaitMembers(ctx, t, a.members) // a stream of the 2019 contract receives nothing when it joins
	a.listen(orderedListener{"hello Chat", "lobby", func() (string, error) {
		m, err := hello.Receive()
		return m.GetMessage(), err
	}})
	return a
}

// add adds a stream once it has joined.
func (a *audience) add(name, room string, stream harness.Stream) {
	a.t.Helper()
	a.members[room]++
	a.closers = append(a.closers, stream.Close)
	if err := stream.Joined(); err != nil {
		a.t.Fatalf("%s in %q: %v", name, room, err)
	}
	a.listen(orderedListener{name, room, func() (string, error) {
		for {
			f, err := stream.Receive()
			if err == nil && harness.IsEphemeral(f) {
				continue
			}
			if err != nil || f.GetEvent() != nil {
				return f.GetEvent().GetMessage().GetText(), err
			}
			if f.GetReset_() != nil {
				return "", fmt.Errorf("received %v, want events only", f)
			}
		}
	}})
}

func (a *audience) listen(l orderedListener) {
	a.listening.Go(func() { l.listen(a.t) })
}

func (a *audience) leave() {
	for _, c := range a.closers {
		c()
	}
	a.closers = nil
}
