package h2

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// floods send one kind of frame as fast as they can. next sends the i-th.
var floods = map[string]struct {
	budget budgetKind
	begin  func(*peer)
	next   func(p *peer, i uint32) error
}{
	"rapid reset": {budgetResets, nil, func(p *peer, i uint32) error {
		if err := p.sendBlock(2*i+1, requestHeaders("/hang"), true, 0); err != nil {
			return err
		}
		return p.framer.WriteRSTStream(2*i+1, http2.ErrCodeCancel)
	}},
	"reset by a broken protocol": {budgetResets, nil, func(p *peer, i uint32) error {
		if err := p.sendBlock(2*i+1, requestHeaders("/hang"), true, 0); err != nil {
			return err
		}
		return p.framer.WriteWindowUpdate(2*i+1, 0)
	}},
	"malformed requests": {budgetResets, nil, func(p *peer, i uint32) error {
		return p.sendBlock(2*i+1, []string{":method", "GET"}, true, 0)
	}},
	"refused streams": {budgetResets, nil, func(p *peer, i uint32) error {
		return p.sendBlock(2*i+1, requestHeaders("/hang"), true, 0)
	}},
	"headers over the limit": {budgetResets, nil, func(p *peer, i uint32) error {
		return p.sendBlock(2*i+1, append(requestHeaders("/"), "x-large", strings.Repeat("x", 5000)), true, 3000)
	}},
	"PING": {budgetPings, nil, func(p *peer, i uint32) error {
		return p.framer.WritePing(false, [8]byte{1})
	}},
	"PING acknowledgements": {budgetPings, nil, func(p *peer, i uint32) error {
		return p.framer.WritePing(true, [8]byte{1})
	}},
	"SETTINGS": {budgetSettings, nil, func(p *peer, i uint32) error {
		return p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: i % 100})
	}},
	"SETTINGS acknowledgements": {budgetSettings, nil, func(p *peer, i uint32) error {
		return p.framer.WriteSettingsAck()
	}},
	"empty DATA": {budgetEmptyData, func(p *peer) { p.post(1, "/hang") }, func(p *peer, i uint32) error {
		return p.framer.WriteData(1, false, nil)
	}},
	"DATA of a byte": {budgetSmallData, func(p *peer) { p.post(1, "/read") }, func(p *peer, i uint32) error {
		return p.framer.WriteData(1, false, []byte("x"))
	}},
	"padded DATA of a byte": {budgetSmallData, func(p *peer) { p.post(1, "/read") }, func(p *peer, i uint32) error {
		return p.framer.WriteDataPadded(1, false, []byte("x"), make([]byte, 40))
	}},
	"empty CONTINUATION": {budgetContinuations, func(p *peer) {
		p.must(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.block(":method", "GET")}))
	}, func(p *peer, i uint32) error {
		return p.framer.WriteContinuation(1, false, nil)
	}},
	"large CONTINUATION": {budgetHeaderBytes, func(p *peer) {
		p.must(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: p.block(":method", "GET")}))
	}, func(p *peer, i uint32) error {
		return p.framer.WriteContinuation(1, false, p.block("x-large", strings.Repeat("x", 10_000)))
	}},
	"WINDOW_UPDATE": {budgetWindowUpdates, nil, func(p *peer, i uint32) error {
		return p.framer.WriteWindowUpdate(0, 1)
	}},
	"WINDOW_UPDATE of a stream": {budgetWindowUpdates, func(p *peer) { p.get(1, "/hang") }, func(p *peer, i uint32) error {
		return p.framer.WriteWindowUpdate(1, 1)
	}},
	"PRIORITY": {budgetIgnored, nil, func(p *peer, i uint32) error {
		return p.framer.WritePriority(2*i+1, http2.PriorityParam{Weight: 1})
	}},
	"PRIORITY_UPDATE": {budgetIgnored, nil, func(p *peer, i uint32) error {
		return p.framer.WritePriorityUpdate(2*i+1, "u=1")
	}},
	"frames of an unknown type": {budgetIgnored, nil, func(p *peer, i uint32) error {
		return p.framer.WriteRawFrame(0x77, 0, 0, []byte("x"))
	}},
	"RST_STREAM of an ended stream": {budgetIgnored, func(p *peer) { p.get(1, "/"); p.nextOf(1) }, func(p *peer, i uint32) error {
		return p.framer.WriteRSTStream(1, http2.ErrCodeCancel)
	}},
}

