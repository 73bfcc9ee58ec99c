package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/http2"

	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/service"
)

const (
	frameLimit = 30 * time.Second // bounds every wait of these tests
	// framePatience is so long that whoever waited for it would be noticed.
	framePatience = time.Hour
	frameRoom     = "lobby"
	// frameStop is how long a server may take to stop that is given a second to
	// drain.
	frameStop = time.Second + service.ShutdownTimeout + time.Second
)

// frameRest are the others: two who listen and one who speaks, all in order.
type frameRest struct {
	ctx     context.Context
	client  chatv1connect.ChatRoomClient
	list    stormList
	streams []stormStream
	said    int
	leave   func()
}

func newFrameRest(t *testing.T, s *testService) *frameRest {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*frameLimit)
	h2c, http1 := h2cClient(t), http1Client(t)
	client := chatv1connect.NewChatRoomClient(h2c, s.URL)
	r := &frameRest{ctx: ctx, client: client, list: stormList{client}}
	r.streams = []stormStream{
		stormSubscribe(ctx, client, frameRoom),
		stormSubscribe(ctx, chatv1connect.NewChatRoomClient(http1, s.URL), frameRoom),
	}
	r.leave = func() {
		cancel()
		for _, stream := range r.streams {
			stream.close()
		}
		h2c.CloseIdleConnections()
		http1.CloseIdleConnections()
	}
	t.Cleanup(r.leave)
	for _, stream := range r.streams {
		if err := stream.joined(); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// awaitMembers waits until so many are in the room beside the rest.
func (r *frameRest) awaitMembers(t *testing.T, others int) {
	t.Helper()
	r.list.members(r.ctx, t, map[string]uint32{frameRoom: uint32(len(r.streams) + others)})
}

// talk says n messages that are made longer by a filler, and checks that
// everybody gets all of them, in order.
func (r *frameRest) talk(t *testing.T, n int, filler string) {
	t.Helper()
	var listening sync.WaitGroup
	for _, stream := range r.streams {
		listening.Go(func() {
			for i := 0; i < n; {
				f, err := stream.receive()
				if err != nil {
					t.Errorf("Receive: %v, want message %d", err, i)
					return
				}
				if isEphemeral(f) {
					continue
				}
				e := f.GetEvent()
				if e != nil && e.GetMessage().GetText() != fmt.Sprint(i, filler) {
					t.Errorf("received %.40v, want message %d", e, i)
					return
				}
				if e != nil {
					i++
				}
			}
		})
	}
	for i := range n {
		m := stormMessage(frameRoom, fmt.Sprint(i, filler))
		r.said++
		m.Id = fmt.Sprint(r.said)
		if _, err := r.client.Send(r.ctx, m); err != nil {
			t.Errorf("Send: %v", err)
			break
		}
	}
	listening.Wait()
}

// The fillers make messages of 2 KB, and of 16 KB: what is allowed at most.
var (
	frameLong    = strings.Repeat(".", 2_000)
	frameLongest = strings.Repeat("\U0001f4ac", 3_900)
)

// stopsInTime checks that the server stops when it has drained and its handlers
// had their time, whoever is still connected.
func (s *testService) stopsInTime(t *testing.T) {
	t.Helper()
	start := time.Now()
	s.Stop(t)
	if took := time.Since(start); took > frameStop {
		t.Errorf("the server stopped after %v, want at most %v", took, frameStop)
	}
}

// Clients that take nothing hold up nobody: others are served for as long as the
// server lets them be, and its stop does not wait for them, nor leave anything
// behind.
func TestFramesStuckClients(t *testing.T) {
	before := goleak.IgnoreCurrent()
	s := serve(t, func(c *service.Config) { c.WriteTimeout = framePatience })
	rest := newFrameRest(t, s)
	var living []*frameClient
	for _, window := range []uint32{0, 1, 4 << 10} {
		for _, contentType := range []string{"application/grpc", "application/connect+proto"} {
			c := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
			c.answer()
			c.subscribe(t, s, 1, contentType)
			living = append(living, c)
		}
	}
	// One that opens its windows, and then does not read its socket.
	const window = 1 << 30
	deaf := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: window})
	if err := deaf.framer.WriteWindowUpdate(0, window); err != nil {
		t.Fatal(err)
	}
	deaf.subscribe(t, s, 1, "application/grpc")

	rest.awaitMembers(t, len(living)+1)
	rest.talk(t, 2_000, frameLong)
	rest.talk(t, 500, frameLongest)
	// The deaf one answers no PING, and may have been given up meanwhile.
	rest.list.await(rest.ctx, t, "the living", func(rooms map[string]uint32) bool {
		return int(rooms[frameRoom]) >= len(rest.streams)+len(living)
	})
	for _, c := range living {
		c.alive(t)
	}
	s.stopsInTime(t)
	rest.leave()
	if err := goleak.Find(before); err != nil {
		t.Errorf("after the server stopped: %v", err)
	}
}

