package delivery

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// handler is a Handler made of functions.
type handler struct {
	run  func(mayBlock bool) Result
	tick func(time.Time) Result
}

func (h handler) Run(_ time.Time, mayBlock bool) Result { return h.run(mayBlock) }

func (h handler) Tick(now time.Time) Result {
	if h.tick == nil {
		return Idle
	}
	return h.tick(now)
}

// flush is a Flusher.
type flush func()

func (f flush) Flush() { f() }

// task adds a task.
func (c *Conn) task(h Handler) *Task {
	t := new(Task)
	c.Add(t, h)
	return t
}

// start adds a task and starts it.
func (c *Conn) start(h Handler) *Task {
	t := c.task(h)
	t.Start()
	return t
}

func opened(t *testing.T, c Config) *Pool {
	p := New(c)
	t.Cleanup(p.Close)
	return p
}

// counter is a mailbox: how much was put in, and how much was taken out.
type counter struct {
	running   atomic.Bool
	pending   atomic.Int64
	delivered atomic.Int64
}

// take is the Run of a task: it empties the mailbox, and must not overlap itself.
func (c *counter) take(t *testing.T) {
	if !c.running.CompareAndSwap(false, true) {
		t.Error("Run is called while it is running")
	}
	c.delivered.Add(c.pending.Swap(0))
	c.running.Store(false)
}

// Many goroutines wake many tasks, which answer every result there is: no wake is
// lost, and no task runs twice at once.
func TestNoWakeIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 3, Blocking: 2})
		const tasks, wakers, wakes = 50, 8, 2_000
		counters, started := make([]counter, tasks), make([]*Task, tasks)
		flushes := make([]atomic.Int64, tasks/5)
		var conn *Conn
		for i := range tasks {
			if i%5 == 0 {
				conn = p.Conn(flush(func() { flushes[i/5].Add(1) }))
			}
			started[i] = conn.start(handler{run: func(mayBlock bool) Result {
				if !mayBlock && i%3 == 0 {
					return Blocks
				}
				counters[i].take(t)
				return Idle
			}})
		}
		var wg sync.WaitGroup
		for range wakers {
			wg.Go(func() {
				for range wakes {
					i := rand.IntN(tasks)
					counters[i].pending.Add(1)
					started[i].Wake(rand.IntN(2) == 0)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		total := int64(0)
		for i := range counters {
			if left := counters[i].pending.Load(); left != 0 {
				t.Errorf("task %d is idle with %d pending", i, left)
			}
			total += counters[i].delivered.Load()
		}
		if total != wakers*wakes {
			t.Errorf("%d were delivered, want %d", total, wakers*wakes)
		}
		for i := range flushes {
			if flushes[i].Load() == 0 {
				t.Errorf("connection %d was never flushed", i)
			}
		}
	})
}

// A task that is woken while it runs runs again.
func TestWakeWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 1})
		var task *Task
		runs, ready := 0, make(chan struct{})
		task = p.Conn(flush(func() {})).start(handler{run: func(bool) Result {
			<-ready
			if runs++; runs < 3 {
				task.Wake(false)
				task.Wake(true)
			}
			return Idle
		}})
		close(ready)
		synctest.Wait()
		if runs != 3 {
			t.Errorf("the task ran %d times, want 3: two of them because it was woken while it ran", runs)
		}
	})
}

// A turn takes from both queues, so that few are not held up by many.
func TestSmallRoomsDoNotWaitForLargeOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 1})
		const bulk = 10_000
		var order []int // which task ran; the worker's
		begin := make(chan struct{})
		first := p.Conn(flush(func() {})).start(handler{run: func(bool) Result { <-begin; return Idle }})
		tasks := make([]*Task, bulk+1)
		for i := range tasks {
			quiet := true
			tasks[i] = p.Conn(flush(func() {})).start(handler{run: func(bool) Result {
				if !quiet {
					order = append(order, i)
				}
				quiet = false
				return Idle
			}})
		}
		begin <- struct{}{}
		synctest.Wait() // all have run for the first time
		first.Wake(false)
		synctest.Wait() // the worker is busy
		for _, task := range tasks[:bulk] {
			task.Wake(true)
		}
		tasks[bulk].Wake(false)
		close(begin)
		synctest.Wait()
		if at := slices.Index(order, bulk); len(order) != bulk+1 || at > turnTasks {
			t.Errorf("the task of the small room ran as number %d of %d, want within a turn of %d", at, len(order), turnTasks)
		}
	})
}

