package delivery

import (
	"sync/atomic"
	"time"
)

// Result is what a task wants after it ran.
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
	// storage, but still not for the connection.
	Run(mayBlock bool) Result
	// Tick is called about once in Config.Tick, between runs, with the time: for
	// heartbeats and timeouts. It must not wait. What it appends is flushed.
	Tick(now time.Time) Result
}

// Task is the delivery of one stream. Create it with Conn.Task.
type Task struct {
	conn    *Conn
	handler Handler
	state   atomic.Uint32
	bulk    atomic.Bool // the queue of the next run
	index   int         // in worker.tasks; guarded by worker.mu
}

// The states of a task. The goroutine that makes it queued puts it into a queue; the
// one that makes it running owns it.
const (
	idle    uint32 = iota
	queued         // in a queue
	running        // its handler is being called
	woken          // running, and to run again
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
				t.conn.worker.push(t, bulk)
				return
			}
		case running:
			t.bulk.Store(bulk)
			if t.state.CompareAndSwap(s, woken) {
				return
			}
		default: // it will run, or never again
			return
		}
	}
}

// acquire makes an idle task running, for a call that was not queued.
func (t *Task) acquire() bool { return t.state.CompareAndSwap(idle, running) }

// settle does what a handler's result asks for. The caller owns the task.
func (t *Task) settle(r Result) {
	w := t.conn.worker
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
	flush  func()
	turn   uint64 // the worker's last turn in which it was touched; used by the worker alone
}

// Task adds a task. It runs once Start is called.
func (c *Conn) Task(h Handler) *Task {
	t := &Task{conn: c, handler: h}
	t.state.Store(woken) // what wakes it before Start is covered by its first run
	c.worker.add(t)
	return t
}

// Start has the task run for the first time. It is called once.
func (t *Task) Start() { t.settle(Again) }
