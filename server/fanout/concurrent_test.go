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

// crowd is a topic with many publishers and readers of several tempers, all at
// once. The fast readers hold the publishers back so far that none of them can
// lag, and their order is what all others are compared with. A lost wake-up is a
// deadlock, which the bubble that this runs in reports.
type crowd struct {
	topic *fanout.Topic[int]
	wg    sync.WaitGroup

	room      chan struct{}   // a token for each value that the fast readers may be behind
	seen      []atomic.Int32  // by how many fast readers, by value
	published atomic.Int32    // values
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

// history is what a reader got, and where it was in the order when it got it.
type history struct {
	values, places []int
	lagged         int
}

func TestCrowd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{
			topic:  fanout.New(fanout.Config[int]{Window: window}),
			room:   make(chan struct{}, window),
			seen:   make([]atomic.Int32, total),
			stages: make([]chan struct{}, epilogue/stage),
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

// start subscribes those who are to see all, and then lets everybody run.
func (c *crowd) start(t *testing.T) {
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
			c.room <- struct{}{}
		}
		if err := c.topic.Publish(sequence(epilogue, total-1)...); err != nil {
			t.Errorf("Publish() = %v, want nil", err)
		}
		c.topic.Close()
	})
}

// publish publishes perPublisher values of its own, ascending, a few at a time.
func (c *crowd) publish(t *testing.T, p int) {
	random := rand.New(rand.NewPCG(0, uint64(p)))
	for sent := 0; sent < perPublisher; {
		n := min(1+random.IntN(4), perPublisher-sent)
		for range n {
			c.room <- struct{}{}
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

func (c *crowd) readFast(t *testing.T, sub *fanout.Subscription[int], i int) {
	defer sub.Close()
	buf := make([]int, 1+7*i)
	for {
		n, err := sub.Next(t.Context(), buf)
		for _, v := range buf[:n] {
			if c.seen[v].Add(1) == fastReaders {
				<-c.room
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

// readSlowly reads a little at each stage, and is out of the window at the first
// one at least. After the last stage it rejoins, and keeps up. It must not wait
// for a value before that: others may have published everything already.
func (c *crowd) readSlowly(t *testing.T, sub *fanout.Subscription[int], i int) {
	defer sub.Close()
	h := &c.slow[i]
	place := 0
	var buf [16]int
	record := func(n int) {
		for _, v := range buf[:n] {
			h.values = append(h.values, v)
			h.places = append(h.places, place)
			place++
		}
	}
	for _, passed := range c.stages {
		<-passed
		for range 3 {
			n, err := sub.Take(buf[:])
			record(n)
			if errors.Is(err, fanout.ErrLagged) {
				h.lagged++
				place += int(sub.Rejoin())
			} else if err != nil {
				t.Errorf("Take() of slow reader %d = %v, want nil or %v", i, err, fanout.ErrLagged)
			}
		}
	}
	place += int(sub.Rejoin())
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

// readBriefly comes and goes, as clients with bad networks do.
func (c *crowd) readBriefly(t *testing.T, i int) {
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

// checkOrder fails unless order holds every value once, those of each publisher
// ascending, and the epilogue last.
func checkOrder(t *testing.T, order []int) {
	t.Helper()
	var next [publishers + 1]int
	for _, v := range order {
		p := v / perPublisher
		if v%perPublisher != next[p] {
			t.Fatalf("value %d of publisher %d comes where %d should", v%perPublisher, p, next[p])
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

// checkHistory fails unless a reader that lagged got each value at its place in
// the order, and all of the epilogue.
func checkHistory(t *testing.T, i int, h history, order []int) {
	t.Helper()
	for j, v := range h.values {
		if place := h.places[j]; place >= len(order) || order[place] != v {
			t.Fatalf("slow reader %d got %d at place %d of the order, want what the others got there", i, v, place)
		}
	}
	if h.lagged == 0 {
		t.Errorf("slow reader %d never lagged", i)
	}
	if want := sequence(epilogue, total-1); len(h.values) < window || !slices.Equal(h.values[len(h.values)-window:], want) {
		t.Errorf("slow reader %d got %d values, want the last %d to be %d…%d", i, len(h.values), window, epilogue, total-1)
	}
}
