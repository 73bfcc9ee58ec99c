package outbound

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opaque hides a connection's file descriptor, as TLS does.
type opaque struct{ net.Conn }

// kinds are the connections that a Writer is for.
var kinds = []struct {
	name string
	wrap func(net.Conn) net.Conn
}{
	{"file descriptor", func(c net.Conn) net.Conn { return c }},
	{"opaque", func(c net.Conn) net.Conn { return opaque{c} }},
}

func pair(t testing.TB) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); client.Close() })
	return server, client
}

// Frames of several callers arrive whole, and those of one caller in order,
// although the socket is full most of the time.
func TestFramesAreWhole(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			server, client := pair(t)
			w := New(kind.wrap(server), Config{Failed: func(err error) { t.Errorf("Failed(%v), want no error", err) }})
			const callers, frames = 8, 2000
			var wg sync.WaitGroup
			for caller := range callers {
				wg.Go(func() {
					for i := range frames {
						body := bytes.Repeat([]byte{byte(caller)}, 100+i%900)
						head := binary.BigEndian.AppendUint32([]byte{byte(caller)}, uint32(i))
						head = binary.BigEndian.AppendUint16(head, uint16(len(body)))
						w.Append(head, body)
						w.Flush()
					}
				})
			}
			next := make([]uint32, callers)
			for range callers * frames {
				var head [7]byte
				if _, err := io.ReadFull(client, head[:]); err != nil {
					t.Fatal(err)
				}
				body := make([]byte, binary.BigEndian.Uint16(head[5:]))
				if _, err := io.ReadFull(client, body); err != nil {
					t.Fatal(err)
				}
				caller, number := head[0], binary.BigEndian.Uint32(head[1:])
				if int(caller) >= callers || number != next[caller] || !bytes.Equal(body, bytes.Repeat([]byte{caller}, len(body))) {
					t.Fatalf("frame %d of caller %d came with a body of %d, want frame %d", number, caller, body[0], next[caller])
				}
				next[caller]++
			}
			wg.Wait()
			server.Close()
			w.Close()
		})
	}
}

// A peer that does not read makes no caller wait. What was appended arrives once
// it reads, and Drained says so.
func TestStuckPeerMakesNoCallerWait(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			server, client := pair(t)
			drained := make(chan struct{}, 1)
			w := New(kind.wrap(server), Config{Drained: func() {
				select {
				case drained <- struct{}{}:
				default:
				}
			}})
			frame, sent, received := bytes.Repeat([]byte("chat"), 4<<10), sha256.New(), sha256.New()
			total := 0
			for w.Buffered() < 1<<20 {
				w.Append(frame)
				w.Flush()
				sent.Write(frame)
				total += len(frame)
			}
			if _, parked := w.Parked(); !parked {
				t.Error("Parked() = false, want true for a peer that does not read")
			}
			select { // from parts of the load that the socket took with a pause
			case <-drained:
			default:
			}
			if _, err := io.CopyN(received, client, int64(total)); err != nil {
				t.Fatal(err)
			}
			<-drained
			if !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
				t.Error("the peer received other bytes than were appended")
			}
			if n := w.Buffered(); n != 0 {
				t.Errorf("Buffered() = %d after Drained, want 0", n)
			}
			server.Close()
			w.Close()
		})
	}
}

// A write that fails is reported once, and frees what is buffered.
func TestFailure(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			server, _ := pair(t)
			failures := make(chan error, 2)
			w := New(kind.wrap(server), Config{Failed: func(err error) { failures <- err }})
			for w.Buffered() < 1<<20 {
				w.Append(make([]byte, 64<<10))
				w.Flush()
			}
			if err := server.SetWriteDeadline(time.Unix(1, 0)); err != nil {
				t.Fatal(err)
			}
			if err := <-failures; err == nil {
				t.Error("Failed(nil), want an error")
			}
			w.Append([]byte("more"))
			w.Flush()
			w.Close()
			if n := w.Buffered(); n != 0 {
				t.Errorf("Buffered() = %d after a failure, want 0", n)
			}
			if w.Err() == nil || errors.Is(w.Err(), ErrClosed) {
				t.Errorf("Err() = %v, want that of the write", w.Err())
			}
			select {
			case err := <-failures:
				t.Errorf("Failed was called again, with %v", err)
			default:
			}
		})
	}
}

func TestCloseDropsTheRest(t *testing.T) {
	server, _ := pair(t)
	w := New(server, Config{})
	for w.Buffered() < 1<<20 {
		w.Append(make([]byte, 64<<10))
		w.Flush()
	}
	server.Close()
	w.Close()
	if n := w.Buffered(); n != 0 {
		t.Errorf("Buffered() = %d after Close, want 0", n)
	}
}

// BenchmarkFlush measures one frame of 150 bytes to a peer that reads, beside the
// bare write(2) of package net.
func BenchmarkFlush(b *testing.B) {
	frame := make([]byte, 150)
	for _, bm := range []struct {
		name string
		wrap func(net.Conn) net.Conn
	}{{"Writer", kinds[0].wrap}, {"opaque", kinds[1].wrap}, {"net.Conn", nil}} {
		b.Run(bm.name, func(b *testing.B) {
			server, client := pair(b)
			var reading sync.WaitGroup
			reading.Go(func() { _, _ = io.Copy(io.Discard, client) })
			b.ReportAllocs()
			if bm.wrap == nil {
				for b.Loop() {
					if _, err := server.Write(frame); err != nil {
						b.Fatal(err)
					}
				}
			} else {
				w := New(bm.wrap(server), Config{})
				for b.Loop() {
					w.Append(frame)
					w.Flush()
				}
				defer w.Close()
			}
			server.Close()
			reading.Wait()
		})
	}
}
