package jetstream

import (
	"runtime"
	"sync"
)

// calls runs the work of callers on a few goroutines: a function of a tail that
// takes its time holds up none of the others, and not the feed.
type calls struct {
	running sync.WaitGroup

	mu     sync.Mutex // guards below
	cond   *sync.Cond
	ready  []*caller
	closed bool
}

// caller has its work done when it is ready, by one goroutine at a time.
type caller struct {
	calls   *calls
	work    func()
	working sync.Mutex // held while work runs

	// Guarded by calls.mu.
	queued  bool
	stopped bool
}

func newCalls() *calls {
	c := &calls{}
	c.cond = sync.NewCond(&c.mu)
	return c
}

func (c *calls) start() {
	for range max(4, runtime.GOMAXPROCS(0)) {
		c.running.Go(c.run)
	}
}

func (c *calls) run() {
	for {
		next := c.next()
		if next == nil {
			return
		}
		next.run()
	}
}

func (c *calls) next() *caller {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.ready) == 0 && !c.closed {
		c.cond.Wait()
	}
	if c.closed {
		return nil
	}
	next := c.ready[0]
	c.ready = c.ready[1:]
	return next
}

// close ends all callers, and waits for their work.
func (c *calls) close() {
	c.mu.Lock()
	c.closed = true
	c.ready = nil
	c.mu.Unlock()
	c.cond.Broadcast()
	c.running.Wait()
}

// wake has the work done soon.
func (c *caller) wake() {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	if c.queued || c.stopped || c.calls.closed {
		return
	}
	c.queued = true
	c.calls.ready = append(c.calls.ready, c)
	c.calls.cond.Signal()
}

func (c *caller) run() {
	c.working.Lock()
	defer c.working.Unlock()
	c.calls.mu.Lock()
	c.queued = false
	stopped := c.stopped
	c.calls.mu.Unlock()
	if !stopped {
		c.work()
	}
}

// stop returns when the work is not running, and will not run again.
func (c *caller) stop() {
	c.calls.mu.Lock()
	c.stopped = true
	c.calls.mu.Unlock()
	c.working.Lock()
	defer c.working.Unlock()
}
