package rpc

import (
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/durationpb"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/chat"
	"chatroom/server/internal/policy"
)

// A caller that waits for events of a room, and meanwhile loses the right to read it, does
// not get them.
func TestRightLostWhileWaiting(t *testing.T) {
	e := policy.New(nil)
	inBubble(t, Config{Policy: e}, func(t *testing.T, w *world) {
		w.say(t, "lobby", "before")
		page, err := w.client.ListEvents(t.Context(), &chatv1.ListEventsRequest{Room: "lobby"})
		if err != nil || len(page.GetEvents()) != 1 {
			t.Fatalf("ListEvents = %v, %v, want an event", page, err)
		}
		result := make(chan error, 1)
		go func() {
			answer, err := w.client.ListEvents(t.Context(), &chatv1.ListEventsRequest{
				Room: "lobby", Wait: durationpb.New(10 * time.Second),
				Page: &chatv1.ListEventsRequest_After{After: &chatv1.Cursor{Epoch: page.GetEpoch(), Sequence: page.GetEvents()[0].GetSequence()}},
			})
			if err == nil && len(answer.GetEvents()) > 0 {
				t.Errorf("ListEvents = %v, want it refused", answer)
			}
			result <- err
		}()
		synctest.Wait() // until it waits
		e.SetPolicy(closedTo(t, "lobby"))
		if _, err := w.chat.Send(t.Context(), gopher, chat.Post{Room: "lobby", ID: "after", Body: chat.Message{Text: "after"}}); err != nil {
			t.Fatal(err)
		}
		if err := <-result; connect.CodeOf(err) != connect.CodeUnauthenticated {
			t.Errorf("ListEvents of a room that was closed meanwhile = %v, want unauthenticated", err)
		}
	})
}
