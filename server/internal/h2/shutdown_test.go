package h2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// A graceful end says twice that it comes: streams that the client opens before
// it knows are served, those after the second GOAWAY are ignored, and the
// connection is closed after the last stream.
func TestShutdown(t *testing.T) {
	onAllWriters(t, func(t *testing.T, serve func(*Server) *front) {
		release := make(chan struct{})
		f := serve(&Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-release
			fmt.Fprint(w, "done")
		})})
		p := f.dial(t)
		p.get(1, "/")
		p.barrier()
		stopped := make(chan error, 1)
		go func() { stopped <- f.Shutdown(t.Context()) }()
		if f := p.next(http2.FrameGoAway); f.last != maxStreamID || f.code != http2.ErrCodeNo {
			t.Errorf("first GOAWAY = %d, %v, want the highest stream and no error", f.last, f.code)
		}
		ping := p.next(http2.FramePing)
		p.get(3, "/")
		p.must(p.framer.WritePing(true, [8]byte(ping.data)))
		if f := p.next(http2.FrameGoAway); f.last != 3 {
			t.Errorf("second GOAWAY = %d, want 3", f.last)
		}
		p.post(5, "/")
		p.must(p.framer.WriteData(5, false, []byte("ignored")))
		p.must(p.framer.WriteWindowUpdate(5, 1))
		p.must(p.framer.WriteRSTStream(5, http2.ErrCodeCancel))
		p.barrier()
		select {
		case err := <-stopped:
			t.Errorf("Shutdown = %v while handlers run", err)
		default:
		}
		close(release)
		bodies := make(map[uint32]string)
		for {
			f, err := p.read()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					t.Errorf("the connection ended with %v, want EOF", err)
				}
				break
			}
			if f.Type == http2.FrameData {
				bodies[f.StreamID] += string(f.data)
			}
		}
		_ = p.nc.Close()
		if err := <-stopped; err != nil {
			t.Errorf("Shutdown = %v, want nil", err)
		}
		if len(bodies) != 2 || bodies[1] != "done" || bodies[3] != "done" {
			t.Errorf("bodies = %v, want those of 1 and 3", bodies)
		}
		nc, err := net.Dial("tcp", f.addr)
		if err != nil {
			t.Fatal(err)
		}
		late := newPeer(t, nc)
		if _, err := late.read(); err == nil {
			t.Error("a connection after Shutdown was served")
		}
	})
}

// A client that does not answer delays nothing for longer than a second.
func TestShutdownWithoutAnswer(t *testing.T) {
	f := handle(t, func(http.ResponseWriter, *http.Request) {})
	p := f.dial(t)
	p.barrier()
	if err := f.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown = %v, want nil", err)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	entered := make(chan struct{})
	f := handle(t, func(w http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
	})
	p := f.dial(t)
	p.get(1, "/")
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := f.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Shutdown = %v, want that of its context", err)
	}
	if err := f.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	if err := f.Shutdown(t.Context()); err != nil {
		t.Errorf("Shutdown after Close = %v, want nil", err)
	}
}

// Detached streams end when their owner ends them.
func TestShutdownWaitsForDetachedStreams(t *testing.T) {
	d := newDetacher(newRecorder())
	f := serve(t, &Server{Handler: d})
	p := f.dial(t)
	p.get(1, "/")
	s := <-d.streams
	stopped := make(chan error, 1)
	go func() { stopped <- f.Shutdown(t.Context()) }()
	p.next(http2.FrameGoAway)
	ping := p.next(http2.FramePing)
	p.must(p.framer.WritePing(true, [8]byte(ping.data)))
	p.next(http2.FrameGoAway)
	if err := s.Append([]byte("last")); err != nil {
		t.Errorf("Append = %v, want nil", err)
	}
	s.Finish(nil)
	s.Conn().Flush()
	if got := p.data(1, 4); got != "last" {
		t.Errorf("data = %q, want last", got)
	}
	if code, _ := p.goAway(); code != http2.ErrCodeNo {
		t.Errorf("the connection ended with %v", code)
	}
	_ = p.nc.Close()
	if err := <-stopped; err != nil {
		t.Errorf("Shutdown = %v, want nil", err)
	}
}

// A handler can ask for the end of its connection, as over HTTP/1.1.
func TestConnectionClose(t *testing.T) {
	f := handle(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	p := f.dial(t)
	p.get(1, "/")
	if f := p.next(http2.FrameGoAway); f.code != http2.ErrCodeNo {
		t.Errorf("GOAWAY %v, want NO_ERROR", f.code)
	}
}

func TestListenerCloses(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ours := (&Server{Handler: http.NotFoundHandler()}).Listen(l, time.Minute)
	silent, err := net.Dial("tcp", ours.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	other, err := net.Dial("tcp", ours.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := io.WriteString(other, "PRX"); err != nil {
		t.Fatal(err)
	}
	nc, err := ours.Accept()
	if err != nil {
		t.Fatalf("Accept = %v, want a connection", err)
	}
	defer nc.Close()
	got := make([]byte, 3)
	if _, err := io.ReadFull(nc, got); err != nil || string(got) != "PRX" {
		t.Errorf("the connection begins with %q, %v, want what the client sent", got, err)
	}
	for range 2 {
		_ = ours.Close()
	}
	ours.Wait()
	if _, err := ours.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close = %v, want net.ErrClosed", err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("a connection that said nothing is still open")
	}
}