func requestHeaders(path string) []string {
	return []string{":method", "GET", ":scheme", "http", ":path", path, ":authority", "test"}
}

// hostileHandler counts how often it is called. "/hang" waits for the end of the
// request, "/read" reads it.
func hostileHandler(calls *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		switch r.URL.Path {
		case "/hang":
			<-r.Context().Done()
		case "/read":
			_, _ = io.Copy(io.Discard, r.Body)
		}
	})
}

// withoutRefill are the default budgets, but for what time adds to them: on a slow machine
// a flood may not be faster than that.
func withoutRefill() Budgets {
	rate := func(k budgetKind) Rate { return Rate{Burst: (&Budgets{}).rate(k).Burst} }
	return Budgets{
		Resets: rate(budgetResets), Pings: rate(budgetPings), Settings: rate(budgetSettings),
		EmptyData: rate(budgetEmptyData), SmallData: rate(budgetSmallData), WindowUpdates: rate(budgetWindowUpdates), Ignored: rate(budgetIgnored),
	}
}

// A flood is cut off after as many frames as its budget allows, the peer is told
// why, and an operator, too; other connections are served meanwhile.
func TestFloods(t *testing.T) {
	for name, flood := range floods {
		t.Run(name, func(t *testing.T) {
			var calls atomic.Int64
			reported := make(chan string, 1)
			f := serve(t, &Server{
				Handler: hostileHandler(&calls), MaxConcurrentStreams: 100, MaxHeaderListBytes: 4 << 10, Budgets: withoutRefill(),
				OverBudget: func(peer string) { reported <- peer },
			})
			bystander := h2cClient(t)
			do(t, bystander, "GET", f.url, nil)

			p := f.dial(t)
			// On a busy machine the peer reads late, and GOAWAY must find room.
			if err := p.nc.(*net.TCPConn).SetReadBuffer(1 << 20); err != nil {
				t.Fatal(err)
			}
			if flood.begin != nil {
				flood.begin(p)
			}
			sent := make(chan int, 1)
			go func() {
				for i := uint32(0); ; i++ {
					if err := flood.next(p, i); err != nil {
						sent <- int(i)
						return
					}
				}
			}()
			code, told := p.goAway()
			_ = p.nc.Close()
			<-sent
			if !told || code != http2.ErrCodeEnhanceYourCalm {
				t.Errorf("GOAWAY %v, %t, want ENHANCE_YOUR_CALM", code, told)
			}
			do(t, bystander, "GET", f.url, nil)
			if over := f.Stats().OverBudget; over[flood.budget.String()] != 1 {
				t.Errorf("counted %v, want one over %v", over, flood.budget)
			}
			select {
			case peer := <-reported:
				if peer != p.nc.LocalAddr().String() {
					t.Errorf("OverBudget was called for %s, want %v", peer, p.nc.LocalAddr())
				}
			default:
				t.Errorf("OverBudget was not called; log:\n%s", f.log.String())
			}
			if line := f.log.String(); !strings.Contains(line, p.nc.LocalAddr().String()) || !strings.Contains(line, "budget="+flood.budget.String()) {
				t.Errorf("log = %s, want the peer and the budget", line)
			}
			// The budget of resets bounds the calls, whatever the flood; some seconds
			// may have passed.
			if n := calls.Load(); n > 2*int64((&Budgets{}).rate(budgetResets).Burst) {
				t.Errorf("the handler was called %d times", n)
			}
		})
	}
}

// A peer that does not read its PING acknowledgements is cut off by their bytes.
func TestControlBytes(t *testing.T) {
	f := serve(t, &Server{Handler: http.NotFoundHandler(), Budgets: Budgets{Pings: Rate{Burst: 1 << 30}}, WriteTimeout: time.Hour})
	p := f.dial(t)
	if err := p.nc.(*net.TCPConn).SetReadBuffer(1); err != nil {
		t.Fatal(err)
	}
	var pings bytes.Buffer
	for framer := http2.NewFramer(&pings, nil); pings.Len() < 64<<10; {
		p.must(framer.WritePing(false, [8]byte{}))
	}
	for {
		if _, err := p.nc.Write(pings.Bytes()); err != nil {
			break
		}
	}
	if over := f.Stats().OverBudget; over["control_bytes"] != 1 {
		t.Errorf("counted %v, want one over control_bytes", over)
	}
}

