//go:build unix

package hostile

import (
	"bufio"
	"context"
	"crypto/tls"
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
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
)

// readerProtocol is a way to subscribe. Its name is one of subscriberProtocols.
type readerProtocol struct {
	name        string
	tls         bool
	http2       bool
	contentType string
}

var readerProtocols = []readerProtocol{
	{"h2c Connect", false, true, "application/connect+proto"},
	{"h2c gRPC", false, true, "application/grpc"},
	{"HTTP1.1 Connect", false, false, "application/connect+proto"},
	{"HTTP1.1 gRPC-Web", false, false, "application/grpc-web+proto"},
	{"TLS h2 Connect", true, true, "application/connect+proto"},
	{"TLS h2 gRPC", true, true, "application/grpc"},
	{"TLS HTTP1.1 Connect", true, false, "application/connect+proto"},
	{"TLS HTTP1.1 gRPC-Web", true, false, "application/grpc-web+proto"},
}

// slowReader is a subscriber that receives too slowly.
type slowReader struct {
	stall func()           // makes it slow, if it joins at full speed; or nil
	ended func(*testing.T) // checks what the client sees once the server has freed it
}

// slowReaderCase is a way to receive too slowly.
type slowReaderCase struct {
	name  string
	http2 bool // only there
	open  func(t *testing.T, s *harness.Service, p readerProtocol, room string) slowReader
}

// slowReaders open a slow reader that is in sharedRoom and in a room of its own. Each is
// freed after -write-timeout, with every protocol: where the window is closed the stream
// is reset and the connection stays open, else the connection is closed. A peer that
// vanishes while nothing is sent to it does not answer a PING, which the tests of h2
// cover.
var slowReaders = []slowReaderCase{
	{"the window never opens", true, neverOpenedWindow},
	{"the window opens byte by byte", true, byteWiseWindow},
	{"the socket is never read", false, unreadSocket},
	{"the socket is read byte by byte", false, byteWiseReads},
	{"the process is stopped", false, stoppedProcess},
	{"the peer vanishes", false, vanishedPeer},
}

// byteInterval is how often a slow reader receives a byte: many times within the write
// timeout.
const byteInterval = writeTimeout / 20

// Subscribers that receive nothing, or next to nothing, are removed after the write
// timeout. Bystanders receive everything meanwhile, and the service stops in time.
func TestSlowReadersAreFreed(t *testing.T) {
	for _, c := range slowReaders {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var both sync.WaitGroup // more than -parallel allows: they wait for most of the time
			both.Go(func() { t.Run("plain", func(t *testing.T) { c.test(t, false) }) })
			both.Go(func() { t.Run("TLS", func(t *testing.T) { c.test(t, true) }) })
			both.Wait()
		})
	}
}

// test opens a slow reader of each protocol, with TLS or without.
func (c slowReaderCase) test(t *testing.T, secure bool) {
	s := harness.Start(t, harness.InMemory, func(c *service.Config) {
		c.WriteTimeout, c.Heartbeat = writeTimeout, 500*time.Millisecond
		c.TLS.SelfSigned = secure
	})
	rest := newBystanders(t, s)
	readers, members := make(map[readerProtocol]slowReader), make(map[string]uint32)
	for i, p := range readerProtocols {
		if p.tls == secure && (p.http2 || !c.http2) {
			members[readerRoom(i)] = 1
			readers[p] = c.open(t, s, p, readerRoom(i))
		}
	}
	rest.list.AwaitMembers(rest.ctx, t, members)
	for _, r := range readers {
		if r.stall != nil {
			r.stall()
		}
	}
	rooms := rest.exchangeUntilFreed(t, members)
	for i, p := range readerProtocols {
		r, tested := readers[p]
		if !tested {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			if n := rooms[readerRoom(i)]; n != 0 {
				t.Fatalf("its room has %d members after %v, want none", n, waitLimit)
			}
			r.ended(t)
		})
	}
	rest.awaitMembers(t, 0)
	rest.exchange(t, 10, "")
	rest.leave()
	checkStopsInTime(t, s)
}

func readerRoom(i int) string { return fmt.Sprint("slow-", i) }

