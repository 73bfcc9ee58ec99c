package delivery

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// log is what happened, in order. Only one worker and its handlers write to it.
type log []string

func (l *log) add(what string) { *l = append(*l, what) }

// record returns a handler whose runs are logged.
func (l *log) record(what string) handler {
	return handler{run: func(bool) Result { l.add(what); return Idle }}
}

// A turn takes a bounded number of tasks from each queue: a task that is woken while a
// long queue is worked off runs in the next turn, whichever queue is the long one.
// The tasks of a queue run in the order in which they were woken.
func TestTurnIsBounded(t *testing.T) {
	for name, long := range map[string]bool{"long bulk queue": true, "long small queue": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := opened(t, Config{Workers: 1})
				conn := p.Conn(flush(func() {}))
				const tasks, late = 10 * turnTasks, -1
				var order []int
				lateTask := conn.start(handler{run: func(bool) Result { order = append(order, late); return Idle }})
				begin := make(chan struct{})
				busy := conn.start(handler{run: func(bool) Result { <-begin; return Idle }})
				started := make([]*Task, tasks)
				for i := range started {
					started[i] = conn.start(handler{run: func(bool) Result {
						if order = append(order, i); i == 0 {
							lateTask.Wake(!long)
						}
						return Idle
					}})
				}
				begin <- struct{}{}
				synctest.Wait() // all have run for the first time
				order = nil
				busy.Wake(false)
				synctest.Wait() // the worker is busy
				for _, task := range started {
					task.Wake(long)
				}
				close(begin)
				synctest.Wait()
				at := slices.Index(order, late)
				if at < 0 || at > 2*turnTasks {
					t.Fatalf("the task that was woken during a turn ran as number %d of %d, want within a turn of %d", at, len(order), turnTasks)
				}
				if order = slices.Delete(order, at, at+1); len(order) != tasks || !slices.IsSorted(order) {
					t.Errorf("%d tasks ran in the order %v, want %d in the order in which they were woken", len(order), order, tasks)
				}
			})
		})
	}
}

// A wake while a task runs chooses the queue, as any other does.
func TestWakeWhileRunningChoosesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 1})
		conn := p.Conn(flush(func() {}))
		var order log
		begin := make(chan struct{})
		busy := conn.start(handler{run: func(bool) Result { <-begin; return Idle }})
		small := conn.start(order.record("small"))
		var large *Task
		large = conn.start(handler{run: func(bool) Result {
			if order.add("large"); len(order) == 1 {
				large.Wake(true)
			}
			return Idle
		}})
		last := conn.start(handler{run: func(bool) Result { small.Wake(false); return Idle }})
		begin <- struct{}{}
		synctest.Wait() // all have run for the first time
		busy.Wake(false)
		synctest.Wait() // the worker is busy
		order = nil
		large.Wake(false)
		last.Wake(false) // in the same turn as large
		close(begin)
		synctest.Wait()
		if want := []string{"large", "small", "large"}; !slices.Equal(order, want) {
			t.Errorf("order = %v, want %v: the large room's task waits in its own queue", order, want)
		}
	})
}

// Each turn and each tick flush the connections of the tasks that ran in it.
func TestEachTurnFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 1})
		var order log
		conn := p.Conn(flush(func() { order.add("flush") }))
		task := conn.start(handler{
			run:  func(bool) Result { order.add("run"); return Idle },
			tick: func(time.Time) Result { order.add("tick"); return Idle },
		})
		synctest.Wait()
		task.Wake(false)
		synctest.Wait()
		<-time.After(time.Second + time.Second/2)
		synctest.Wait()
		task.Wake(true)
		synctest.Wait()
		if want := []string{"run", "flush", "run", "flush", "tick", "flush", "run", "flush"}; !slices.Equal(order, want) {
			t.Errorf("order = %v, want %v", order, want)
		}
	})
}

// The tasks of a connection never run at once, however many workers there are.
func TestOneWorkerForAConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 4})
		conn := p.Conn(flush(func() {}))
		var running, runs atomic.Int64
		for range 20 {
			conn.start(handler{run: func(bool) Result {
				if n := running.Add(1); n != 1 {
					t.Errorf("%d tasks of one connection run at once, want 1", n)
				}
				<-time.After(time.Millisecond)
				running.Add(-1)
				runs.Add(1)
				return Idle
			}})
		}
		<-time.After(time.Second / 2)
		synctest.Wait()
		if n := runs.Load(); n != 20 {
			t.Errorf("%d tasks ran, want 20", n)
		}
	})
}

// Close ends workers that always have something to do.
func TestCloseWhileBusy(t *testing.T) {
	p := New(Config{Workers: 2})
	ran := make(chan struct{}, 1)
	for range 10 * turnTasks { // more than a turn takes
		p.Conn(flush(func() {})).start(handler{run: func(bool) Result {
			select {
			case ran <- struct{}{}:
			default:
			}
			return Again
		}})
	}
	<-ran
	p.Close()
}
