package fanout_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"chatroom/server/fanout"
)

// One signal covers any number of values, and a Take that leaves values pending
// signals again.
func TestTakeInBatches(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	sub := topic.Subscribe()
	wantSignal(t, sub.Ready(), false)
	wantTake(t, sub, 4, nil, nil)

	publish(t, topic, 1, 4)
	publish(t, topic, 5, 5)
	publish(t, topic, 6, 9)
	wantSignal(t, sub.Ready(), true)
	wantSignal(t, sub.Ready(), false)
	wantTake(t, sub, 4, []int{1, 2, 3, 4}, nil)
	wantSignal(t, sub.Ready(), true)
	wantTake(t, sub, 4, []int{5, 6, 7, 8}, nil)
	wantSignal(t, sub.Ready(), true)
	wantTake(t, sub, 4, []int{9}, nil)
	wantSignal(t, sub.Ready(), false)

	publish(t, topic, 10, 10)
	wantSignal(t, sub.Ready(), true)
	wantTake(t, sub, 4, []int{10}, nil)
	wantSignal(t, sub.Ready(), false)
}

// Take may be called without a receive from Ready, and later signals still come.
func TestTakeWithoutSignal(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	sub := topic.Subscribe()
	publish(t, topic, 1, 1)
	wantTake(t, sub, 4, []int{1}, nil)
	wantSignal(t, sub.Ready(), true)
	wantTake(t, sub, 4, nil, nil)
	publish(t, topic, 2, 2)
	wantSignal(t, sub.Ready(), true)
	wantTake(t, sub, 4, []int{2}, nil)
}

func TestRejoin(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{Window: 4})
	slow, other := topic.Subscribe(), topic.Subscribe()
	publish(t, topic, 1, 3)
	wantTake(t, slow, 2, []int{1, 2}, nil)
	wantTake(t, other, 4, []int{1, 2, 3}, nil)
	publish(t, topic, 4, 7)
	wantTake(t, slow, 4, nil, fanout.ErrLagged)
	wantTake(t, slow, 4, nil, fanout.ErrLagged)
	publish(t, topic, 8, 8)

	if got := slow.Rejoin(); got != 6 {
		t.Errorf("Rejoin() after 2 of 8 = %d, want 6", got)
	}
	if got := slow.Rejoin(); got != 0 {
		t.Errorf("Rejoin() again = %d, want 0", got)
	}
	for range len(slow.Ready()) {
		<-slow.Ready()
	}
	wantTake(t, slow, 4, nil, nil)
	publish(t, topic, 9, 9)
	wantSignal(t, slow.Ready(), true)
	wantTake(t, slow, 4, []int{9}, nil)

	wantTake(t, other, 4, nil, fanout.ErrLagged) // it missed 4, independently of slow
	if got := other.Rejoin(); got != 6 {
		t.Errorf("Rejoin() after 3 of 9 = %d, want 6", got)
	}
}

func TestRejoinDoesNotAffectOthers(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{Window: 4})
	slow, waits, behind := topic.Subscribe(), topic.Subscribe(), topic.Subscribe()
	publish(t, topic, 1, 1)
	wantTake(t, waits, 4, []int{1}, nil)
	wantTake(t, behind, 4, []int{1}, nil)
	publish(t, topic, 2, 5)
	wantTake(t, waits, 4, []int{2, 3, 4, 5}, nil)
	for range len(waits.Ready()) {
		<-waits.Ready()
	}

	wantTake(t, slow, 4, nil, fanout.ErrLagged)
	slow.Rejoin()
	wantSignal(t, waits.Ready(), false)
	wantTake(t, waits, 4, nil, nil)
	wantTake(t, behind, 4, []int{2, 3, 4, 5}, nil)
}

// Rejoin may also be called by a reader that does not lag, to skip pending values.
func TestRejoinWithoutLag(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	sub := topic.Subscribe()
	publish(t, topic, 1, 3)
	if got := sub.Rejoin(); got != 3 {
		t.Errorf("Rejoin() = %d, want 3", got)
	}
	publish(t, topic, 4, 4)
	wantTake(t, sub, 4, []int{4}, nil)
	sub.Close()
	publish(t, topic, 5, 5)
	sub.Rejoin()
	wantTake(t, sub, 4, nil, fanout.ErrClosed)
}

