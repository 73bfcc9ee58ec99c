package hostile

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

const (
	waitLimit = time.Minute // bounds every wait of these tests
	// writeTimeout is short, and long enough for bystanders on a slow machine.
	writeTimeout = 2 * time.Second
	// longWriteTimeout is longer than any test waits.
	longWriteTimeout = time.Hour
	sharedRoom       = "lobby"
	// stopLimit is how long a service with a drain of a second may take to stop, with
	// some time for a slow machine.
	stopLimit = 30 * time.Second
)

// bystanders are well-behaved clients: two subscribers and a sender, which must receive
// everything in order.
type bystanders struct {
	ctx     context.Context
	client  chatv1connect.ChatRoomClient
	list    harness.RoomList
	streams []harness.Stream
	sent    int
	leave   func()
}

func newBystanders(t *testing.T, s *harness.Service) *bystanders {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
	h2c, http1 := harness.H2CClient(t), harness.HTTP1Client(t)
	client := chatv1connect.NewChatRoomClient(h2c, s.URL)
	r := &bystanders{ctx: ctx, client: client, list: harness.RoomList{Client: client}}
	r.streams = []harness.Stream{
		harness.OpenSubscribe(ctx, client, sharedRoom),
		harness.OpenSubscribe(ctx, chatv1connect.NewChatRoomClient(http1, s.URL), sharedRoom),
	}
	r.leave = func() {
		cancel()
		for _, stream := range r.streams {
			stream.Close()
		}
		h2c.CloseIdleConnections()
		http1.CloseIdleConnections()
	}
	t.Cleanup(r.leave)
	for _, stream := range r.streams {
		if err := stream.Joined(); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// awaitMembers waits until the room has the bystanders and so many others.
func (r *bystanders) awaitMembers(t *testing.T, others int) {
	t.Helper()
	r.list.AwaitMembers(r.ctx, t, map[string]uint32{sharedRoom: uint32(len(r.streams) + others)})
}

// exchange sends n messages that end in a filler, and checks that both subscribers
// receive all of them in order.
func (r *bystanders) exchange(t *testing.T, n int, filler string) {
	t.Helper()
	var receiving sync.WaitGroup
	for _, stream := range r.streams {
		receiving.Go(func() {
			for i := 0; i < n; {
				f, err := stream.Receive()
				if err != nil {
					t.Errorf("Receive: %v, want message %d", err, i)
					return
				}
				if harness.IsEphemeral(f) {
					continue
				}
				e := f.GetEvent()
				if e != nil && e.GetMessage().GetText() != fmt.Sprint(i, filler) {
					t.Errorf("received %.40v, want message %d", e, i)
					return
				}
				if e != nil {
					i++
				}
			}
		})
	}
	for i := range n {
		m := harness.TextRequest(sharedRoom, fmt.Sprint(i, filler))
		r.sent++
		m.Id = fmt.Sprint(r.sent)
		if _, err := r.client.Send(r.ctx, m); err != nil {
			t.Errorf("Send: %v", err)
			break
		}
	}
	receiving.Wait()
}

// checkStopsInTime checks that the service stops in time, even if clients are still
// connected.
func checkStopsInTime(t *testing.T, s *harness.Service) {
	t.Helper()
	start := time.Now()
	s.Stop(t)
	if took := time.Since(start); took > stopLimit {
		t.Errorf("the server stopped after %v, want at most %v", took, stopLimit)
	}
}
