package delivery

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// turnTasks is how many tasks a worker takes from each of its queues in one turn.
	turnTasks = 32
	// tickTasks is how many tasks' Tick a worker calls in one turn.
	tickTasks = 256
)

// worker runs the tasks of its connections.
type worker struct {
	pool  *Pool
	wake  chan struct{} // capacity 1
	turns uint64        // used by the worker alone

	touched []*Conn // in this turn, to be flushed; used by the worker alone
	batch   []*Task // used by the worker alone
	counted atomic.Uint64

	_ [64]byte // those who wake tasks write to the cache lines of what follows

	mu    sync.Mutex // guards below
	small queue      // tasks woken with few others
	bulk  queue      // tasks woken with many others
	tasks []*Task    // all that have not ended, for Tick
}

func (w *worker) push(t *Task, bulk bool) {
	w.mu.Lock()
	if bulk {
		w.bulk.push(t)
	} else {
		w.small.push(t)
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // a signal that is there covers this one
	}
}

func (w *worker) add(t *Task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t.index = len(w.tasks)
	w.tasks = append(w.tasks, t)
}

func (w *worker) remove(t *Task) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := len(w.tasks) - 1
	moved := w.tasks[last]
	w.tasks[t.index], moved.index = moved, t.index
	w.tasks[last] = nil
	w.tasks = w.tasks[:last]
}

// run takes turns until the pool is closed.
func (w *worker) run() {
	ticker := time.NewTicker(w.pool.config.Tick)
	defer ticker.Stop()
	ticking := 0 // how many tasks are still to be ticked
	for {
		more := w.turn()
		if ticking > 0 {
			ticking = w.tick(ticking)
		}
		if more || ticking > 0 {
			select {
			case <-w.pool.closing:
				return
			default:
				continue
			}
		}
		select {
		case <-w.wake:
		case <-ticker.C:
			ticking = w.count()
		case <-w.pool.closing:
			return
		}
	}
}

// turn runs some of the queued tasks and flushes their connections. It returns
// whether there are more.
func (w *worker) turn() (more bool) {
	w.mu.Lock()
	w.batch = w.small.take(w.batch[:0], turnTasks)
	w.batch = w.bulk.take(w.batch, turnTasks)
	more = w.small.len()+w.bulk.len() > 0
	w.mu.Unlock()
	w.turns++
	now := time.Now()
	for i, t := range w.batch {
		w.batch[i] = nil
		t.state.Store(running)
		w.touch(t.conn)
		t.settle(t.handler.Run(now, false))
	}
	w.flush()
	return more
}

// tick calls Tick for some tasks, from the end of the list, and returns how many
// are left. Tasks that are queued or running are left out: what they append shows
// that they are alive, and their own runs find their timeouts.
func (w *worker) tick(left int) int {
	now := time.Now()
	w.mu.Lock()
	left = min(left, len(w.tasks))
	w.batch = append(w.batch[:0], w.tasks[max(0, left-tickTasks):left]...)
	w.mu.Unlock()
	w.turns++
	for i, t := range w.batch {
		w.batch[i] = nil
		if t.acquire() {
			w.touch(t.conn)
			t.settle(t.handler.Tick(now))
		}
	}
	w.flush()
	return max(0, left-tickTasks)
}

func (w *worker) touch(c *Conn) {
	if c.turn != w.turns {
		c.turn = w.turns
		w.touched = append(w.touched, c)
	}
}

func (w *worker) flush() {
	for i, c := range w.touched {
		c.out.Flush()
		w.touched[i] = nil
	}
	w.touched = w.touched[:0]
}

func (w *worker) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.tasks)
}

// queue is a first-in first-out queue of tasks.
type queue struct {
	tasks []*Task
	first int // index of the first one that was not taken
}

func (q *queue) len() int { return len(q.tasks) - q.first }

func (q *queue) push(t *Task) { q.tasks = append(q.tasks, t) }

// take appends at most n tasks to batch.
func (q *queue) take(batch []*Task, n int) []*Task {
	n = min(n, q.len())
	taken := q.tasks[q.first : q.first+n]
	batch = append(batch, taken...)
	clear(taken)
	q.first += n
	switch {
	case q.first == len(q.tasks):
		q.tasks, q.first = q.tasks[:0], 0
		if cap(q.tasks) > 4096 {
			q.tasks = nil
		}
	case q.first > len(q.tasks)/2 && q.first > 1024:
		n := copy(q.tasks, q.tasks[q.first:])
		clear(q.tasks[n:])
		q.tasks, q.first = q.tasks[:n], 0
	}
	return batch
}
