package page

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

// breakableProxy is a TCP line to a server that can be cut and mended.
type breakableProxy struct {
	URL string

	to string

	mu    sync.Mutex // guards below
	down  bool
	conns map[net.Conn]struct{}
}

func newBreakableProxy(t *testing.T, to string) *breakableProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	l := &breakableProxy{URL: "http://" + listener.Addr().String(), to: to, conns: make(map[net.Conn]struct{})}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { l.connect(near) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		l.breakConnections()
		serving.Wait()
	})
	return l
}

// breakConnections closes all connections, and refuses new ones until restore.
func (l *breakableProxy) breakConnections() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = true
	for conn := range l.conns {
		_ = conn.Close()
	}
}

func (l *breakableProxy) restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down = false
}

func (l *breakableProxy) connect(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", l.to)
	if err != nil {
		return
	}
	defer far.Close()
	if !l.add(near, far) {
		return
	}
	defer l.remove(near, far)
	var copying sync.WaitGroup
	copying.Go(func() { copyUntilEnd(far, near) })
	copyUntilEnd(near, far)
	copying.Wait()
}

// copyUntilEnd copies until one side ends, and ends the other.
func copyUntilEnd(to, from net.Conn) {
	if _, err := io.Copy(to, from); err == nil || !errors.Is(err, net.ErrClosed) {
		_ = to.(*net.TCPConn).CloseWrite()
	}
}

func (l *breakableProxy) add(conns ...net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return false
	}
	for _, conn := range conns {
		l.conns[conn] = struct{}{}
	}
	return true
}

func (l *breakableProxy) remove(conns ...net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, conn := range conns {
		delete(l.conns, conn)
	}
}
