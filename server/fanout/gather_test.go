package fanout

import (
	"testing"
	"testing/synctest"
	"time"
)

const gather = 2 * time.Millisecond

// gatherTopic returns a topic with enough subscribers to use all of its time, and
// one of them.
func gatherTopic(t *testing.T) (*Topic[int], *Subscription[int]) {
	t.Helper()
	topic := New[int](Config{Gather: gather})
	for range gather / gatherShare {
		topic.Subscribe()
	}
	sub := topic.Subscribe()
	if err := topic.Publish(0); err != nil {
		t.Fatalf("Publish = %v, want nil", err)
	}
	wantWoken(t, sub, 0)
	return topic, sub
}

// wantWoken wants the subscriber to be woken already, and these to be all there is.
func wantWoken(t *testing.T, sub *Subscription[int], want ...int) {
	t.Helper()
	select {
	case <-sub.Ready():
	default:
		t.Fatalf("not woken, want %v", want)
	}
	var buf [16]int
	n, err := sub.Take(buf[:])
	if err != nil || n != len(want) {
		t.Fatalf("Take = %v, %v, want %v", buf[:n], err, want)
	}
	for i := range want {
		if buf[i] != want[i] {
			t.Fatalf("Take = %v, want %v", buf[:n], want)
		}
	}
}

func wantAsleep(t *testing.T, sub *Subscription[int]) {
	t.Helper()
	select {
	case <-sub.Ready():
		t.Fatal("woken, want it asleep")
	default:
	}
}

// What is published soon after a wake-up reaches subscribers together, once the
// time to gather has passed since that wake-up.
func TestGather(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic, sub := gatherTopic(t)
		for i := 1; i <= 3; i++ {
			<-time.After(gather / 4)
			_ = topic.Publish(i)
			wantAsleep(t, sub)
		}
		<-time.After(gather/4 - 1)
		synctest.Wait()
		wantAsleep(t, sub)
		<-time.After(1)
		synctest.Wait()
		wantWoken(t, sub, 1, 2, 3)

		// The end of a gathering counts as a wake-up.
		<-time.After(gather / 2)
		_ = topic.Publish(4)
		wantAsleep(t, sub)
		<-time.After(gather / 2)
		synctest.Wait()
		wantWoken(t, sub, 4)
	})
}

// A topic that was idle for a moment wakes its subscribers at once.
func TestGatherAddsNothingWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic, sub := gatherTopic(t)
		for i := 1; i <= 3; i++ {
			<-time.After(gather)
			_ = topic.Publish(i)
			wantWoken(t, sub, i)
		}
	})
}

// With few subscribers the time is shorter: 20 µs for each.
func TestGatherOfFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic := New[int](Config{Gather: gather})
		sub := topic.Subscribe()
		_ = topic.Publish(0)
		wantWoken(t, sub, 0)
		_ = topic.Publish(1)
		wantAsleep(t, sub)
		<-time.After(gatherShare)
		synctest.Wait()
		wantWoken(t, sub, 1)
	})
}

// Close does not wait for the end of a gathering, and leaves no timer behind.
func TestGatherEndsWithClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		topic, sub := gatherTopic(t)
		_ = topic.Publish(1)
		wantAsleep(t, sub)
		topic.Close()
		wantWoken(t, sub, 1)
		<-time.After(gather)
		synctest.Wait()
		if _, err := sub.Take(make([]int, 1)); err != ErrClosed {
			t.Errorf("Take after Close = %v, want %v", err, ErrClosed)
		}
	})
}
