package fanout_test

import (
	"errors"
	"testing"

	"chatroom/server/fanout"
)

func TestPublishReachesEverySubscriberInOrder(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	early, second := topic.Subscribe(), topic.Subscribe()
	publish(t, topic, 1, 3)
	late := topic.Subscribe()
	publish(t, topic, 4, 4)
	wantTake(t, early, 10, []int{1, 2, 3, 4}, nil)
	wantTake(t, second, 10, []int{1, 2, 3, 4}, nil)
	wantTake(t, late, 10, []int{4}, nil)
	for _, sub := range []*fanout.Subscription[int]{early, second, late} {
		wantTake(t, sub, 10, nil, nil)
	}
}

// The ring of a topic grows with its values, up to the window.
func TestWindow(t *testing.T) {
	for _, tt := range []struct{ window, kept int }{
		{0, fanout.DefaultWindow},
		{1, 1},
		{2, 2},
		{15, 15},
		{16, 16},
		{17, 17},
		{31, 31},
		{32, 32},
		{100, 100},
		{1000, 1000},
		{1025, 1025},
	} {
		// Independent of the number of the first value and of the batch size.
		for _, before := range []int{0, 1, 7, 16, 33} {
			for _, chunk := range []int{1, 5, tt.kept} {
				testWindow(t, tt.window, tt.kept, before, chunk)
			}
		}
	}
}

func testWindow(t *testing.T, window, kept, before, chunk int) {
	t.Helper()
	topic := fanout.New(fanout.Config[int]{Window: window})
	if before > 0 {
		publish(t, topic, -before, -1)
	}
	within, out := topic.Subscribe(), topic.Subscribe()
	for from := 1; from <= kept; from += chunk {
		publish(t, topic, from, min(from+chunk-1, kept))
	}
	wantTake(t, within, kept+1, sequence(1, kept), nil)
	publish(t, topic, kept+1, kept+1)
	wantTake(t, within, 2, []int{kept + 1}, nil)
	wantTake(t, out, kept+1, nil, fanout.ErrLagged)
	if t.Failed() {
		t.Fatalf("with a window of %d after %d values, published %d at a time", window, before, chunk)
	}
}

// Values that a partial Take left pending stay available while the reader is within
// the window.
func TestWindowAfterPartialTake(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{Window: 4})
	sub := topic.Subscribe()
	publish(t, topic, 1, 4)
	wantTake(t, sub, 2, []int{1, 2}, nil)
	publish(t, topic, 5, 6)
	wantTake(t, sub, 1, []int{3}, nil)
	publish(t, topic, 7, 7)
	wantTake(t, sub, 8, []int{4, 5, 6, 7}, nil)
	publish(t, topic, 8, 12)
	wantTake(t, sub, 8, nil, fanout.ErrLagged)
}

func TestPublishWithoutValues(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	sub := topic.Subscribe()
	if err := topic.Publish(); err != nil {
		t.Errorf("Publish() = %v, want nil", err)
	}
	wantTake(t, sub, 1, nil, nil)
	publish(t, topic, 1, 1)
	wantSignal(t, sub.Ready(), true)
	wantTake(t, sub, 1, []int{1}, nil)
}

// There is no reader: if Publish waited for subscribers, the test would not end.
func TestPublishDoesNotWait(t *testing.T) {
	const window = 8
	topic := fanout.New(fanout.Config[int]{Window: window})
	stuck, alsoStuck := topic.Subscribe(), topic.Subscribe()
	for v := range 100 * window {
		publish(t, topic, v, v)
	}
	wantSignal(t, stuck.Ready(), true)
	wantTake(t, stuck, 1, nil, fanout.ErrLagged)
	wantTake(t, alsoStuck, 1, nil, fanout.ErrLagged)
	publish(t, topic, 0, 10*window)
}

func TestTopicClose(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{Window: 4})
	idle, behind, partial, lagged := topic.Subscribe(), topic.Subscribe(), topic.Subscribe(), topic.Subscribe()
	publish(t, topic, 1, 1)
	wantTake(t, idle, 4, []int{1}, nil)
	wantTake(t, behind, 4, []int{1}, nil)
	wantTake(t, partial, 4, []int{1}, nil)
	publish(t, topic, 2, 5)
	wantTake(t, idle, 4, []int{2, 3, 4, 5}, nil)
	wantTake(t, partial, 1, []int{2}, nil)
	for _, sub := range []*fanout.Subscription[int]{idle, behind, partial, lagged} {
		for range len(sub.Ready()) {
			<-sub.Ready()
		}
	}

	topic.Close()
	topic.Close()
	if err := topic.Publish(6); !errors.Is(err, fanout.ErrClosed) {
		t.Errorf("Publish() after Close = %v, want %v", err, fanout.ErrClosed)
	}
	if err := topic.Publish(); !errors.Is(err, fanout.ErrClosed) {
		t.Errorf("Publish() without values after Close = %v, want %v", err, fanout.ErrClosed)
	}

	wantSignal(t, idle.Ready(), true)
	wantTake(t, idle, 4, nil, fanout.ErrClosed)
	wantTake(t, idle, 4, nil, fanout.ErrClosed)

	// Pending values come first, then a signal for the error.
	wantTake(t, behind, 4, []int{2, 3, 4, 5}, nil)
	wantSignal(t, behind.Ready(), true)
	wantTake(t, behind, 4, nil, fanout.ErrClosed)
	wantTake(t, partial, 2, []int{3, 4}, nil)
	wantSignal(t, partial.Ready(), true)
	wantTake(t, partial, 2, []int{5}, nil)
	wantSignal(t, partial.Ready(), true)
	wantTake(t, partial, 2, nil, fanout.ErrClosed)

	wantTake(t, lagged, 4, nil, fanout.ErrLagged)
	if got := lagged.Rejoin(); got != 5 {
		t.Errorf("Rejoin() = %d, want 5", got)
	}
	wantSignal(t, lagged.Ready(), true)
	wantTake(t, lagged, 4, nil, fanout.ErrClosed)

	late := topic.Subscribe()
	wantSignal(t, late.Ready(), true)
	wantTake(t, late, 4, nil, fanout.ErrClosed)
}

func TestSubscribers(t *testing.T) {
	topic := fanout.New(fanout.Config[int]{})
	want := func(want int) {
		t.Helper()
		if got := topic.Subscribers(); got != want {
			t.Errorf("Subscribers() = %d, want %d", got, want)
		}
	}
	want(0)
	a, b := topic.Subscribe(), topic.Subscribe()
	want(2)
	a.Close()
	a.Close()
	want(1)
	topic.Close()
	want(1)
	b.Close()
	want(0)
}
