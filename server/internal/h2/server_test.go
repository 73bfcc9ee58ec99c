package h2

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// handle is a server with one handler.
func handle(t testing.TB, h http.HandlerFunc) *front {
	t.Helper()
	return serve(t, &Server{Handler: h})
}

func TestRequestBody(t *testing.T) {
	f := handle(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, len(body), r.ContentLength, err, r.Trailer)
		if _, err := r.Body.Read(make([]byte, 1)); err != io.EOF {
			t.Errorf("Read after the end = %v, want EOF", err)
		}
	})
	const size = 3 << 20 // more than all windows
	body := io.MultiReader(strings.NewReader(strings.Repeat("x", size)))
	r, err := http.NewRequestWithContext(t.Context(), "POST", f.url, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Trailer = http.Header{"X-Trailer": {"t"}}
	response, err := h2cClient(t).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if want := fmt.Sprint(size, -1, nil, http.Header{"X-Trailer": {"t"}}); err != nil || string(got) != want {
		t.Errorf("answer = %q, %v, want %q", got, err, want)
	}
}

// Windows are returned as the handler reads, padding included, and what exceeds
// them is refused.
func TestReceiveWindows(t *testing.T) {
	read := make(chan int)
	f := serve(t, &Server{StreamWindow: 1000, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for n := range read {
			if _, err := io.ReadFull(r.Body, make([]byte, n)); err != nil {
				t.Errorf("ReadFull = %v", err)
			}
		}
	})})
	defer close(read)
	p := f.dial(t)
	settings := p.next(http2.FrameSettings)
	if want := (http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}); len(settings.settings) == 0 || settings.settings[len(settings.settings)-1] != want {
		t.Errorf("settings = %v, want %v among them", settings.settings, want)
	}
	p.post(1, "/")
	p.must(p.framer.WriteDataPadded(1, false, make([]byte, 700), make([]byte, 250)))
	if f := p.nextUpdate(1); f.incr != 251 {
		t.Errorf("window update = %d, want the padding", f.incr)
	}
	read <- 700
	if f := p.nextUpdate(1); f.incr != 700 {
		t.Errorf("window update = %d, want what was read", f.incr)
	}
	p.must(p.framer.WriteData(1, false, make([]byte, 1000)))
	p.must(p.framer.WriteData(1, false, make([]byte, 1)))
	if f := p.nextOf(1); f.Type != http2.FrameRSTStream || f.code != http2.ErrCodeFlowControl {
		t.Errorf("answer to more than the window = %v %v, want FLOW_CONTROL_ERROR", f.FrameHeader, f.code)
	}
}

func (p *peer) nextUpdate(id uint32) frame {
	p.t.Helper()
	for {
		if f := p.next(http2.FrameWindowUpdate); f.StreamID == id {
			return f
		}
	}
}

// What is sent to streams that have ended, and to handlers that do not read,
// does not use up the connection's window.
func TestConnectionWindowIsReturned(t *testing.T) {
	f := handle(t, func(w http.ResponseWriter, r *http.Request) {})
	p := f.dial(t)
	const total = 4 << 20
	window, sent := protocolWindow, 0
	for id := uint32(1); sent < total; id += 2 {
		p.post(id, "/")
		for n := 0; n < 60_000 && sent < total; n += 10_000 {
			for window < 10_000 {
				f := p.next(http2.FrameWindowUpdate)
				if f.StreamID == 0 {
					window += int(f.incr)
				}
			}
			p.must(p.framer.WriteData(id, false, make([]byte, 10_000)))
			window -= 10_000
			sent += 10_000
		}
	}
}

func TestExpectContinue(t *testing.T) {
	f := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Expect") != "" {
			t.Error("the handler sees the Expect header")
		}
		if r.URL.Path == "/read" {
			body, err := io.ReadAll(r.Body)
			fmt.Fprint(w, string(body), err)
		}
	})
	p := f.dial(t)
	p.post(1, "/read", "expect", "100-continue")
	if f := p.nextOf(1); f.fields[":status"] != "100" {
		t.Fatalf("first answer = %v, want 100", f.fields)
	}
	p.must(p.framer.WriteData(1, true, []byte("body")))
	if f := p.nextOf(1); f.fields[":status"] != "200" {
		t.Errorf("second answer = %v, want 200", f.fields)
	}
	p.post(3, "/refuse", "expect", "100-continue")
	if f := p.nextOf(3); f.fields[":status"] != "200" {
		t.Errorf("answer of a handler that does not read = %v, want 200 alone", f.fields)
	}
	if f := p.nextOf(3); f.Type != http2.FrameRSTStream || f.code != http2.ErrCodeNo {
		t.Errorf("after it came %v, want RST_STREAM with NO_ERROR", f.FrameHeader)
	}
}

