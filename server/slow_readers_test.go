//go:build unix

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/service"
)

// slowProtocol is a way to subscribe. Its name is one of subscriberDoors.
type slowProtocol struct {
	name        string
	http2       bool
	contentType string
}

var slowProtocols = []slowProtocol{
	{"h2c Connect", true, "application/connect+proto"},
	{"h2c gRPC", true, "application/grpc"},
	{"HTTP1.1 Connect", false, "application/connect+proto"},
	{"HTTP1.1 gRPC-Web", false, "application/grpc-web+proto"},
}

// slowReader is a subscriber that takes too little.
type slowReader struct {
	stall func()           // begins it, where the subscriber is live before; or nil
	ended func(*testing.T) // checks what the client sees once the server has freed it
}

// slowCases open a slow reader that is in frameRoom and in a room of its own.
var slowCases = []struct {
	name  string
	http2 bool // only there
	open  func(t *testing.T, s *testService, p slowProtocol, room string) slowReader
}{
	{"the window never opens", true, slowClosedWindow},
	{"the window opens byte by byte", true, slowByteWindow},
	{"the socket is never read", false, slowUnread},
	{"the socket is read byte by byte", false, slowByteReads},
	{"the process is stopped", false, slowProcess},
	{"the peer vanishes", false, slowVanished},
}

// slowByte is how often a slow reader takes a byte: the write timeout of these tests is
// as long as 20 of them.
const slowByte = 50 * time.Millisecond

// Subscribers that take nothing, or next to nothing, are freed when the write timeout
// has passed. Others are delivered to meanwhile, and the server stops in time.
func TestSlowReaders(t *testing.T) {
	for _, c := range slowCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, inMemory, func(c *service.Config) { c.WriteTimeout = time.Second; c.Heartbeat = 500 * time.Millisecond })
			rest := newFrameRest(t, s)
			readers, members := make(map[slowProtocol]slowReader), make(map[string]uint32)
			for i, p := range slowProtocols {
				if p.http2 || !c.http2 {
					members[slowRoom(i)] = 1
					readers[p] = c.open(t, s, p, slowRoom(i))
				}
			}
			rest.list.members(rest.ctx, t, members)
			for _, r := range readers {
				if r.stall != nil {
					r.stall()
				}
			}
			rooms := rest.talkUntilFreed(t, members)
			for i, p := range slowProtocols {
				r, tested := readers[p]
				if !tested {
					continue
				}
				t.Run(p.name, func(t *testing.T) {
					if n := rooms[slowRoom(i)]; n != 0 {
						t.Fatalf("its room has %d members after %v, want none", n, frameLimit)
					}
					r.ended(t)
				})
			}
			rest.awaitMembers(t, 0)
			rest.talk(t, 10, "")
			rest.leave()
			s.stopsInTime(t)
		})
	}
}

func slowRoom(i int) string { return fmt.Sprint("slow-", i) }

// talkUntilFreed talks until the rooms are empty, but not for longer than frameLimit. It
// returns their members.
func (r *frameRest) talkUntilFreed(t *testing.T, rooms map[string]uint32) map[string]uint32 {
	t.Helper()
	limit, tick := time.NewTimer(frameLimit), time.NewTicker(50*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for {
		r.talk(t, 20, frameLongest)
		response, err := r.client.ListRooms(r.ctx, &chatv1.ListRoomsRequest{})
		if err != nil || t.Failed() {
			t.Fatalf("ListRooms = %v", err)
		}
		left := make(map[string]uint32)
		for _, room := range response.GetRooms() {
			if rooms[room.GetName()] > 0 && room.GetMembers() > 0 {
				left[room.GetName()] = room.GetMembers()
			}
		}
		if len(left) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return left
		}
	}
}

// slowClosedWindow answers everything, and opens no window.
func slowClosedWindow(t *testing.T, s *testService, p slowProtocol, room string) slowReader {
	t.Helper()
	c := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.answer()
	c.subscribe(t, s, 1, p.contentType, room)
	return slowReader{ended: c.wasReset}
}

// wasReset checks that the first stream was reset and that the connection lives on.
func (c *frameClient) wasReset(t *testing.T) {
	t.Helper()
	if stream := frameAwait(t, c.reset, "RST_STREAM"); stream != 1 {
		t.Errorf("stream %d was reset, want 1", stream)
	}
	c.alive(t)
}

// slowByteWindow is slowClosedWindow, and opens the window byte by byte.
func slowByteWindow(t *testing.T, s *testService, p slowProtocol, room string) slowReader {
	t.Helper()
	c := newFrameClient(t, s, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.answer()
	c.subscribe(t, s, 1, p.contentType, room)
	stop := every(t, slowByte, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.framer.WriteWindowUpdate(1, 1)
	})
	return slowReader{ended: func(t *testing.T) {
		stop()
		c.wasReset(t)
	}}
}

