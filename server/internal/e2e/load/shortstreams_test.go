package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"go.uber.org/goleak"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

const (
	openingTime      = 15 * time.Second // in which streams are opened
	testTimeout      = 2 * time.Minute  // bounds everything
	clientCount      = 24               // connections, more for those of HTTP/1.1
	streamsPerClient = 3                // streams on each
	maxMessages      = 5_000            // messages in a room, fewer than are retained
	lastText         = "the end"        // the last message in a room
)

// busyRooms are the rooms in which something is said all the time.
var busyRooms = []string{"lobby", "storm-a", "storm-b"}

// Streams that come and go by the thousand, in every way there is, disturb
// nobody and leave nothing behind.
func TestManyShortStreamsLeaveNothing(t *testing.T) {
	visits := int64(5_000)
	if testing.Short() {
		visits = 1_000
	}
	s := harness.Start(t)
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()

	clients := []*http.Client{harness.H2CClient(t), harness.HTTP1Client(t)}
	list := harness.RoomList{Client: chatv1connect.NewChatRoomClient(clients[0], s.URL, connect.WithGRPC())}
	list.AwaitMembers(ctx, t, map[string]uint32{"lobby": 0}) // the server runs in full
	// The log starts goroutines of its own with the first event.
	if _, err := list.Client.Send(ctx, harness.TextRequest(noiseRoom, "first")); err != nil {
		t.Fatalf("Send: %v", err)
	}
	before := goleak.IgnoreCurrent()

	audience := newAudience(ctx, t, s, list, clients[0], clients[1])
	over := make(chan struct{})
	var speaking sync.WaitGroup
	for _, room := range busyRooms {
		speaking.Go(func() { publishUntil(ctx, t, list.Client, room, over) })
	}

	clients = append(clients, openShortStreams(ctx, t, s, visits)...)
	close(over)
	speaking.Wait()
	audience.listening.Wait()

	list.AwaitMembers(ctx, t, audience.members)
	audience.leave()
	awaitEmpty(ctx, t, list, append(busyRooms, noiseRoom)...)
	for _, client := range clients {
		client.CloseIdleConnections()
	}
	leaked := goleak.Find(before)
	for range 4 { // each waits a little: connections outlive their close for a moment
		if leaked != nil {
			leaked = goleak.Find(before)
		}
	}
	if leaked != nil {
		t.Errorf("after the storm: %v", leaked)
	}
}

// openShortStreams opens so many streams, or fewer on a machine that is slow, and
// returns the clients that it did it with.
func openShortStreams(ctx context.Context, t *testing.T, s *harness.Service, visits int64) (clients []*http.Client) {
	stormy, cancel := context.WithTimeout(ctx, openingTime)
	defer cancel()
	var visiting sync.WaitGroup
	var opened atomic.Int64
	for range clientCount {
		h2c, http1 := harness.H2CClient(t), harness.HTTP1Client(t)
		clients = append(clients, h2c, http1)
		v := newShortStreamClient(s, h2c, http1)
		for range streamsPerClient {
			visiting.Go(func() {
				for stormy.Err() == nil && opened.Add(1) <= visits {
					if err := v.openAndLeave(ctx); err != nil {
						t.Errorf("a visit failed: %v", err)
					}
				}
			})
		}
	}
	visiting.Wait()
	t.Logf("%d visits", min(opened.Load(), visits))
	return clients
}

// publishUntil says numbers in a room, in order, until the storm is over. It does
// not wait for each to be stored: a sender's order is kept on Chat.
func publishUntil(ctx context.Context, t *testing.T, client chatv1connect.ChatRoomClient, room string, over <-chan struct{}) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	stream, err := client.Chat(ctx)
	if err != nil {
		t.Errorf("Chat in %q: %v", room, err)
		return
	}
	defer closeChat(stream)
	defer leave()
	unanswered := make(chan string, 64)
	var sending sync.WaitGroup
	sending.Go(func() {
		defer close(unanswered)
		err := stream.Send(joinAction(room))
		for n, said := 0, ""; err == nil && said != lastText; n++ {
			said = nextText(n, over)
			err = stream.Send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: harness.TextRequest(room, said)}})
			unanswered <- said
		}
	})
	defer sending.Wait()
	for said := range unanswered {
		var answer *chatv1.Frame
		for err == nil && answer.GetAccepted() == nil && answer.GetRejected() == nil {
			var response *chatv1.ChatResponse
			response, err = stream.Receive()
			answer = response.GetFrame()
		}
		if answer.GetAccepted().GetId() != said && ctx.Err() == nil {
			t.Errorf("answer to %q in %q = %v, %v, want Accepted", said, room, answer, err)
			leave()
		}
	}
}

// nextText returns what to say: a number, or the end.
func nextText(n int, over <-chan struct{}) string {
	if n >= maxMessages {
		<-over
	}
	select {
	case <-over:
		return lastText
	default:
		return fmt.Sprint(n)
	}
}

// awaitEmpty waits until the rooms in which something was said are the only ones,
// and nobody is in them.
func awaitEmpty(ctx context.Context, t *testing.T, l harness.RoomList, said ...string) {
	t.Helper()
	l.Await(ctx, t, fmt.Sprintf("nobody, and no room but %q", said), func(rooms map[string]uint32) bool {
		for name, n := range rooms {
			if n != 0 || !slices.Contains(said, name) {
				return false
			}
		}
		return len(rooms) > 0
	})
}

// heapObjects returns how many objects are in memory.
func heapObjects() uint64 {
	runtime.GC()
	runtime.GC() // what is pooled outlives one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapObjects
}

// A stream that has ended costs nothing any more, and neither does a room that
// everybody has left and in which nothing was said. Nobody can see them from
// outside: only the memory tells.
func TestEndedStreamsFreeMemory(t *testing.T) {
	const visits = 1_000                    // three times as many are fewer than a connection may reset at once
	s := harness.Start(t, harness.InMemory) // a store on disk has caches of its own
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	client := chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL, connect.WithGRPC())
	list := harness.RoomList{Client: client}
	visit := func(ctx context.Context, room string) {
		ctx, leave := context.WithCancel(ctx)
		stream := harness.OpenSubscribe(ctx, client, room)
		if err := stream.Joined(); err != nil {
			t.Errorf("Subscribe to %q: %v", room, err)
		}
		leave()
		stream.Close()
	}
	stays := harness.OpenSubscribe(ctx, client, "lobby") // or the room would go and come too
	defer stays.Close()
	defer cancel()
	if err := stays.Joined(); err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	idle := goleak.IgnoreCurrent()
	visitAll := func() {
		for range visits / 2 {
			visit(ctx, "lobby")
			visit(ctx, fmt.Sprint("passing-", rand.Uint64()))
		}
		list.AwaitMembers(ctx, t, map[string]uint32{"lobby": 1})
		if err := goleak.Find(idle); err != nil {
			t.Errorf("after %d visits: %v", visits, err)
		}
	}
	visitAll() // whatever is made once is made now
	visitAll()
	before := heapObjects()
	visitAll()
	// What is still being cleaned up goes within a moment; what is left does not.
	after := heapObjects()
	for end := time.Now().Add(10 * time.Second); after > before+visits/2 && time.Now().Before(end); after = heapObjects() {
		<-time.After(50 * time.Millisecond)
	}
	if after > before+visits/2 {
		t.Errorf("%d objects in memory, %d after %d more visits, want no more", before, after, visits)
	}
}
