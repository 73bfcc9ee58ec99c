package fanout_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"chatroom/server/fanout"
)

// concurrency is a topic with many concurrent publishers and with fast, slow and
// brief readers. Publishers wait for the fast readers, so that these never lag; their
// order is the reference for all other readers. A lost wake-up is a deadlock, which
// the synctest bubble reports.
type concurrency struct {
	topic *fanout.Topic[int]
	wg    sync.WaitGroup

	inFlight  chan struct{}   // a token for each value that some fast reader has not taken
	seen      []atomic.Int32  // the number of fast readers that have taken a value
	published atomic.Int32    // the number of values
	stages    []chan struct{} // stage i is closed when (i+1)*stage values are published
	rejoined  sync.WaitGroup  // of the slow readers, after the last stage

	fast  [fastReaders][]int
	slow  [slowReaders]history
	brief [briefReaders][][]int
}

const (
	publishers   = 8
	perPublisher = 1200
	epilogue     = publishers * perPublisher // the first value of the last batch
	total        = epilogue + window
	fastReaders  = 12
	slowReaders  = 6
	briefReaders = 4
	window       = 128
	stage        = 3 * window
)

// history is what a reader received: each value and its position in the order.
type history struct {
	values, positions []int
	lagged            int
}

func TestConcurrentPublishersAndReaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &concurrency{
			topic:    fanout.New(fanout.Config[int]{Window: window}),
			inFlight: make(chan struct{}, window),
			seen:     make([]atomic.Int32, total),
			stages:   make([]chan struct{}, epilogue/stage),
		}
		for i := range c.stages {
			c.stages[i] = make(chan struct{})
		}
		c.start(t)
		c.wg.Wait()
		if got := c.topic.Subscribers(); got != 0 {
			t.Errorf("Subscribers() = %d, want 0", got)
		}

		order := c.fast[0]
		checkOrder(t, order)
		for i, values := range c.fast {
			if !slices.Equal(values, order) {
				t.Errorf("fast reader %d got %d values, want the %d of fast reader 0 in its order", i, len(values), len(order))
			}
		}
		for i, h := range c.slow {
			checkHistory(t, i, h, order)
		}
		for i, visits := range c.brief {
			for _, values := range visits {
				from := slices.Index(order, values[0])
				if from < 0 || from+len(values) > len(order) || !slices.Equal(values, order[from:from+len(values)]) {
					t.Errorf("brief reader %d got %v, want consecutive values", i, values)
				}
			}
		}
	})
}

// start subscribes the fast and slow readers and then starts all goroutines.
func (c *concurrency) start(t *testing.T) {
	for i := range c.fast {
		sub := c.topic.Subscribe()
		c.wg.Go(func() { c.readFast(t, sub, i) })
	}
	for i := range c.slow {
		sub := c.topic.Subscribe()
		c.wg.Go(func() { c.readSlowly(t, sub, i) })
	}
	for i := range c.brief {
		c.wg.Go(func() { c.readBriefly(t, i) })
	}
	var publishing sync.WaitGroup
	for p := range publishers {
		publishing.Go(func() { c.publish(t, p) })
	}
	c.rejoined.Add(slowReaders)
	c.wg.Go(func() {
		publishing.Wait()
		c.rejoined.Wait()
		for range window {
			c.inFlight <- struct{}{}
		}
		if err := c.topic.Publish(sequence(epilogue, total-1)...); err != nil {
			t.Errorf("Publish() = %v, want nil", err)
		}
		c.topic.Close()
	})
}

// publish publishes the perPublisher values of publisher p in ascending order, a few
// at a time.
func (c *concurrency) publish(t *testing.T, p int) {
	random := rand.New(rand.NewPCG(0, uint64(p)))
	for sent := 0; sent < perPublisher; {
		n := min(1+random.IntN(4), perPublisher-sent)
		for range n {
			c.inFlight <- struct{}{}
		}
		from := p*perPublisher + sent
		if err := c.topic.Publish(sequence(from, from+n-1)...); err != nil {
			t.Errorf("Publish() = %v, want nil", err)
			return
		}
		sent += n
		after := int(c.published.Add(int32(n)))
		if before := after - n; before/stage != after/stage {
			close(c.stages[before/stage])
		}
	}
}

