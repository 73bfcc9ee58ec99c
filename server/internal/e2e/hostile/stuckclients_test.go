package hostile

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
	"chatroom/server/internal/testenv"
)

// Clients that receive nothing do not delay others, do not delay the service's stop, and
// leave no goroutines behind.
func TestClientsThatReceiveNothing(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s := harness.Start(t, func(c *service.Config) { c.WriteTimeout = longWriteTimeout })
	rest := newBystanders(t, s)
	var responsive []*frameClient
	for _, window := range []uint32{0, 1, 4 << 10} {
		for _, contentType := range []string{"application/grpc", "application/connect+proto"} {
			c := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
			c.answer()
			c.subscribe(t, s, 1, contentType)
			responsive = append(responsive, c)
		}
	}
	// One that opens its windows, and then does not read its socket.
	const window = 1 << 30
	unreading := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	if err := unreading.framer.WriteWindowUpdate(0, window); err != nil {
		t.Fatal(err)
	}
	unreading.subscribe(t, s, 1, "application/grpc")

	rest.awaitMembers(t, len(responsive)+1)
	rest.exchange(t, testenv.Rounds(500, 2_000), harness.LongText)
	rest.exchange(t, 500, harness.LongestText)
	// The client that does not read answers no PING, and may have been disconnected
	// meanwhile.
	rest.list.Await(rest.ctx, t, "the responsive", func(rooms map[string]uint32) bool {
		return int(rooms[sharedRoom]) >= len(rest.streams)+len(responsive)
	})
	for _, c := range responsive {
		c.checkAlive(t)
	}
	checkStopsInTime(t, s)
	rest.leave()
	if err := goleak.Find(before); err != nil {
		t.Errorf("after the server stopped: %v", err)
	}
}

// The stream of a client that receives nothing is reset after the write timeout. Its
// connection still works, and so do idle streams.
func TestWriteTimeoutResetsStreams(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, func(c *service.Config) { c.WriteTimeout = writeTimeout })
	rest := newBystanders(t, s)
	var stuck []*frameClient
	for _, window := range []uint32{0, 4 << 10} {
		for _, contentType := range []string{"application/grpc", "application/connect+proto"} {
			c := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
			c.answer()
			c.subscribe(t, s, 1, contentType)
			c.subscribe(t, s, 3, contentType)
			stuck = append(stuck, c)
		}
	}
	rest.exchange(t, 100, harness.LongText)
	for _, c := range stuck {
		ended := map[uint32]bool{awaitValue(t, c.reset, "RST_STREAM"): true}
		ended[awaitValue(t, c.reset, "second RST_STREAM")] = true
		if !ended[1] || !ended[3] {
			t.Errorf("streams %v were reset, want 1 and 3", ended)
		}
		c.checkAlive(t)
	}
	rest.awaitMembers(t, 0)
	// By the time that another one is reset, the rest was idle for as long.
	last := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	last.answer()
	last.subscribe(t, s, 1, "application/grpc")
	awaitValue(t, last.reset, "RST_STREAM")
	rest.exchange(t, 1, "")
}

// On HTTP/1.1, the stream of a client that stops reading its socket ends when
// the write timeout has passed.
func TestUnreadHTTP1Socket(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, func(c *service.Config) { c.WriteTimeout = writeTimeout })
	rest := newBystanders(t, s)
	conn := dialWithSmallBuffer(t, s)
	body := subscribeBody(t)
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/connect+proto\r\nContent-Length: %d\r\n\r\n%s",
		chatv1connect.ChatRoomSubscribeProcedure, s.Addr, len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	rest.awaitMembers(t, 1)
	rest.exchange(t, 600, harness.LongestText)
	rest.awaitMembers(t, 0)
	checkStopsInTime(t, s)
}

// So does that of an HTTP/2 client whose windows are open, with its connection.
func TestUnreadHTTP2Socket(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, func(c *service.Config) { c.WriteTimeout = writeTimeout })
	rest := newBystanders(t, s)
	const open = 1 << 30
	c := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: open})
	if err := c.framer.WriteWindowUpdate(0, open); err != nil {
		t.Fatal(err)
	}
	c.subscribe(t, s, 1, "application/grpc")
	rest.awaitMembers(t, 1)
	rest.exchange(t, 600, harness.LongestText)
	rest.awaitMembers(t, 0)
	checkStopsInTime(t, s)
}

