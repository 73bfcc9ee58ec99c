package goclient

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/e2e/harness"
)

// fault is what becomes of a connection.
type fault int

const (
	noFault    fault = iota
	cut              // both sides are reset
	halfClose        // the client's side ends, the server's stays open
	halfRefuse       // the server's side ends, the client's stays open
	blackHole        // nothing passes any more, and nothing is closed
	lastFault  = blackHole
)

// faultyProxy is a TCP line to a server that delays, cuts, half-closes and swallows what
// passes, at random.
type faultyProxy struct {
	Addr string

	listener net.Listener
	ctx      context.Context
	serving  sync.WaitGroup

	mu     sync.Mutex // guards below
	random *rand.Rand
	target string
	calm   bool
	conns  map[*line]struct{}
	faults [lastFault + 1]int // how many connections had each
}

// line is one connection through the proxy.
type line struct {
	proxy     *faultyProxy
	near, far *net.TCPConn // to the client, and to the server
	fault     fault
	latency   time.Duration
	struck    chan struct{} // closed when the fault occurs
	over      chan struct{} // closed when the line is closed
	once      sync.Once
}

func newFaultyProxy(t *testing.T, target string, seed uint64) *faultyProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	p := &faultyProxy{
		Addr: listener.Addr().String(), listener: listener, ctx: ctx, target: target,
		random: rand.New(rand.NewPCG(seed, 1)), conns: make(map[*line]struct{}),
	}
	p.serving.Go(p.serve)
	t.Cleanup(func() {
		cancel()
		_ = listener.Close()
		p.Calm()
		p.serving.Wait()
	})
	return p
}

// Retarget makes new connections go to another server.
func (p *faultyProxy) Retarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Calm closes all connections. Later ones have no faults.
func (p *faultyProxy) Calm() {
	p.mu.Lock()
	p.calm = true
	conns := p.conns
	p.conns = make(map[*line]struct{})
	p.mu.Unlock()
	for l := range conns {
		l.close()
	}
}

func (p *faultyProxy) serve() {
	for {
		near, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.serving.Go(func() { p.connect(near.(*net.TCPConn)) })
	}
}

// plan returns a line with a fault that is chosen at random, and after how long it occurs.
func (p *faultyProxy) plan(near, far *net.TCPConn) (*line, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &line{proxy: p, near: near, far: far, struck: make(chan struct{}), over: make(chan struct{})}
	p.conns[l] = struct{}{}
	if p.calm {
		return l, time.Hour
	}
	l.fault = fault(p.random.IntN(int(lastFault) + 1))
	l.latency = time.Duration(p.random.IntN(4)) * time.Millisecond
	p.faults[l.fault]++
	return l, time.Duration(50+p.random.IntN(1500)) * time.Millisecond
}

func (p *faultyProxy) connect(near *net.TCPConn) {
	p.mu.Lock()
	target := p.target
	p.mu.Unlock()
	far, err := net.Dial("tcp", target)
	if err != nil {
		_ = near.Close()
		return
	}
	l, after := p.plan(near, far.(*net.TCPConn))
	defer l.close()
	strike := time.AfterFunc(after, l.strike)
	defer strike.Stop()
	var copying sync.WaitGroup
	copying.Go(func() { l.copy(l.far, l.near) })
	l.copy(l.near, l.far)
	copying.Wait()
}

// strike makes the fault occur.
func (l *line) strike() {
	switch l.fault {
	case noFault:
		return
	case cut:
		_ = l.near.SetLinger(0)
		_ = l.far.SetLinger(0)
		l.close()
	case halfClose:
		_ = l.near.CloseWrite()
	case halfRefuse:
		_ = l.far.CloseWrite()
	}
	close(l.struck)
}

// copy copies from one side to the other, until one of them ends or the fault ends it.
func (l *line) copy(to, from *net.TCPConn) {
	buffer := make([]byte, 16<<10)
	for {
		n, err := from.Read(buffer)
		if l.latency > 0 {
			l.wait(l.latency)
		}
		select {
		case <-l.struck:
			if l.fault == blackHole {
				l.wait(time.Minute) // the proxy ends it before, or the client is stuck
				return
			}
		default:
		}
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				_ = to.CloseWrite()
			}
			return
		}
	}
}

func (l *line) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.over:
	}
}

func (l *line) close() {
	l.once.Do(func() {
		close(l.over)
		_ = l.near.Close()
		_ = l.far.Close()
		l.proxy.mu.Lock()
		defer l.proxy.mu.Unlock()
		delete(l.proxy.conns, l)
	})
}