func TestSubscriptionClose(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	sub, other := topic.Subscribe(), topic.Subscribe()
	publish(t, topic, 1, 1)
	wantTake(t, other, 4, []int{1}, nil)
	sub.Close()
	wantSignal(t, sub.Ready(), true)
	wantTake(t, sub, 4, nil, fanout.ErrClosed)
	sub.Close()
	wantSignal(t, sub.Ready(), false)
	wantTake(t, sub, 4, nil, fanout.ErrClosed)

	publish(t, topic, 2, 2)
	wantSignal(t, sub.Ready(), false)
	wantTake(t, other, 4, []int{2}, nil)
}

func TestSharedReady(t *testing.T) {
	ready := make(chan struct{}, 1)
	topics := []*fanout.Topic[int]{
		fanout.New(fanout.Config[int]{}), fanout.New(fanout.Config[int]{}), fanout.New(fanout.Config[int]{}),
	}
	var subs []*fanout.Subscription[int]
	for _, topic := range topics {
		subs = append(subs, topic.SubscribeWith(ready))
	}
	wantSignal(t, ready, false)
	for i, topic := range topics {
		publish(t, topic, i, i)
		wantSignal(t, ready, true)
		wantTake(t, subs[i], 4, []int{i}, nil)
		wantSignal(t, ready, false)
	}

	// One signal covers all subscriptions.
	publish(t, topics[0], 10, 11)
	publish(t, topics[2], 12, 12)
	wantSignal(t, ready, true)
	wantSignal(t, ready, false)
	wantTake(t, subs[0], 1, []int{10}, nil)
	wantTake(t, subs[1], 1, nil, nil)
	wantTake(t, subs[2], 1, []int{12}, nil)
	wantSignal(t, ready, true)
	wantTake(t, subs[0], 1, []int{11}, nil)

	subs[0].Close()
	topics[1].Close()
	wantSignal(t, ready, true)
	wantTake(t, subs[0], 1, nil, fanout.ErrClosed)
	wantTake(t, subs[1], 1, nil, fanout.ErrClosed)
	publish(t, topics[0], 13, 13)
	wantSignal(t, ready, false)
	publish(t, topics[2], 14, 14)
	wantSignal(t, ready, true)
	wantTake(t, subs[2], 1, []int{14}, nil)
}

func TestSubscribeWithPanics(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	for _, ready := range []chan struct{}{nil, make(chan struct{}), make(chan struct{}, 2)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("SubscribeWith(a channel of capacity %d) did not panic", cap(ready))
				}
			}()
			topic.SubscribeWith(ready)
		}()
	}
	if got := topic.Subscribers(); got != 0 {
		t.Errorf("Subscribers() = %d, want 0", got)
	}
}

// Each of these ends a wait in Next.
func TestNextWakesUp(t *testing.T) {
	for _, tt := range []struct {
		name    string
		act     func(topic *fanout.Topic[int], sub *fanout.Subscription[int], cancel func())
		want    []int
		wantErr error
	}{
		{"by a value", func(topic *fanout.Topic[int], _ *fanout.Subscription[int], _ func()) { _ = topic.Publish(1, 2) }, []int{1, 2}, nil},
		{"by Close", func(_ *fanout.Topic[int], sub *fanout.Subscription[int], _ func()) { sub.Close() }, nil, fanout.ErrClosed},
		{"by Close of the topic", func(topic *fanout.Topic[int], _ *fanout.Subscription[int], _ func()) { topic.Close() }, nil, fanout.ErrClosed},
		{"by its context", func(_ *fanout.Topic[int], _ *fanout.Subscription[int], cancel func()) { cancel() }, nil, context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				topic := fanout.New(fanout.Config[int]{})
				sub := topic.Subscribe()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				returned := false
				go func() {
					var buf [4]int
					n, err := sub.Next(ctx, buf[:])
					if !slices.Equal(buf[:n], tt.want) || !errors.Is(err, tt.wantErr) {
						t.Errorf("Next() = %v, %v, want %v, %v", buf[:n], err, tt.want, tt.wantErr)
					}
					returned = true
				}()
				synctest.Wait()
				if returned {
					t.Fatal("Next() returned before anything happened")
				}
				tt.act(topic, sub, cancel)
				synctest.Wait()
				if !returned {
					t.Error("Next() still waits")
				}
			})
		})
	}
}

