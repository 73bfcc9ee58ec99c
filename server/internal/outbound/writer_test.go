package outbound

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"io"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opaque hides a connection's file descriptor, so that the Writer does what it does on
// systems without non-blocking writes.
type opaque struct{ net.Conn }

// kinds are the connections that a Writer is for.
var kinds = []struct {
	name string
	pair func(testing.TB) (server, client net.Conn)
}{
	{"socket", func(t testing.TB) (net.Conn, net.Conn) { return pair(t, nil) }},
	{"goroutine", func(t testing.TB) (net.Conn, net.Conn) {
		server, client := pair(t, nil)
		return opaque{server}, client
	}},
	{"TLS", func(t testing.TB) (net.Conn, net.Conn) { return tlsPair(t, Listen) }},
	{"TLS and goroutine", func(t testing.TB) (net.Conn, net.Conn) { return tlsPair(t, nil) }},
}

// pair returns both ends of a connection of a listener, which is wrapped unless wrap is
// nil.
func pair(t testing.TB, wrap func(net.Listener) net.Listener) (server, client net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if wrap != nil {
		l = wrap(l)
	}
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close(); client.Close() })
	return server, client
}

// tlsPair is pair over TLS, after the handshake.
func tlsPair(t testing.TB, wrap func(net.Listener) net.Listener) (net.Conn, net.Conn) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	rawServer, rawClient := pair(t, wrap)
	server := tls.Server(rawServer, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}})
	client := tls.Client(rawClient, &tls.Config{InsecureSkipVerify: true})
	var handshake sync.WaitGroup
	handshake.Go(func() {
		if err := client.Handshake(); err != nil {
			t.Error(err)
		}
	})
	if err := server.Handshake(); err != nil {
		t.Fatal(err)
	}
	handshake.Wait()
	return server, client
}

const testLimit = 64 << 10

// owned is a Writer with its owner.
type owned struct {
	mu      Mutex
	w       Writer
	conn    net.Conn
	running sync.WaitGroup
	refused bool
	room    chan struct{} // after a refusal, there is room again
	failed  chan error
	waited  atomic.Uint64
}

func own(conn net.Conn, timeout time.Duration) *owned {
	o := &owned{conn: conn, room: make(chan struct{}, 1), failed: make(chan error, 10)}
	o.w.Init(&o.mu, Config{Conn: conn, Owner: o, Limit: testLimit, Timeout: timeout, Running: &o.running, Waited: &o.waited})
	return o
}

// Written implements Owner.
func (o *owned) Written() {
	if o.refused && o.w.Room() > 0 {
		o.refused = false
		o.mu.After(func() {
			select {
			case o.room <- struct{}{}:
			default:
			}
		})
	}
}

// Failed implements Owner.
func (o *owned) Failed(err error) { o.mu.After(func() { o.failed <- err }) }

// send appends a frame and flushes it, unless there is no room.
func (o *owned) send(parts ...[]byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.refused = o.w.Room() <= 0; o.refused {
		return false
	}
	b := o.w.Buffer()
	for _, p := range parts {
		b.B = append(b.B, p...)
	}
	o.w.Flush()
	return true
}

func (o *owned) pending() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Pending()
}

func (o *owned) stalled() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.w.Stalled()
}

// close closes the connection without regard for the peer.
func (o *owned) close() {
	o.mu.Lock()
	o.w.Close()
	o.mu.Unlock()
	conn := o.conn
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	conn.Close()
	o.running.Wait()
}

func onAllKinds(t *testing.T, test func(t *testing.T, server, client net.Conn)) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			server, client := kind.pair(t)
			test(t, server, client)
		})
	}
}