func (c *concurrency) readFast(t *testing.T, sub *fanout.Subscription[int], i int) {
	defer sub.Close()
	buf := make([]int, 1+7*i)
	for {
		n, err := sub.Next(t.Context(), buf)
		for _, v := range buf[:n] {
			if c.seen[v].Add(1) == fastReaders {
				<-c.inFlight
			}
		}
		c.fast[i] = append(c.fast[i], buf[:n]...)
		if err != nil {
			if !errors.Is(err, fanout.ErrClosed) {
				t.Errorf("Next() of fast reader %d = %v, want %v", i, err, fanout.ErrClosed)
			}
			return
		}
	}
}

// readSlowly reads a few values at each stage, and lags at the first stage at least.
// After the last stage it rejoins and keeps up. It must not wait for a value before:
// the publishers may have finished already.
func (c *concurrency) readSlowly(t *testing.T, sub *fanout.Subscription[int], i int) {
	defer sub.Close()
	h := &c.slow[i]
	position := 0
	var buf [16]int
	record := func(n int) {
		for _, v := range buf[:n] {
			h.values = append(h.values, v)
			h.positions = append(h.positions, position)
			position++
		}
	}
	for _, passed := range c.stages {
		<-passed
		for range 3 {
			n, err := sub.Take(buf[:])
			record(n)
			if errors.Is(err, fanout.ErrLagged) {
				h.lagged++
				position += int(sub.Rejoin())
			} else if err != nil {
				t.Errorf("Take() of slow reader %d = %v, want nil or %v", i, err, fanout.ErrLagged)
			}
		}
	}
	position += int(sub.Rejoin())
	c.rejoined.Done()
	for {
		n, err := sub.Next(t.Context(), buf[:])
		record(n)
		if err != nil {
			if !errors.Is(err, fanout.ErrClosed) {
				t.Errorf("Next() of slow reader %d = %v, want %v", i, err, fanout.ErrClosed)
			}
			return
		}
	}
}

// readBriefly subscribes and unsubscribes repeatedly, like clients on a bad network.
func (c *concurrency) readBriefly(t *testing.T, i int) {
	for open := true; open; {
		sub := c.topic.Subscribe()
		var values []int
		var buf [8]int
		for len(values) < 20 {
			n, err := sub.Next(t.Context(), buf[:])
			values = append(values, buf[:n]...)
			open = !errors.Is(err, fanout.ErrClosed)
			if err != nil {
				break
			}
		}
		sub.Close()
		if len(values) > 0 {
			c.brief[i] = append(c.brief[i], values)
		}
	}
}

// checkOrder fails unless order contains every value once, the values of each
// publisher in ascending order, and the epilogue last.
func checkOrder(t *testing.T, order []int) {
	t.Helper()
	var next [publishers + 1]int
	for _, v := range order {
		p := v / perPublisher
		if v%perPublisher != next[p] {
			t.Fatalf("value of publisher %d = %d, want %d next", p, v%perPublisher, next[p])
		}
		next[p]++
	}
	want := [publishers + 1]int{publishers: window}
	for p := range publishers {
		want[p] = perPublisher
	}
	if next != want {
		t.Errorf("got %v values by publisher, want %v", next, want)
	}
}

// checkHistory fails unless a reader that lagged received each value at its position
// in the order, and the whole epilogue.
func checkHistory(t *testing.T, i int, h history, order []int) {
	t.Helper()
	for j, v := range h.values {
		if position := h.positions[j]; position >= len(order) || order[position] != v {
			t.Fatalf("slow reader %d got %d at position %d, want the value of the fast readers", i, v, position)
		}
	}
	if h.lagged == 0 {
		t.Errorf("slow reader %d never lagged", i)
	}
	if want := sequence(epilogue, total-1); len(h.values) < window || !slices.Equal(h.values[len(h.values)-window:], want) {
		t.Errorf("slow reader %d got %d values, want the last %d to be %d…%d", i, len(h.values), window, epilogue, total-1)
	}
}
