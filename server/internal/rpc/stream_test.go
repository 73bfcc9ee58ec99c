package rpc

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
)

// A heartbeat comes when nothing else did for the interval, and only then.
func TestHeartbeat(t *testing.T) {
	for name, interval := range map[string]time.Duration{"default": 0, "7 s": 7 * time.Second} {
		want := interval
		if interval == 0 {
			want = 15 * time.Second
		}
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{Heartbeat: interval}, func(t *testing.T, w *world) {
				start := time.Now()
				stream, _ := w.subscribe(t, "lobby")
				joined := expect(t, stream, "joined").GetJoined()
				if got := joined.GetHeartbeatInterval().AsDuration(); got != want {
					t.Errorf("Joined.heartbeat_interval = %v, want %v", got, want)
				}
				expect(t, stream, "caughtup")
				expectElapsed(t, "CaughtUp", start, 0)
				for range 3 {
					beat := expect(t, stream, "heartbeat").GetHeartbeat()
					expectSilence(t, "a heartbeat", start, want, w.api.tick)
					start = time.Now()
					if !beat.GetTime().AsTime().Equal(time.Now()) {
						t.Errorf("Heartbeat.time = %v, want %v", beat.GetTime().AsTime(), time.Now())
					}
				}
				// An event takes a heartbeat's place.
				<-time.After(want / 2)
				w.say(t, "lobby", "not silent")
				expect(t, stream, "event")
				quiet := time.Now()
				expect(t, stream, "heartbeat")
				expectSilence(t, "the heartbeat after an event", quiet, want, w.api.tick)
			})
		})
	}
}

// A stream that is busy has no heartbeats, whatever it is busy with.
func TestNoHeartbeatOnBusyStream(t *testing.T) {
	inBubble(t, Config{Heartbeat: 10 * time.Second}, func(t *testing.T, w *world) {
		stream := w.open(t, joinRequest("lobby"))
		expect(t, stream, "joined", "caughtup")
		for i := range 10 {
			<-time.After(9 * time.Second)
			if i%2 == 0 {
				stream.send(t, sendRequest("elsewhere", strings.Repeat("i", i+1), "hi"))
				expect(t, stream, "accepted")
			} else {
				stream.send(t, leaveRequest("unknown"))
				expect(t, stream, "rejected")
			}
		}
		quiet := time.Now()
		expect(t, stream, "heartbeat")
		expectElapsed(t, "a heartbeat", quiet, 10*time.Second)
	})
}

// What is said in a room that a stream has not joined does not keep it busy.
func TestHeartbeatWhileOtherRoomsAreBusy(t *testing.T) {
	inBubble(t, Config{Heartbeat: 10 * time.Second}, func(t *testing.T, w *world) {
		stream, _ := w.subscribe(t, "lobby")
		expect(t, stream, "joined", "caughtup")
		start := time.Now()
		<-time.After(6 * time.Second)
		w.say(t, "elsewhere", "hi")
		expect(t, stream, "heartbeat")
		expectElapsed(t, "a heartbeat", start, 10*time.Second)
	})
}

// Nor does a signal without anything to deliver, such as that of a room left.
func TestHeartbeatAfterLeave(t *testing.T) {
	inBubble(t, Config{Heartbeat: 10 * time.Second}, func(t *testing.T, w *world) {
		stream := w.open(t, joinRequest("lobby"))
		expect(t, stream, "joined", "caughtup")
		start := time.Now()
		<-time.After(6 * time.Second)
		stream.send(t, leaveRequest("lobby"))
		expect(t, stream, "heartbeat")
		expectElapsed(t, "a heartbeat", start, 10*time.Second)
		w.say(t, "lobby", "not for those who left")
		expect(t, stream, "heartbeat")
	})
}

