package hub_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/store/memory"
)

// probe is a store that counts its tails and look-ups, and lets a test come between a
// service and its store.
type probe struct {
	*memory.Store
	tails        atomic.Int32
	reads        atomic.Int32                // calls of Read and ReadBack
	lookups      atomic.Int32                // calls of Changes
	found        atomic.Int32                // events that those returned
	beforeRead   func()                      // called before each Read and ReadBack
	afterRead    func()                      // called once, after the next Read or ReadBack
	beforeSubmit func()                      // called once, before the next Submit
	duringLookup func()                      // called by each Changes
	duringScrub  func(context.Context) error // called by each Scrub
	counts       atomic.Int32                // calls of Count and Head
	duringRooms  func(context.Context)       // called by each Rooms

	mu      sync.Mutex          // guards below
	broken  string              // the method that fails
	deliver func([]chat.Stored) // of the newest tail
	holding bool                // tails are not called yet
	held    []func()            // calls of tails
}

var errBroken = errors.New("the store is broken")

func (p *probe) failing(method string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = method
}

func (p *probe) failed(method string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if method == p.broken {
		return errBroken
	}
	return nil
}

func (p *probe) Submit(ctx context.Context, e chat.Entry, done func(chat.Appended)) {
	if err := p.failed("Submit"); err != nil {
		done(chat.Appended{Err: err})
		return
	}
	if f := p.beforeSubmit; f != nil {
		p.beforeSubmit = nil
		f()
	}
	p.Store.Submit(ctx, e, done)
}

func (p *probe) Changes(ctx context.Context, room string, targets []uint64, after uint64) ([]chat.Stored, error) {
	p.lookups.Add(1)
	if p.duringLookup != nil {
		p.duringLookup()
	}
	if err := p.failed("Changes"); err != nil {
		return nil, err
	}
	found, err := p.Store.Changes(ctx, room, targets, after)
	p.found.Add(int32(len(found)))
	return found, err
}

func (p *probe) Scrub(ctx context.Context) (int, error) {
	if err := p.failed("Scrub"); err != nil {
		return 0, err
	}
	if p.duringScrub != nil {
		if err := p.duringScrub(ctx); err != nil {
			return 0, err
		}
	}
	return p.Store.Scrub(ctx)
}

func (p *probe) Read(ctx context.Context, room string, after uint64, limit int) ([]chat.Stored, error) {
	p.reads.Add(1)
	if p.beforeRead != nil {
		p.beforeRead()
	}
	if err := p.failed("Read"); err != nil {
		return nil, err
	}
	defer p.read()
	return p.Store.Read(ctx, room, after, limit)
}

func (p *probe) ReadBack(ctx context.Context, room string, before uint64, limit int) ([]chat.Stored, error) {
	p.reads.Add(1)
	if p.beforeRead != nil {
		p.beforeRead()
	}
	if err := p.failed("ReadBack"); err != nil {
		return nil, err
	}
	defer p.read()
	return p.Store.ReadBack(ctx, room, before, limit)
}

func (p *probe) read() {
	if f := p.afterRead; f != nil {
		p.afterRead = nil
		f()
	}
}

func (p *probe) Count(ctx context.Context, room string, after uint64, except string, limit int) (int, error) {
	p.counts.Add(1)
	return p.Store.Count(ctx, room, after, except, limit)
}

func (p *probe) Rooms(ctx context.Context, after string, limit int) ([]chat.RoomHead, error) {
	if err := p.failed("Rooms"); err != nil {
		return nil, err
	}
	if p.duringRooms != nil {
		p.duringRooms(ctx)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return p.Store.Rooms(ctx, after, limit)
}

func (p *probe) Activity(ctx context.Context, fn func([]chat.RoomHead)) (func(), error) {
	if err := p.failed("Activity"); err != nil {
		return nil, err
	}
	return p.Store.Activity(ctx, fn)
}

func (p *probe) Head(ctx context.Context, room string) (chat.Head, error) {
	p.counts.Add(1)
	if err := p.failed("Head"); err != nil {
		return chat.Head{}, err
	}
	return p.Store.Head(ctx, room)
}

func (p *probe) Tail(ctx context.Context, room string, fn func([]chat.Stored)) (func(), error) {
	if err := p.failed("Tail"); err != nil {
		return nil, err
	}
	stop, err := p.Store.Tail(ctx, room, func(events []chat.Stored) {
		p.mu.Lock()
		if p.holding {
			events = slices.Clone(events)
			p.held = append(p.held, func() { fn(events) })
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
		fn(events)
	})
	if err != nil {
		return nil, err
	}
	p.tails.Add(1)
	p.mu.Lock()
	p.deliver = fn
	p.mu.Unlock()
	detach := context.AfterFunc(ctx, stop) // a store may well end a tail with its context
	return func() {
		p.tails.Add(-1)
		detach()
		stop()
	}, nil
}

// hold keeps what is appended from now on from the tails until release is called.
func (p *probe) hold() (release func()) {
	p.mu.Lock()
	p.holding = true
	p.mu.Unlock()
	return func() {
		p.mu.Lock()
		held := p.held
		p.holding, p.held = false, nil
		p.mu.Unlock()
		for _, call := range held {
			call()
		}
	}
}

// late calls the newest tail once more with what was stored long ago.
func (p *probe) late(stored chat.Stored) {
	p.mu.Lock()
	deliver := p.deliver
	p.mu.Unlock()
	deliver([]chat.Stored{stored})
}
