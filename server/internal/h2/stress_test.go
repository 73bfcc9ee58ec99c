package h2

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// worker delivers numbered messages to its streams in turn, as a delivery worker
// does: it appends to all, and flushes their connections. It ends some streams
// itself.
type worker struct {
	rnd     *rand.Rand
	joined  chan *Stream
	ready   chan *Stream
	closed  chan *Stream
	stop    chan struct{}
	next    map[*Stream]uint32
	blocked map[*Stream]bool
}

func newWorker(seed uint64) *worker {
	return &worker{
		rnd:     rand.New(rand.NewPCG(seed, seed)),
		joined:  make(chan *Stream, 1000),
		ready:   make(chan *Stream, 100_000),
		closed:  make(chan *Stream, 100_000),
		stop:    make(chan struct{}),
		next:    make(map[*Stream]uint32),
		blocked: make(map[*Stream]bool),
	}
}

func (w *worker) Writable(s *Stream)        { w.ready <- s }
func (w *worker) Closed(s *Stream, _ error) { w.closed <- s }

func (w *worker) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/plain" { // a unary answer on the same connection
		_, _ = rw.Write(make([]byte, 100))
		return
	}
	if s, err := Detach(rw, w); err == nil {
		w.joined <- s
	}
}

func (w *worker) run() {
	for {
		select {
		case s := <-w.joined:
			w.next[s] = 0
			continue
		case s := <-w.ready:
			delete(w.blocked, s)
			w.deliver(s)
			s.Conn().Flush()
			continue
		case s := <-w.closed:
			delete(w.next, s)
			delete(w.blocked, s)
			continue
		case <-w.stop:
			return
		default:
		}
		if len(w.next) == 0 {
			select {
			case s := <-w.joined:
				w.next[s] = 0
			case <-w.stop:
				return
			}
		}
		touched := make(map[Conn]struct{})
		for s := range w.next {
			w.deliver(s)
			touched[s.Conn()] = struct{}{}
		}
		for c := range touched {
			c.Flush()
		}
	}
}

func (w *worker) deliver(s *Stream) {
	n, ok := w.next[s]
	if !ok || w.blocked[s] {
		return
	}
	switch w.rnd.IntN(200) {
	case 0:
		s.Finish(http.Header{"X-End": {"1"}})
		delete(w.next, s)
		return
	case 1:
		s.Reset(http2.ErrCodeInternal)
		delete(w.next, s)
		return
	}
	switch err := s.Append(binary.BigEndian.AppendUint32(nil, n)); {
	case err == nil:
		w.next[s] = n + 1
	case errors.Is(err, ErrBlocked):
		w.blocked[s] = true
	default:
		delete(w.next, s)
	}
}

// Thousands of streams open, are reset and closed by either side while others are
// delivered to: each receives its messages in order, none missing, until it ends.
func TestManyStreams(t *testing.T) {
	onAllWriters(t, func(t *testing.T, serve func(*Server) *front) {
		const conns, streams = 8, 400
		w := newWorker(1)
		var running sync.WaitGroup
		running.Go(w.run)
		defer running.Wait()
		defer close(w.stop)
		f := serve(&Server{Handler: w, Budgets: Budgets{Resets: Rate{Burst: 1 << 30}, Ignored: Rate{Burst: 1 << 30}, WindowUpdates: Rate{Burst: 1 << 30}}})
		var peers sync.WaitGroup
		for i := range conns {
			p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 500})
			peers.Go(func() { subscribe(t, p, uint64(i), streams) })
		}
		peers.Wait()
		if st := f.Stats(); st.Streams < 0 || st.Detached < 0 {
			t.Errorf("stats = %+v", st)
		}
	})
}

// subscribe opens streams one after the other, resets some, and reads all to
// their end.
func subscribe(t *testing.T, p *peer, seed uint64, streams int) {
	rnd := rand.New(rand.NewPCG(seed, 99))
	if err := p.nc.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
		return
	}
	open := make(map[uint32]uint32) // the next message of each
	gone := make(map[uint32]bool)   // reset by this side
	plain := make(map[uint32]bool)  // have no messages
	id, opened := uint32(1), 0
	for opened < streams || len(open) > 0 {
		for opened < streams && len(open) < 100 {
			path := "/"
			if rnd.IntN(5) == 0 {
				path = "/plain"
				plain[id] = true
			}
			p.get(id, path)
			open[id] = 0
			id += 2
			opened++
		}
		f, err := p.read()
		if err != nil {
			t.Errorf("connection %d ended with %v, %d streams are open", seed, err, len(open))
			return
		}
		next, ok := open[f.StreamID]
		if !ok {
			if f.StreamID != 0 && !gone[f.StreamID] {
				t.Errorf("%v on a stream that is not open", f.FrameHeader)
			}
			continue
		}
		if f.Type == http2.FrameData && len(f.data) > 0 {
			for b := f.data; len(b) >= 4 && !plain[f.StreamID]; b = b[4:] {
				if got := binary.BigEndian.Uint32(b); got != next {
					t.Errorf("message %d on stream %d, want %d", got, f.StreamID, next)
				}
				next++
			}
			open[f.StreamID] = next
			p.must(p.framer.WriteWindowUpdate(0, uint32(len(f.data))))
			p.must(p.framer.WriteWindowUpdate(f.StreamID, uint32(len(f.data))))
		}
		ended := f.Type == http2.FrameRSTStream || (f.Type == http2.FrameData || f.Type == http2.FrameHeaders) && f.Flags.Has(http2.FlagDataEndStream)
		if !ended && rnd.IntN(100) == 0 {
			p.must(p.framer.WriteRSTStream(f.StreamID, http2.ErrCodeCancel))
			ended = true
			gone[f.StreamID] = true
		}
		if ended {
			delete(open, f.StreamID)
		}
	}
}
