package h2

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// script is a connection whose peer has sent all it will, and which keeps what
// it is sent.
type script struct {
	in io.Reader

	mu     sync.Mutex // guards below
	out    bytes.Buffer
	closed bool
}

func (s *script) Read(p []byte) (int, error) { return s.in.Read(p) }

func (s *script) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, net.ErrClosed
	}
	return s.out.Write(p)
}

func (s *script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// FuzzFrames feeds arbitrary bytes to the frame loop, after the preface. It must
// end, must not panic, and must send valid frames only.
func FuzzFrames(f *testing.F) {
	for seed := range uint64(40) {
		f.Add(seedFrames(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := &Server{
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Accept") != "" {
					if d, err := Detach(w, newRecorder()); err == nil {
						_ = d.Append([]byte("detached"))
						d.Finish(http.Header{"X-T": {"t"}})
						d.Conn().Flush()
					}
					return
				}
				testHandler(w, r)
			}),
			StreamWindow:       5000,
			MaxHeaderListBytes: 2000,
		}
		nc := &script{in: io.MultiReader(bytes.NewReader([]byte(http2.ClientPreface)), bytes.NewReader(data))}
		err := s.ServeConn(nc)
		if e := new(ConnError); err != nil && !errors.As(err, &e) {
			t.Errorf("ServeConn = %v, want a ConnError", err)
		}
		if st := s.Stats(); st.Connections != 0 || st.Streams != 0 || st.Detached != 0 {
			t.Errorf("stats after the end = %+v, want nothing", st)
		}
		checkFrames(t, nc.out.Bytes())
	})
}

// checkFrames fails the test unless the bytes are whole frames with valid header
// blocks.
func checkFrames(t *testing.T, sent []byte) {
	t.Helper()
	framer := http2.NewFramer(io.Discard, bytes.NewReader(sent))
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	framer.SetMaxReadFrameSize(defaultFrameSize)
	for {
		if _, err := framer.ReadFrame(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the server sent an invalid frame: %v", err)
		}
	}
}

// seedFrames are SETTINGS and some requests of the differential test.
func seedFrames(seed uint64) []byte {
	rnd := rand.New(rand.NewPCG(seed, 7))
	var buf bytes.Buffer
	p := &peer{framer: http2.NewFramer(&buf, nil)}
	p.enc = newPeerEncoder(p)
	p.framer.AllowIllegalWrites = true
	_ = p.framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: uint32(rnd.IntN(2000))})
	_ = p.framer.WriteWindowUpdate(0, uint32(rnd.IntN(100_000)))
	for i := range 1 + rnd.IntN(3) {
		_ = p.sendOn(uint32(2*i+1), generate(rnd))
		switch rnd.IntN(5) {
		case 0:
			_ = p.framer.WriteRSTStream(uint32(2*i+1), http2.ErrCodeCancel)
		case 1:
			_ = p.framer.WriteWindowUpdate(uint32(2*i+1), 100)
		case 2:
			_ = p.framer.WritePing(rnd.IntN(2) == 0, [8]byte{})
		case 3:
			_ = p.framer.WritePriority(uint32(2*i+1), http2.PriorityParam{StreamDep: uint32(rnd.IntN(4))})
		}
	}
	return buf.Bytes()
}