// A peer whose windows stay closed holds a handler until its deadline, and the
// connection lives on.
func TestZeroWindow(t *testing.T) {
	result := make(chan error, 1)
	f := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		_, _ = io.WriteString(w, "data")
		err := control.Flush()
		if again := control.Flush(); !errors.Is(again, err) {
			err = fmt.Errorf("second Flush = %w", again)
		}
		result <- err
	})})
	p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	p.get(1, "/")
	if err := <-result; err == nil || !strings.Contains(err.Error(), "timeout") {
		t.Errorf("Flush to a closed window = %v, want a timeout", err)
	}
	if f := p.next(http2.FrameRSTStream); f.StreamID != 1 || f.code != http2.ErrCodeInternal {
		t.Errorf("reset of stream %d with %v, want 1 with INTERNAL_ERROR", f.StreamID, f.code)
	}
	p.barrier()
}

// The end of a response that does not fit into the peer's window holds a stream,
// but no goroutine.
func TestZeroWindowAtTheEnd(t *testing.T) {
	returned := make(chan struct{})
	f := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		context.AfterFunc(r.Context(), func() { close(returned) })
		_, _ = io.WriteString(w, "data")
		w.Header().Set(http.TrailerPrefix+"X-Trailer", "t")
	})})
	p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	p.get(1, "/")
	if f := p.nextOf(1); f.fields[":status"] != "200" {
		t.Errorf("response = %v, want 200", f.fields)
	}
	<-returned
	p.must(p.framer.WriteWindowUpdate(1, 3))
	if got := p.data(1, 3); got != "dat" {
		t.Errorf("data = %q, want 3 bytes", got)
	}
	p.must(p.framer.WriteWindowUpdate(1, 3))
	if got := p.data(1, 1); got != "a" {
		t.Errorf("data = %q, want the rest", got)
	}
	if f := p.nextOf(1); f.fields["x-trailer"] != "t" {
		t.Errorf("trailers = %v", f.fields)
	}
}

// A peer that does not read, or hardly, is freed after the write timeout, with
// all that waits for it.
func TestNeverReads(t *testing.T) {
	onAllWriters(t, func(t *testing.T, serve func(*Server) *front) {
		for name, read := range map[string]func(*peer, <-chan struct{}){
			"never": func(*peer, <-chan struct{}) {},
			"a byte at a time": func(p *peer, over <-chan struct{}) {
				for {
					if _, err := p.nc.Read(make([]byte, 1)); err != nil {
						return
					}
					select {
					case <-time.After(time.Millisecond):
					case <-over:
						return
					}
				}
			},
		} {
			t.Run(name, func(t *testing.T) { neverReads(t, serve, read) })
		}
	})
}

func neverReads(t *testing.T, serve func(*Server) *front, read func(*peer, <-chan struct{})) {
	owner := newRecorder()
	d := newDetacher(owner)
	ended := make(chan error, 1)
	f := serve(&Server{WriteTimeout: 400 * time.Millisecond, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/detach" {
			d.ServeHTTP(w, r)
			return
		}
		for {
			if _, err := w.Write(make([]byte, 10_000)); err != nil {
				ended <- err
				<-r.Context().Done()
				return
			}
		}
	})})
	p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: maxWindow})
	p.must(p.framer.WriteWindowUpdate(0, maxWindow-protocolWindow))
	p.get(1, "/detach")
	<-d.streams
	p.get(3, "/")
	var reading sync.WaitGroup
	over := make(chan struct{})
	reading.Go(func() { read(p, over) })
	for name, result := range map[string]chan error{"Closed": owner.closed, "Write": ended} {
		if err := <-result; !errors.As(err, new(*ConnError)) {
			t.Errorf("%s: %v, want a ConnError", name, err)
		}
	}
	close(over)
	_ = p.nc.SetDeadline(time.Now())
	reading.Wait()
}

