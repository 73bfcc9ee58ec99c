package delivery

import (
	"sync/atomic"
	"time"
)

// Result is what happens to a task after it ran.
type Result int

const (
	// Idle tasks run again when Wake is called, or was called while they ran.
	Idle Result = iota
	// Again has the task run once more, after those that wait in its queue.
	Again
	// Blocks has the task run on a goroutine on which it may wait for storage.
	Blocks
	// Ended tasks never run again.
	Ended
)

// Handler is what a task does. Its methods are never called concurrently.
type Handler interface {
	// Run takes what is pending and appends it to the connection, which is flushed
	// after it. It must not wait, unless mayBlock is set: then it may wait for
	// storage, but still not for the connection. now is when the turn began.
	Run(now time.Time, mayBlock bool) Result
	// Tick is called about once in Config.Tick, between runs, with the time: for
	// heartbeats and timeouts. It must not wait. What it appends is flushed.
	Tick(now time.Time) Result
}

// Task is the delivery of one stream. It is a value, to be kept beside what its handler
// uses: a delivery finds memory cold, and each object that it touches costs a cache
// miss. Its zero value ignores Wake until Conn.Add and Start are called.
type Task struct {
	state   atomic.Uint32
	bulk    atomic.Bool // the queue of the next run
	worker  *worker
	conn    *Conn
	handler Handler
	index   int // in worker.tasks; guarded by worker.mu
}

// The states of a task. The goroutine that makes it queued puts it into a queue; the
// one that makes it running owns it.
const (
	fresh uint32 = iota // not started
	idle
	queued  // in a queue
	running // its handler is being called
	woken   // running, and to run again
	ended
)

// Wake has the task run soon. bulk says that it was woken together with many
// others, by an event in a large room. Wake never blocks for longer than a push to
// a queue takes, and may be called from any goroutine, also by the handler.
func (t *Task) Wake(bulk bool) {
	for {
		switch s := t.state.Load(); s {
		case idle:
			if t.state.CompareAndSwap(s, queued) {
				t.worker.push(t, bulk)
				return
			}
		case running:
			t.bulk.Store(bulk)
			if t.state.CompareAndSwap(s, woken) {
				return
			}
		default: // it will run for the first time or once more, or never again
			return
		}
	}
}

// Count adds n to what Pool.Counted returns. It is for the handler while it is called: the
// counters of workers share no cache line, and one that counts once for each run does not
// notice it.
func (t *Task) Count(n int) { t.worker.counted.Add(uint64(n)) }

// acquire makes an idle task running, for a call that was not queued.
func (t *Task) acquire() bool { return t.state.CompareAndSwap(idle, running) }

// settle does what a handler's result asks for. The caller owns the task.
func (t *Task) settle(r Result) {
	w := t.worker
	switch r {
	case Ended:
		t.state.Store(ended)
		w.remove(t)
	case Blocks:
		w.pool.block(t)
	case Again:
		t.state.Store(queued)
		w.push(t, t.bulk.Load())
	default:
		if !t.state.CompareAndSwap(running, idle) {
			t.state.Store(queued)
			w.push(t, t.bulk.Load())
		}
	}
}

// Conn is a connection that carries streams. Its worker never changes.
type Conn struct {
	worker *worker
	out    Flusher
	turn   uint64 // the worker's last turn in which it was touched; used by the worker alone
}

// Flusher writes what the tasks of a connection have appended, without waiting for the
// socket.
type Flusher interface{ Flush() }

// Add makes t a task of the connection. It runs once Start is called: what wakes it
// before that is covered by its first run.
func (c *Conn) Add(t *Task, h Handler) {
	t.worker, t.conn, t.handler = c.worker, c, h
	c.worker.add(t)
}

// Start has the task run for the first time. It is called once.
func (t *Task) Start() { t.settle(Again) }
