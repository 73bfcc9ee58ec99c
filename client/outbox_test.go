package client_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"

	"chatroom/client"
	chatv1 "chatroom/gen/chat/v1"
)

// texts returns the texts of all attempts.
func (s *script) texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, r := range s.sends {
		texts = append(texts, r.GetMessage().GetText())
	}
	return texts
}

// following begins to follow lobby, so that sends have a Chat stream on Bidi, and returns
// what ends it.
func following(t *testing.T, c *client.Client) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var loop sync.WaitGroup
	loop.Go(func() {
		for _, err := range c.Follow(client.Live("lobby")).Events(ctx) {
			if err != nil && ctx.Err() == nil && !errors.Is(err, client.ErrClosed) {
				t.Errorf("Follow yielded %v", err)
			}
		}
	})
	synctest.Wait()
	return func() {
		cancel()
		loop.Wait()
	}
}

// stays is a stream that only lasts.
func stays(ctx context.Context, _ int, to *stream) error {
	return errors.Join(to.frames(joined(0, time.Hour), caughtUp()), untilCanceled(ctx))
}

// Nothing overtakes a send that is retried, and sends to other rooms do not wait for it.
func TestSendsKeepTheirOrder(t *testing.T) {
	for name, follows := range map[string]bool{"following": true, "not following": false} {
		t.Run(name, func(t *testing.T) {
			s := &script{subscribe: stays}
			s.send = func(_ context.Context, n int) (*chatv1.SendResponse, error) {
				s.mu.Lock()
				defer s.mu.Unlock()
				if s.sends[n].GetRoom() == "lobby" && n < 4 {
					return nil, unavailable()
				}
				return &chatv1.SendResponse{Epoch: "E", Sequence: uint64(n + 1)}, nil
			}
			withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
				if follows {
					defer following(t, c)()
				}
				var sendings []*client.Sending
				for i := range 5 {
					sending, err := c.Enqueue("lobby", client.Text(fmt.Sprint(i)))
					if err != nil {
						t.Fatal(err)
					}
					sendings = append(sendings, sending)
				}
				if _, err := c.Send(t.Context(), "other", client.Text("other")); err != nil {
					t.Error(err)
				}
				var last uint64
				for i, sending := range sendings {
					receipt, err := sending.Wait(t.Context())
					if err != nil || receipt.Sequence <= last || receipt.ID != sending.ID() {
						t.Errorf("send %d = %v, %v, want one after %d", i, receipt, err, last)
					}
					last = receipt.Sequence
				}
				texts := s.texts()
				if i := slices.Index(texts, "other"); i < 0 || i > 4 {
					t.Errorf("the attempts were %q, want that to the other room among the first", texts)
				}
				texts = slices.DeleteFunc(texts, func(text string) bool { return text == "other" })
				if !slices.IsSorted(texts) || texts[0] != "0" || texts[2] != "0" {
					t.Errorf("the attempts were %q, want them in their order", texts)
				}
			})
		})
	}
}

// A full outbox makes Send wait and Enqueue return.
func TestOutboxFull(t *testing.T) {
	release := make(chan struct{})
	s := &script{subscribe: stays, send: func(ctx context.Context, n int) (*chatv1.SendResponse, error) {
		select {
		case <-release:
			return &chatv1.SendResponse{Epoch: "E", Sequence: uint64(n + 1)}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}}
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			s.sends = nil
			withTransport(t, s, client.Config{Transport: transport, OutboxSize: 2, AttemptTimeout: time.Hour}, func(t *testing.T, c *client.Client) {
				release = make(chan struct{})
				first, err := c.Enqueue("lobby", client.Text("0"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := c.Enqueue("lobby", client.Text("1")); err != nil {
					t.Fatal(err)
				}
				if _, err := c.Enqueue("lobby", client.Text("2")); !errors.Is(err, client.ErrOutboxFull) {
					t.Errorf("Enqueue = %v, want %v", err, client.ErrOutboxFull)
				}
				hasty, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if _, err := c.Send(hasty, "lobby", client.Text("3")); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, client.ErrUnknownOutcome) {
					t.Errorf("Send = %v, want %v and nothing sent", err, context.DeadlineExceeded)
				}
				var sending sync.WaitGroup
				sending.Go(func() {
					if receipt, err := c.Send(t.Context(), "lobby", client.Text("4")); err != nil || receipt.Sequence != 3 {
						t.Errorf("Send = %v, %v, want it to be the third", receipt, err)
					}
				})
				synctest.Wait()
				close(release)
				sending.Wait()
				if _, err := first.Wait(t.Context()); err != nil {
					t.Error(err)
				}
				if got, want := s.texts(), []string{"0", "1", "4"}; !slices.Equal(got, want) {
					t.Errorf("the attempts were %q, want %q", got, want)
				}
			})
		})
	}
}

