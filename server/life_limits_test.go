package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/service"
)

// How rooms present themselves is no event of theirs: what is retained of those
// does not bound it.
func TestLifeSetRoomIsRetained(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	data := t.TempDir()
	configure := func(c *service.Config) { c.Data = data; c.RetainRoomEvents = 5 }
	s := serve(t, configure)
	token, _ := s.enter(t, "ada")
	v := doors[1].open(t, s, token).(resident)
	for i := range 10 {
		_, err := v.SetRoom(ctx, &chatv1.SetRoomRequest{Room: fmt.Sprint("room-", i), Topic: "a topic"})
		must(t, err)
	}
	s.Stop(t)
	s = serve(t, configure)
	list, err := client(t, s).ListRooms(ctx, new(chatv1.ListRoomsRequest))
	must(t, err)
	if n := len(list.GetRooms()); n != 11 {
		t.Errorf("after a restart there are %d rooms, want the lobby and 10 with a topic: %v", n, list)
	}
}

// However many reactions one member heaps on a message, it takes 50 different ones,
// and its page is read soon.
func TestLifeManyReactions(t *testing.T) {
	t.Parallel()
	const many, patience = 2_000, 5 * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
	defer cancel()
	n := serve(t, inMemory).settle(ctx, t, doors[7], byChat, "reactions")
	n.ben.hangUp()
	target := n.says(t, n.ada, &chatv1.Message{Text: "Hello"})
	sent := make(chan error, 1)
	go func() {
		for i := range many {
			if err := n.ada.chat.send(sendRequest(reacting(n.room, fmt.Sprint("r", i), target, fmt.Sprintf("%032d", i), false))); err != nil {
				sent <- err
				return
			}
		}
		sent <- nil
	}()
	accepted := 0
	for answered := 0; answered < many; {
		frame, err := n.ada.receive()
		must(t, err)
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
	must(t, <-sent)
	began := time.Now()
	beginning := &chatv1.Cursor{Epoch: n.ada.joined.GetRooms()[0].GetEpoch()}
	page, err := n.ada.ListEvents(ctx, &chatv1.ListEventsRequest{Room: n.room, Page: &chatv1.ListEventsRequest_After{After: beginning}, Limit: 1})
	if took := time.Since(began); err != nil || len(page.GetEvents()) != 1 || took > patience {
		t.Errorf("ListEvents gave %d events after %v, %v, want one within %v", len(page.GetEvents()), took, err, patience)
	}
}
