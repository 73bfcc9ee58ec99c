package client_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// Follow yields exactly the log, even if streams end, fall silent, drain, repeat
// events or omit events.
func TestFollowOverFaultyStreams(t *testing.T) {
	for seed := range uint64(8) {
		random := rand.New(rand.NewPCG(seed, 0))
		var log []*chatv1.Frame
		var want []uint64
		var last uint64
		for range 200 {
			next := last + 1 + random.Uint64N(3)
			log = append(log, event(last, next))
			want = append(want, next)
			last = next
		}
		s := &script{}
		s.subscribe = func(ctx context.Context, n int, to *stream) error {
			after := s.starts[n].GetAfter().GetSequence()
			from := slices.IndexFunc(log, func(f *chatv1.Frame) bool { return f.GetEvent().GetSequence() > after })
			return faultyStream(ctx, random, log, from, to)
		}
		withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
			got := read(t, c, client.After("lobby", client.Cursor{Epoch: "E"}), len(want))
			if !slices.Equal(got, want) {
				t.Errorf("with seed %d, after %d streams, Follow yielded %v, want %v", seed, len(s.starts), got, want)
			}
			if len(s.starts) < 5 {
				t.Errorf("with seed %d there were %d streams, want at least 5", seed, len(s.starts))
			}
		})
	}
}

// faultyStream sends the events of log[from:] until a random fault. It always sends
// the first event: a client that makes no progress gives up.
func faultyStream(ctx context.Context, random *rand.Rand, log []*chatv1.Frame, from int, to *stream) error {
	err := to.frames(joined(0, time.Second))
	for i := from; i < len(log) && err == nil; i++ {
		err = to.frames(log[i])
		switch random.IntN(50) {
		case 0:
			return err
		case 1:
			return errors.Join(err, unavailable())
		case 2: // silence
			return errors.Join(err, untilCanceled(ctx))
		case 3: // omits an event
			i++
		case 4: // repeats events
			i = max(0, i-3)
		case 5:
			err = errors.Join(err, to.frames(draining(time.Duration(random.IntN(1000))*time.Millisecond)))
		case 6:
			err = errors.Join(err, to.frames(heartbeat(), &chatv1.Frame{}))
		}
	}
	return errors.Join(err, untilCanceled(ctx))
}