// Header blocks that do not fit into a frame are continued.
func TestLargeResponseHeaders(t *testing.T) {
	value := strings.Repeat("x", 50_000)
	f := handle(t, func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Large", value) })
	response, _ := do(t, h2cClient(t), "GET", f.url, nil)
	if response.Header.Get("X-Large") != value {
		t.Errorf("header of %d bytes, want %d", len(response.Header.Get("X-Large")), len(value))
	}
}

func TestHeaderLimit(t *testing.T) {
	f := handle(t, func(w http.ResponseWriter, r *http.Request) {})
	response, _ := do(t, h2cClient(t), "GET", f.url, nil, "X-Large", strings.Repeat("x", 8<<10))
	if response.StatusCode != 200 {
		t.Errorf("8 KiB of headers = %s, want 200", response.Status)
	}
	p := f.dial(t)
	if err := p.sendBlock(1, append(requestHeaders("/"), "x-large", strings.Repeat("x", 20<<10)), true, 10<<10); err != nil {
		t.Fatal(err)
	}
	if f := p.nextOf(1); f.fields[":status"] != "431" {
		t.Errorf("20 KiB of headers = %v, want 431", f.fields)
	}
	p.get(3, "/")
	if f := p.nextOf(3); f.fields[":status"] != "200" {
		t.Errorf("the next request = %v, want 200", f.fields)
	}
}

// A reset by the client ends the request's context and its body.
func TestCancellation(t *testing.T) {
	type result struct{ read, write error }
	results := make(chan result, 1)
	f := handle(t, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		<-r.Context().Done()
		_, _ = io.WriteString(w, "x")
		results <- result{err, http.NewResponseController(w).Flush()}
	})
	p := f.dial(t)
	p.post(1, "/")
	p.must(p.framer.WriteData(1, false, []byte("x")))
	p.must(p.framer.WriteRSTStream(1, http2.ErrCodeCancel))
	r := <-results
	for name, err := range map[string]error{"Read": r.read, "Flush": r.write} {
		if e := new(StreamError); !errors.As(err, &e) || !e.Remote || e.Code != http2.ErrCodeCancel {
			t.Errorf("%s after a reset = %v, want a StreamError of the peer's", name, err)
		}
	}
	p.barrier()
}

func TestReadDeadline(t *testing.T) {
	f := handle(t, func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		if err := errors.Join(control.EnableFullDuplex(), control.SetReadDeadline(time.Now().Add(10*time.Millisecond))); err != nil {
			t.Errorf("controlling the response = %v, want nil", err)
		}
		_, err := r.Body.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Read = %v, want a timeout", err)
		}
		_ = control.SetReadDeadline(time.Time{})
		fmt.Fprint(w, "go on")
		_ = control.Flush()
		body, err := io.ReadAll(r.Body)
		fmt.Fprint(w, string(body), err)
	})
	p := f.dial(t)
	p.post(1, "/")
	if got := p.data(1, 5); got != "go on" {
		t.Errorf("data = %q", got)
	}
	p.must(p.framer.WriteData(1, true, []byte("late")))
	if got := p.data(1, len("late<nil>")); got != "late<nil>" {
		t.Errorf("data = %q", got)
	}
}

func TestPanic(t *testing.T) {
	f := handle(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/abort" {
			panic(http.ErrAbortHandler)
		}
		panic("on purpose")
	})
	p := f.dial(t)
	for i, path := range []string{"/abort", "/"} {
		id := uint32(2*i + 1)
		p.get(id, path)
		if f := p.nextOf(id); f.Type != http2.FrameRSTStream || f.code != http2.ErrCodeInternal {
			t.Errorf("answer of a handler that panics = %v %v, want a reset with INTERNAL_ERROR", f.FrameHeader, f.code)
		}
	}
	if lines := f.log.String(); strings.Count(lines, "panicked") != 1 || !strings.Contains(lines, "on purpose") || !strings.Contains(lines, p.nc.LocalAddr().String()) {
		t.Errorf("log = %s, want one panic, with the peer", lines)
	}
}

