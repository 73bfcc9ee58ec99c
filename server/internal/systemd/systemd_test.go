package systemd

import (
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// managed sets the environment of a process that systemd has started, and returns what receives
// its messages.
func managed(t *testing.T) (receive func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Skipf("this system has no such sockets: %v", err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() string {
		buf := make([]byte, 4096)
		n, err := socket.Read(buf)
		if err != nil {
			t.Fatalf("read what systemd is told: %v", err)
		}
		return string(buf[:n])
	}
}

func TestManagerIsToldTheState(t *testing.T) {
	receive := managed(t)
	m := NewManager(slog.New(slog.DiscardHandler))
	for _, tt := range []struct {
		tell func()
		want string
	}{
		{func() { m.Status("opening the store") }, "STATUS=opening the store"},
		{func() { m.Ready("serving") }, "READY=1\nSTATUS=serving"},
		{func() { m.Stopping("draining") }, "STOPPING=1\nSTATUS=draining"},
	} {
		tt.tell()
		if got := receive(); got != tt.want {
			t.Errorf("systemd was told %q, want %q", got, tt.want)
		}
	}
}

// The watchdog is fed again and again after a check that passes, and not while it does not.
func TestWatchdog(t *testing.T) {
	receive := managed(t)
	t.Setenv("WATCHDOG_USEC", "2000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	m := NewManager(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	checks, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		m.Watch(ctx, func() {
			select {
			case checks <- struct{}{}:
			case <-ctx.Done():
			}
		})
	}()
	for range 3 {
		<-checks
		if got := receive(); got != "WATCHDOG=1" {
			t.Errorf("systemd was told %q, want WATCHDOG=1", got)
		}
	}
	cancel()
	<-ended
}

// Outside of systemd nothing is told, and nothing fails.
func TestWithoutManager(t *testing.T) {
	for _, name := range []string{"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"} {
		t.Setenv(name, "")
	}
	var log strings.Builder
	for _, m := range []*Manager{nil, NewManager(slog.New(slog.NewTextHandler(&log, nil)))} {
		m.Ready("serving")
		m.Watch(t.Context(), func() { t.Error("Watch checks a process that nothing watches") })
	}
	if log.Len() > 0 {
		t.Errorf("it has logged %q", log.String())
	}
	if s, err := Inherit(); err != nil || len(s.Clients)+len(s.Admin)+len(s.Redirect) > 0 {
		t.Errorf("Inherit = %v, %v, want no sockets", s, err)
	}
}

// Sockets are told apart by their names, and what is no TCP port is refused.
func TestSockets(t *testing.T) {
	file := func(name, network, address string) *os.File {
		l, err := net.Listen(network, address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f, err := l.(interface{ File() (*os.File, error) }).File()
		if err != nil {
			t.Skipf("this system passes no sockets: %v", err)
		}
		defer f.Close()
		return duplicate(t, f, name)
	}
	s, err := sort([]*os.File{
		file("chatroom.socket", "tcp", "127.0.0.1:0"), file("admin", "tcp", "127.0.0.1:0"),
		file("http-redirect", "tcp", "127.0.0.1:0"), file("LISTEN_FD_6", "tcp", "127.0.0.1:0"),
	})
	if err != nil || len(s.Clients) != 2 || len(s.Admin) != 1 || len(s.Redirect) != 1 {
		t.Fatalf("sort = %+v, %v, want 2 sockets for clients, and one of each other kind", s, err)
	}
	s.Close()
	s.Close()
	if _, err := sort([]*os.File{file("other", "unix", filepath.Join(t.TempDir(), "s"))}); err == nil || !strings.Contains(err.Error(), `"other"`) {
		t.Errorf("sort of a unix socket = %v, want an error with its name", err)
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sort([]*os.File{nothing}); err == nil || !strings.Contains(err.Error(), "ListenStream=") {
		t.Errorf("sort of a file = %v, want an error that names the setting", err)
	}
}