// exchangeUntilFreed exchanges messages until the rooms are empty, but not for longer than waitLimit. It
// returns their members.
func (r *bystanders) exchangeUntilFreed(t *testing.T, rooms map[string]uint32) map[string]uint32 {
	t.Helper()
	limit, tick := time.NewTimer(waitLimit), time.NewTicker(50*time.Millisecond)
	defer limit.Stop()
	defer tick.Stop()
	for {
		r.exchange(t, 20, harness.LongestText)
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

// neverOpenedWindow answers everything, and opens no window.
func neverOpenedWindow(t *testing.T, s *harness.Service, p readerProtocol, room string) slowReader {
	t.Helper()
	c := newFrameClientOn(t, dialReader(t, s, p), http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.answer()
	c.subscribe(t, s, 1, p.contentType, room)
	return slowReader{ended: c.wasReset}
}

// wasReset checks that the first stream was reset, and that the connection still works.
func (c *frameClient) wasReset(t *testing.T) {
	t.Helper()
	if stream := awaitValue(t, c.reset, "RST_STREAM"); stream != 1 {
		t.Errorf("stream %d was reset, want 1", stream)
	}
	c.checkAlive(t)
}

// byteWiseWindow is neverOpenedWindow, and opens the window byte by byte.
func byteWiseWindow(t *testing.T, s *harness.Service, p readerProtocol, room string) slowReader {
	t.Helper()
	c := newFrameClientOn(t, dialReader(t, s, p), http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	c.answer()
	c.subscribe(t, s, 1, p.contentType, room)
	stop := every(t, byteInterval, func() error {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.framer.WriteWindowUpdate(1, 1)
	})
	return slowReader{ended: func(t *testing.T) {
		stop()
		c.wasReset(t)
	}}
}

// dialReader connects with a small receive buffer, and with TLS where the protocol has
// it.
func dialReader(t *testing.T, s *harness.Service, p readerProtocol) net.Conn {
	t.Helper()
	return secureReader(t, dialWithSmallBuffer(t, s), p)
}

// secureReader makes the TLS handshake of a protocol that has it.
func secureReader(t *testing.T, conn net.Conn, p readerProtocol) net.Conn {
	t.Helper()
	if !p.tls {
		return conn
	}
	config := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}
	if p.http2 {
		config.NextProtos = []string{"h2"}
	}
	secure := tls.Client(conn, config)
	harness.Must(t, secure.HandshakeContext(t.Context()))
	return secure
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

// unreadSocket opens its windows, if it has any, and reads nothing.
func unreadSocket(t *testing.T, s *harness.Service, p readerProtocol, room string) slowReader {
	t.Helper()
	conn := dialReader(t, s, p)
	subscribeOn(t, s, conn, p, room)
	return slowReader{ended: func(t *testing.T) { checkClosed(t, conn) }}
}

// subscribeOn subscribes on a connection, with windows that are open.
func subscribeOn(t *testing.T, s *harness.Service, conn net.Conn, p readerProtocol, room string) {
	t.Helper()
	if p.http2 {
		newOpenWindowClient(t, conn).subscribe(t, s, 1, p.contentType, room)
		return
	}
	body := subscribeBody(t, room)
	_, err := fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		chatv1connect.ChatRoomSubscribeProcedure, s.Addr, p.contentType, len(body), body)
	harness.Must(t, err)
}

// newOpenWindowClient has windows that are open.
func newOpenWindowClient(t *testing.T, conn net.Conn) *frameClient {
	t.Helper()
	const open = 1 << 30
	c := newFrameClientOn(t, conn, http2.Setting{ID: http2.SettingInitialWindowSize, Val: open})
	harness.Must(t, c.framer.WriteWindowUpdate(0, open))
	return c
}

// checkClosed checks that the server has closed a connection. It does so without what the
// socket had taken, which the client would read for half a minute otherwise.
func checkClosed(t *testing.T, conn net.Conn) {
	t.Helper()
	harness.Must(t, conn.SetReadDeadline(time.Now().Add(waitLimit)))
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the connection is still open after %v", waitLimit)
	}
}

// byteWiseReads is unreadSocket, and reads byte by byte.
func byteWiseReads(t *testing.T, s *harness.Service, p readerProtocol, room string) slowReader {
	t.Helper()
	conn := dialReader(t, s, p)
	subscribeOn(t, s, conn, p, room)
	stop := every(t, byteInterval, func() error {
		_, err := conn.Read(make([]byte, 1))
		return err
	})
	return slowReader{ended: func(t *testing.T) {
		stop()
		checkClosed(t, conn)
	}}
}

// stoppedProcess is a client of connect-go in a process of its own, which is stopped while
// it receives. When it is continued it notices the end.
func stoppedProcess(t *testing.T, s *harness.Service, p readerProtocol, room string) slowReader {
	t.Helper()
	program, err := os.Executable()
	harness.Must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 2*waitLimit)
	command := exec.CommandContext(ctx, program, s.URL, p.name, sharedRoom, room)
	command.Env = append(os.Environ(), subscriberVariable+"=1")
	command.Stderr = t.Output()
	stdout, err := command.StdoutPipe()
	harness.Must(t, err)
	harness.Must(t, command.Start())
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
		stall: func() { harness.Must(t, command.Process.Signal(syscall.SIGSTOP)) },
		ended: func(t *testing.T) {
			harness.Must(t, command.Process.Signal(syscall.SIGCONT))
			line, _ := lines.ReadString('\n')
			if err := wait(); err != nil || line == "" {
				t.Errorf("the subscriber ended with %v after %q, want the end of its stream", err, line)
			}
		},
	}
}

// vanishedPeer reads everything, until its line is cut without any notice to the server.
func vanishedPeer(t *testing.T, s *harness.Service, p readerProtocol, room string) slowReader {
	t.Helper()
	l := newCuttableConn(t, s)
	l.client = secureReader(t, l.client, p)
	if p.http2 {
		c := newOpenWindowClient(t, l.client)
		c.answer()
		c.subscribe(t, s, 1, p.contentType, room)
	} else {
		subscribeOn(t, s, l.client, p, room)
		var reading sync.WaitGroup
		reading.Go(func() { _, _ = io.Copy(io.Discard, l.client) })
		t.Cleanup(func() {
			_ = l.client.Close()
			reading.Wait()
		})
	}
	return slowReader{stall: l.cut, ended: func(t *testing.T) { checkClosed(t, l.server) }}
}
