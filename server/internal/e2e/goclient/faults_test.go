package goclient

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
	"chatroom/server/internal/testenv"
)

// quickHeartbeat makes clients notice dead lines soon, and not those of a slow machine.
func quickHeartbeat(c *service.Config) { c.Heartbeat = time.Second }

// run is what a workload runs under.
type run struct {
	ctx      context.Context
	t        *testing.T
	workload *workload
	direct   func() string             // the URL of the server itself
	trouble  func(ctx context.Context) // until ctx ends
	calm     func()                    // once all is sent
	brief    bool                      // what has not arrived soon is lost
}

// finish runs the workload in trouble until all is sent, and returns what is known once
// everything has arrived or can't any more.
func (r run) finish() record {
	r.t.Helper()
	w := r.workload
	following, stop := context.WithCancel(r.ctx)
	var followers, senders sync.WaitGroup
	for _, m := range w.members {
		followers.Go(func() { m.follow(following) })
		senders.Go(func() { m.send(r.ctx) })
	}
	sending, done := context.WithCancel(r.ctx)
	followers.Go(func() {
		senders.Wait()
		done()
	})
	r.trouble(sending)
	senders.Wait()
	r.calm()
	logs := w.readLogs(r.ctx, r.t, r.direct())
	heads := make(map[string]uint64)
	for room, log := range logs {
		heads[room] = log[len(log)-1].Sequence
	}
	patience := 3 * time.Minute
	if r.brief {
		patience = 2 * time.Second
	}
	settled, cancel := context.WithTimeout(r.ctx, patience)
	if err := w.await(settled, heads); err != nil {
		r.t.Log(err) // verify says what is missing
	}
	cancel()
	stop()
	followers.Wait()
	return w.record(logs)
}

// check fails the test for what went wrong.
func (r run) check(found record) {
	r.t.Helper()
	for _, fault := range verify(found) {
		r.t.Error(fault)
	}
	starts, events := 0, 0
	for _, m := range r.workload.members {
		for _, err := range m.errors {
			r.t.Errorf("client %d (%s): %v", m.number, m.variant.name, err)
		}
		starts += m.starts
	}
	for _, log := range found.Logs {
		events += len(log)
	}
	r.t.Logf("%d clients stored %d events and started %d times", len(r.workload.members), events, starts)
}

// patience bounds a test that hangs.
func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// Nothing is lost, doubled or reordered over lines that delay, cut, half-close and
// swallow, while the server is killed and restarted on its data.
func TestFaultyLinesAndKills(t *testing.T) {
	ctx := patience(t)
	dir := t.TempDir()
	start := func() *harness.Process {
		return harness.StartProcess(t, harness.InDir(dir), quickHeartbeat)
	}
	server := start()
	proxy := newFaultyProxy(t, server.Addr, 1)
	w := newWorkload(ctx, t, server.URL, "http://"+proxy.Addr, 5, 50, testenv.Rounds(40, 100))
	r := run{ctx: ctx, t: t, workload: w, direct: func() string { return server.URL }, calm: proxy.Calm}
	kills, random := 0, rand.New(rand.NewPCG(3, 3))
	r.trouble = func(ctx context.Context) {
		for kills < testenv.Rounds(15, 60) {
			life, cancel := context.WithTimeout(ctx, time.Duration(500+random.IntN(2000))*time.Millisecond)
			<-life.Done()
			cancel()
			if ctx.Err() != nil {
				return
			}
			server.Kill()
			server = start()
			proxy.Retarget(server.Addr)
			kills++
		}
	}
	found := r.finish()
	r.check(found)
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	t.Logf("%d kills; connections by fault (none, cut, half-closed, half-refused, black hole): %v", kills, proxy.faults)
	if kills == 0 {
		t.Error("the server was never killed")
	}
	for f, n := range proxy.faults {
		if n == 0 {
			t.Errorf("no connection had fault %d", f)
		}
	}
}
