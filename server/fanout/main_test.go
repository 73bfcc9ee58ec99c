package fanout_test

import (
	"errors"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"chatroom/server/fanout"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// publish publishes from, from+1, …, to in one call.
func publish(t *testing.T, topic *fanout.Topic[int], from, to int) {
	t.Helper()
	if err := topic.Publish(sequence(from, to)...); err != nil {
		t.Fatalf("Publish(%d…%d) = %v, want nil", from, to, err)
	}
}

// sequence returns from, from+1, …, to.
func sequence(from, to int) []int {
	var values []int
	for v := from; v <= to; v++ {
		values = append(values, v)
	}
	return values
}

// wantTake takes up to size values and compares them.
func wantTake(t *testing.T, sub *fanout.Subscription[int], size int, want []int, wantErr error) {
	t.Helper()
	buf := make([]int, size)
	n, err := sub.Take(buf)
	if !slices.Equal(buf[:n], want) || !errors.Is(err, wantErr) {
		t.Errorf("Take(%d) = %v, %v, want %v, %v", size, buf[:n], err, want, wantErr)
	}
}

// wantSignal checks, without waiting, whether ready has a signal.
func wantSignal(t *testing.T, ready <-chan struct{}, want bool) {
	t.Helper()
	got := false
	select {
	case <-ready:
		got = true
	default:
	}
	if got != want {
		t.Errorf("signal on Ready() = %t, want %t", got, want)
	}
}
