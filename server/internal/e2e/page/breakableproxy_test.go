package page

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"

	"chatroom/server/internal/e2e/harness"
)

// breakableProxy is a TCP line to a server that can be cut and mended, and held.
type breakableProxy struct {
	URL string

	mu       sync.Mutex // guards below
	to       string
	down     bool
	conns    map[net.Conn]struct{}
	released chan struct{} // closed while nothing is held
}

func newBreakableProxy(t *testing.T, to string) *breakableProxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	l := &breakableProxy{URL: "http://" + listener.Addr().String(), to: to, conns: make(map[net.Conn]struct{}), released: make(chan struct{})}
	close(l.released)
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
		l.release()
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

// leadTo makes new connections lead to another server.
func (l *breakableProxy) leadTo(address string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = address
}

func (l *breakableProxy) target() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to
}

// hold keeps back what is sent in both directions, as a server that is stopped does, until
// release.
func (l *breakableProxy) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = make(chan struct{})
}

func (l *breakableProxy) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.released:
	default:
		close(l.released)
	}
}

// heldReader reads from a connection what the proxy does not hold.
type heldReader struct {
	from  io.Reader
	proxy *breakableProxy
}

func (r heldReader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.proxy.mu.Lock()
	released := r.proxy.released
	r.proxy.mu.Unlock()
	<-released
	return n, err
}

func (l *breakableProxy) connect(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", l.target())
	if err != nil {
		return
	}
	defer far.Close()
	if !l.add(near, far) {
		return
	}
	defer l.remove(near, far)
	var copying sync.WaitGroup
	copying.Go(func() { copyUntilEnd(far, heldReader{near, l}) })
	copyUntilEnd(near, heldReader{far, l})
	copying.Wait()
}

// copyUntilEnd copies until one side ends, and ends the other.
func copyUntilEnd(to net.Conn, from io.Reader) {
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
