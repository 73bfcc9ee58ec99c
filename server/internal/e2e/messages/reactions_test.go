package messages

import (
	"context"
	"fmt"
	"testing"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

// manyEmoji returns emoji of one code point each.
func manyEmoji() (all []string) {
	for _, block := range [][2]rune{{0x1F345, 0x1F37C}, {0x1F400, 0x1F43E}, {0x1F442, 0x1F4FC}, {0x1F5FB, 0x1F64F}, {0x1F947, 0x1F9FF}} {
		for r := block[0]; r <= block[1]; r++ {
			all = append(all, string(r))
		}
	}
	return all
}

// A member can add 50 different reactions to a message and no more, and its page is read
// in time.
func TestReactionsPerMessageAreBounded(t *testing.T) {
	t.Parallel()
	const patience = time.Minute
	emoji := manyEmoji()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	n := harness.Start(t, harness.InMemory).JoinPair(ctx, t, harness.GRPCGo, harness.ViaChat, "reactions")
	n.Ben.Disconnect()
	target := n.SendMessage(t, n.Ada, &chatv1.Message{Text: "Hello"})
	sent := make(chan error, 1)
	go func() {
		for i, e := range emoji {
			if err := n.Ada.Stream.Send(harness.SendAction(harness.ReactionRequest(n.Room, fmt.Sprint("r", i), target, e, false))); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	accepted := 0
	for answered := 0; answered < len(emoji); {
		frame, err := n.Ada.Receive()
		harness.Must(t, err)
		if frame.GetAccepted() != nil {
			accepted++
		}
		if frame.GetAccepted() != nil || frame.GetRejected() != nil {
			answered++
		}
	}
	// Those that are on their way together are not counted yet.
	if accepted < 50 || accepted > 50+64 {
		t.Errorf("%d different emoji were taken, want 50, and at most 64 that came with them", accepted)
	}
	harness.Must(t, <-sent)
	began := time.Now()
	beginning := &chatv1.Cursor{Epoch: n.Ada.Joined.GetRooms()[0].GetEpoch()}
	page, err := n.Ada.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.Room, Page: &chatv1.ListEventsRequest_After{After: beginning}, Limit: 1})
	if took := time.Since(began); err != nil || len(page.GetEvents()) != 1 || took > patience {
		t.Errorf("ListEvents gave %d events after %v, %v, want one within %v", len(page.GetEvents()), took, err, patience)
	}
}
