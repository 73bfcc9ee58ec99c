package rpc

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/presence"
)

// drained runs Drain and returns a channel that gives how long it took.
func (w *world) drained(ctx context.Context) <-chan time.Duration {
	took := make(chan time.Duration, 1)
	start := time.Now()
	go func() {
		w.api.Drain(ctx)
		took <- time.Since(start)
	}()
	return took
}

func TestDrainWithoutStreams(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		if took := <-w.drained(t.Context()); took != 0 {
			t.Errorf("Drain without streams took %v, want 0", took)
		}
	})
}

// expectSpread checks the moments at which streams are told to reconnect: all are in the window,
// and no tenth of it has more than a tenth of them.
func expectSpread(t *testing.T, told []time.Duration, window time.Duration) {
	t.Helper()
	var tenths [10]int
	for _, after := range told {
		if after < 0 || after >= window {
			t.Fatalf("Draining.reconnect_after = %v, want 0 to %v", after, window)
		}
		tenths[10*after/window]++
	}
	for i, n := range tenths {
		if n > (len(told)+9)/10 {
			t.Errorf("%d of %d streams are told to reconnect in tenth %d of %v, want no more than a tenth of them", n, len(told), i, window)
		}
	}
}

// All are asked to reconnect within the first half of the time, spread evenly. When the last
// is gone there is nothing to wait for.
func TestDrainAsksToReconnect(t *testing.T) {
	inBubble(t, Config{Drain: 10 * time.Second}, func(t *testing.T, w *world) {
		const each = 20
		var cancels []context.CancelFunc
		var streams []frames
		for range each {
			stream, cancel := w.subscribe(t, "lobby")
			expect(t, stream, "joined", "caughtup")
			streams, cancels = append(streams, stream), append(cancels, cancel)
			bidi := w.open(t, joinRequest("lobby"))
			expect(t, bidi, "joined", "caughtup")
			streams = append(streams, bidi)
			cancels = append(cancels, func() { _ = bidi.CloseResponse() })
		}
		took := w.drained(t.Context())
		start := time.Now()
		var told []time.Duration
		for _, stream := range streams {
			told = append(told, expect(t, stream, "draining").GetDraining().GetReconnectAfter().AsDuration())
		}
		expectElapsed(t, "all Draining frames", start, 0)
		expectSpread(t, told, 5*time.Second)
		w.say(t, "lobby", "still delivered")
		expect(t, streams[0], "event")
		<-time.After(3 * time.Second)
		for _, cancel := range cancels {
			cancel()
		}
		if got := <-took; got != 3*time.Second {
			t.Errorf("Drain took %v, want until the last stream was gone after 3 s", got)
		}
	})
}

// A server with a successor does not wait. Each stream learns when to come back before it ends,
// in a window that grows with the streams, up to half of the time.
func TestHandOver(t *testing.T) {
	for _, tt := range []struct {
		drain   time.Duration
		streams int
		window  time.Duration
	}{
		{10 * time.Second, 60, 30 * time.Millisecond},
		{10 * time.Second, 1, 500 * time.Microsecond},
		{20 * time.Millisecond, 60, 10 * time.Millisecond},
	} {
		inBubble(t, Config{Drain: tt.drain}, func(t *testing.T, w *world) {
			var streams []frames
			for range tt.streams {
				stream, _ := w.subscribe(t, "lobby")
				expect(t, stream, "joined", "caughtup")
				streams = append(streams, stream)
			}
			start := time.Now()
			w.api.HandOver()
			late, _ := w.subscribe(t, "lobby")
			_ = expectEnd(t, late, connect.CodeUnavailable)
			w.api.Stop(t.Context())
			var told []time.Duration
			for _, stream := range streams {
				told = append(told, expect(t, stream, "draining").GetDraining().GetReconnectAfter().AsDuration())
				_ = expectEnd(t, stream, connect.CodeUnavailable)
			}
			expectElapsed(t, "HandOver and Stop", start, 0)
			expectSpread(t, told, tt.window)
		})
	}
}