// Clients that send garbage, or stop in the middle of a frame, do not disturb others.
func TestMalformedConnections(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, func(c *service.Config) { c.WriteTimeout = longWriteTimeout })
	rest := newBystanders(t, s)
	refused := make(map[string]net.Conn)
	settings := http2.ClientPreface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	for name, c := range map[string]struct {
		data  string
		ended bool // by the server, at once
	}{
		"nothing":                      {"", false},
		"half a preface":               {http2.ClientPreface[:10], false},
		"a preface":                    {http2.ClientPreface, false},
		"a TLS greeting":               {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", true},
		"half a frame header":          {settings + "\x00\x00", false},
		"half a frame":                 {settings + "\x00\x3f\x00\x01\x04\x00\x00\x00\x01half", false},
		"text for frames":              {http2.ClientPreface + strings.Repeat("let me in, whoever you are. ", 1000), true},
		"a frame over the limit":       {settings + "\xff\xff\xff\x00\x00\x00\x00\x00\x01", true},
		"DATA of no stream":            {settings + "\x00\x00\x01\x00\x00\x00\x00\x00\x01x", true},
		"CONTINUATION of no HEADERS":   {settings + "\x00\x00\x01\x09\x04\x00\x00\x00\x01x", true},
		"HEADERS that are no HPACK":    {settings + "\x00\x00\x04\x01\x04\x00\x00\x00\x01\xff\xff\xff\xff", true},
		"HEADERS on the zeroth stream": {settings + "\x00\x00\x01\x01\x04\x00\x00\x00\x00\x82", true},
	} {
		conn := dialWithSmallBuffer(t, s)
		if _, err := io.WriteString(conn, c.data); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.ended {
			refused[name] = conn
		}
	}
	half := newFrameClient(t, s)
	half.answer()
	half.open(t, s, 1, "application/grpc")
	half.send(t, 1, false, subscribeBody(t)[:7])
	rest.exchange(t, 100, harness.LongText)
	half.checkAlive(t)
	for name, conn := range refused {
		if err := conn.SetReadDeadline(time.Now().Add(waitLimit)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is still open after %v", name, waitLimit)
		}
	}
	checkStopsInTime(t, s)
}

// A request over HTTP/1.1 whose body does not arrive is given up after 10 s, whatever path and
// method it is for, and whether or not a handler reads the body.
func TestUnfinishedBodies(t *testing.T) {
	t.Parallel()
	s := harness.Start(t, harness.InMemory)
	for name, head := range map[string]string{
		"Send":               "POST /chat.v1.ChatRoom/Send HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 1000",
		"Send in chunks":     "POST /chat.v1.ChatRoom/Send HTTP/1.1\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked",
		"Subscribe":          "POST /chat.v1.ChatRoom/Subscribe HTTP/1.1\r\nContent-Type: application/connect+json\r\nContent-Length: 1000",
		"gRPC-Web":           "POST /chat.v1.ChatRoom/Subscribe HTTP/1.1\r\nContent-Type: application/grpc-web+proto\r\nContent-Length: 1000",
		"an unknown type":    "POST /chat.v1.ChatRoom/Send HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 1000",
		"the page":           "POST / HTTP/1.1\r\nContent-Length: 1000",
		"an unknown path":    "POST /nope HTTP/1.1\r\nContent-Length: 1000",
		"Chat over HTTP/1.1": "POST /chat.v1.ChatRoom/Chat HTTP/1.1\r\nContent-Type: application/connect+json\r\nContent-Length: 1000",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := dialWithSmallBuffer(t, s)
			_, err := io.WriteString(conn, head+"\r\nHost: "+s.Addr+"\r\n\r\n1")
			harness.Must(t, err)
			harness.Must(t, conn.SetReadDeadline(time.Now().Add(waitLimit)))
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the connection is still open after %v", waitLimit)
			}
		})
	}
}
