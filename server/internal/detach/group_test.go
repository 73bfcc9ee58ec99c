package detach

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// oneListener accepts one connection, and then waits until it is closed.
type oneListener struct {
	conns chan net.Conn
	done  chan struct{}
}

func (l oneListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l oneListener) Close() error   { close(l.done); return nil }
func (l oneListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// serveOnPipe is serve in a bubble. It returns the stream and the client's connection, of
// whose response nothing is read.
func serveOnPipe(t *testing.T, g *Group) (Stream, net.Conn) {
	t.Helper()
	client, remote := net.Pipe()
	l := oneListener{make(chan net.Conn, 1), make(chan struct{})}
	l.conns <- remote
	streams := make(chan Stream, 1)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		s, err := g.Take(w, r, Events{Gone: func() {}, Writable: func() {}})
		if err != nil {
			t.Errorf("Take = %v, want nil", err)
		}
		streams <- s
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		_ = client.Close()
	})
	if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := http.ReadResponse(bufio.NewReaderSize(client, 16), nil); err != nil { // the head alone
		t.Fatal(err)
	}
	return <-streams, client
}

// Clients that do not read the end of their response are cut off after lingerTimeout, or
// with the end of Wait's context.
func TestWaitIsBounded(t *testing.T) {
	for name, tt := range map[string]struct{ limit, want time.Duration }{
		"the client's time": {time.Minute, lingerTimeout},
		"Wait's time":       {lingerTimeout / 2, lingerTimeout / 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var g Group
				s, _ := serveOnPipe(t, &g)
				start := time.Now()
				if !s.Finish([]byte("end"), nil) {
					t.Error("Finish = false, want true")
				}
				ctx, cancel := context.WithTimeout(t.Context(), tt.limit)
				defer cancel()
				g.Wait(ctx)
				if took := time.Since(start); took != tt.want {
					t.Errorf("Wait took %v, want %v", took, tt.want)
				}
				if n := len(g.lingering); n != 0 {
					t.Errorf("%d streams are kept after Wait, want none", n)
				}
			})
		})
	}
}
