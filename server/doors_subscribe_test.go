package main

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
)

// history is a room in which the texts "0" up to "9" were said.
type history struct {
	room  string
	epoch string
	at    []uint64 // the sequences
	v     visitor  // speaks in it
}

func newHistory(ctx context.Context, t *testing.T, s *testService, room string) *history {
	t.Helper()
	h := &history{room: room, v: connectDoor(http1Client)(t, s, "")}
	for _, response := range say(ctx, t, h.v, room, 0, 10) {
		h.epoch, h.at = response.GetEpoch(), append(h.at, response.GetSequence())
	}
	return h
}

func (h *history) after(epoch string, sequence uint64) *chatv1.Subscription {
	return &chatv1.Subscription{Room: h.room, Start: &chatv1.Subscription_After{
		After: &chatv1.Cursor{Epoch: epoch, Sequence: sequence},
	}}
}

func (h *history) recent(n uint32) *chatv1.Subscription {
	return &chatv1.Subscription{Room: h.room, Start: &chatv1.Subscription_Recent{Recent: n}}
}

// starts are the ways to start in a history.
var starts = []struct {
	name   string
	start  func(*history) *chatv1.Subscription
	replay int // how many of the ten come again
	reset  bool
}{
	{"live", func(h *history) *chatv1.Subscription { return &chatv1.Subscription{Room: h.room} }, 0, false},
	{"recent 0", func(h *history) *chatv1.Subscription { return h.recent(0) }, 0, false},
	{"recent 3", func(h *history) *chatv1.Subscription { return h.recent(3) }, 3, false},
	{"recent 1000", func(h *history) *chatv1.Subscription { return h.recent(1000) }, 10, false},
	{"after the fourth", func(h *history) *chatv1.Subscription { return h.after(h.epoch, h.at[3]) }, 6, false},
	{"after the last", func(h *history) *chatv1.Subscription { return h.after(h.epoch, h.at[9]) }, 0, false},
	{"from the beginning", func(h *history) *chatv1.Subscription { return h.after(h.epoch, 0) }, 10, false},
	{"another epoch", func(h *history) *chatv1.Subscription { return h.after("another", h.at[3]) }, 0, true},
	{"beyond the end", func(h *history) *chatv1.Subscription { return h.after(h.epoch, h.at[9]+1000) }, 0, true},
}

// Every way to start is the same through every door.
func TestSubscribeStarts(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			ctx, v := bounded(t), d.open(t, s, "")
			for j, start := range starts {
				t.Run(start.name, func(t *testing.T) {
					h := newHistory(ctx, t, s, fmt.Sprintf("starts-%d-%d", i, j))
					receive, err := v.subscribe(ctx, only(start.start(h)))
					if err != nil {
						t.Fatalf("Subscribe: %v", err)
					}
					h.begins(t, receive, start.replay, start.reset)
					say(ctx, t, h.v, h.room, 10, 3)
					if got := ids(receive.events(t, h.at[9], 3)); !slices.Equal(got, []string{"10", "11", "12"}) {
						t.Errorf("live: %q", got)
					}
				})
			}
		})
	}
}

// begins takes the frames of a stream up to where it is live.
func (h *history) begins(t *testing.T, receive frames, replay int, reset bool) {
	t.Helper()
	state := expect(t, receive, (*chatv1.Frame).GetJoined).GetRooms()[0]
	if state.GetRoom() != h.room || state.GetEpoch() != h.epoch || state.GetHead() != h.at[9] {
		t.Errorf("joined at %v, want room %q, epoch %q, head %d", state, h.room, h.epoch, h.at[9])
	}
	if reset {
		want := &chatv1.Reset{Room: h.room, Epoch: h.epoch, Oldest: h.at[0], Head: h.at[9]}
		if got := expect(t, receive, (*chatv1.Frame).GetReset_); !proto.Equal(got, want) {
			t.Errorf("reset to %v, want %v", got, want)
		}
	}
	var last uint64
	if replay < len(h.at) {
		last = h.at[len(h.at)-replay-1]
	}
	for i, e := range receive.events(t, last, replay) {
		if want := len(h.at) - replay + i; e.GetSequence() != h.at[want] || e.GetMessage().GetText() != fmt.Sprint(want) {
			t.Errorf("replayed %v, want text %d with sequence %d", e, want, h.at[want])
		}
	}
	if caughtUp := expect(t, receive, (*chatv1.Frame).GetCaughtUp); caughtUp.GetRoom() != h.room {
		t.Errorf("caught up with %v, want %q", caughtUp, h.room)
	}
}

// A reader that loses its stream again and again while others speak, and resumes
// after the last event it saw, gets every event once.
func TestSubscribeResumes(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for i, d := range doors {
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			const more = 60
			ctx := bounded(t)
			h := newHistory(ctx, t, s, fmt.Sprintf("resumes-%d", i))
			said := make(chan error, 1)
			go func() {
				for n := range more {
					if _, err := h.v.Send(ctx, saying(h.room, fmt.Sprint(len(h.at)+n))); err != nil {
						said <- err
						return
					}
				}
				said <- nil
			}()
			v := d.open(t, s, "")
			var last uint64
			for n, seen := 1, 0; seen < len(h.at)+more; n = n%9 + 1 {
				ctx, cancel := context.WithCancel(ctx)
				receive, err := v.subscribe(ctx, only(h.after(h.epoch, last)))
				if err != nil {
					t.Fatalf("Subscribe after %d: %v", last, err)
				}
				expect(t, receive, (*chatv1.Frame).GetJoined)
				for range min(n, len(h.at)+more-seen) {
					e, err := receive.nextEvent()
					if err != nil {
						t.Fatalf("receive after %d: %v", last, err)
					}
					if last = follow(t, last, e); e.GetId() != fmt.Sprint(seen) {
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