// The stream of a client that takes nothing is reset when the write timeout has
// passed. Its connection lives on, and so do streams that are merely idle.
func TestFramesWriteTimeout(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *service.Config) { c.WriteTimeout = time.Second })
	rest := newFrameRest(t, s)
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
	rest.talk(t, 100, frameLong)
	for _, c := range stuck {
		ended := map[uint32]bool{frameAwait(t, c.reset, "RST_STREAM"): true}
		ended[frameAwait(t, c.reset, "second RST_STREAM")] = true
		if !ended[1] || !ended[3] {
			t.Errorf("streams %v were reset, want 1 and 3", ended)
		}
		c.alive(t)
	}
	rest.awaitMembers(t, 0)
	// By the time that another one is reset, the rest was idle for as long.
	last := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	last.answer()
	last.subscribe(t, s, 1, "application/grpc")
	frameAwait(t, last.reset, "RST_STREAM")
	rest.talk(t, 1, "")
}

// On HTTP/1.1, the stream of a client that stops reading its socket ends when
// the write timeout has passed.
func TestFramesUnreadSocketOnHTTP1(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *service.Config) { c.WriteTimeout = time.Second })
	rest := newFrameRest(t, s)
	conn := frameDial(t, s)
	body := frameSubscribe(t)
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/connect+proto\r\nContent-Length: %d\r\n\r\n%s",
		chatv1connect.ChatRoomSubscribeProcedure, s.Addr, len(body), body)
	if err != nil {
		t.Fatal(err)
	}
	rest.awaitMembers(t, 1)
	rest.talk(t, 600, frameLongest)
	rest.awaitMembers(t, 0)
	s.stopsInTime(t)
}

// So does that of an HTTP/2 client whose windows are open, with its connection.
func TestFramesUnreadSocketOnHTTP2(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *service.Config) { c.WriteTimeout = time.Second })
	rest := newFrameRest(t, s)
	const open = 1 << 30
	c := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: open})
	if err := c.framer.WriteWindowUpdate(0, open); err != nil {
		t.Fatal(err)
	}
	c.subscribe(t, s, 1, "application/grpc")
	rest.awaitMembers(t, 1)
	rest.talk(t, 600, frameLongest)
	rest.awaitMembers(t, 0)
	s.stopsInTime(t)
}

// Whoever sends garbage, or half of something, and then hangs disturbs nobody.
func TestFramesGarbage(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *service.Config) { c.WriteTimeout = framePatience })
	rest := newFrameRest(t, s)
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
		conn := frameDial(t, s)
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
	half.send(t, 1, false, frameSubscribe(t)[:7])
	rest.talk(t, 100, frameLong)
	half.alive(t)
	for name, conn := range refused {
		if err := conn.SetReadDeadline(time.Now().Add(frameLimit)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection is still open after %v", name, frameLimit)
		}
	}
	s.stopsInTime(t)
}
