package h2

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// What the reset of a stream costs depends on its age, so that a client that opens streams,
// waits for a second and resets them is bounded, too.
func TestResetCost(t *testing.T) {
	for _, c := range []struct {
		age   time.Duration
		begun bool
		want  float32
	}{
		{0, false, 1}, {time.Second - 1, false, 1}, {0, true, 1. / 8},
		{time.Second, false, 1. / 8}, {time.Second, true, 1. / 8}, {time.Minute - 1, true, 1. / 8},
		{time.Minute, true, 0}, {time.Hour, false, 0},
	} {
		if got := resetCost(int64(c.age), c.begun); got != c.want {
			t.Errorf("resetCost(%v, %t) = %v, want %v", c.age, c.begun, got, c.want)
		}
	}
}

// A client that opens as many streams as it may, and resets all of them after each step, is
// cut off unless they have lived for a minute.
func TestResetsOfOlderStreams(t *testing.T) {
	const streams = 100
	for _, c := range []struct {
		step  time.Duration
		rate  float64 // of the budget
		ended bool
	}{{2 * time.Second, 1, true}, {time.Minute, 0.1, false}} {
		t.Run(c.step.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, result := pipe(t, &Server{
					Handler:              http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
					MaxConcurrentStreams: streams,
					PingInterval:         24 * time.Hour,
					Budgets:              Budgets{Resets: Rate{40, c.rate}},
				})
				go readAndAnswer(p, false)
				var ended bool
				for step := range uint32(50) {
					ended = resetAll(p, step*streams, streams, c.step)
					if ended {
						break
					}
				}
				_ = p.nc.Close()
				if err := <-result; ended != c.ended {
					t.Errorf("the connection ended: %t (%v), want %t", ended, err, c.ended)
				}
			})
		})
	}
}

// resetAll opens streams, waits, and resets them. It reports whether the connection ended.
func resetAll(p *peer, first, n uint32, after time.Duration) bool {
	for i := first; i < first+n; i++ {
		if p.sendBlock(2*i+1, requestHeaders("/"), true, 0) != nil {
			return true
		}
	}
	<-time.After(after)
	for i := first; i < first+n; i++ {
		if p.framer.WriteRSTStream(2*i+1, http2.ErrCodeCancel) != nil {
			return true
		}
	}
	synctest.Wait() // for the handlers, which count, too
	return false
}

// Clients that send tiny messages as fast as they are answered stay within the budget of
// small DATA frames, which has no refill here.
func TestTinyMessages(t *testing.T) {
	const messages = 5000
	f := serve(t, &Server{Handler: connectHandler(), Budgets: withoutRefill()})
	for name, call := range map[string]func(context.Context, *testing.T) (send func(*text) error, receive func() error){
		"connect": func(ctx context.Context, t *testing.T) (func(*text) error, func() error) {
			s := connect.NewClient[text, text](h2cClient(t), f.url+bidiPath).CallBidiStream(ctx)
			return s.Send, func() error { _, err := s.Receive(); return err }
		},
		"gRPC": func(ctx context.Context, t *testing.T) (func(*text) error, func() error) {
			s, err := grpcClient(t, f.addr).NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, bidiPath)
			if err != nil {
				t.Fatal(err)
			}
			return func(m *text) error { return s.SendMsg(m) }, func() error { return s.RecvMsg(new(text)) }
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			send, receive := call(ctx, t)
			for i := range messages {
				if err := send(wrapperspb.String("x")); err != nil {
					t.Fatalf("message %d: %v", i, err)
				}
				if err := receive(); err != nil {
					t.Fatalf("the answer to message %d: %v", i, err)
				}
			}
		})
	}
	if n := f.Stats().OverBudget["small_data"]; n != 0 {
		t.Errorf("%d connections were over the budget of small DATA", n)
	}
}

// A body that always has something unread keeps that, and not all that it ever had.
func TestUnreadBodyIsBounded(t *testing.T) {
	const window = 64 << 10
	client, server := net.Pipe()
	t.Cleanup(func() { _, _ = client.Close(), server.Close() })
	c := newConn(new(Server), server, nil, http.NotFoundHandler())
	x := &exchange{c: c, s: &Stream{c: c, id: 1}}
	x.body = body{x: x, readable: make(chan struct{}, 1), declared: -1}
	piece, buf := bytes.Repeat([]byte("x"), 1000), make([]byte, 1000)
	x.body.addLocked([]byte("y"))
	for range 10_000 {
		x.body.addLocked(piece)
		if _, err := io.ReadFull(&x.body, buf); err != nil {
			t.Fatal(err)
		}
	}
	if left := len(x.body.buf) - x.body.off; left != 1 {
		t.Errorf("%d bytes are unread, want 1", left)
	}
	if n := cap(x.body.buf); n > window {
		t.Errorf("the body holds %d bytes, want at most %d", n, window)
	}
}
