package main

import (
	"context"
	"net"
	"sync"
	"testing"

	"chatroom/server/internal/conformance/kit"
	"chatroom/server/internal/e2e/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// network is a network in memory, for synctest bubbles, in which sockets can't be used.
type network struct {
	mu        sync.Mutex // guards below
	listeners map[string]*listener
}

func newNetwork() *network { return &network{listeners: make(map[string]*listener)} }

func (n *network) kit() kit.Network { return kit.Network{Listen: n.listen} }

func (n *network) listen() (net.Listener, string, error) {
	l := &listener{conns: make(chan net.Conn), closed: make(chan struct{})}
	n.mu.Lock()
	defer n.mu.Unlock()
	host := "kit-" + string(rune('a'+len(n.listeners)/26)) + string(rune('a'+len(n.listeners)%26)) + ".test"
	n.listeners[host+":80"] = l
	return l, "http://" + host, nil
}

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	n.mu.Lock()
	l := n.listeners[address]
	n.mu.Unlock()
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type listener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *listener) Addr() net.Addr { return &net.UnixAddr{Name: "kit.test", Net: "pipe"} }
