package main

import (
	"context"
	"fmt"
	"slices"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/service"
)

// A restart of the whole service keeps rooms, cursors, who is who, and which
// sends were made already.
func TestRestartOfTheService(t *testing.T) {
	t.Parallel()
	for _, noFsync := range []bool{false, true} {
		t.Run(fmt.Sprintf("NoFsync=%t", noFsync), func(t *testing.T) {
			t.Parallel()
			ctx, data := bounded(t), t.TempDir()
			configure := func(c *service.Config) { c.Data = data; c.NoFsync = noFsync }
			s := serve(t, configure)
			token, member := s.enter(t, "Ada")
			h := newHistory(ctx, t, s, "kept")
			first, err := h.signedIn(t, s, token).Send(ctx, saying("kept", "before"))
			if err != nil {
				t.Fatalf("Send: %v", err)
			}
			h.at = append(h.at, first.GetSequence())
			s.Stop(t)

			s = serve(t, configure)
			h.v = h.signedIn(t, s, token)
			again, err := h.v.Send(ctx, saying("kept", "before"))
			if err != nil || !again.GetDuplicate() || again.GetSequence() != first.GetSequence() || again.GetEpoch() != h.epoch {
				t.Errorf("Send again after a restart = %v, %v, want the duplicate of %v", again, err, first)
			}
			h.continues(ctx, t, member)
			rooms, err := client(t, s).ListRooms(ctx, &chatv1.ListRoomsRequest{})
			if err != nil || !slices.ContainsFunc(rooms.GetRooms(), func(r *chatv1.Room) bool { return r.GetName() == "kept" }) {
				t.Errorf("ListRooms after a restart = %v, %v, want the room of before among them", rooms, err)
			}
		})
	}
}

func (h *history) signedIn(t *testing.T, s *testService, token string) visitor {
	t.Helper()
	return connectDoor(h2cClient)(t, s, token)
}

func client(t *testing.T, s *testService) chatv1connect.ChatRoomClient {
	t.Helper()
	return chatv1connect.NewChatRoomClient(http1Client(t), s.URL)
}

// continues resumes from the middle of the history, and says one thing more.
func (h *history) continues(ctx context.Context, t *testing.T, member *chatv1.Member) {
	t.Helper()
	receive, err := h.v.subscribe(ctx, only(h.after(h.epoch, h.at[4])))
	if err != nil {
		t.Fatalf("Subscribe after a restart: %v", err)
	}
	expect(t, receive, (*chatv1.Frame).GetJoined)
	events := receive.events(t, h.at[4], len(h.at)-5)
	if last := events[len(events)-1]; last.GetMessage().GetText() != "before" || last.GetSender().GetId() != member.GetId() {
		t.Errorf("the last event of before the restart is %v, want that of %v", last, member)
	}
	expect(t, receive, (*chatv1.Frame).GetCaughtUp)
	response, err := h.v.Send(ctx, saying(h.room, "after"))
	if err != nil || response.GetEpoch() != h.epoch {
		t.Fatalf("Send after a restart = %v, %v, want epoch %q", response, err, h.epoch)
	}
	live := receive.events(t, h.at[len(h.at)-1], 1)[0]
	if live.GetSequence() != response.GetSequence() || live.GetSender().GetId() != member.GetId() {
		t.Errorf("live after a restart: %v, want %v of %v", live, response, member)
	}
}

// take empties the buffer.
func (b *syncBuffer) take() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	defer b.buf.Reset()
	return b.buf.String()
}

// isReset resumes after an event of before, and goes on from what it is told.
func (h *history) isReset(ctx context.Context, t *testing.T, door string, v visitor) {
	t.Helper()
	receive, err := v.subscribe(ctx, only(h.after(h.epoch, h.at[3])))
	if err != nil {
		t.Fatalf("%s: Subscribe after a cursor of before: %v", door, err)
	}
	state := expect(t, receive, (*chatv1.Frame).GetJoined).GetRooms()[0]
	reset := expect(t, receive, (*chatv1.Frame).GetReset_)
	if reset.GetRoom() != h.room || reset.GetEpoch() == h.epoch || reset.GetEpoch() != state.GetEpoch() {
		t.Errorf("%s: reset to %v, want another epoch than %q", door, reset, h.epoch)
	}
	expect(t, receive, (*chatv1.Frame).GetCaughtUp)
	response, err := v.Send(ctx, saying(h.room, fmt.Sprintf("after, through %s", door)))
	if err != nil {
		t.Fatalf("%s: Send: %v", door, err)
	}
	if response.GetSequence() <= h.at[len(h.at)-1] {
		t.Errorf("%s: Send = %v, a sequence of before", door, response)
	}
	e, err := receive.nextEvent()
	if err != nil || e.GetSequence() != response.GetSequence() {
		t.Errorf("%s: live: %v, %v, want %v", door, e, err, response)
	}
}

func try(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
