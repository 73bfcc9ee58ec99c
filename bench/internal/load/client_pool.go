package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// wave is how many subscribers Grow lets in at once.
	wave = 100
	// answerTimeout is how long a server may take for an answer, or for a wave.
	answerTimeout = 30 * time.Second
	// resumeTimeout is how long all subscribers of Resume may take.
	resumeTimeout = 2 * time.Minute
	// pollTimeout is how long the goroutine does not notice Close, in milliseconds.
	pollTimeout = 20
)

// ClientPool is many subscribers of one server. Create it with NewClientPool.
type ClientPool struct {
	address  string
	protocol Protocol
	poll     int // epoll's file descriptor
	stopped  atomic.Bool
	reading  sync.WaitGroup

	mu          sync.Mutex // guards below
	subscribers []*subscriber
	byFD        []*connection
	newest      *connection // where more streams may be opened
	tally       tally
	err         error
}

// connection is one connection of a pool, with one subscriber or more.
type connection struct {
	fd    int
	layer layer
	out   []byte // what the protocol wants to be written, and the pool writes

	tls    *tls.Conn // nil without TLS
	socket *tlsSocket
}

// write writes p, which is short.
func (c *connection) write(p []byte) error {
	if c.tls == nil {
		return writeAll(c.fd, p)
	}
	_, err := c.tls.Write(p)
	return err
}

// feed gives the protocol what was received. TLS decrypts into plain.
func (c *connection) feed(received, plain []byte) error {
	if c.tls == nil {
		return c.layer.feed(received)
	}
	c.socket.received = received
	for {
		n, err := c.tls.Read(plain)
		if errors.Is(err, errAgain) {
			return nil
		}
		if err == nil {
			err = c.layer.feed(plain[:n])
		}
		if err != nil {
			return err
		}
	}
}

// NewClientPool returns a pool without subscribers, which will reach the server at
// address, 127.0.0.1:PORT, by the protocol.
func NewClientPool(address string, protocol Protocol) (*ClientPool, error) {
	poll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, err
	}
	c := &ClientPool{address: address, protocol: protocol, poll: poll}
	c.tally.window = newWindow()
	c.reading.Go(c.read)
	return c, nil
}

// Grow adds subscribers until there are n, the i-th of them in room(i). All of
// them are live when it returns. No messages may be under way meanwhile; the
// next one will have the number first.
func (c *ClientPool) Grow(ctx context.Context, n int, room func(i int) string, first uint64) error {
	for have := c.Size(); have < n; have = c.Size() {
		for i := have; i < min(have+wave, n); i++ {
			if err := c.add(Subscription{Room: room(i), First: first}); err != nil {
				return fmt.Errorf("connect subscriber %d: %w", i, err)
			}
		}
		if err := c.allLive(ctx, answerTimeout); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Resume adds n subscribers, all at once, and returns when all of them are live.
func (c *ClientPool) Resume(ctx context.Context, n int, s Subscription) error {
	for i := range n {
		if err := c.add(s); err != nil {
			return fmt.Errorf("connect subscriber %d: %w", i, err)
		}
	}
	return c.allLive(ctx, resumeTimeout)
}

// Size returns how many subscribers there are.
func (c *ClientPool) Size() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.subscribers)
}

func (c *ClientPool) add(sub Subscription) error {
	if shares, err := c.addStream(sub); shares || err != nil {
		return err
	}
	fd, err := dial(c.address)
	if err != nil {
		return err
	}
	conn := &connection{fd: fd}
	if c.protocol.tls != nil {
		conn.tls, conn.socket, err = handshake(fd, c.protocol.tls)
	}
	if err == nil {
		err = conn.write(c.protocol.request(c.address, sub))
	}
	if err == nil {
		err = syscall.SetNonblock(fd, true)
	}
	if err != nil {
		return errors.Join(err, syscall.Close(fd))
	}
	s := newSubscriber(&c.tally, sub)
	conn.layer = c.protocol.newLayer(&conn.out, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.subscribers = append(c.subscribers, s)
	for len(c.byFD) <= fd {
		c.byFD = append(c.byFD, nil)
	}
	c.byFD[fd], c.newest = conn, conn
	return syscall.EpollCtl(c.poll, syscall.EPOLL_CTL_ADD, fd, &syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(fd)})
}

// addStream adds a subscriber to the newest connection, if it has room for one.
func (c *ClientPool) addStream(sub Subscription) (shares bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.subscribers)%max(c.protocol.streams, 1) == 0 {
		return false, nil
	}
	if c.err != nil {
		return false, c.err
	}
	s := newSubscriber(&c.tally, sub)
	id, err := c.newest.layer.(*h2).add(c.protocol.stream(s))
	if err != nil {
		return false, err
	}
	c.subscribers = append(c.subscribers, s)
	return true, c.newest.write(c.protocol.another(id, c.address, sub))
}

// allLive waits for the subscribers added.
func (c *ClientPool) allLive(ctx context.Context, answerTimeout time.Duration) error {
	deadline := time.Now().Add(answerTimeout)
	for {
		c.mu.Lock()
		live, all, err := c.tally.live, len(c.subscribers), c.err
		c.mu.Unlock()
		switch {
		case err != nil || live == all:
			return err
		case time.Now().After(deadline):
			return fmt.Errorf("only %d of %d subscribers are live after %v", live, all, answerTimeout)
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// read reads all connections until Close.
func (c *ClientPool) read() {
	buffer, plain := make([]byte, 64<<10), make([]byte, 16<<10) // a record of TLS
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
			if err := c.receive(event.Fd, buffer, plain); err != nil {
				c.dropLocked(event.Fd, err)
			}
		}
		c.tally.window.publish()
		c.mu.Unlock()
	}
}

// receive takes what one connection has received, and answers.
func (c *ClientPool) receive(fd int32, buffer, plain []byte) error {
	conn := c.byFD[fd]
	if conn == nil {
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
	if err := conn.feed(buffer[:n], plain); err != nil {
		return err
	}
	if len(conn.out) == 0 {
		return nil
	}
	err = conn.write(conn.out)
	conn.out = conn.out[:0]
	return err
}

// dropLocked gives up a connection. The first reason is kept.
func (c *ClientPool) dropLocked(fd int32, err error) {
	c.byFD[fd] = nil
	_ = syscall.Close(int(fd))
	c.tally.window.stir()
	if c.err == nil {
		c.err = fmt.Errorf("a subscriber of %s: %w", c.protocol.Name, err)
	}
}

func (c *ClientPool) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// Verdict returns what has gone wrong so far, when the i-th subscriber should have
// the messages up to the number last(i).
func (c *ClientPool) Verdict(last func(i int) uint64) Verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := Verdict{Broken: c.tally.broken}
	for i, s := range c.subscribers {
		v.Lost += s.sequence.Lost(last(i))
		v.Duplicated += s.sequence.Duplicated
		v.Reordered += s.sequence.Reordered
	}
	return v
}

// Deliveries returns how many messages have been received since the pool began,
// or since the last run of a session.
func (c *ClientPool) Deliveries() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tally.deliveries
}

// Err returns the first error that ended a subscriber.
func (c *ClientPool) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends all connections and waits for the goroutine.
func (c *ClientPool) Close() {
	c.stopped.Store(true)
	c.reading.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	for fd, conn := range c.byFD {
		if conn != nil {
			_ = syscall.Close(fd)
		}
	}
	clear(c.byFD)
	_ = syscall.Close(c.poll)
}