func TestChatWithoutJoin(t *testing.T) {
	inBubble(t, Config{Heartbeat: 10 * time.Second}, func(t *testing.T, w *world) {
		start := time.Now()
		silent := w.open(t)
		err := expectEnd(t, silent, connect.CodeInvalidArgument)
		expectElapsed(t, "the end of a stream without a join", start, 10*time.Second)
		expectViolation(t, err, "join", "join.first")

		start = time.Now()
		for name, stream := range map[string]chatting{
			"send":  w.open(t, sendRequest("lobby", "1", "hi")),
			"leave": w.open(t, leaveRequest("lobby")),
		} {
			err := expectEnd(t, stream, connect.CodeInvalidArgument)
			t.Log(name, err)
			expectViolation(t, err, "join", "join.first")
		}
		closed := w.open(t)
		if err := closed.CloseRequest(); err != nil {
			t.Fatalf("CloseRequest = %v, want nil", err)
		}
		expectViolation(t, expectEnd(t, closed, connect.CodeInvalidArgument), "join", "join.first")
		bad := w.open(t, joinRequest("Not A Room"))
		expectViolation(t, expectEnd(t, bad, connect.CodeInvalidArgument), "join.room", "string.pattern")
		expectElapsed(t, "the ends of streams that begin otherwise", start, 0)
		if head, err := w.client.ListRooms(t.Context(), &chatv1.ListRoomsRequest{}); err != nil || len(head.GetRooms()) != 1 || head.GetRooms()[0].GetHead() != 0 {
			t.Errorf("ListRooms = %v, %v, want the lobby with nothing said in it", head, err)
		}
	})
}

// A client that half-closes still receives.
func TestChatHalfClosed(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		stream := w.open(t, joinRequest("lobby"))
		expect(t, stream, "joined", "caughtup")
		if err := stream.CloseRequest(); err != nil {
			t.Fatalf("CloseRequest = %v, want nil", err)
		}
		<-time.After(time.Minute)
		expect(t, stream, "heartbeat", "heartbeat", "heartbeat", "heartbeat")
		w.say(t, "lobby", "still there?")
		if text := expect(t, stream, "event").GetEvent().GetMessage().GetText(); text != "still there?" {
			t.Errorf("event = %q, want what was said", text)
		}
	})
}

// A refused request does not end the stream, and its answer names it.
func TestChatGoesOnAfterRefusals(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		stream := w.open(t, joinRequest("lobby"))
		expect(t, stream, "joined", "caughtup")
		for _, tt := range []struct {
			request  *chatv1.ChatRequest
			room, id string
		}{
			{sendRequest("lobby", "1", ""), "lobby", "1"},
			{sendRequest("lobby", "2", " "), "lobby", "2"},
			{sendRequest("Lobby", "3", "hi"), "Lobby", "3"},
			{joinRequest("lobby"), "lobby", ""},
			{joinRequest("Lobby"), "Lobby", ""},
			{leaveRequest("elsewhere"), "elsewhere", ""},
			{&chatv1.ChatRequest{}, "", ""},
		} {
			stream.send(t, tt.request)
			rejected := expect(t, stream, "rejected").GetRejected()
			if rejected.GetId() != tt.id || rejected.GetRoom() != tt.room || rejected.GetCode() != int32(connect.CodeInvalidArgument) || len(rejected.GetDetails()) == 0 || rejected.GetMessage() == "" {
				t.Errorf("answer to %v = %v, want it refused by name", tt.request, rejected)
			}
		}
		stream.send(t, sendRequest("lobby", "4", "good"))
		seen := map[string]bool{}
		for range 2 {
			frame, err := stream.next()
			if err != nil {
				t.Fatalf("next = %v, want nil", err)
			}
			seen[kind(frame)] = true
		}
		if !seen["accepted"] || !seen["event"] {
			t.Errorf("frames after a good send = %v, want Accepted and the event", seen)
		}
	})
}

// A client that takes nothing loses its stream after the write timeout; the
// others notice nothing.
func TestStuckClientIsReset(t *testing.T) {
	inBubble(t, Config{WriteTimeout: 20 * time.Second, Heartbeat: time.Hour}, func(t *testing.T, w *world) {
		stuck, _ := w.subscribe(t, "lobby")
		good, _ := w.subscribe(t, "lobby")
		expect(t, stuck, "joined", "caughtup")
		expect(t, good, "joined", "caughtup")
		text := strings.Repeat("🙂", 4000)
		for range 400 { // more than the windows of a stream hold
			w.say(t, "lobby", text)
			expect(t, good, "event")
		}
		synctest.Wait()
		if n := w.api.Streams(); n != 2 {
			t.Fatalf("Streams() = %d, want 2", n)
		}
		<-time.After(20*time.Second - 1)
		synctest.Wait()
		if n := w.api.Streams(); n != 2 {
			t.Errorf("Streams() = %d just before the timeout, want 2", n)
		}
		<-time.After(1)
		synctest.Wait()
		if n := w.api.Streams(); n != 1 {
			t.Errorf("Streams() = %d after the timeout, want 1", n)
		}
		w.say(t, "lobby", "still there?")
		expect(t, good, "event")
	})
}