// A peer that is silent and answers no PING is freed, also in the middle of a
// header block or of a frame.
func TestHalfOpen(t *testing.T) {
	for name, begin := range map[string]func(*peer){
		"idle":    func(p *peer) { p.barrier() },
		"stream":  func(p *peer) { p.get(1, "/") },
		"HEADERS": func(p *peer) { p.must(p.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1})) },
		"frame":   func(p *peer) { _, _ = p.nc.Write([]byte{0, 1, 0, 0}) },
	} {
		t.Run(name, func(t *testing.T) {
			f := serve(t, &Server{Handler: newDetacher(newRecorder()), PingInterval: 50 * time.Millisecond, PingTimeout: 50 * time.Millisecond})
			p := f.dial(t)
			begin(p)
			pings := 0
			for {
				f, err := p.read()
				if err != nil {
					break
				}
				if f.Type == http2.FramePing {
					pings++
				}
			}
			if pings == 0 {
				t.Error("the connection was closed without a PING")
			}
		})
	}
}

// A peer that answers PINGs lives.
func TestKeepAlive(t *testing.T) {
	f := serve(t, &Server{Handler: newDetacher(newRecorder()), PingInterval: 10 * time.Millisecond, PingTimeout: time.Minute})
	p := f.dial(t)
	p.get(1, "/")
	for range 5 {
		ping := p.next(http2.FramePing)
		p.must(p.framer.WritePing(true, [8]byte(ping.data)))
	}
	p.barrier()
}

func TestNoPreface(t *testing.T) {
	f := serve(t, &Server{Handler: http.NotFoundHandler(), PrefaceTimeout: 50 * time.Millisecond})
	nc, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if _, err := io.WriteString(nc, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, nc); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("the connection ended with %v", err)
	}
}

func TestIdleConnectionIsClosed(t *testing.T) {
	f := serve(t, &Server{Handler: http.NotFoundHandler(), IdleTimeout: 50 * time.Millisecond})
	p := f.dial(t)
	p.get(1, "/")
	last := uint32(0)
	for {
		f, err := p.read()
		if err != nil {
			break
		}
		if f.Type == http2.FrameGoAway {
			last = f.last
		}
		if f.Type == http2.FramePing && !f.Flags.Has(http2.FlagPingAck) {
			p.must(p.framer.WritePing(true, [8]byte(f.data)))
		}
	}
	if last != 1 {
		t.Errorf("last GOAWAY names stream %d, want 1", last)
	}
}

// The PINGs with which a gRPC client probes the bandwidth, one for each burst of
// data, and its window updates stay within the budgets.
func TestBandwidthProbing(t *testing.T) {
	f := serve(t, &Server{Handler: connectHandler()})
	cc := grpcClient(t, f.addr)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := cc.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, serverPath)
	if err != nil {
		t.Fatalf("NewStream = %v", err)
	}
	const messages = 5000
	if err := errors.Join(s.SendMsg(wrapperspb.String(strings.Repeat("x", messages))), s.CloseSend()); err != nil {
		t.Fatalf("SendMsg = %v", err)
	}
	for n := 0; ; n++ {
		if err := s.RecvMsg(new(text)); errors.Is(err, io.EOF) && n == messages {
			break
		} else if err != nil {
			t.Fatalf("after %d messages: %v", n, err)
		}
	}
	for range 2000 { // small answers, each of which is probed
		if err := cc.Invoke(ctx, unaryPath, wrapperspb.String("x"), new(text)); err != nil {
			t.Fatalf("Invoke = %v", err)
		}
	}
	for name, n := range f.Stats().OverBudget {
		if n > 0 {
			t.Errorf("over the budget of %s", name)
		}
	}
}

// A peer that asks for much and opens no window makes the server hold a bounded
// amount, and that for a bounded time.
func TestUnsentResponsesAreBounded(t *testing.T) {
	const size, requests = 1 << 20, 100
	answer := make([]byte, size)
	var failed atomic.Int64
	f := serve(t, &Server{
		WriteTimeout: 200 * time.Millisecond,
		PingInterval: 100 * time.Millisecond,
		PingTimeout:  time.Minute,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/small" {
				fmt.Fprint(w, "small") // left to the connection when the handler returns
				return
			}
			if _, err := w.Write(answer); err != nil {
				failed.Add(1)
			}
		}),
	})
	p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	p.get(1, "/small")
	for i := range uint32(requests) {
		p.get(3+2*i, "/")
	}
	resets := make(map[uint32]http2.ErrCode)
	for len(resets) < requests+1 {
		f := p.next(http2.FrameRSTStream)
		resets[f.StreamID] = f.code
	}
	if n := failed.Load(); n != requests {
		t.Errorf("%d of %d handlers were told, want all", n, requests)
	}
}
