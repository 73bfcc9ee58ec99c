package durability

import (
	"context"
	"fmt"
	"slices"
	"testing"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// A restart keeps rooms, cursors, identities and idempotency keys.
func TestRestartKeepsEverything(t *testing.T) {
	t.Parallel()
	for _, noFsync := range []bool{false, true} {
		t.Run(fmt.Sprintf("NoFsync=%t", noFsync), func(t *testing.T) {
			t.Parallel()
			ctx, data := harness.Context(t), t.TempDir()
			configure := func(c *service.Config) { c.Data = data; c.NoFsync = noFsync }
			s := harness.Start(t, configure)
			token, member := s.SignIn(t, "Ada")
			h := harness.SeedRoom(ctx, t, s, "kept")
			first, err := harness.ConnectOver(harness.H2CClient)(t, s, token).Send(ctx, harness.TextRequest("kept", "before"))
			if err != nil {
				t.Fatalf("Send: %v", err)
			}
			h.Sequences = append(h.Sequences, first.GetSequence())
			s.Stop(t)

			s = harness.Start(t, configure)
			h.Client = harness.ConnectOver(harness.H2CClient)(t, s, token)
			again, err := h.Client.Send(ctx, harness.TextRequest("kept", "before"))
			if err != nil || !again.GetDuplicate() || again.GetSequence() != first.GetSequence() || again.GetEpoch() != h.Epoch {
				t.Errorf("Send again after a restart = %v, %v, want the duplicate of %v", again, err, first)
			}
			checkContinues(ctx, t, h, member)
			rooms, err := harness.RPCClient(t, s).ListRooms(ctx, &chatv1.ListRoomsRequest{})
			if err != nil || !slices.ContainsFunc(rooms.GetRooms(), func(r *chatv1.Room) bool { return r.GetName() == "kept" }) {
				t.Errorf("ListRooms after a restart = %v, %v, want the room of before among them", rooms, err)
			}
		})
	}
}

// checkContinues resumes from the middle of the history, and sends one more message.
func checkContinues(ctx context.Context, t *testing.T, h *harness.SeededRoom, member *chatv1.Member) {
	t.Helper()
	receive, err := h.Client.Subscribe(ctx, harness.SubscribeTo(h.After(h.Epoch, h.Sequences[4])))
	if err != nil {
		t.Fatalf("Subscribe after a restart: %v", err)
	}
	harness.Expect(t, receive, (*chatv1.Frame).GetJoined)
	events := receive.Events(t, h.Sequences[4], len(h.Sequences)-5)
	if last := events[len(events)-1]; last.GetMessage().GetText() != "before" || last.GetSender().GetId() != member.GetId() {
		t.Errorf("the last event of before the restart is %v, want that of %v", last, member)
	}
	harness.Expect(t, receive, (*chatv1.Frame).GetCaughtUp)
	response, err := h.Client.Send(ctx, harness.TextRequest(h.Room, "after"))
	if err != nil || response.GetEpoch() != h.Epoch {
		t.Fatalf("Send after a restart = %v, %v, want epoch %q", response, err, h.Epoch)
	}
	live := receive.Events(t, h.Sequences[len(h.Sequences)-1], 1)[0]
	if live.GetSequence() != response.GetSequence() || live.GetSender().GetId() != member.GetId() {
		t.Errorf("live after a restart: %v, want %v of %v", live, response, member)
	}
}

// checkReset resumes after an event of the lost log, receives Reset, and continues in
// the new log.
func checkReset(ctx context.Context, t *testing.T, h *harness.SeededRoom, protocol string, v harness.Client) {
	t.Helper()
	receive, err := v.Subscribe(ctx, harness.SubscribeTo(h.After(h.Epoch, h.Sequences[3])))
	if err != nil {
		t.Fatalf("%s: Subscribe after a cursor of before: %v", protocol, err)
	}
	state := harness.Expect(t, receive, (*chatv1.Frame).GetJoined).GetRooms()[0]
	reset := harness.Expect(t, receive, (*chatv1.Frame).GetReset_)
	if reset.GetRoom() != h.Room || reset.GetEpoch() == h.Epoch || reset.GetEpoch() != state.GetEpoch() {
		t.Errorf("%s: reset to %v, want another epoch than %q", protocol, reset, h.Epoch)
	}
	harness.Expect(t, receive, (*chatv1.Frame).GetCaughtUp)
	response, err := v.Send(ctx, harness.TextRequest(h.Room, fmt.Sprintf("after, on %s", protocol)))
	if err != nil {
		t.Fatalf("%s: Send: %v", protocol, err)
	}
	if response.GetSequence() <= h.Sequences[len(h.Sequences)-1] {
		t.Errorf("%s: Send = %v, a sequence of before", protocol, response)
	}
	e, err := receive.NextEvent()
	if err != nil || e.GetSequence() != response.GetSequence() {
		t.Errorf("%s: live: %v, %v, want %v", protocol, e, err, response)
	}
}
