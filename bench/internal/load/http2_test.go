package load

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/http2"
)

// TestStreamsOfOneConnection shows that each stream's bytes reach its own reader.
func TestStreamsOfOneConnection(t *testing.T) {
	var out []byte
	got := make([][]byte, 3)
	stream := func(i int) h2Stream {
		return h2Stream{onHeaders: func() {}, body: newEnvelopes(func(p []byte) error {
			got[i] = append(got[i], p...)
			return nil
		})}
	}
	h := newH2(&out, stream(0))
	for i := 1; i < len(got); i++ {
		if id, err := h.add(stream(i)); id != uint32(1+2*i) || err != nil {
			t.Errorf("add = %d, %v, want %d", id, err, 1+2*i)
		}
	}
	want := [][]byte{[]byte("first"), []byte("second"), []byte("third")}
	// Each envelope comes in two frames, with those of other streams between them.
	var all []byte
	for half := range 2 {
		for i, m := range want {
			const cut = 3
			p := appendEnvelope(nil, m)
			if half == 0 {
				p = p[:cut]
			} else {
				p = p[cut:]
			}
			all = appendFrame(all, http2.FrameData, 0, uint32(1+2*i), p)
		}
	}
	if err := h.feed(all); err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if !bytes.Equal(got[i], want[i]) {
			t.Errorf("stream %d received %q, want %q", i, got[i], want[i])
		}
	}
	for _, id := range []uint32{0, 2, 7} {
		if err := h.feed(appendFrame(nil, http2.FrameData, 0, id, nil)); err == nil {
			t.Errorf("no error for DATA on the stream %d", id)
		}
	}
}

func TestStreamLimit(t *testing.T) {
	var out []byte
	var settings bytes.Buffer
	_ = http2.NewFramer(&settings, nil).WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: 2})
	h := newH2(&out, h2Stream{})
	if err := h.feed(settings.Bytes()); err != nil {
		t.Fatal(err)
	}
	if _, err := h.add(h2Stream{}); err != nil {
		t.Error(err)
	}
	if _, err := h.add(h2Stream{}); err == nil || !strings.Contains(err.Error(), "allows 2 streams") {
		t.Errorf("the third stream is added: %v", err)
	}
}

// TestPrefaceComesFirst dials servers that send their settings before they read.
func TestPrefaceComesFirst(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const dials = 50
	var serving sync.WaitGroup
	serving.Go(func() {
		for range dials {
			conn, err := listener.Accept()
			if err != nil {
				t.Error(err)
				return
			}
			_ = http2.NewFramer(conn, nil).WriteSettings()
			got := make([]byte, len(http2.ClientPreface))
			if _, err := io.ReadFull(conn, got); err != nil || string(got) != http2.ClientPreface {
				t.Errorf("a connection begins with %q, %v, want the preface", got, err)
			}
			_ = conn.Close()
		}
	})
	for range dials {
		if _, err := Dial(t.Context(), listener.Addr().String(), PeerGRPC); err == nil {
			t.Error("Dial succeeds with a server that closes the connection")
		}
	}
	_ = listener.Close()
	serving.Wait()
}
