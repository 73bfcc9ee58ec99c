package h2

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// recorder is an Owner that remembers what it was told.
type recorder struct {
	ready  chan *Stream
	closed chan error
}

func newRecorder() *recorder {
	return &recorder{ready: make(chan *Stream, 10_000), closed: make(chan error, 10_000)}
}

func (r *recorder) Writable(s *Stream)          { r.ready <- s }
func (r *recorder) Closed(_ *Stream, err error) { r.closed <- err }

// detacher is a handler that detaches each stream and hands it over.
type detacher struct {
	owner   Owner
	streams chan *Stream
}

func newDetacher(owner Owner) *detacher {
	return &detacher{owner: owner, streams: make(chan *Stream, 10_000)}
}

func (d *detacher) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprint(w, "begin ")
	s, err := Detach(w, d.owner)
	if err != nil {
		panic(err)
	}
	fmt.Fprint(w, "discarded") // what connect writes when the handler returns
	w.Header().Set(http.TrailerPrefix+"X-Discarded", "1")
	_ = http.NewResponseController(w).Flush()
	d.streams <- s
}

// opaque hides what a connection can do besides being a net.Conn, so that writes
// to it take the way of systems without non-blocking writes.
type opaque struct{ net.Conn }

type opaqueListener struct{ net.Listener }

func (l opaqueListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	return opaque{nc}, err
}

// onAllWriters runs a test with writes that don't wait for the socket, with those
// of a goroutine, and both over TLS.
func onAllWriters(t *testing.T, test func(*testing.T, func(*Server) *front)) {
	t.Run("socket", func(t *testing.T) {
		test(t, func(s *Server) *front { return serve(t, s) })
	})
	t.Run("goroutine", func(t *testing.T) {
		test(t, func(s *Server) *front {
			return serveOn(t, s, func(l net.Listener) net.Listener { return opaqueListener{l} })
		})
	})
	t.Run("tls", func(t *testing.T) {
		test(t, func(s *Server) *front { return serveTLS(t, s) })
	})
	t.Run("tls and goroutine", func(t *testing.T) {
		test(t, func(s *Server) *front {
			return serveTLSOn(t, s, func(l net.Listener) net.Listener { return l })
		})
	})
}

func TestDetach(t *testing.T) {
	onAllWriters(t, func(t *testing.T, serve func(*Server) *front) {
		owner := newRecorder()
		d := newDetacher(owner)
		f := serve(&Server{Handler: d})
		answer := make(chan *http.Response, 1)
		body := make(chan string, 1)
		c := f.client(t)
		go func() {
			response, got := do(t, c, "GET", f.url, nil)
			answer <- response
			body <- got
		}()
		s := <-d.streams
		for i := range 3 {
			if err := s.Append(fmt.Append(nil, i, " ")); err != nil {
				t.Errorf("Append = %v, want nil", err)
			}
			s.Conn().Flush()
		}
		if err := s.Append([]byte("shared")); err != nil {
			t.Errorf("Append = %v, want nil", err)
		}
		s.Finish(http.Header{"X-Trailer": {"t"}})
		if err := s.Append([]byte("late")); !errors.Is(err, ErrFinished) {
			t.Errorf("Append after Finish = %v, want ErrFinished", err)
		}
		s.Conn().Flush()
		response, got := <-answer, <-body
		if want := "begin 0 1 2 shared"; got != want {
			t.Errorf("body = %q, want %q", got, want)
		}
		if response.Trailer.Get("X-Trailer") != "t" || response.Trailer.Get("X-Discarded") != "" {
			t.Errorf("trailer = %v, want X-Trailer alone", response.Trailer)
		}
		select {
		case err := <-owner.closed:
			t.Errorf("Closed(%v) after Finish, want no call", err)
		default:
		}
		if st := f.Stats(); st.Streams != 0 || st.Detached != 0 {
			t.Errorf("stats after the end = %+v, want no streams", st)
		}
	})
}

func TestDetachRefusesOthers(t *testing.T) {
	if _, err := Detach(struct{ http.ResponseWriter }{}, newRecorder()); !errors.Is(err, ErrNotStream) {
		t.Errorf("Detach of something else = %v, want ErrNotStream", err)
	}
	result := make(chan error, 1)
	f := serve(t, &Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s, err := Detach(wrapper{wrapper{w}}, newRecorder())
		if err != nil {
			result <- err
			return
		}
		_, err = Detach(w, newRecorder())
		s.Finish(nil)
		s.Conn().Flush()
		result <- err
	})})
	do(t, h2cClient(t), "GET", f.url, nil)
	if err := <-result; !errors.Is(err, ErrNotStream) {
		t.Errorf("second Detach = %v, want ErrNotStream", err)
	}
}

