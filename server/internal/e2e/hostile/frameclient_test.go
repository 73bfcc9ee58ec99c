package hostile

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
)

// frameClient is an HTTP/2 client that does nothing of its own accord.
type frameClient struct {
	conn   net.Conn
	framer *http2.Framer

	mu   sync.Mutex // guards writes to framer
	done sync.WaitGroup

	reset chan uint32   // the streams that the server reset
	pongs chan struct{} // answers to our own PINGs
}

func newFrameClient(t *testing.T, s *harness.Service, settings ...http2.Setting) *frameClient {
	t.Helper()
	return newFrameClientOn(t, dialWithSmallBuffer(t, s), settings...)
}

// newFrameClientOn is newFrameClient on a connection that is there.
func newFrameClientOn(t *testing.T, conn net.Conn, settings ...http2.Setting) *frameClient {
	t.Helper()
	c := &frameClient{
		conn:  conn,
		reset: make(chan uint32, 16),
		pongs: make(chan struct{}, 16),
	}
	if _, err := io.WriteString(c.conn, http2.ClientPreface); err != nil {
		t.Fatal(err)
	}
	c.framer = http2.NewFramer(c.conn, c.conn)
	if err := c.framer.WriteSettings(settings...); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.done.Wait)
	t.Cleanup(func() { _ = c.conn.Close() })
	return c
}

// dialWithSmallBuffer connects with a receive buffer as small as possible.
func dialWithSmallBuffer(t *testing.T, s *harness.Service) net.Conn {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	return conn
}

// subscribeBody is the body of a request that subscribes to sharedRoom, and to more.
func subscribeBody(t *testing.T, more ...string) []byte {
	t.Helper()
	request := harness.SubscribeTo(&chatv1.Subscription{Room: sharedRoom})
	for _, room := range more {
		request.Rooms = append(request.Rooms, &chatv1.Subscription{Room: room})
	}
	data, err := proto.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(data))), data...)
}

// subscribe calls Subscribe, for sharedRoom and more.
func (c *frameClient) subscribe(t *testing.T, s *harness.Service, stream uint32, contentType string, more ...string) {
	t.Helper()
	c.open(t, s, stream, contentType)
	c.send(t, stream, true, subscribeBody(t, more...))
}

// open sends the headers of a call of Subscribe.
func (c *frameClient) open(t *testing.T, s *harness.Service, stream uint32, contentType string) {
	t.Helper()
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for _, f := range []hpack.HeaderField{
		{Name: ":method", Value: "POST"},
		{Name: ":scheme", Value: "http"},
		{Name: ":authority", Value: s.Addr},
		{Name: ":path", Value: chatv1connect.ChatRoomSubscribeProcedure},
		{Name: "content-type", Value: contentType},
		{Name: "te", Value: "trailers"},
	} {
		if err := encoder.WriteField(f); err != nil {
			t.Fatal(err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
}

func (c *frameClient) send(t *testing.T, stream uint32, end bool, data []byte) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.framer.WriteData(stream, end, data); err != nil {
		t.Fatal(err)
	}
}

// answer reads all frames, and acknowledges SETTINGS and PING. It never opens a window.
func (c *frameClient) answer() {
	c.done.Go(func() {
		for {
			f, err := c.framer.ReadFrame()
			if err != nil {
				return
			}
			c.mu.Lock()
			switch f := f.(type) {
			case *http2.SettingsFrame:
				if !f.IsAck() {
					err = c.framer.WriteSettingsAck()
				}
			case *http2.PingFrame:
				if f.IsAck() {
					c.pongs <- struct{}{}
				} else {
					err = c.framer.WritePing(true, f.Data)
				}
			case *http2.RSTStreamFrame:
				c.reset <- f.StreamID
			}
			c.mu.Unlock()
			if err != nil {
				return
			}
		}
	})
}

// checkAlive checks that the server answers on this connection.
func (c *frameClient) checkAlive(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	err := c.framer.WritePing(false, [8]byte{1})
	c.mu.Unlock()
	if err != nil {
		t.Fatalf("PING: %v", err)
	}
	awaitValue(t, c.pongs, "an answer to PING")
}

// awaitValue waits for a value.
func awaitValue[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	timeout := time.NewTimer(waitLimit)
	defer timeout.Stop()
	select {
	case v := <-c:
		return v
	case <-timeout.C:
		t.Fatalf("no %s within %v", what, waitLimit)
		panic("unreachable")
	}
}
