package main

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
	"chatroom/gen/hello/helloconnect"
)

const (
	stormTime     = 15 * time.Second // in which streams are opened
	stormLimit    = 2 * time.Minute  // bounds everything
	stormVisitors = 24               // connections, more for those of HTTP/1.1
	stormAtOnce   = 3                // streams on each
	stormMost     = 5_000            // messages in a room, fewer than are retained
	stormEnd      = "the end"        // the last message in a room
)

// stormRooms are the rooms in which something is said all the time.
var stormRooms = []string{"lobby", "storm-a", "storm-b"}

// Streams that come and go by the thousand, in every way there is, disturb
// nobody and leave nothing behind.
func TestStorm(t *testing.T) {
	visits := int64(5_000)
	if testing.Short() {
		visits = 1_000
	}
	s := serve(t)
	ctx, cancel := context.WithTimeout(t.Context(), stormLimit)
	defer cancel()

	clients := []*http.Client{h2cClient(t), http1Client(t)}
	list := stormList{chatv1connect.NewChatRoomClient(clients[0], s.URL, connect.WithGRPC())}
	list.members(ctx, t, map[string]uint32{"lobby": 0}) // the server runs in full
	// The log starts goroutines of its own with the first event.
	if _, err := list.client.Send(ctx, stormMessage(stormNoise, "first")); err != nil {
		t.Fatalf("Send: %v", err)
	}
	before := goleak.IgnoreCurrent()

	audience := newStormAudience(ctx, t, s, list, clients[0], clients[1])
	over := make(chan struct{})
	var speaking sync.WaitGroup
	for _, room := range stormRooms {
		speaking.Go(func() { stormSpeak(ctx, t, list.client, room, over) })
	}

	clients = append(clients, stormVisits(ctx, t, s, visits)...)
	close(over)
	speaking.Wait()
	audience.listening.Wait()

	list.members(ctx, t, audience.members)
	audience.leave()
	list.empty(ctx, t, append(stormRooms, stormNoise)...)
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

// stormVisits opens so many streams, or fewer on a machine that is slow, and
// returns the clients that it did it with.
func stormVisits(ctx context.Context, t *testing.T, s *testService, visits int64) (clients []*http.Client) {
	stormy, cancel := context.WithTimeout(ctx, stormTime)
	defer cancel()
	var visiting sync.WaitGroup
	var opened atomic.Int64
	for range stormVisitors {
		h2c, http1 := h2cClient(t), http1Client(t)
		clients = append(clients, h2c, http1)
		v := newStormVisitor(s, h2c, http1)
		for range stormAtOnce {
			visiting.Go(func() {
				for stormy.Err() == nil && opened.Add(1) <= visits {
					if err := v.visit(ctx); err != nil {
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

// stormSpeak says numbers in a room, in order, until the storm is over. It does
// not wait for each to be stored: a sender's order is kept on Chat.
func stormSpeak(ctx context.Context, t *testing.T, client chatv1connect.ChatRoomClient, room string, over <-chan struct{}) {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	stream, err := client.Chat(ctx)
	if err != nil {
		t.Errorf("Chat in %q: %v", room, err)
		return
	}
	defer stormClose(stream)
	defer leave()
	unanswered := make(chan string, 64)
	var sending sync.WaitGroup
	sending.Go(func() {
		defer close(unanswered)
		err := stream.Send(stormJoin(room))
		for n, said := 0, ""; err == nil && said != stormEnd; n++ {
			said = stormNext(n, over)
			err = stream.Send(&chatv1.ChatRequest{Action: &chatv1.ChatRequest_Send{Send: stormMessage(room, said)}})
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

// stormNext returns what to say: a number, or the end.
func stormNext(n int, over <-chan struct{}) string {
	if n >= stormMost {
		<-over
	}
	select {
	case <-over:
		return stormEnd
	default:
		return fmt.Sprint(n)
	}
}

// stormList sees which rooms there are.
type stormList struct{ client chatv1connect.ChatRoomClient }

// await waits until the list of rooms is as wanted.
func (l stormList) await(ctx context.Context, t *testing.T, want string, ok func(rooms map[string]uint32) bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last map[string]uint32
	for {
		response, err := l.client.ListRooms(ctx, &chatv1.ListRoomsRequest{PageSize: 1000})
		rooms := make(map[string]uint32)
		for _, r := range response.GetRooms() {
			rooms[r.GetName()] = r.GetMembers()
		}
		if err == nil && ok(rooms) {
			return
		}
		if err == nil {
			last = rooms
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("members by room = %v, %v, want %s", last, err, want)
		}
	}
}

// members waits until rooms have as many members.
func (l stormList) members(ctx context.Context, t *testing.T, want map[string]uint32) {
	t.Helper()
	l.await(ctx, t, fmt.Sprint(want), func(rooms map[string]uint32) bool {
		for name, n := range want {
			if rooms[name] != n {
				return false
			}
		}
		return true
	})
}

// empty waits until the rooms in which something was said are the only ones,
// and nobody is in them.
func (l stormList) empty(ctx context.Context, t *testing.T, said ...string) {
	t.Helper()
	l.await(ctx, t, fmt.Sprintf("nobody, and no room but %q", said), func(rooms map[string]uint32) bool {
		for name, n := range rooms {
			if n != 0 || !slices.Contains(said, name) {
				return false
			}
		}
		return len(rooms) > 0
	})
}

// stormListener receives the texts of one room's messages.
type stormListener struct {
	name, room string
	next       func() (text string, err error)
}

// listen checks that the numbers come once each, in order, until the end.
func (l stormListener) listen(t *testing.T) {
	for n := 0; ; n++ {
		text, err := l.next()
		if err != nil {
			t.Errorf("%s in %q: %v, want message %d", l.name, l.room, err, n)
			return
		}
		if text == stormEnd {
			t.Logf("%s in %q: %d messages", l.name, l.room, n)
			return
		}
		if text != fmt.Sprint(n) {
			t.Errorf("%s in %q: message %q, want %d", l.name, l.room, text, n)
			return
		}
	}
}

// stormAudience are those who stay from before the storm until after it.
type stormAudience struct {
	t         *testing.T
	listening sync.WaitGroup
	members   map[string]uint32 // by room
	closers   []func()
}

// newStormAudience opens a stream of each kind in each room, and returns when
// all are live.
func newStormAudience(ctx context.Context, t *testing.T, s *testService, list stormList, h2c, http1 *http.Client) *stormAudience {
	ctx, leave := context.WithCancel(ctx)
	a := &stormAudience{t: t, members: make(map[string]uint32), closers: []func(){leave}}
	t.Cleanup(a.leave)
	for _, room := range stormRooms {
		web := chatv1connect.NewChatRoomClient(h2c, s.URL, connect.WithGRPCWeb())
		a.add("Subscribe on HTTP/1.1", room, stormSubscribe(ctx, chatv1connect.NewChatRoomClient(http1, s.URL), room))
		a.add("Subscribe on h2c", room, stormSubscribe(ctx, web, room))
		a.add("Chat", room, stormChat(ctx, list.client, room))
	}
	hello, err := helloconnect.NewChatRoomClient(h2c, s.URL, connect.WithGRPC()).Chat(ctx)
	if err != nil {
		t.Fatalf("hello Chat: %v", err)
	}
	a.members["lobby"]++
	a.closers = append(a.closers, func() { stormClose(hello) })
	list.members(ctx, t, a.members) // the 2019 contract does not say that it has joined
	a.listen(stormListener{"hello Chat", "lobby", func() (string, error) {
		m, err := hello.Receive()
		return m.GetMessage(), err
	}})
	return a
}

// add adds a stream once it has joined.
func (a *stormAudience) add(name, room string, stream stormStream) {
	a.t.Helper()
	a.members[room]++
	a.closers = append(a.closers, stream.close)
	if err := stream.joined(); err != nil {
		a.t.Fatalf("%s in %q: %v", name, room, err)
	}
	a.listen(stormListener{name, room, func() (string, error) {
		for {
			f, err := stream.receive()
			if err == nil && isEphemeral(f) {
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

func (a *stormAudience) listen(l stormListener) {
	a.listening.Go(func() { l.listen(a.t) })
}

func (a *stormAudience) leave() {
	for _, c := range a.closers {
		c()
	}
	a.closers = nil
}

// objects returns how many objects are in memory.
func objects() uint64 {
	runtime.GC()
	runtime.GC() // what is pooled outlives one
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapObjects
}

// A stream that has ended costs nothing any more, and neither does a room that
// everybody has left and in which nothing was said. Nobody can see them from
// outside: only the memory tells.
func TestStormLeavesNothing(t *testing.T) {
	const visits = 1_000    // three times as many are fewer than a connection may reset at once
	s := serve(t, inMemory) // a store on disk has caches of its own
	ctx, cancel := context.WithTimeout(t.Context(), stormLimit)
	defer cancel()
	client := chatv1connect.NewChatRoomClient(h2cClient(t), s.URL, connect.WithGRPC())
	list := stormList{client}
	visit := func(ctx context.Context, room string) {
		ctx, leave := context.WithCancel(ctx)
		stream := stormSubscribe(ctx, client, room)
		if err := stream.joined(); err != nil {
			t.Errorf("Subscribe to %q: %v", room, err)
		}
		leave()
		stream.close()
	}
	stays := stormSubscribe(ctx, client, "lobby") // or the room would go and come too
	defer stays.close()
	defer cancel()
	if err := stays.joined(); err != nil {
		t.Fatalf("Subscribe: %v", err)
	}
	idle := goleak.IgnoreCurrent()
	visitAll := func() {
		for range visits / 2 {
			visit(ctx, "lobby")
			visit(ctx, fmt.Sprint("passing-", rand.Uint64()))
		}
		list.members(ctx, t, map[string]uint32{"lobby": 1})
		if err := goleak.Find(idle); err != nil {
			t.Errorf("after %d visits: %v", visits, err)
		}
	}
	visitAll() // whatever is made once is made now
	visitAll()
	before := objects()
	visitAll()
	// What is still being cleaned up goes within a moment; what is left does not.
	after := objects()
	for end := time.Now().Add(10 * time.Second); after > before+visits/2 && time.Now().Before(end); after = objects() {
		<-time.After(50 * time.Millisecond)
	}
	if after > before+visits/2 {
		t.Errorf("%d objects in memory, %d after %d more visits, want no more", before, after, visits)
	}
}