type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// A stream whose window is used up refuses, keeps what it took, and says when it
// can take more.
func TestDetachedStreamWindow(t *testing.T) {
	onAllWriters(t, func(t *testing.T, serve func(*Server) *front) {
		owner := newRecorder()
		d := newDetacher(owner)
		f := serve(&Server{Handler: d})
		p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 10})
		p.get(1, "/")
		s := <-d.streams
		got := p.data(1, len("begin "))
		// 4 bytes fit, the rest is kept.
		message := []byte("0123456789")
		if err := s.Append(message); err != nil {
			t.Fatalf("Append of more than the window = %v, want nil", err)
		}
		clear(message) // Append has copied it
		s.Conn().Flush()
		if err := s.Append([]byte("refused")); !errors.Is(err, ErrBlocked) {
			t.Fatalf("Append to a stream that keeps data = %v, want ErrBlocked", err)
		}
		got += p.data(1, 4)
		p.barrier()
		select {
		case <-owner.ready:
			t.Fatal("Ready was called before the window opened")
		default:
		}
		p.must(p.framer.WriteWindowUpdate(1, 3))
		got += p.data(1, 3)
		p.must(p.framer.WriteWindowUpdate(1, 100))
		got += p.data(1, 3)
		if ready := <-owner.ready; ready != s {
			t.Fatalf("Writable(%p), want %p", ready, s)
		}
		if err := s.Append([]byte("more")); err != nil {
			t.Errorf("Append after Ready = %v, want nil", err)
		}
		s.Conn().Flush()
		if got += p.data(1, 4); got != "begin 0123456789more" {
			t.Errorf("data = %q", got)
		}
		// A change of the initial window can make a window negative.
		p.must(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}))
		p.must(p.framer.WriteWindowUpdate(1, 1))
		p.barrier()
		for s.Append([]byte("x")) == nil {
			s.Conn().Flush()
		}
		p.must(p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1000}))
		<-owner.ready
		s.Finish(nil)
		s.Conn().Flush()
		for !p.next(http2.FrameData).Flags.Has(http2.FlagDataEndStream) {
		}
	})
}

// data reads n bytes of a stream's DATA.
func (p *peer) data(id uint32, n int) string {
	p.t.Helper()
	var b strings.Builder
	for b.Len() < n {
		if f := p.next(http2.FrameData); f.StreamID == id {
			b.Write(f.data)
		}
	}
	if b.Len() != n {
		p.t.Fatalf("data = %q, want %d bytes", b.String(), n)
	}
	return b.String()
}

// Streams that wait for the connection's window get it in turn, and none is
// forgotten.
func TestDetachedConnectionWindow(t *testing.T) {
	onAllWriters(t, func(t *testing.T, serve func(*Server) *front) {
		const streams, messages, size = 50, 40, 200 // 400 KB through a window of 64 KiB
		owner := newRecorder()
		d := newDetacher(owner)
		f := serve(&Server{Handler: d})
		p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 20})
		for i := range streams {
			p.get(uint32(2*i+1), "/")
		}
		left := make(map[*Stream]int)
		for range streams {
			left[<-d.streams] = messages
		}
		payload := bytes.Repeat([]byte("x"), size)
		deliver := func(s *Stream) {
			for ; left[s] > 0; left[s]-- {
				if err := s.Append(payload); errors.Is(err, ErrBlocked) {
					return
				} else if err != nil {
					t.Errorf("Append = %v", err)
				}
			}
			s.Finish(nil)
			delete(left, s)
		}
		delivered := make(chan struct{})
		go func() { // the worker
			defer close(delivered)
			for s := range left {
				deliver(s)
				s.Conn().Flush()
			}
			for len(left) > 0 {
				s := <-owner.ready
				deliver(s)
				s.Conn().Flush()
			}
		}()
		total, ended := 0, 0
		for ended < streams {
			f := p.next(http2.FrameData)
			total += len(f.data)
			if f.Flags.Has(http2.FlagDataEndStream) {
				ended++
			}
			if len(f.data) > 0 {
				p.must(p.framer.WriteWindowUpdate(0, uint32(len(f.data))))
			}
		}
		<-delivered
		if want := streams * (messages*size + len("begin ")); total != want {
			t.Errorf("received %d bytes, want %d", total, want)
		}
	})
}

