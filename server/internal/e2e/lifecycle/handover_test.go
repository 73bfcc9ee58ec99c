package lifecycle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"connectrpc.com/connect"

	chatv1 "chatroom/gen/chat/v1"
	"chatroom/gen/chat/v1/chatv1connect"
	"chatroom/server/internal/e2e/harness"
	"chatroom/server/internal/service"
	"chatroom/server/internal/systemd"
)

// port is a port that stays open when services end, as one of systemd does.
type port struct{ *net.TCPListener }

func openPort(t *testing.T) port {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	harness.Must(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return port{l.(*net.TCPListener)}
}

// inherit makes a service serve on the port.
func (p port) inherit(t *testing.T) harness.Option {
	t.Helper()
	f, err := p.File()
	harness.Must(t, err)
	defer f.Close()
	l, err := net.FileListener(f)
	harness.Must(t, err)
	return func(c *service.Config) { c.Sockets.Clients = []net.Listener{l} }
}

// notifySocket receives what services tell systemd.
func notifySocket(t *testing.T) *net.UnixConn {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	harness.Must(t, err)
	t.Cleanup(func() { _ = c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return c
}

func expectTold(t *testing.T, systemd *net.UnixConn, want ...string) {
	t.Helper()
	for _, w := range want {
		buf := make([]byte, 1024)
		n, err := systemd.Read(buf)
		if err != nil || !strings.HasPrefix(string(buf[:n]), w) {
			t.Errorf("systemd was told %q, %v, want %q first", buf[:n], err, w)
		}
	}
}

// A service on an inherited port ends at once when it is stopped, however long -drain is and
// whatever clients do: streams are told when to come back, and end. A connection that is opened
// before the successor runs waits for it, and a client resumes where it was.
func TestHandOver(t *testing.T) {
	told := notifySocket(t)
	ctx, p, dir := harness.Context(t), openPort(t), t.TempDir()
	options := []harness.Option{harness.InDir(dir), func(c *service.Config) {
		c.Drain = time.Hour
		c.Manager = systemd.NewManager(slog.New(slog.DiscardHandler))
	}}
	s := harness.Start(t, append(options, p.inherit(t))...)
	expectTold(t, told, "STATUS=opening the store", "READY=1\nSTATUS=serving on")
	harness.Dial(t, s.Addr) // browsers open connections that they may need
	slow := harness.Dial(t, s.Addr)
	_, err := fmt.Fprintf(slow, "POST /chat.v1.ChatRoom/Send HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", s.Addr)
	harness.Must(t, err)

	client := chatv1connect.NewChatRoomClient(harness.H2CClient(t), s.URL)
	sent, err := client.Send(ctx, harness.TextRequest("lobby", "before"))
	harness.Must(t, err)
	var streams []*connect.ServerStreamForClient[chatv1.SubscribeResponse]
	for _, http := range []*http.Client{harness.H2CClient(t), harness.HTTP1Client(t)} {
		stream, err := chatv1connect.NewChatRoomClient(http, s.URL).Subscribe(ctx, &chatv1.SubscribeRequest{Rooms: []*chatv1.Subscription{{Room: "lobby"}}})
		harness.Must(t, err)
		defer stream.Close()
		if !stream.Receive() {
			t.Fatalf("Subscribe: %v", stream.Err())
		}
		streams = append(streams, stream)
	}
	s.Stop(t)
	expectTold(t, told, "STOPPING=1\nSTATUS=draining 2 streams")
	for _, stream := range streams {
		var after time.Duration = -1
		for stream.Receive() {
			if d := stream.Msg().GetFrame().GetDraining(); d != nil {
				after = d.GetReconnectAfter().AsDuration()
			}
		}
		if ended := new(connect.Error); !errors.As(stream.Err(), &ended) || ended.Code() != connect.CodeUnavailable || after < 0 || after > time.Second {
			t.Errorf("the stream was told to come back after %v, and ended with %v, want a moment of the next second, and code unavailable", after, stream.Err())
		}
	}

	waiting := harness.Dial(t, s.Addr)
	_, err = fmt.Fprintf(waiting, "GET /readyz HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", s.Addr)
	harness.Must(t, err)
	harness.Start(t, append(options, p.inherit(t))...)
	response, err := http.ReadResponse(bufio.NewReader(waiting), nil)
	harness.Must(t, err)
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		t.Errorf("the connection that waited got status %d, want 200", response.StatusCode)
	}
	after := &chatv1.Cursor{Epoch: sent.GetEpoch(), Sequence: sent.GetSequence() - 1}
	page, err := client.ListEvents(ctx, &chatv1.ListEventsRequest{Room: "lobby", Page: &chatv1.ListEventsRequest_After{After: after}})
	if err != nil || len(page.GetEvents()) != 1 || page.GetEvents()[0].GetSequence() != sent.GetSequence() {
		t.Errorf("ListEvents of the successor = %v, %v, want the event of before", page, err)
	}
}

// A service waits for the process that uses its data directory as long as -data-wait says, and
// is refused as without it then.
func TestDataWait(t *testing.T) {
	dir := t.TempDir()
	first := harness.Start(t, harness.InDir(dir))
	err := harness.StartRefused(t, harness.InDir(dir), func(c *service.Config) { c.DataWait = 20 * time.Millisecond })
	if !strings.Contains(err.Error(), "is in use by process") {
		t.Errorf("a service that has waited in vain = %v, want an error that names the process", err)
	}
	var log harness.Buffer
	waits := make(chan struct{})
	second := make(chan *harness.Service, 1)
	go func() {
		s, err := harness.TryStart(harness.InDir(dir), func(c *service.Config) {
			c.DataWait = time.Hour
			c.Log = slog.New(slog.NewTextHandler(io.MultiWriter(&log, &lineSignal{"waiting for the process", waits}), nil))
		})
		if err != nil {
			t.Errorf("a service that waits = %v, want that it starts", err)
		}
		second <- s
	}()
	<-waits
	first.Stop(t)
	if s := <-second; s != nil {
		s.Stop(t)
	}
	if text := log.String(); !strings.Contains(text, fmt.Sprint("process=", os.Getpid())) || !strings.Contains(text, "the data directory is free") {
		t.Errorf("the service has logged %q, want for which process it has waited, and that it is gone", text)
	}
}

// lineSignal closes a channel at the first write with a text.
type lineSignal struct {
	text string
	seen chan struct{}
}

func (l *lineSignal) Write(p []byte) (int, error) {
	if l.text != "" && strings.Contains(string(p), l.text) {
		l.text = ""
		close(l.seen)
	}
	return len(p), nil
}
