package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// wave is how many subscribers are let in at once.
	wave = 100
	// patience is how long a wave may take.
	patience = 30 * time.Second
	// pollTimeout is how long the goroutine is deaf to Close, in milliseconds.
	pollTimeout = 20
)

// Crowd is many subscribers of one server. Create it with NewCrowd.
type Crowd struct {
	address string
	door    Door
	poll    int // epoll's file descriptor
	stopped atomic.Bool
	reading sync.WaitGroup

	mu          sync.Mutex // guards below
	subscribers []*subscriber
	byFD        []*subscriber
	tally       tally
	err         error
}

// NewCrowd returns a crowd without subscribers, which will reach the server at
// address, 127.0.0.1:PORT, by the door.
func NewCrowd(address string, door Door) (*Crowd, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	c := &Crowd{address: address, door: door, poll: poll}
	c.tally.window = newWindow()
	c.reading.Go(c.read)
	return c, nil
}

// Grow adds subscribers until there are n, the i-th of them in room(i). All of
// them are live when it returns. No messages may be under way meanwhile; the
// next one will have the number first.
func (c *Crowd) Grow(ctx context.Context, n int, room func(i int) string, first uint64) error {
	for have := c.Size(); have < n; have = c.Size() {
		for i := have; i < min(have+wave, n); i++ {
			if err := c.add(room(i), first); err != nil {
				return fmt.Errorf("connect subscriber %d: %w", i, err)
			}
		}
		if err := c.allLive(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Size returns how many subscribers there are.
func (c *Crowd) Size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.subscribers)
}

func (c *Crowd) add(room string, first uint64) error {
	fd, err := dial(c.address)
	if err != nil {
		return err
	}
	if err := writeAll(fd, c.door.request(c.address, room)); err != nil {
		return errors.Join(err, syscall.Close(fd))
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return errors.Join(err, syscall.Close(fd))
	}
	s := &subscriber{tally: &c.tally, sequence: NewSequence(first)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscribers = append(c.subscribers, s)
	for len(c.byFD) <= fd {
		c.byFD = append(c.byFD, nil)
	}
	c.byFD[fd] = s
	s.protocol = c.door.protocol(s)
	return syscall.EpollCtl(c.poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

// allLive waits for the subscribers added.
func (c *Crowd) allLive(ctx context.Context) error {
	deadline := time.Now().Add(patience)
	for {
		c.mu.Lock()
		live, all, err := c.tally.live, len(c.subscribers), c.err
		c.mu.Unlock()
		switch {
		case err != nil || live == all:
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("only %d of %d subscribers are live after %v", live, all, patience)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read reads all connections until Close.
func (c *Crowd) read() {
	buffer := make([]byte, 64<<10)
	events := make([]syscall.EpollEvent, 512)
	for !c.stopped.Load() {
		n, err := syscall.EpollWait(c.poll, events, pollTimeout)
		if err != nil && !errors.Is(err, syscall.EINTR) {
			c.fail(fmt.Errorf("epoll: %w", err))
			return
		}
		if n <= 0 {
			continue
		}
		c.mu.Lock()
		for _, event := range events[:n] {
			if err := c.receive(event.Fd, buffer); err != nil {
				c.dropLocked(event.Fd, err)
			}
		}
		c.tally.window.publish()
		c.mu.Unlock()
	}
}

// receive takes what one subscriber has received, and answers.
func (c *Crowd) receive(fd int32, buffer []byte) error {
	s := c.byFD[fd]
	if s == nil {
		return nil
	}
	n, err := syscall.Read(int(fd), buffer)
	switch {
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		return nil
	case err != nil:
		return err
	case n == 0:
		return errors.New("the server closed the connection")
	}
	c.tally.now = now()
	if err := s.protocol.feed(buffer[:n]); err != nil {
		return err
	}
	if len(s.out) == 0 {
		return nil
	}
	err = writeAll(int(fd), s.out)
	s.out = s.out[:0]
	return err
}

// dropLocked gives up a subscriber. The first reason is kept.
func (c *Crowd) dropLocked(fd int32, err error) {
	c.byFD[fd] = nil
	_ = syscall.Close(int(fd))
	c.tally.window.stir()
	if c.err == nil {
		c.err = fmt.Errorf("a subscriber of %s: %w", c.door.Name, err)
	}
}

func (c *Crowd) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// Err returns the first error that ended a subscriber.
func (c *Crowd) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends all connections and waits for the goroutine.
func (c *Crowd) Close() {
	c.stopped.Store(true)
	c.reading.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for fd, s := range c.byFD {
		if s != nil {
			_ = syscall.Close(fd)
		}
	}
	clear(c.byFD)
	_ = syscall.Close(c.poll)
}