// Close waits for what is in the outbox.
func TestCloseFlushes(t *testing.T) {
	s := &script{subscribe: stays, send: func(_ context.Context, n int) (*chatv1.SendResponse, error) {
		if n < 3 {
			return nil, unavailable()
		}
		return &chatv1.SendResponse{Epoch: "E", Sequence: uint64(n)}, nil
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		defer following(t, c)()
		var sendings []*client.Sending
		for i := range 4 {
			sending, err := c.Enqueue("lobby", client.Text(fmt.Sprint(i)))
			if err != nil {
				t.Fatal(err)
			}
			sendings = append(sendings, sending)
		}
		if err := c.Close(t.Context()); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
		for _, sending := range sendings {
			select {
			case <-sending.Done():
			default:
				t.Error("Close has returned before a send was answered")
			}
		}
		if _, err := c.Send(t.Context(), "lobby", client.Text("late")); !errors.Is(err, client.ErrClosed) {
			t.Errorf("Send after Close = %v, want %v", err, client.ErrClosed)
		}
		for _, err := range c.Follow(client.Live("lobby")).Events(t.Context()) {
			if !errors.Is(err, client.ErrClosed) {
				t.Errorf("Follow after Close yielded %v, want %v", err, client.ErrClosed)
			}
		}
	})
}

// Close tells what it could not send, and which of it may be stored.
func TestCloseTellsWhatIsUnsent(t *testing.T) {
	s := &script{subscribe: stays, send: func(ctx context.Context, n int) (*chatv1.SendResponse, error) {
		return nil, untilCanceled(ctx)
	}}
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			s.sends = nil
			withClosed(t, s, client.Config{Transport: transport, AttemptTimeout: time.Hour}, func(t *testing.T, c *client.Client) {
				defer following(t, c)()
				for i := range 3 {
					if _, err := c.Enqueue("lobby", client.Text(fmt.Sprint(i)), client.WithID(fmt.Sprint(i))); err != nil {
						t.Fatal(err)
					}
				}
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				err := c.Close(ctx)
				unsent, ok := errors.AsType[*client.UnsentError](err)
				if !ok || !errors.Is(err, client.ErrClosed) || len(unsent.Unsent) != 3 {
					t.Fatalf("Close = %v, want 3 sends", err)
				}
				for i, u := range unsent.Unsent {
					if u.Request.GetId() != fmt.Sprint(i) || u.Attempted != (i == 0) {
						t.Errorf("unsent %d is %q, attempted: %t", i, u.Request.GetId(), u.Attempted)
					}
				}
			})
		})
	}
}

// A send that is withdrawn before it was attempted is not stored; one that was attempted
// may be.
func TestWithdraw(t *testing.T) {
	s := &script{subscribe: stays, send: func(ctx context.Context, n int) (*chatv1.SendResponse, error) {
		return nil, untilCanceled(ctx)
	}}
	for name, transport := range transports {
		t.Run(name, func(t *testing.T) {
			s.sends = nil
			withTransport(t, s, client.Config{Transport: transport, AttemptTimeout: time.Hour}, func(t *testing.T, c *client.Client) {
				defer following(t, c)()
				first, err := c.Enqueue("lobby", client.Text("first"))
				if err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				if _, err := c.Send(ctx, "lobby", client.Text("second")); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, client.ErrUnknownOutcome) {
					t.Errorf("Send = %v, want %v, and not %v", err, context.DeadlineExceeded, client.ErrUnknownOutcome)
				}
				first.Cancel()
				if _, err := first.Wait(t.Context()); !errors.Is(err, context.Canceled) || !errors.Is(err, client.ErrUnknownOutcome) {
					t.Errorf("Wait = %v, want %v and %v", err, context.Canceled, client.ErrUnknownOutcome)
				}
				if got, want := s.texts(), []string{"first"}; !slices.Equal(got, want) {
					t.Errorf("the attempts were %q, want %q", got, want)
				}
			})
		})
	}
}

// A send whose outcome is unknown is not repeated once the server may have forgotten its
// id.
func TestSendEndsWithTheDedupWindow(t *testing.T) {
	s := &script{send: func(context.Context, int) (*chatv1.SendResponse, error) { return nil, unavailable() }}
	withServer(t, s, client.Config{DedupWindow: 5 * time.Minute}, func(t *testing.T, c *client.Client) {
		_, err := c.Send(t.Context(), "lobby", client.Text("hello"))
		if !errors.Is(err, client.ErrUnknownOutcome) {
			t.Errorf("Send = %v, want %v", err, client.ErrUnknownOutcome)
		}
		if last := s.times[len(s.times)-1]; last > 5*time.Minute-10*time.Second || last < 4*time.Minute {
			t.Errorf("the last attempt was after %v, want one shortly before 4m50s", last)
		}
	})
}

