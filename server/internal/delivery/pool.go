package delivery

import (
	"cmp"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Config is how a Pool behaves. Its zero value is ready to use.
type Config struct {
	// Workers is how many goroutines deliver. Zero means GOMAXPROCS.
	Workers int
	// Blocking is how many tasks may wait for storage at once. Zero means 16.
	Blocking int
	// Tick is how often handlers' Tick is called. Zero means 1 s.
	Tick time.Duration
}

// Pool runs tasks. Create it with New, and close it.
type Pool struct {
	config  Config
	workers []*worker
	next    atomic.Uint64 // the worker of the next connection
	closing chan struct{}
	running sync.WaitGroup

	mu       sync.Mutex // guards below
	blocked  queue      // tasks that wait for a goroutine on which they may block
	blocking int        // goroutines for these
	closed   bool
}

// New returns a pool whose workers run.
func New(c Config) *Pool {
	c.Workers = cmp.Or(c.Workers, runtime.GOMAXPROCS(0))
	c.Blocking = cmp.Or(c.Blocking, 16)
	c.Tick = cmp.Or(c.Tick, time.Second)
	p := &Pool{config: c, closing: make(chan struct{})}
	for range c.Workers {
		w := &worker{pool: p, wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, w)
		p.running.Go(w.run)
	}
	return p
}

// Conn adds a connection.
func (p *Pool) Conn(out Flusher) *Conn {
	w := p.workers[p.next.Add(1)%uint64(len(p.workers))]
	return &Conn{worker: w, out: out}
}

// Counted returns the sum of all calls of Task.Count.
func (p *Pool) Counted() uint64 {
	var sum uint64
	for _, w := range p.workers {
		sum += w.counted.Load()
	}
	return sum
}

// Close stops the workers and waits for the handlers that are being called. Tasks
// never run again.
func (p *Pool) Close() {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.closing)
	}
	p.mu.Unlock()
	p.running.Wait()
}

// block queues a task that has to wait for storage. The task stays running.
func (p *Pool) block(t *Task) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blocked.push(t)
	if p.blocking < p.config.Blocking {
		p.blocking++
		p.running.Go(p.runBlocked)
	}
}

// runBlocked runs tasks that may wait for storage until none is queued.
func (p *Pool) runBlocked() {
	var one []*Task
	for {
		p.mu.Lock()
		one = p.blocked.take(one[:0], 1)
		if len(one) == 0 || p.closed {
			p.blocking--
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		t := one[0]
		r := t.handler.Run(time.Now(), true)
		t.conn.out.Flush()
		t.settle(r)
	}
}
