package h2

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http2"

	"chatroom/server/internal/detach"
)

// takenOver is a stream that package detach has taken over, and what it calls.
type takenOver struct {
	detach.Stream
	writable, gone chan struct{}
	body           chan string // what the handler has read after that
}

// takeOver is a handler that has its response taken over, and then reads the request.
func takeOver(t *testing.T, streams chan<- takenOver) http.Handler {
	var g detach.Group
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := takenOver{writable: make(chan struct{}, 1), gone: make(chan struct{}), body: make(chan string, 1)}
		w.WriteHeader(http.StatusOK)
		var err error
		s.Stream, err = g.Take(w, r, detach.Events{
			Writable: func() { s.writable <- struct{}{} },
			Gone:     func() { close(s.gone) },
		})
		if err != nil {
			t.Errorf("Take = %v, want nil", err)
			return
		}
		streams <- s
		text, _ := io.ReadAll(r.Body) // ends with the stream at the latest
		s.body <- string(text)
	})
}

func TestTakeover(t *testing.T) {
	onAllWriters(t, func(t *testing.T, serve func(*Server) *front) {
		streams := make(chan takenOver, 1)
		f := serve(&Server{Handler: takeOver(t, streams)})
		c := f.client(t)
		type answer struct {
			response *http.Response
			body     string
		}
		answered := make(chan answer, 1)
		go func() {
			response, body := do(t, c, "POST", f.url, strings.NewReader("request"))
			answered <- answer{response, body}
		}()
		s := <-streams
		if got := <-s.body; got != "request" {
			t.Errorf("the handler read %q after its response was taken over, want the request", got)
		}
		for i := range 3 {
			if !s.Append(fmt.Appendf(nil, "line %d\n", i)) {
				t.Error("Append = false for a client that reads")
			}
			s.Flush()
		}
		if !s.Finish([]byte("end"), http.Header{"X-Trailer": {"t"}}) {
			t.Error("Finish = false for a client that reads")
		}
		got := <-answered
		if want := "line 0\nline 1\nline 2\nend"; got.body != want || got.response.Trailer.Get("X-Trailer") != "t" {
			t.Errorf("the response is %q with the trailers %v, want %q with X-Trailer", got.body, got.response.Trailer, want)
		}
	})
}

// A client that opens no window stalls its stream: what is refused is taken once the
// window opens.
func TestTakeoverStalls(t *testing.T) {
	streams := make(chan takenOver, 1)
	f := serve(t, &Server{Handler: takeOver(t, streams)})
	p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 4})
	p.get(1, "/")
	s := <-streams
	if !s.Append([]byte("123456")) || s.Append([]byte("refused")) || s.Stalled().IsZero() {
		t.Error("a stream takes more than its window and one append, or is not stalled")
	}
	s.Flush()
	p.must(p.framer.WriteWindowUpdate(1, 100))
	<-s.writable
	if !s.Append([]byte("78")) || !s.Stalled().IsZero() {
		t.Error("a stream whose window has opened takes nothing, or is stalled")
	}
	s.Finish(nil, nil)
	if got := p.data(1, 8); got != "12345678" {
		t.Errorf("the client received %q, want what was taken", got)
	}
}

// Gone is called when the client resets its stream, and not after Abort.
func TestTakeoverEnds(t *testing.T) {
	streams := make(chan takenOver, 1)
	f := serve(t, &Server{Handler: takeOver(t, streams)})
	p := f.dial(t)
	p.get(1, "/")
	s := <-streams
	p.must(p.framer.WriteRSTStream(1, http2.ErrCodeCancel))
	<-s.gone
	if !s.Append([]byte("dropped")) {
		t.Error("Append = false for a stream that has ended, want it taken and dropped")
	}
	p.get(3, "/")
	s = <-streams
	s.Abort()
	if f := p.next(http2.FrameRSTStream); f.StreamID != 3 {
		t.Errorf("stream %d was reset, want 3", f.StreamID)
	}
	<-s.body
	select {
	case <-s.gone:
		t.Error("Gone was called after Abort")
	default:
	}
}