// A signal for values that were taken already does not end the wait.
func TestNextIgnoresStaleSignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := fanout.New(fanout.Config[int]{})
		sub := topic.Subscribe()
		publish(t, topic, 1, 1)
		wantTake(t, sub, 4, []int{1}, nil)
		var got []int
		go func() {
			buf := make([]int, 4)
			n, err := sub.Next(t.Context(), buf)
			if err != nil {
				t.Errorf("Next() = %v, want nil", err)
			}
			got = buf[:n]
		}()
		synctest.Wait()
		if got != nil {
			t.Fatalf("Next() = %v, want it to wait", got)
		}
		publish(t, topic, 2, 2)
		synctest.Wait()
		if !slices.Equal(got, []int{2}) {
			t.Errorf("Next() = %v, want [2]", got)
		}
	})
}

// Next returns the context's error even if values are pending.
func TestNextWithDoneContext(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	sub := topic.Subscribe()
	publish(t, topic, 1, 2)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var buf [4]int
	if n, err := sub.Next(ctx, buf[:]); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("Next() = %d, %v, want 0, %v", n, err, context.Canceled)
	}
	wantTake(t, sub, 4, []int{1, 2}, nil)
}

func TestAll(t *testing.T) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	const window = 200
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		values  int
		stop    int // after so many values, or never
		want    []int
		wantErr error
	}{
		{"until the topic ends", t.Context(), 150, -1, sequence(1, 150), fanout.ErrClosed},
		{"until lagged", t.Context(), window + 1, -1, nil, fanout.ErrLagged},
		{"until the context ends", ended, 3, -1, nil, context.Canceled},
		{"until the caller stops", t.Context(), 150, 3, sequence(1, 3), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			topic := fanout.New(fanout.Config[int]{Window: window})
			sub := topic.Subscribe()
			publish(t, topic, 1, tt.values)
			topic.Close()
			var got []int
			var gotErr error
			for v, err := range sub.All(tt.ctx) {
				if gotErr != nil {
					t.Fatalf("All() yields %v, %v after %v", v, err, gotErr)
				}
				if gotErr = err; err == nil {
					got = append(got, v)
				}
				if len(got) == tt.stop {
					break
				}
			}
			if !slices.Equal(got, tt.want) || !errors.Is(gotErr, tt.wantErr) {
				t.Errorf("All() yields %v, %v, want %v, %v", got, gotErr, tt.want, tt.wantErr)
			}
		})
	}
}

// The function is called instead of a send to Ready: once for any number of values,
// again if a Take leaves values pending, and after Close.
func TestSubscribeFunc(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	calls := 0
	sub := topic.SubscribeFunc(func() { calls++ })
	want := func(n int) {
		t.Helper()
		if calls != n {
			t.Fatalf("notify was called %d times, want %d", calls, n)
		}
	}
	want(0)
	publish(t, topic, 1, 3)
	want(1)
	publish(t, topic, 4, 6)
	want(1)
	wantTake(t, sub, 4, []int{1, 2, 3, 4}, nil)
	want(2)
	wantTake(t, sub, 4, []int{5, 6}, nil)
	want(2)
	publish(t, topic, 7, 7)
	want(3)
	wantTake(t, sub, 4, []int{7}, nil)
	topic.Close()
	want(4)
	wantTake(t, sub, 4, nil, fanout.ErrClosed)
	if sub.Ready() != nil {
		t.Error("Ready() of a subscription with a function != nil, want nil")
	}
}

// Behind counts what was published and not taken, also of what is lost, until Rejoin.
func TestBehind(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{Window: 4})
	sub := topic.Subscribe()
	check := func(want uint64) {
		t.Helper()
		if got := sub.Behind(); got != want {
			t.Errorf("Behind() = %d, want %d", got, want)
		}
	}
	check(0)
	publish(t, topic, 1, 3)
	check(3)
	wantTake(t, sub, 2, []int{1, 2}, nil)
	check(1)
	publish(t, topic, 4, 9)
	wantTake(t, sub, 2, nil, fanout.ErrLagged)
	check(7)
	sub.Rejoin()
	check(0)
}
