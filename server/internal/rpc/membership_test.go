package rpc

import (
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"
	"connectrpc.com/grpcreflect"

	chatv1 "chatroom/gen/chat/v1"
)

func TestStreamLimits(t *testing.T) {
	for _, limit := range []string{"streams.address", "streams.total"} {
		inBubble(t, withLimits(t, limit+"=2"), func(t *testing.T, w *world) {
			first, hangUp := w.subscribe(t, "lobby")
			expect(t, first, "joined")
			expect(t, w.open(t, joinRequest("lobby")), "joined")
			refused, _ := w.subscribe(t, "lobby")
			expectLimit(t, expectEnd(t, refused, connect.CodeResourceExhausted), limit)
			badJoin := w.open(t, joinRequest("lobby"))
			expectLimit(t, expectEnd(t, badJoin, connect.CodeResourceExhausted), limit)
			hangUp()
			w.awaitStreams(t, 1)
			last, _ := w.subscribe(t, "lobby")
			expect(t, last, "joined")
		})
	}
}

// awaitStreams waits until there are n streams.
func (w *world) awaitStreams(t *testing.T, n int) {
	t.Helper()
	for range 100 {
		if w.api.Streams() == n {
			return
		}
		<-time.After(10 * time.Millisecond)
	}
	t.Fatalf("there are %d streams, want %d", w.api.Streams(), n)
}

// awaitJoined reads from a stream until it is in these rooms.
func awaitJoined(t *testing.T, s frames, rooms ...string) {
	t.Helper()
	missing := map[string]bool{}
	for _, room := range rooms {
		missing[room] = true
	}
	for len(missing) > 0 {
		frame, err := s.next()
		if err != nil {
			t.Fatalf("the stream ends before it joined all of %q: %v", rooms, err)
		}
		for _, joined := range frame.GetJoined().GetRooms() {
			delete(missing, joined.GetRoom())
		}
	}
}

// A member is in so many rooms at most, over all its streams. Leaving, the end of a
// stream and a join that fails give them back.
func TestRoomsOfAMember(t *testing.T) {
	inBubble(t, withLimits(t, "rooms.member=3"), func(t *testing.T, w *world) {
		ada := w.as(t, "Ada")
		s := w.openIn(t, ada, joinRequest("a"), joinRequest("b"))
		awaitJoined(t, s, "a", "b")
		other, err := w.client.Subscribe(ada, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: "c"}, {Room: "d"}}})
		if err != nil {
			t.Fatal(err)
		}
		expectLimit(t, expectEnd(t, subscribed{other}, connect.CodeResourceExhausted), "rooms.member")
		s.send(t, joinRequest("c"))
		s.send(t, joinRequest("c")) // twice: refused, and not counted
		s.send(t, joinRequest("d"))
		s.send(t, leaveRequest("a"))
		s.send(t, joinRequest("d"))
		var joined, rejected []string
		for len(joined) < 2 || len(rejected) < 2 {
			frame, err := s.next()
			if err != nil {
				t.Fatalf("the stream ends: %v", err)
			}
			for _, r := range frame.GetJoined().GetRooms() {
				joined = append(joined, r.GetRoom())
			}
			if r := frame.GetRejected(); r != nil {
				rejected = append(rejected, r.GetRoom()+" "+connect.Code(r.GetCode()).String())
			}
		}
		if got := strings.Join(joined, " ") + ", " + strings.Join(rejected, " "); got != "c d, c invalid_argument d resource_exhausted" {
			t.Errorf("joined and rejected are %q", got)
		}
		if err := s.CloseRequest(); err != nil {
			t.Fatal(err)
		}
		bob, _ := w.subscribe(t, "1", "2", "3", "4") // anonymous
		expect(t, bob, "joined")
	})
}

func TestRoomsInTotal(t *testing.T) {
	inBubble(t, withLimits(t, "rooms.total=2"), func(t *testing.T, w *world) {
		w.say(t, "second", "hi")
		_, err := w.client.Send(t.Context(), sendRequest("third", "1", "hi").GetSend())
		expectLimit(t, err, "rooms.total")
		_, err = w.client.SetRoom(w.as(t, "Ada"), &chatv1.SetRoomRequest{Room: "third", Topic: "tea"})
		expectLimit(t, err, "rooms.total")
		refused, _ := w.subscribe(t, "lobby", "third")
		expectLimit(t, expectEnd(t, refused, connect.CodeResourceExhausted), "rooms.total")
		joined, _ := w.subscribe(t, "lobby", "second")
		expect(t, joined, "joined")
	})
}

// A stream of reflection that is left open counts as one, and ends.
func TestReflectionIsBounded(t *testing.T) {
	inBubble(t, withLimits(t, "streams.address=1"), func(t *testing.T, w *world) {
		client := grpcreflect.NewClient(w.http, testOrigin)
		left := client.NewStream(t.Context())
		if _, err := left.ListServices(); err != nil {
			t.Fatalf("ListServices = %v, want nil", err)
		}
		second := client.NewStream(t.Context())
		if _, err := second.ListServices(); connect.CodeOf(err) != connect.CodeResourceExhausted {
			t.Errorf("ListServices on a second stream = %v, want resource_exhausted", err)
		}
		_, _ = second.Close()
		<-time.After(reflectionTimeout + time.Second)
		if _, err := left.ListServices(); err == nil {
			t.Errorf("ListServices on a stream that was left open for %s = nil, want its end", reflectionTimeout)
		}
		_, _ = left.Close()
		third := client.NewStream(t.Context())
		if _, err := third.ListServices(); err != nil {
			t.Errorf("ListServices on a new stream = %v, want nil", err)
		}
		_, _ = third.Close()
	})
}