// A limit has stored nothing, however long it lasts.
func TestSendOutlastsLimits(t *testing.T) {
	s := &script{send: func(_ context.Context, n int) (*chatv1.SendResponse, error) {
		if n < 30 {
			return nil, tooMuch(t, time.Minute)
		}
		return &chatv1.SendResponse{Epoch: "E", Sequence: 1}, nil
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		if _, err := c.Send(t.Context(), "lobby", client.Text("hello")); err != nil {
			t.Errorf("Send = %v, want nil", err)
		}
	})
}

// An ephemeral event is sent once, also while a message waits.
func TestEphemeralIsSentOnce(t *testing.T) {
	s := &script{subscribe: stays}
	s.send = func(_ context.Context, n int) (*chatv1.SendResponse, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if n == 0 || s.sends[n].GetTyping() != nil && !s.sends[n].GetTyping().GetStopped() {
			return nil, unavailable()
		}
		return &chatv1.SendResponse{}, nil
	}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		defer following(t, c)()
		message, err := c.Enqueue("lobby", client.Text("hello"))
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it has failed, and is about to be retried
		if _, err := c.Send(t.Context(), "lobby", client.Typing()); connect.CodeOf(err) != connect.CodeUnavailable {
			t.Errorf("Send = %v, want code unavailable", err)
		}
		if _, err := c.Send(t.Context(), "lobby", client.StopTyping()); err != nil {
			t.Errorf("Send = %v, want nil", err)
		}
		if _, err := message.Wait(t.Context()); err != nil {
			t.Errorf("Wait = %v, want nil", err)
		}
		if n := len(s.sends); n != 4 {
			t.Errorf("there were %d attempts, want 2 for the message and 1 for each ephemeral event", n)
		}
	})
}

// The error of a deletion that is stored, but not erased yet, is a receipt.
func TestSendErasureDelayed(t *testing.T) {
	s := &script{subscribe: stays, send: func(context.Context, int) (*chatv1.SendResponse, error) {
		return nil, withInfo(connect.CodeUnavailable, "ERASURE_DELAYED", map[string]string{"epoch": "E", "sequence": "12"})
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		defer following(t, c)()
		receipt, err := c.Send(t.Context(), "lobby", client.Delete(3), client.WithID("d"))
		want := client.Receipt{Cursor: client.Cursor{Epoch: "E", Sequence: 12}, ID: "d", ErasureDelayed: true}
		if err != nil || receipt != want {
			t.Errorf("Send = %+v, %v, want %+v", receipt, err, want)
		}
	})
}

// Sends of the body of a loop use the stream of the loop, and work even if the loop is far
// behind what the server sends.
func TestSendInTheBodyOfALoop(t *testing.T) {
	const events = 2000
	s := &script{
		subscribe: func(ctx context.Context, n int, to *stream) error {
			after := uint64(0)
			if n > 0 {
				after = lastStart(ctx)
			}
			err := to.frames(joined(after, time.Hour))
			for i := after; i < events && err == nil; i++ {
				err = to.frames(event(i, i+1))
			}
			return errors.Join(err, untilCanceled(ctx))
		},
		send: func(context.Context, int) (*chatv1.SendResponse, error) {
			return &chatv1.SendResponse{Epoch: "E", Sequence: 1}, nil
		},
	}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		var want uint64
		for e, err := range c.Follow(client.Live("lobby")).Events(t.Context()) {
			if want++; err != nil || e.GetSequence() != want {
				t.Fatalf("Follow yielded %v, %v, want %d", e, err, want)
			}
			if want%50 == 0 {
				began := time.Now()
				if _, err := c.Send(t.Context(), "other", client.Text("hello")); err != nil {
					t.Errorf("Send = %v, want nil", err)
				}
				if took := time.Since(began); took > time.Second {
					t.Errorf("Send took %v, want it to be answered at once", took)
				}
			}
			if want == events {
				break
			}
		}
	})
}

// A send that gets no answer on a stream is not repeated on it: the stream may be dead, and
// nothing else may have shown it yet.
func TestSendLeavesADeadStream(t *testing.T) {
	s := &script{subscribe: stays, send: func(ctx context.Context, n int) (*chatv1.SendResponse, error) {
		if n == 0 {
			return nil, untilCanceled(ctx)
		}
		return &chatv1.SendResponse{Epoch: "E", Sequence: 1}, nil
	}}
	withServer(t, s, client.Config{}, func(t *testing.T, c *client.Client) {
		defer following(t, c)()
		began := time.Now()
		if _, err := c.Send(t.Context(), "lobby", client.Text("hello")); err != nil {
			t.Errorf("Send = %v, want nil", err)
		}
		checkBetween(t, "second attempt", time.Since(began), 10*time.Second, 200*time.Millisecond)
	})
}
