package client_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
)

// read returns the sequences of the next n events. It fails the test on an error.
func read(t *testing.T, c *client.Client, from client.Subscription, n int) []uint64 {
	t.Helper()
	var sequences []uint64
	for e, err := range c.Follow(from).Events(t.Context()) {
		if err != nil {
			t.Fatalf("Follow yielded %v after %v, want %d events", err, sequences, n)
		}
		sequences = append(sequences, e.GetSequence())
		if want := (client.Cursor{Epoch: "E", Sequence: e.GetSequence()}); e.Cursor() != want {
			t.Errorf("Cursor() = %v, want %v", e.Cursor(), want)
		}
		if len(sequences) == n {
			break
		}
	}
	return sequences
}

// checkStarts checks after which sequence each stream began, where -1 means live.
func (s *script) checkStarts(t *testing.T, want ...int64) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []int64
	for _, start := range s.starts {
		sequence := int64(-1)
		if after := start.GetAfter(); after != nil {
			sequence = int64(after.GetSequence())
			if after.GetEpoch() != "E" {
				t.Errorf("a stream began after %v, want epoch E", after)
			}
		}
		got = append(got, sequence)
	}
	if !slices.Equal(got, want) {
		t.Errorf("streams began after %d, want %d", got, want)
	}
}

func TestFollowResumes(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		switch n {
		case 0: // breaks before the first event
			return errors.Join(to.frames(joined(7, 0), caughtUp()), unavailable())
		case 1: // ends without an error
			return to.frames(joined(9, 0), event(7, 8), event(8, 9))
		case 2:
			return connect.NewError(connect.CodeDeadlineExceeded, errors.New("timeout of a proxy"))
		default: // repeats events
			return errors.Join(to.frames(joined(12, 0), event(7, 8), event(8, 9), event(9, 12), event(9, 12), event(12, 13)), untilCanceled(ctx))
		}
	}}
	withServer(t, s, client.Config{Token: client.StaticToken("secret")}, func(t *testing.T, c *client.Client) {
		if got, want := read(t, c, client.Live("lobby"), 4), []uint64{8, 9, 12, 13}; !slices.Equal(got, want) {
			t.Errorf("Follow yielded %v, want %v", got, want)
		}
		s.checkStarts(t, -1, 7, 9, 9)
		if slices.ContainsFunc(s.tokens, func(token string) bool { return token != "Bearer secret" }) {
			t.Errorf("the tokens were %q", s.tokens)
		}
	})
}

func TestFollowFillsGaps(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 0 {
			return errors.Join(to.frames(joined(9, 0), event(0, 5), event(7, 9)), untilCanceled(ctx))
		}
		return errors.Join(to.frames(joined(9, 0), event(5, 7), event(7, 9)), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		got := read(t, c, client.After("lobby", client.Cursor{Epoch: "E"}), 3)
		if want := []uint64{5, 7, 9}; !slices.Equal(got, want) {
			t.Errorf("Follow yielded %v, want %v", got, want)
		}
		s.checkStarts(t, 0, 5)
	})
}

func TestFollowGivesUpOnGaps(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		return errors.Join(to.frames(joined(9, 0), event(7, 9)), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		for e, err := range c.Follow(client.After("lobby", client.Cursor{Epoch: "E", Sequence: 5})).Events(t.Context()) {
			if !errors.Is(err, client.ErrGap) {
				t.Errorf("Follow yielded %v, %v, want %v", e, err, client.ErrGap)
			}
		}
		s.checkStarts(t, 5, 5, 5)
	})
}

// The cursor of an ephemeral event is that of the durable event before it.
func TestFollowEphemeral(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 0 {
			return to.frames(joined(7, 0), caughtUp(), event(7, 8), event(0, 0))
		}
		return errors.Join(to.frames(joined(9, 0), event(8, 9)), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		var cursors []uint64
		for e, err := range c.Follow(client.Live("lobby")).Events(t.Context()) {
			if err != nil {
				t.Fatalf("Follow = %v, want nil", err)
			}
			if cursors = append(cursors, e.Cursor().Sequence); len(cursors) == 3 {
				break
			}
		}
		if want := []uint64{8, 8, 9}; !slices.Equal(cursors, want) {
			t.Errorf("the cursors were at %v, want %v", cursors, want)
		}
		s.checkStarts(t, -1, 8)
	})
}

func TestFollowRecent(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		switch n {
		case 0: // ends before the cursor is known
			return to.frames(joined(9, 0))
		case 1:
			return to.frames(joined(9, 0), event(3, 5), event(5, 9))
		default:
			return errors.Join(to.frames(joined(9, 0), caughtUp(), event(9, 10)), untilCanceled(ctx))
		}
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		if got, want := read(t, c, client.Recent("lobby", 2), 3), []uint64{5, 9, 10}; !slices.Equal(got, want) {
			t.Errorf("Follow yielded %v, want %v", got, want)
		}
		s.checkStarts(t, -1, -1, 9)
		for i, want := range []uint32{2, 2, 0} {
			if got := s.starts[i].GetRecent(); got != want {
				t.Errorf("stream %d began with the newest %d, want %d", i, got, want)
			}
		}
	})
}