// Frames of several callers arrive whole, and those of one caller in order,
// although the socket is full most of the time.
func TestFramesAreWhole(t *testing.T) {
	onAllKinds(t, func(t *testing.T, server, client net.Conn) {
		o := own(server, 0)
		const callers, frames = 8, 2000
		var wg sync.WaitGroup
		for caller := range callers {
			wg.Go(func() {
				for i := range frames {
					body := bytes.Repeat([]byte{byte(caller)}, 100+i%900)
					head := binary.BigEndian.AppendUint32([]byte{byte(caller)}, uint32(i))
					head = binary.BigEndian.AppendUint16(head, uint16(len(body)))
					o.mu.Lock() // regardless of room
					b := o.w.Buffer()
					b.B = append(append(b.B, head...), body...)
					o.w.Flush()
					o.mu.Unlock()
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
		o.close()
		select {
		case err := <-o.failed:
			t.Errorf("Failed(%v), want no error", err)
		default:
		}
	})
}

// A peer that does not read makes no caller wait, and there is no room beyond the
// limit. What was appended arrives once the peer reads, and Written is called when there is room.
func TestStuckPeerMakesNoCallerWait(t *testing.T) {
	onAllKinds(t, func(t *testing.T, server, client net.Conn) {
		o := own(server, 0)
		frame, sent, received := bytes.Repeat([]byte("chat"), 4<<10), sha256.New(), sha256.New()
		total := fill(t, o, frame)
		for range total / len(frame) {
			sent.Write(frame)
		}
		// TLS adds headers and tags to what is kept beneath it.
		if n := o.pending(); n == 0 || n > testLimit+2*len(frame) {
			t.Errorf("Pending() = %d for a peer that does not read, want at most the limit of %d and a frame", n, testLimit)
		}
		if o.stalled().IsZero() || o.waited.Load() == 0 {
			t.Errorf("Stalled() = %v, and %d writes have waited for a peer that does not read, want some", o.stalled(), o.waited.Load())
		}
		if _, err := io.CopyN(received, client, int64(total)); err != nil {
			t.Fatal(err)
		}
		<-o.room
		if !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
			t.Error("the peer received other bytes than were appended")
		}
		o.running.Wait()
		if n := o.pending(); n != 0 || !o.stalled().IsZero() {
			t.Errorf("Pending() = %d, Stalled() = %v for a peer that has read, want 0 and the zero time", n, o.stalled())
		}
		o.close()
	})
}

// fill sends frames until the peer, which does not read, causes a refusal that lasts,
// and returns how many bytes were accepted.
func fill(t *testing.T, o *owned, frame []byte) (total int) {
	t.Helper()
	for {
		for o.send(frame) {
			total += len(frame)
		}
		select { // the socket takes some after a pause; then nothing
		case <-o.room:
		case <-time.After(200 * time.Millisecond):
			return total
		}
	}
}

// A write that fails is reported once, and frees what is buffered.
func TestFailure(t *testing.T) {
	onAllKinds(t, func(t *testing.T, server, _ net.Conn) {
		o := own(server, 0)
		fill(t, o, make([]byte, 16<<10))
		if err := server.SetWriteDeadline(time.Unix(1, 0)); err != nil {
			t.Fatal(err)
		}
		if err := <-o.failed; err == nil {
			t.Error("Failed(nil), want an error")
		}
		o.running.Wait()
		if n := o.pending(); n != 0 {
			t.Errorf("Pending() = %d after a failure, want 0", n)
		}
		o.send([]byte("more"))
		if n := o.pending(); n != 0 {
			t.Errorf("Pending() = %d for what was appended after a failure, want 0", n)
		}
		o.close()
		select {
		case err := <-o.failed:
			t.Errorf("Failed was called again, with %v", err)
		default:
		}
	})
}

// A peer that takes nothing for the timeout is given up.
func TestTimeout(t *testing.T) {
	onAllKinds(t, func(t *testing.T, server, _ net.Conn) {
		o := own(server, time.Millisecond)
		var err error
		for err == nil {
			o.send(make([]byte, 16<<10))
			select {
			case err = <-o.failed:
			default:
			}
		}
		if n, ok := err.(net.Error); !ok || !n.Timeout() {
			t.Errorf("Failed(%v), want a timeout", err)
		}
		o.close()
	})
}

// Close drops what is pending. The goroutine that writes ends with the connection.
func TestCloseDropsTheRest(t *testing.T) {
	onAllKinds(t, func(t *testing.T, server, _ net.Conn) {
		o := own(server, 0)
		fill(t, o, make([]byte, 16<<10))
		o.close()
		if n := o.pending(); n != 0 {
			t.Errorf("Pending() = %d after Close, want 0", n)
		}
		select {
		case err := <-o.failed:
			t.Errorf("Failed(%v) after Close, want no call", err)
		default:
		}
	})
}

// Control frames are counted until they are taken to be written.
func TestControl(t *testing.T) {
	server, client := pair(t, nil)
	o := own(server, 0)
	o.mu.Lock()
	b := o.w.Buffer()
	b.B = append(b.B, "control"...)
	o.w.AddControl(7)
	if n := o.w.Control(); n != 7 {
		t.Errorf("Control() = %d, want 7", n)
	}
	o.w.Flush()
	if n := o.w.Control(); n != 0 {
		t.Errorf("Control() = %d after Flush, want 0", n)
	}
	o.mu.Unlock()
	var got [7]byte
	if _, err := io.ReadFull(client, got[:]); err != nil || string(got[:]) != "control" {
		t.Errorf("the peer received %q, %v, want control", got, err)
	}
	o.close()
}

// Calls that were put off are made in their order, once the mutex is released.
func TestMutexAfter(t *testing.T) {
	var mu Mutex
	var calls []int
	mu.Lock()
	for i := range 3 {
		mu.After(func() {
			mu.Lock() // would deadlock if it were held
			defer mu.Unlock()
			calls = append(calls, i)
		})
	}
	if len(calls) != 0 {
		t.Errorf("calls = %v before Unlock, want none", calls)
	}
	mu.Unlock()
	if len(calls) != 3 || calls[0] != 0 || calls[2] != 2 {
		t.Errorf("calls = %v after Unlock, want 0 to 2", calls)
	}
}

// BenchmarkFlush measures one frame of 150 bytes to a peer that reads, beside the
// bare write(2) of package net.
func BenchmarkFlush(b *testing.B) {
	frame := make([]byte, 150)
	read := func(client net.Conn) *sync.WaitGroup {
		reading := new(sync.WaitGroup)
		reading.Go(func() { _, _ = io.Copy(io.Discard, client) })
		return reading
	}
	for _, kind := range kinds {
		b.Run(kind.name, func(b *testing.B) {
			server, client := kind.pair(b)
			reading := read(client)
			o := own(server, 0)
			b.ReportAllocs()
			for b.Loop() {
				for !o.send(frame) {
					<-o.room
				}
			}
			o.close()
			reading.Wait()
		})
	}
	b.Run("net.Conn", func(b *testing.B) {
		server, client := pair(b, nil)
		reading := read(client)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := server.Write(frame); err != nil {
				b.Fatal(err)
			}
		}
		server.Close()
		reading.Wait()
	})
}