// A peer that does not read makes Append refuse, within the stated bound, and is
// served again once it reads.
func TestDetachedSocketFull(t *testing.T) {
	onAllWriters(t, func(t *testing.T, serve func(*Server) *front) {
		owner := newRecorder()
		d := newDetacher(owner)
		f := serve(&Server{Handler: d})
		p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		p.must(p.framer.WriteWindowUpdate(0, 1<<31-1-protocolWindow))
		p.get(1, "/")
		s := <-d.streams
		p.barrier()
		payload := bytes.Repeat([]byte("x"), 10_000)
		sent := len("begin ")
		for {
			if err := s.Append(payload); errors.Is(err, ErrBlocked) {
				break
			} else if err != nil {
				t.Fatalf("Append = %v", err)
			}
			s.Conn().Flush()
			sent += len(payload)
		}
		s.c.mu.Lock()
		pending := s.c.out.Pending()
		s.c.mu.Unlock()
		if bound := defaultQueuedBytes + len(payload) + 100; pending == 0 || pending > bound {
			t.Errorf("%d bytes wait for the socket, want between 1 and %d", pending, bound)
		}
		for got := 0; got < sent-len("begin "); { // the beginning came before the barrier
			got += len(p.next(http2.FrameData).data)
		}
		<-owner.ready
		if err := s.Append([]byte("again")); err != nil {
			t.Errorf("Append after Ready = %v, want nil", err)
		}
		s.Conn().Flush()
		if got := p.data(1, 5); got != "again" {
			t.Errorf("data = %q, want again", got)
		}
	})
}

func TestDetachedStreamIsClosed(t *testing.T) {
	for name, end := range map[string]struct {
		do   func(*front, *peer)
		want func(error) bool
	}{
		"reset by the peer": {
			func(_ *front, p *peer) { p.must(p.framer.WriteRSTStream(1, http2.ErrCodeCancel)) },
			func(err error) bool {
				e := new(StreamError)
				return errors.As(err, &e) && e.Remote && e.Code == http2.ErrCodeCancel && e.ID == 1 && e.Peer != ""
			},
		},
		"connection closed": {
			func(_ *front, p *peer) { _ = p.nc.Close() },
			func(err error) bool { return errors.As(err, new(*ConnError)) },
		},
		"server closed": {
			func(f *front, _ *peer) { _ = f.Close() },
			func(err error) bool { return errors.Is(err, http.ErrServerClosed) },
		},
		"peer breaks the protocol": {
			func(_ *front, p *peer) { p.must(p.framer.WritePriority(0, http2.PriorityParam{StreamDep: 1})) },
			func(err error) bool {
				e := new(ConnError)
				return errors.As(err, &e) && e.Code == http2.ErrCodeProtocol
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			owner := newRecorder()
			d := newDetacher(owner)
			f := serve(t, &Server{Handler: d})
			p := f.dial(t)
			p.get(1, "/")
			s := <-d.streams
			end.do(f, p)
			err := <-owner.closed
			if !end.want(err) {
				t.Errorf("Closed(%v)", err)
			}
			if got := s.Append(nil); !errors.Is(got, err) {
				t.Errorf("Append to a closed stream = %v, want %v", got, err)
			}
			s.Finish(nil)
			s.Reset(http2.ErrCodeCancel)
			s.Conn().Flush()
		})
	}
}

func TestDetachedReset(t *testing.T) {
	d := newDetacher(newRecorder())
	f := serve(t, &Server{Handler: d})
	p := f.dial(t)
	p.post(1, "/")
	s := <-d.streams
	if err := s.Append([]byte("x")); err != nil {
		t.Errorf("Append = %v", err)
	}
	s.Reset(http2.ErrCodeEnhanceYourCalm)
	s.Conn().Flush()
	if f := p.next(http2.FrameRSTStream); f.code != http2.ErrCodeEnhanceYourCalm {
		t.Errorf("reset with %v, want ENHANCE_YOUR_CALM", f.code)
	}
	// What was on its way is no fault of the peer's.
	p.must(p.framer.WriteData(1, false, []byte("x")))
	p.request(1, true, "trailer", "x")
	for _, f := range p.barrier() {
		if f.Type == http2.FrameGoAway || f.Type == http2.FrameRSTStream {
			t.Errorf("%v for a frame after a reset, want none", f.FrameHeader)
		}
	}
}