// All tasks of a connection that run in one turn are flushed together, after the
// last of them.
func TestOneFlushForATurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 1})
		const streams = turnTasks
		appended, flushes := 0, []int(nil)
		begin := make(chan struct{})
		p.Conn(flush(func() {})).start(handler{run: func(bool) Result { <-begin; return Idle }})
		synctest.Wait()
		conn := p.Conn(flush(func() { flushes = append(flushes, appended) }))
		for range streams {
			conn.start(handler{run: func(bool) Result { appended++; return Idle }})
		}
		close(begin)
		synctest.Wait()
		if want := []int{streams}; !slices.Equal(flushes, want) {
			t.Errorf("the connection was flushed after %v tasks, want after %v", flushes, want)
		}
	})
}

// At most Config.Blocking tasks wait for storage at once; the others are delivered
// to meanwhile.
func TestBlockedTasksAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 2, Blocking: 4})
		var reading, most, read atomic.Int64
		for range 40 {
			done := false
			p.Conn(flush(func() {})).start(handler{run: func(mayBlock bool) Result {
				switch {
				case done:
					return Idle
				case !mayBlock:
					return Blocks
				}
				most.Store(max(most.Load(), reading.Add(1)))
				<-time.After(time.Second)
				reading.Add(-1)
				read.Add(1)
				done = true
				return Again
			}})
		}
		lively := 0
		p.Conn(flush(func() {})).start(handler{run: func(bool) Result { lively++; return Idle }})
		synctest.Wait()
		if most.Load() != 4 || lively != 1 {
			t.Errorf("%d tasks wait for storage and another one ran %d times, want 4 and 1", most.Load(), lively)
		}
		<-time.After(11 * time.Second)
		synctest.Wait()
		if read.Load() != 40 || most.Load() != 4 {
			t.Errorf("%d tasks have read, at most %d at once, want 40 and 4", read.Load(), most.Load())
		}
	})
}

// What handlers count on any worker, and where they may block, is summed up.
func TestCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 3})
		for range 10 {
			c, task := p.Conn(flush(func() {})), new(Task)
			c.Add(task, handler{run: func(mayBlock bool) Result {
				task.Count(1)
				if !mayBlock {
					return Blocks
				}
				return Idle
			}})
			task.Start()
		}
		synctest.Wait()
		if n := p.Counted(); n != 20 {
			t.Errorf("Counted() = %d, want 20", n)
		}
	})
}

// Idle tasks are ticked, and may end by it; ended ones are forgotten.
func TestTick(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 2})
		const tasks = 3*tickTasks + 7
		var ticks [tasks]int
		started := make([]*Task, tasks)
		for i := range tasks {
			started[i] = p.Conn(flush(func() {})).start(handler{
				run: func(bool) Result { return Idle },
				tick: func(time.Time) Result {
					if ticks[i]++; ticks[i] == 2 && i%2 == 0 {
						return Ended
					}
					return Idle
				},
			})
		}
		<-time.After(4*time.Second + time.Second/2)
		synctest.Wait()
		for i, n := range ticks {
			if want := 4 - 2*(1-i%2); n != want {
				t.Errorf("task %d was ticked %d times, want %d", i, n, want)
			}
		}
		started[0].Wake(false) // is harmless
		synctest.Wait()
		if n := p.workers[0].count() + p.workers[1].count(); n != tasks/2 {
			t.Errorf("the pool knows %d tasks, want %d", n, tasks/2)
		}
	})
}

// Close waits for handlers that are being called, and nothing runs after it.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{Workers: 1})
		finished := false
		p.Conn(flush(func() {})).start(handler{run: func(mayBlock bool) Result {
			if !mayBlock {
				return Blocks
			}
			<-time.After(time.Second)
			finished = true
			return Again
		}})
		synctest.Wait()
		p.Close()
		if !finished {
			t.Error("Close returned while a handler was being called")
		}
		p.Conn(flush(func() {})).start(handler{run: func(bool) Result { t.Error("a task ran after Close"); return Idle }})
		synctest.Wait()
		p.Close()
	})
}

// BenchmarkWake measures waking and running 1,000 tasks, as an event does.
func BenchmarkWake(b *testing.B) {
	p := New(Config{})
	defer p.Close()
	const tasks = 1_000
	var left sync.WaitGroup
	started := make([]*Task, tasks)
	left.Add(tasks)
	for i := range started {
		started[i] = p.Conn(flush(func() {})).start(handler{run: func(bool) Result { left.Done(); return Idle }})
	}
	left.Wait()
	for b.Loop() {
		left.Add(tasks)
		for _, task := range started {
			task.Wake(true)
		}
		left.Wait()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/tasks, "ns/wake")
}