func TestDrainEnds(t *testing.T) {
	inBubble(t, Config{Drain: 10 * time.Second}, func(t *testing.T, w *world) {
		stream, _ := w.subscribe(t, "lobby")
		expect(t, stream, "joined", "caughtup")
		if took := <-w.drained(t.Context()); took != 10*time.Second {
			t.Errorf("Drain with a stream that stays took %v, want 10 s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		if took := <-w.drained(ctx); took != 2*time.Second {
			t.Errorf("Drain with a context of 2 s took %v, want that", took)
		}
		w.api.Close()
		w.api.Close()
		err := expectEnd(t, stream, connect.CodeUnavailable)
		if len(err.Details()) != 1 || err.Details()[0].Type() != "google.rpc.RetryInfo" {
			t.Errorf("end of the stream = %v with details %v, want RetryInfo", err, err.Details())
		}
		synctest.Wait()
		if n := w.api.Streams(); n != 0 {
			t.Errorf("Streams() = %d after Close, want 0", n)
		}
		failed := CallKind{"chat.v1.ChatRoom/Subscribe", connect.CodeUnavailable}
		if got := w.api.Stats().StreamErrors; got[failed] != 1 {
			t.Errorf("the streams with errors are %v, want one of %v", got, failed)
		}
	})
}

// While it drains, the server takes no streams, but answers calls.
func TestDrainRefusesStreams(t *testing.T) {
	inBubble(t, Config{Drain: 10 * time.Second}, func(t *testing.T, w *world) {
		stream, _ := w.subscribe(t, "lobby")
		expect(t, stream, "joined", "caughtup")
		took := w.drained(t.Context())
		expect(t, stream, "draining")
		late, _ := w.subscribe(t, "lobby")
		_ = expectEnd(t, late, connect.CodeUnavailable)
		_ = expectEnd(t, w.open(t, joinRequest("lobby")), connect.CodeUnavailable)
		if _, err := w.client.Send(t.Context(), sendRequest("lobby", "1", "hi").GetSend()); err != nil {
			t.Errorf("Send while draining = %v, want nil", err)
		}
		expect(t, stream, "event")
		<-took
	})
}

// Even the shortest time that the configuration allows is a time.
func TestDrainShortest(t *testing.T) {
	inBubble(t, Config{Drain: 1}, func(t *testing.T, w *world) {
		stream, _ := w.subscribe(t, "lobby")
		expect(t, stream, "joined", "caughtup")
		w.api.Drain(t.Context())
		expect(t, stream, "draining")
	})
}

// A stream that ends on its own gives everything back.
func TestStreamsAreCounted(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, w *world) {
		stream, cancel := w.subscribe(t, "lobby")
		expect(t, stream, "joined", "caughtup")
		bidi := w.open(t, joinRequest("lobby"))
		if members := expect(t, bidi, "joined").GetJoined().GetRooms()[0].GetMembers(); members != 2 {
			t.Errorf("Joined.members = %d, want 2", members)
		}
		if n := w.api.Streams(); n != 2 {
			t.Errorf("Streams() = %d, want 2", n)
		}
		cancel()
		_ = bidi.CloseResponse()
		synctest.Wait()
		if n := w.api.Streams(); n != 0 {
			t.Errorf("Streams() = %d after both ended, want 0", n)
		}
		<-time.After(presence.DefaultGrace)
		synctest.Wait()
		rooms, err := w.client.ListRooms(t.Context(), &chatv1.ListRoomsRequest{})
		if err != nil || rooms.GetRooms()[0].GetMembers() != 0 {
			t.Errorf("ListRooms = %v, %v, want no members", rooms, err)
		}
	})
}

// Calls that wait for events are answered when the drain begins. Later ones are refused as
// streams are, unless there are events: an empty page at once would be asked for again at
// once.
func TestDrainAnswersLongPolls(t *testing.T) {
	inBubble(t, Config{Drain: 10 * time.Second}, func(t *testing.T, w *world) {
		w.say(t, "lobby", "hi")
		first, err := w.client.ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "lobby"})
		if err != nil {
			t.Fatal(err)
		}
		poll := &chatv1.ListEventsRequest{Room: "lobby", Page: &chatv1.ListEventsRequest_After{After: first.GetNext()}, Wait: durationpb.New(30 * time.Second)}
		stream, _ := w.subscribe(t, "lobby") // keeps the drain going
		expect(t, stream, "joined", "caughtup")
		type answer struct {
			response *chatv1.ListEventsResponse
			err      error
			at       time.Time
		}
		answers := make(chan answer, 1)
		go func() {
			response, err := w.client.ListEvents(t.Context(), poll)
			answers <- answer{response, err, time.Now()}
		}()
		synctest.Wait() // the call waits
		start := time.Now()
		took := w.drained(t.Context())
		if a := <-answers; a.err != nil || len(a.response.GetEvents()) != 0 || !a.at.Equal(start) {
			t.Errorf("ListEvents when the drain began = %v, %v after %v, want an empty page at once", a.response, a.err, a.at.Sub(start))
		}
		_, err = w.client.ListEvents(t.Context(), poll)
		if connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("ListEvents that would wait while draining = %v, want code unavailable", err)
		}
		w.say(t, "lobby", "more")
		if response, err := w.client.ListEvents(t.Context(), poll); err != nil || len(response.GetEvents()) != 1 {
			t.Errorf("ListEvents with an event while draining = %v, %v, want the event", response, err)
		}
		<-took
	})
}
