//go:build unix

package hostile

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/e2e/harness"
)

// cuttableConn is a line between a client and the server that can be cut.
type cuttableConn struct {
	client     net.Conn // the client's end
	near       net.Conn // the other end of the same
	server     net.Conn
	forwarding sync.WaitGroup
}

func newCuttableConn(t *testing.T, s *harness.Service) *cuttableConn {
	l := &cuttableConn{server: dialWithSmallBuffer(t, s)}
	l.client, l.near = net.Pipe()
	l.forwarding.Go(func() { _, _ = io.Copy(l.server, l.near) })
	l.forwarding.Go(func() { _, _ = io.Copy(l.near, l.server) })
	t.Cleanup(func() {
		_ = l.near.Close()
		_ = l.server.Close()
		l.forwarding.Wait()
	})
	return l
}

// cut ends the forwarding, and closes nothing.
func (l *cuttableConn) cut() {
	for _, conn := range []net.Conn{l.near, l.server} {
		_ = conn.SetReadDeadline(time.Unix(1, 0))
	}
	l.forwarding.Wait()
}
