package hostile

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

const (
	waitLimit = 30 * time.Second // bounds every wait of these tests
	// longWriteTimeout is so long that whoever waited for it would be noticed.
	longWriteTimeout = time.Hour
	sharedRoom       = "lobby"
	// stopLimit is how long a server may take to stop that is given a second to
	// drain.
	stopLimit = time.Second + service.ShutdownTimeout + time.Second
)

// bystanders are the others: two who listen and one who speaks, all in order.
type bystanders struct {
	ctx     context.Context
	client  chatv1connect.ChatRoomClient
	list    harness.RoomList
	streams []harness.Stream
	said    int
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

// awaitMembers waits until so many are in the room beside the rest.
func (r *bystanders) awaitMembers(t *testing.T, others int) {
	t.Helper()
	r.list.AwaitMembers(r.ctx, t, map[string]uint32{sharedRoom: uint32(len(r.streams) + others)})
}

// talk says n messages that are made longer by a filler, and checks that
// everybody gets all of them, in order.
func (r *bystanders) talk(t *testing.T, n int, filler string) {
	t.Helper()
	var listening sync.WaitGroup
	for _, stream := range r.streams {
		listening.Go(func() {
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
		r.said++
		m.Id = fmt.Sprint(r.said)
		if _, err := r.client.Send(r.ctx, m); err != nil {
			t.Errorf("Send: %v", err)
			break
		}
	}
	listening.Wait()
}

// checkStopsInTime checks that the server stops when it has drained and its handlers
// had their time, whoever is still connected.
func checkStopsInTime(t *testing.T, s *harness.Service) {
	t.Helper()
	start := time.Now()
	s.Stop(t)
	if took := time.Since(start); took > stopLimit {
		t.Errorf("the server stopped after %v, want at most %v", took, stopLimit)
	}
}