// After a room that was empty when it was joined, Follow resumes from sequence 0.
func TestFollowRecentOfEmptyRoom(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 0 {
			return to.frames(joined(0, 0), caughtUp())
		}
		return errors.Join(to.frames(joined(2, 0), event(0, 1), event(1, 2)), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		if got, want := read(t, c, client.Recent("lobby", 1), 2), []uint64{1, 2}; !slices.Equal(got, want) {
			t.Errorf("Follow yielded %v, want %v", got, want)
		}
		s.checkStarts(t, -1, 0)
	})
}

// A Reset is a value of the loop. The loop continues with the events after Reset.Head.
func TestFollowReset(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 0 {
			return to.frames(joined(30, 0), reset("E", 20, 30), caughtUp())
		}
		return errors.Join(to.frames(joined(31, 0), event(30, 31)), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		var resets []client.Reset
		for e, err := range c.Follow(client.After("lobby", client.Cursor{Epoch: "E", Sequence: 3})).Events(t.Context()) {
			if err != nil {
				t.Fatalf("Follow yielded %v", err)
			}
			if e.Reset == nil {
				if e.GetSequence() != 31 {
					t.Errorf("the event after the reset is %d, want 31", e.GetSequence())
				}
				break
			}
			resets = append(resets, *e.Reset)
			if want := (client.Cursor{Epoch: "E", Sequence: 30}); e.Cursor() != want || e.GetRoom() != "lobby" {
				t.Errorf("the cursor after the reset is %v in %q, want %v in lobby", e.Cursor(), e.GetRoom(), want)
			}
		}
		if want := []client.Reset{{Room: "lobby", Epoch: "E", Oldest: 20, Head: 30}}; !slices.Equal(resets, want) {
			t.Errorf("Follow yielded the resets %v, want %v", resets, want)
		}
		s.checkStarts(t, 3, 30)
	})
}

func TestFollowEndsOnPermanentError(t *testing.T) {
	for _, code := range []connect.Code{
		connect.CodeInvalidArgument, connect.CodeNotFound, connect.CodeUnauthenticated,
		connect.CodePermissionDenied, connect.CodeUnimplemented, connect.CodeInternal, connect.CodeResourceExhausted,
	} {
		s := &script{subscribe: func(context.Context, int, *stream) error {
			return connect.NewError(code, errors.New("no"))
		}}
		withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
			n := 0
			for _, err := range c.Follow(client.Live("lobby")).Events(t.Context()) {
				if n++; connect.CodeOf(err) != code {
					t.Errorf("Follow yielded %v, want code %v", err, code)
				}
			}
			if n != 1 || len(s.starts) != 1 {
				t.Errorf("after code %v Follow yielded %d errors and tried %d times, want once", code, n, len(s.starts))
			}
		})
	}
}

// A stream that a limit refuses is opened again after the wait that the server asks for.
func TestFollowWaitsForLimits(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 0 {
			return tooMuch(t, 9*time.Second)
		}
		return errors.Join(to.frames(joined(0, time.Hour), event(0, 1)), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		for event, err := range c.Follow(client.Live("lobby")).Events(t.Context()) {
			if err != nil || event.GetSequence() != 1 {
				t.Errorf("Follow yielded %v, %v, want the event", event, err)
			}
			break
		}
		if s.streams != 2 {
			t.Fatalf("%d streams were opened, want 2", s.streams)
		}
		checkBetween(t, "second stream", s.times[1]-s.times[0], 9*time.Second, time.Second+200*time.Millisecond)
	})
}

// A context ends Follow while a stream is open and during the pause between streams.
func TestFollowEndsWithContext(t *testing.T) {
	for name, subscribe := range map[string]func(context.Context, int, *stream) error{
		"in a stream": func(ctx context.Context, _ int, to *stream) error {
			return errors.Join(to.frames(joined(0, time.Hour)), untilCanceled(ctx))
		},
		"between streams": func(context.Context, int, *stream) error { return unavailable() },
	} {
		t.Run(name, func(t *testing.T) {
			withServer(t, &script{subscribe: subscribe}, client.Config{}, func(t *testing.T, c *client.Client) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				n := 0
				for _, err := range c.Follow(client.Live("lobby")).Events(ctx) {
					if n++; !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("Follow yielded %v, want %v", err, context.DeadlineExceeded)
					}
				}
				if n != 1 {
					t.Errorf("Follow yielded %d errors, want 1", n)
				}
			})
		})
	}
}
