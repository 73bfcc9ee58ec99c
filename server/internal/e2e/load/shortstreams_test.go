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
	"chatroom/server/internal/testenv"
)

const (
	openingTime      = 15 * time.Second // in which streams are opened
	testTimeout      = 5 * time.Minute  // bounds everything
	clientCount      = 24               // connections, more for those of HTTP/1.1
	streamsPerClient = 3                // streams on each
	maxMessages      = 5_000            // messages in a room, fewer than are retained
	lastText         = "the end"        // the last message in a room
)

// busyRooms are the rooms to which messages are sent all the time.
var busyRooms = []string{"lobby", "busy-a", "busy-b"}

// Thousands of streams that are opened and left in every way disturb no subscriber, and
// leave no goroutine, member or room behind.
func TestManyShortStreamsLeaveNothing(t *testing.T) {
	streams := int64(testenv.Rounds(1_000, 5_000))
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

	clients = append(clients, openShortStreams(ctx, t, s, streams)...)
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
		t.Errorf("after all streams: %v", leaked)
	}
}

// openShortStreams opens so many streams, or fewer on a slow machine, and returns the
// clients that it used.
func openShortStreams(ctx context.Context, t *testing.T, s *harness.Service, streams int64) (clients []*http.Client) {
	openingCtx, cancel := context.WithTimeout(ctx, openingTime)
	defer cancel()
	var opening sync.WaitGroup
	var opened atomic.Int64
	for range clientCount {
		h2c, http1 := harness.H2CClient(t), harness.HTTP1Client(t)
		clients = append(clients, h2c, http1)
		v := newShortStreamClient(s, h2c, http1)
		for range streamsPerClient {
			opening.Go(func() {
				for openingCtx.Err() == nil && opened.Add(1) <= streams {
					if err := v.openAndLeave(ctx); err != nil {
						t.Errorf("a short stream failed: %v", err)
					}
				}
			})
		}
	}
	opening.Wait()
	t.Logf("%d streams", min(opened.Load(), streams))
	return clients
}

// publishUntil sends numbers to a room, in order, until over is closed. It does not wait
// for each to be stored: Chat keeps a sender's order.
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

// nextText returns the next text to send: a number, or lastText.
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

// awaitEmpty waits until the rooms with events are the only ones, and have no members.
func awaitEmpty(ctx context.Context, t *testing.T, l harness.RoomList, said ...string) {
	t.Helper()
	l.Await(ctx, t, fmt.Sprintf("no members, and no room but %q", said), func(rooms map[string]uint32) bool {
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

// A stream that has ended is freed, and so is a room without members and events. Clients
// can't observe that: the heap is measured.
func TestEndedStreamsFreeMemory(t *testing.T) {
	const streams = 1_000                   // three times as many are fewer than a connection may reset at once
	s := harness.Start(t, harness.InMemory) // a store on disk has caches of its own
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	defer cancel()
	client := chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL, connect.WithGRPC())
	list := harness.RoomList{Client: client}
	openOne := func(ctx context.Context, room string) {
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
	openAll := func() {
		for range streams / 2 {
			openOne(ctx, "lobby")
			openOne(ctx, fmt.Sprint("short-", rand.Uint64()))
		}
		list.AwaitMembers(ctx, t, map[string]uint32{"lobby": 1})
		if err := goleak.Find(idle); err != nil {
			t.Errorf("after %d streams: %v", streams, err)
		}
	}
	openAll() // what is created once is created now
	openAll()
	before := heapObjects()
	openAll()
	// Clean-up may take a moment; a leak stays.
	after := heapObjects()
	for end := time.Now().Add(time.Minute); after > before+streams/2 && time.Now().Before(end); after = heapObjects() {
		<-time.After(50 * time.Millisecond)
	}
	if after > before+streams/2 {
		t.Errorf("%d objects in memory, %d after %d more streams, want no more", before, after, streams)
	}
}
