package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"chatroom/client"
)

// A stream that is silent for twice the heartbeat interval is replaced; a stream with
// heartbeats is not.
func TestFollowWatchdog(t *testing.T) {
	const interval = 5 * time.Second
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 1 {
			return errors.Join(to.frames(joined(1, interval), event(0, 1)), untilCanceled(ctx))
		}
		err := to.frames(joined(0, interval))
		for range 12 {
			wait(ctx, interval)
			err = errors.Join(err, to.frames(heartbeat()))
		}
		return errors.Join(err, untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		read(t, c, client.Live("lobby"), 1)
		s.checkStarts(t, -1, 0)
		checkBetween(t, "second stream", s.times[1], 12*interval+2*interval, 100*time.Millisecond)
	})
}

// A stream on which the server sends nothing at all is replaced, too.
func TestFollowWatchdogBeforeJoined(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 0 {
			return untilCanceled(ctx)
		}
		return errors.Join(to.frames(joined(0, 0), event(0, 1)), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		read(t, c, client.Live("lobby"), 1)
		checkBetween(t, "second stream", s.times[1], 10*time.Second, 100*time.Millisecond)
	})
}

// The time that the body of the loop takes does not count as silence of the server, even
// if it is so far behind that nothing is received.
func TestFollowSlowBody(t *testing.T) {
	const events = 600
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		err := to.frames(joined(0, time.Minute))
		for i := range uint64(events) {
			err = errors.Join(err, to.frames(event(i, i+1)))
		}
		for err == nil && ctx.Err() == nil {
			wait(ctx, time.Minute)
			err = to.frames(heartbeat())
		}
		return err
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		for e, err := range c.Follow(client.Live("lobby")).Events(t.Context()) {
			if err != nil {
				t.Fatalf("Follow yielded %v", err)
			}
			switch e.GetSequence() {
			case 1:
				wait(t.Context(), time.Hour)
			case events:
				s.checkStarts(t, -1)
				return
			}
		}
	})
}

// A draining server still delivers; Follow reconnects after the time it asked for.
func TestFollowDraining(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 1 {
			return errors.Join(to.frames(joined(2, time.Hour), event(1, 2)), untilCanceled(ctx))
		}
		err := to.frames(joined(0, time.Hour), draining(3*time.Second))
		wait(ctx, time.Second)
		return errors.Join(err, to.frames(event(0, 1)), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		read(t, c, client.Live("lobby"), 2)
		s.checkStarts(t, -1, 1)
		checkBetween(t, "second stream", s.times[1], 3*time.Second, 100*time.Millisecond)
	})
}

// If a draining server ends the stream early, Follow still waits as long as it asked.
func TestFollowStreamEndsWhileDraining(t *testing.T) {
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		if n == 0 {
			return errors.Join(to.frames(joined(0, time.Hour), draining(3*time.Second)), unavailable())
		}
		return errors.Join(to.frames(joined(0, time.Hour), event(0, 1)), untilCanceled(ctx))
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		read(t, c, client.Live("lobby"), 1)
		s.checkStarts(t, -1, 0)
		checkBetween(t, "second stream", s.times[1], 3*time.Second, 100*time.Millisecond)
	})
}

// The bound of the pauses doubles from 0.1 s to 10 s, and is reset by a stream that
// was established.
func TestFollowBackoff(t *testing.T) {
	const failures = 12
	s := &script{subscribe: func(ctx context.Context, n int, to *stream) error {
		switch {
		case n < failures:
			return unavailable()
		case n == failures:
			return errors.Join(to.frames(joined(0, 0)), unavailable())
		default:
			return errors.Join(to.frames(joined(0, 0), event(0, 1)), untilCanceled(ctx))
		}
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		read(t, c, client.Live("lobby"), 1)
		bound, sum := 100*time.Millisecond, time.Duration(0)
		for i := range failures {
			pause := s.times[i+1] - s.times[i]
			if pause > bound {
				t.Errorf("pause %d is %v, want at most %v", i, pause, bound)
			}
			sum += pause
			bound = min(2*bound, 10*time.Second)
		}
		// The bounds add up to 63 s, so the pauses add up to about half of that.
		if sum < 3*time.Second {
			t.Errorf("%d pauses add up to %v, want about 31 s", failures, sum)
		}
		if pause := s.times[failures+1] - s.times[failures]; pause > 100*time.Millisecond {
			t.Errorf("the pause after a stream is %v, want at most 100ms", pause)
		}
	})
}

// wait waits, in the fake time of a synctest bubble.
func wait(ctx context.Context, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-ctx.Done()
}

func checkBetween(t *testing.T, what string, at, want, more time.Duration) {
	t.Helper()
	if at < want || at > want+more {
		t.Errorf("the %s began after %v, want %v to %v", what, at, want, want+more)
	}
}
