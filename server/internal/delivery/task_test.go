package delivery

import (
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A task that has ended is neither run nor ticked again: not for a wake that came
// while it ran, nor for a later one.
func TestEndedTaskNeverRuns(t *testing.T) {
	for name, mayBlock := range map[string]bool{"on its worker": false, "where it may block": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := opened(t, Config{Workers: 1})
				var task *Task
				runs := 0
				task = p.Conn(flush(func() {})).task(handler{
					run: func(may bool) Result {
						if may != mayBlock {
							return Blocks
						}
						runs++
						task.Wake(false)
						task.Wake(true)
						return Ended
					},
					tick: func(time.Time) Result { t.Error("Tick is called after Run has returned Ended"); return Idle },
				})
				task.Start()
				synctest.Wait()
				task.Wake(false)
				<-time.After(3 * time.Second)
				synctest.Wait()
				if runs != 1 {
					t.Errorf("the task ran %d times, want once", runs)
				}
				if n := p.workers[0].count(); n != 0 {
					t.Errorf("the worker knows %d tasks, want none", n)
				}
			})
		})
	}
}

// A task does not run before Start, and what wakes it before that is covered by its
// first run.
func TestWakeBeforeStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 1})
		runs := 0
		task := p.Conn(flush(func() {})).task(handler{
			run:  func(bool) Result { runs++; return Idle },
			tick: func(time.Time) Result { t.Error("Tick is called before Start"); return Idle },
		})
		task.Wake(false)
		<-time.After(2 * time.Second)
		synctest.Wait()
		if runs != 0 {
			t.Fatalf("the task ran %d times before Start, want 0", runs)
		}
		task.Start()
		synctest.Wait()
		if runs != 1 {
			t.Errorf("the task ran %d times, want once", runs)
		}
	})
}

// A task that may block is run so for as long as it asks for that, then by its worker
// again, and what it appended last is flushed.
func TestBlockedTaskCatchesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 1})
		results := []Result{Blocks, Blocks, Blocks, Again, Blocks, Idle}
		var modes []bool
		var appended, flushed atomic.Int64
		conn := p.Conn(flush(func() { flushed.Store(appended.Load()) }))
		conn.start(handler{run: func(mayBlock bool) Result {
			n := appended.Add(1)
			modes = append(modes, mayBlock)
			return results[n-1]
		}})
		synctest.Wait()
		if want := []bool{false, true, true, true, false, true}; !slices.Equal(modes, want) {
			t.Errorf("Run was called with mayBlock = %v, want %v", modes, want)
		}
		if a, f := appended.Load(), flushed.Load(); a != f {
			t.Errorf("%d of %d appends were flushed, want all", f, a)
		}
	})
}

// A task that waits for storage is not ticked meanwhile, and is ticked again after it.
func TestNoTickWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := opened(t, Config{Workers: 2})
		reading := false
		ticks := 0
		p.Conn(flush(func() {})).start(handler{
			run: func(mayBlock bool) Result {
				if !mayBlock {
					return Blocks
				}
				reading = true
				<-time.After(3*time.Second + time.Second/2)
				reading = false
				return Idle
			},
			tick: func(time.Time) Result {
				if reading {
					t.Error("Tick is called while Run is")
				}
				ticks++
				return Idle
			},
		})
		<-time.After(5*time.Second + time.Second/4)
		synctest.Wait()
		if ticks != 2 {
			t.Errorf("the task was ticked %d times, want 2: after its run of 3.5 s", ticks)
		}
	})
}

// Tasks that wait for a goroutine on which they may block do not run after Close.
func TestCloseForgetsBlockedTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{Workers: 1, Blocking: 1})
		reads := 0
		for range 3 {
			p.Conn(flush(func() {})).start(handler{run: func(mayBlock bool) Result {
				if !mayBlock {
					return Blocks
				}
				reads++
				<-time.After(time.Second)
				return Idle
			}})
		}
		synctest.Wait()
		p.Close()
		if reads != 1 {
			t.Errorf("%d tasks have read, want the one that was reading when Close was called", reads)
		}
	})
}

// A worker that finds the pool closed when its handler returns starts nothing.
func TestCloseDuringRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{Workers: 1})
		p.Conn(flush(func() {})).start(handler{run: func(mayBlock bool) Result {
			if mayBlock {
				t.Error("Run may block after Close, want no call")
			}
			<-time.After(time.Second)
			return Blocks
		}})
		synctest.Wait()
		p.Close()
		synctest.Wait()
	})
}
