package h2

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/http2"
)

// A response that is complete before a detached stream on the same connection is
// finished arrives before the end of that stream, also if both have to wait for a peer
// that does not read.
func TestAnswersComeBeforeTheEndOfAStream(t *testing.T) {
	for name, full := range map[string]bool{"peer that reads": false, "peer that does not read": true} {
		t.Run(name, func(t *testing.T) {
			onAllWriters(t, func(t *testing.T, serve func(*Server) *front) {
				const answers = 20
				owner := newRecorder()
				d := newDetacher(owner)
				f := serve(&Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/stream" {
						d.ServeHTTP(w, r)
						return
					}
					fmt.Fprint(w, "answer")
				})})
				p := f.dial(t, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
				p.must(p.framer.WriteWindowUpdate(0, 1<<31-1-protocolWindow))
				p.get(1, "/stream")
				s := <-d.streams
				p.barrier()
				if full {
					fillSocket(t, s, owner)
				}
				for i := range answers {
					p.get(uint32(2*i+3), "/answer")
				}
				eventually(t, "all handlers have returned", func() bool {
					s.c.mu.Lock()
					defer s.c.mu.Unlock()
					return s.c.lastID == 2*answers+1 && s.c.handlers == 0
				})
				s.Finish(http.Header{"X-Trailer": {"t"}})
				s.Conn().Flush()
				for ended := 0; ; {
					frame := p.next(http2.FrameData, http2.FrameHeaders)
					if !frame.Flags.Has(http2.FlagDataEndStream) { // the same flag for HEADERS
						continue
					}
					if frame.StreamID == 1 {
						if ended != answers {
							t.Errorf("the stream ended after %d answers, want %d", ended, answers)
						}
						return
					}
					ended++
				}
			})
		})
	}
}

// fillSocket appends to a stream until it is refused, and the socket takes nothing more
// even after a pause.
func fillSocket(t *testing.T, s *Stream, owner *recorder) {
	t.Helper()
	payload := bytes.Repeat([]byte("x"), 10_000)
	for {
		err := s.Append(payload)
		s.Conn().Flush()
		switch {
		case errors.Is(err, ErrBlocked):
			select {
			case <-owner.ready:
			case <-time.After(200 * time.Millisecond):
				return
			}
		case err != nil:
			t.Fatalf("Append = %v", err)
		}
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	for !holds() {
		select {
		case <-time.After(time.Millisecond):
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