func TestRequestContext(t *testing.T) {
	type key struct{}
	hs := new(http.Server)
	f := serve(t, &Server{
		HTTP:        hs,
		BaseContext: func(net.Conn) context.Context { return context.WithValue(context.Background(), key{}, "base") },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ctx := r.Context()
			local, _ := ctx.Value(http.LocalAddrContextKey).(net.Addr)
			if local == nil || ctx.Value(http.ServerContextKey) != hs || ctx.Value(key{}) != "base" || r.TLS != nil {
				t.Errorf("context: %v, %v, %v; TLS %v", local, ctx.Value(http.ServerContextKey), ctx.Value(key{}), r.TLS)
			}
			fmt.Fprint(w, r.RemoteAddr+local.String())
		}),
	})
	p := f.dial(t)
	p.get(1, "/")
	want := p.nc.LocalAddr().String() + p.nc.RemoteAddr().String()
	if got := p.data(1, len(want)); got != want {
		t.Errorf("addresses = %q, want %q", got, want)
	}
}

func TestMaxConcurrentStreams(t *testing.T) {
	release := make(chan struct{})
	f := serve(t, &Server{MaxConcurrentStreams: 2, Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })})
	p := f.dial(t)
	p.get(1, "/")
	p.get(3, "/")
	p.get(5, "/")
	if f := p.nextOf(5); f.Type != http2.FrameRSTStream || f.code != http2.ErrCodeRefusedStream {
		t.Errorf("third stream = %v %v, want REFUSED_STREAM", f.FrameHeader, f.code)
	}
	// Handlers that don't end count, also without their streams.
	p.must(p.framer.WriteRSTStream(1, http2.ErrCodeCancel))
	p.get(7, "/")
	if f := p.nextOf(7); f.Type != http2.FrameRSTStream || f.code != http2.ErrCodeRefusedStream {
		t.Errorf("stream beside handlers that hang = %v %v, want REFUSED_STREAM", f.FrameHeader, f.code)
	}
	close(release)
	p.nextOf(3)
}

// Windows and frame sizes follow the client's settings, whenever they change.
func TestSettingsInMidFlight(t *testing.T) {
	step := make(chan struct{})
	f := handle(t, func(w http.ResponseWriter, r *http.Request) {
		for range step {
			_, _ = w.Write(make([]byte, 30_000))
		}
	})
	p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 20_000}, http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1 << 20}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 0})
	p.dec.SetAllowedMaxDynamicTableSize(0)
	p.get(1, "/")
	step <- struct{}{}
	read := 0
	for read < 20_000 {
		f := p.next(http2.FrameData)
		if len(f.data) > defaultFrameSize {
			t.Errorf("frame of %d bytes, want small ones", len(f.data))
		}
		read += len(f.data)
	}
	p.must(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 25_000}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 4096}, http2.Setting{ID: http2.SettingHeaderTableSize, Val: 100}))
	for read < 25_000 {
		read += len(p.next(http2.FrameData).data)
	}
	p.must(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10_000})) // 15,000 less than nothing
	p.must(p.framer.WriteWindowUpdate(1, 16_000))
	for read < 26_000 {
		read += len(p.next(http2.FrameData).data)
	}
	for _, f := range p.barrier() {
		if f.Type == http2.FrameData {
			t.Errorf("%d bytes more than the window", len(f.data))
		}
	}
	p.must(p.framer.WriteWindowUpdate(1, 100_000))
	close(step)
	for !p.next(http2.FrameData).Flags.Has(http2.FlagDataEndStream) {
	}
	p.get(3, "/")
	p.nextOf(3)
}

func TestWindowOverflow(t *testing.T) {
	f := serve(t, &Server{Handler: newDetacher(newRecorder())})
	p := f.dial(t)
	p.get(1, "/")
	p.must(p.framer.WriteWindowUpdate(1, maxWindow))
	for {
		if f := p.nextOf(1); f.Type == http2.FrameRSTStream {
			if f.code != http2.ErrCodeFlowControl {
				t.Errorf("reset with %v, want FLOW_CONTROL_ERROR", f.code)
			}
			break
		}
	}
	p.must(p.framer.WriteWindowUpdate(0, maxWindow))
	if code, ok := p.goAway(); !ok || code != http2.ErrCodeFlowControl {
		t.Errorf("GOAWAY %v, %t, want FLOW_CONTROL_ERROR", code, ok)
	}
}
