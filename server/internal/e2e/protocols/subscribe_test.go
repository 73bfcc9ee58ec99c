package protocols

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/server/internal/e2e/harness"
)

func recentOf(h *harness.SeededRoom, n uint32) *chatv1.Subscription {
	return &chatv1.Subscription{Room: h.Room, Start: &chatv1.Subscription_Recent{Recent: n}}
}

// starts are the ways to start in a history.
var starts = []struct {
	name   string
	start  func(*harness.SeededRoom) *chatv1.Subscription
	replay int // how many of the ten come again
	reset  bool
}{
	{"live", func(h *harness.SeededRoom) *chatv1.Subscription { return &chatv1.Subscription{Room: h.Room} }, 0, false},
	{"recent 0", func(h *harness.SeededRoom) *chatv1.Subscription { return recentOf(h, 0) }, 0, false},
	{"recent 3", func(h *harness.SeededRoom) *chatv1.Subscription { return recentOf(h, 3) }, 3, false},
	{"recent 1000", func(h *harness.SeededRoom) *chatv1.Subscription { return recentOf(h, 1000) }, 10, false},
	{"after the fourth", func(h *harness.SeededRoom) *chatv1.Subscription { return h.After(h.Epoch, h.Sequences[3]) }, 6, false},
	{"after the last", func(h *harness.SeededRoom) *chatv1.Subscription { return h.After(h.Epoch, h.Sequences[9]) }, 0, false},
	{"from the beginning", func(h *harness.SeededRoom) *chatv1.Subscription { return h.After(h.Epoch, 0) }, 10, false},
	{"another epoch", func(h *harness.SeededRoom) *chatv1.Subscription { return h.After("another", h.Sequences[3]) }, 0, true},
	{"beyond the end", func(h *harness.SeededRoom) *chatv1.Subscription { return h.After(h.Epoch, h.Sequences[9]+1000) }, 0, true},
}

// Every start position works alike on every protocol.
func TestSubscribeStartPositions(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			ctx, v := harness.Context(t), d.Open(t, s, "")
			for j, start := range starts {
				t.Run(start.name, func(t *testing.T) {
					h := harness.SeedRoom(ctx, t, s, fmt.Sprintf("starts-%d-%d", i, j))
					receive, err := v.Subscribe(ctx, harness.SubscribeTo(start.start(h)))
					if err != nil {
						t.Fatalf("Subscribe: %v", err)
					}
					checkBeginning(t, h, receive, start.replay, start.reset)
					harness.SendTexts(ctx, t, h.Client, h.Room, 10, 3)
					if got := harness.EventIDs(receive.Events(t, h.Sequences[9], 3)); !slices.Equal(got, []string{"10", "11", "12"}) {
						t.Errorf("live: %q", got)
					}
				})
			}
		})
	}
}

// checkBeginning takes the frames of a stream up to CaughtUp.
func checkBeginning(t *testing.T, h *harness.SeededRoom, receive harness.Frames, replay int, reset bool) {
	t.Helper()
	state := harness.Expect(t, receive, (*chatv1.Frame).GetJoined).GetRooms()[0]
	if state.GetRoom() != h.Room || state.GetEpoch() != h.Epoch || state.GetHead() != h.Sequences[9] {
		t.Errorf("joined at %v, want room %q, epoch %q, head %d", state, h.Room, h.Epoch, h.Sequences[9])
	}
	if reset {
		want := &chatv1.Reset{Room: h.Room, Epoch: h.Epoch, Oldest: h.Sequences[0], Head: h.Sequences[9]}
		if got := harness.Expect(t, receive, (*chatv1.Frame).GetReset_); !proto.Equal(got, want) {
			t.Errorf("reset to %v, want %v", got, want)
		}
	}
	var last uint64
	if replay < len(h.Sequences) {
		last = h.Sequences[len(h.Sequences)-replay-1]
	}
	for i, e := range receive.Events(t, last, replay) {
		if want := len(h.Sequences) - replay + i; e.GetSequence() != h.Sequences[want] || e.GetMessage().GetText() != fmt.Sprint(want) {
			t.Errorf("replayed %v, want text %d with sequence %d", e, want, h.Sequences[want])
		}
	}
	if caughtUp := harness.Expect(t, receive, (*chatv1.Frame).GetCaughtUp); caughtUp.GetRoom() != h.Room {
		t.Errorf("caught up with %v, want %q", caughtUp, h.Room)
	}
}

// A subscriber that loses its stream again and again while messages are sent, and
// resumes after the last event it has, receives every event once.
func TestSubscribeResumesWithoutLossOrDuplicates(t *testing.T) {
	t.Parallel()
	s := harness.Start(t)
	for i, d := range harness.Protocols {
		t.Run(d.Name, func(t *testing.T) {
			t.Parallel()
			const more = 60
			ctx := harness.Context(t)
			h := harness.SeedRoom(ctx, t, s, fmt.Sprintf("resumes-%d", i))
			said := make(chan error, 1)
			go func() {
				for n := range more {
					if _, err := h.Client.Send(ctx, harness.TextRequest(h.Room, fmt.Sprint(len(h.Sequences)+n))); err != nil {
						said <- err
						return
					}
				}
				said <- nil
			}()
			v := d.Open(t, s, "")
			var last uint64
			for n, seen := 1, 0; seen < len(h.Sequences)+more; n = n%9 + 1 {
				ctx, cancel := context.WithCancel(ctx)
				receive, err := v.Subscribe(ctx, harness.SubscribeTo(h.After(h.Epoch, last)))
				if err != nil {
					t.Fatalf("Subscribe after %d: %v", last, err)
				}
				harness.Expect(t, receive, (*chatv1.Frame).GetJoined)
				for range min(n, len(h.Sequences)+more-seen) {
					e, err := receive.NextEvent()
					if err != nil {
						t.Fatalf("receive after %d: %v", last, err)
					}
					if last = harness.Follow(t, last, e); e.GetId() != fmt.Sprint(seen) {
						t.Fatalf("event %d is %v", seen, e)
					}
					seen++
				}
				cancel()
			}
			if err := <-said; err != nil {
				t.Errorf("Send: %v", err)
			}
		})
	}
}