// every calls a function again and again, until it fails or stop is called, which waits
// for it.
func every(t *testing.T, d time.Duration, call func() error) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var calling sync.WaitGroup
	calling.Go(func() {
		tick := time.NewTicker(d)
		defer tick.Stop()
		for call() == nil {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	stop = func() {
		cancel()
		calling.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// slowUnread opens its windows, if it has any, and reads nothing.
func slowUnread(t *testing.T, s *testService, p slowProtocol, room string) slowReader {
	t.Helper()
	conn := frameDial(t, s)
	slowSubscribe(t, s, conn, p, room)
	return slowReader{ended: func(t *testing.T) { slowClosed(t, conn) }}
}

// slowSubscribe subscribes on a connection, with windows that are open.
func slowSubscribe(t *testing.T, s *testService, conn net.Conn, p slowProtocol, room string) {
	t.Helper()
	if p.http2 {
		slowFrameClient(t, conn).subscribe(t, s, 1, p.contentType, room)
		return
	}
	body := frameSubscribe(t, room)
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		chatv1connect.ChatRoomSubscribeProcedure, s.Addr, p.contentType, len(body), body)
	try(t, err)
}

// slowFrameClient has windows that are open.
func slowFrameClient(t *testing.T, conn net.Conn) *frameClient {
	t.Helper()
	const open = 1 << 30
	c := newFrameClientOn(t, conn, http2.Setting{ID: http2.SettingInitialWindowSize, Val: open})
	try(t, c.framer.WriteWindowUpdate(0, open))
	return c
}

// slowClosed checks that the server has closed a connection. It does so without what the
// socket had taken, which the client would read for half a minute otherwise.
func slowClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	try(t, conn.SetReadDeadline(time.Now().Add(frameLimit)))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still open after %v", frameLimit)
	}
}

// slowByteReads is slowUnread, and reads byte by byte.
func slowByteReads(t *testing.T, s *testService, p slowProtocol, room string) slowReader {
	t.Helper()
	conn := frameDial(t, s)
	slowSubscribe(t, s, conn, p, room)
	stop := every(t, slowByte, func() error {
		_, err := conn.Read(make([]byte, 1))
		return err
	})
	return slowReader{ended: func(t *testing.T) {
		stop()
		slowClosed(t, conn)
	}}
}

// slowProcess is a client of connect-go in a process of its own, which is stopped while
// it receives. When it is continued it notices the end.
func slowProcess(t *testing.T, s *testService, p slowProtocol, room string) slowReader {
	t.Helper()
	program, err := os.Executable()
	try(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*frameLimit)
	command := exec.CommandContext(ctx, program, s.URL, p.name, frameRoom, room)
	command.Env = append(os.Environ(), subscriberVariable+"=1")
	command.Stderr = t.Output()
	stdout, err := command.StdoutPipe()
	try(t, err)
	try(t, command.Start())
	wait := sync.OnceValue(command.Wait)
	t.Cleanup(func() {
		cancel() // kills it, if it is still there
		_ = wait()
	})
	lines := bufio.NewReader(stdout)
	if line, err := lines.ReadString('\n'); err != nil || strings.TrimSpace(line) != subscriberJoined {
		t.Fatalf("the subscriber printed %q, %v, want %q", line, err, subscriberJoined)
	}
	return slowReader{
		stall: func() { try(t, command.Process.Signal(syscall.SIGSTOP)) },
		ended: func(t *testing.T) {
			try(t, command.Process.Signal(syscall.SIGCONT))
			line, _ := lines.ReadString('\n')
			if err := wait(); err != nil || line == "" {
				t.Errorf("the subscriber ended with %v after %q, want the end of its stream", err, line)
			}
		},
	}
}

// slowVanished reads everything, until its line is cut without any notice to the server.
func slowVanished(t *testing.T, s *testService, p slowProtocol, room string) slowReader {
	t.Helper()
	l := newSlowLine(t, s)
	if p.http2 {
		c := slowFrameClient(t, l.client)
		c.answer()
		c.subscribe(t, s, 1, p.contentType, room)
	} else {
		slowSubscribe(t, s, l.client, p, room)
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = io.Copy(io.Discard, l.client) })
		t.Cleanup(func() {
			_ = l.client.Close()
			reading.Wait()
		})
	}
	return slowReader{stall: l.cut, ended: func(t *testing.T) { slowClosed(t, l.server) }}
}

// slowLine is a line between a client and the server that can be cut.
type slowLine struct {
	client     net.Conn // the client's end
	near       net.Conn // the other end of the same
	server     net.Conn
	forwarding sync.WaitGroup
}

func newSlowLine(t *testing.T, s *testService) *slowLine {
	l := &slowLine{server: frameDial(t, s)}
	l.client, l.near = net.Pipe()
	l.forwarding.Go(func() { _, _ = io.Copy(l.server, l.near) })
	l.forwarding.Go(func() { _, _ = io.Copy(l.near, l.server) })
	t.Cleanup(func() {
		_ = l.near.Close()
		_ = l.server.Close()
		l.forwarding.Wait()
	})
	return l
}

// cut ends the forwarding, and closes nothing.
func (l *slowLine) cut() {
	for _, conn := range []net.Conn{l.near, l.server} {
		_ = conn.SetReadDeadline(time.Unix(1, 0))
	}
	l.forwarding.Wait()
}
