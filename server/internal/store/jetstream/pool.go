package jetstream

import (
	"runtime"
	"sync"
)

// pool runs work on a few goroutines, so that the slow function of one tail delays neither
// the others nor the feed.
type pool struct {
	running sync.WaitGroup

	mu     sync.Mutex // guards below
	cond   *sync.Cond // signalled when ready grows, and by close
	ready  []*work
	closed bool
}

// work is a function that the pool runs after a wake, on one goroutine at a time.
type work struct {
	pool    *pool
	do      func()
	running sync.Mutex // held while do runs

	// Guarded by pool.mu.
	queued  bool
	stopped bool
}

func newPool() *pool {
	p := &pool{}
	p.cond = sync.NewCond(&p.mu)
	return p
}

func (p *pool) start() {
	for range max(4, runtime.GOMAXPROCS(0)) {
		p.running.Go(p.run)
	}
}

func (p *pool) run() {
	for {
		next := p.next()
		if next == nil {
			return
		}
		next.run()
	}
}

// next waits for work that is ready. It returns nil after close.
func (p *pool) next() *work {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.ready) == 0 && !p.closed {
		p.cond.Wait()
	}
	if p.closed {
		return nil
	}
	next := p.ready[0]
	p.ready = p.ready[1:]
	return next
}

// close ends all work, and waits for what is running.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	p.ready = nil
	p.mu.Unlock()
	p.cond.Broadcast()
	p.running.Wait()
}

// wake has the work run once more.
func (w *work) wake() {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	if w.queued || w.stopped || w.pool.closed {
		return
	}
	w.queued = true
	w.pool.ready = append(w.pool.ready, w)
	w.pool.cond.Signal()
}

func (w *work) run() {
	w.running.Lock()
	defer w.running.Unlock()
	w.pool.mu.Lock()
	w.queued = false
	stopped := w.stopped
	w.pool.mu.Unlock()
	if !stopped {
		w.do()
	}
}

// stop returns when the work is not running, and will not run again.
func (w *work) stop() {
	w.pool.mu.Lock()
	w.stopped = true
	w.pool.mu.Unlock()
	w.running.Lock()
	defer w.running.Unlock()
}
