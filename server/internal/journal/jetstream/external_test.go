package jetstream

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/journal/journaltest"
)

// maxAccounts is how many journals a natsServer can hold: each has an account.
const maxAccounts = 64

// natsServer is a nats-server in a process of its own.
type natsServer struct {
	addr    string // 127.0.0.1:PORT
	config  string // path
	process *exec.Cmd
	output  bytes.Buffer // of the last process

	mu       sync.Mutex // guards below
	accounts int        // that are in use
}

var builtNATS string // the directory

func removeNATS() {
	if builtNATS != "" {
		_ = os.RemoveAll(builtNATS)
	}
}

// buildNATS builds the server from the module that this one embeds.
var buildNATS = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "nats-server-")
	if err != nil {
		return "", err
	}
	builtNATS = dir
	path := filepath.Join(dir, "nats-server")
	out, err := exec.Command("go", "build", "-o", path, "github.com/nats-io/nats-server/v2").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build nats-server: %w\n%s", err, out)
	}
	return path, nil
})

// startNATS starts a server with files that go with the test, and stops it at the
// test's end.
func startNATS(t *testing.T) *natsServer {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &natsServer{addr: free.Addr().String(), config: filepath.Join(t.TempDir(), "nats.conf")}
	var text strings.Builder
	fmt.Fprintf(&text, "listen: %q\njetstream { store_dir: %q, max_file_store: 1TB }\naccounts {\n", s.addr, t.TempDir())
	for i := range maxAccounts {
		fmt.Fprintf(&text, "  A%d { jetstream: enabled, users: [{ user: u%d, password: pw }] }\n", i+1, i+1)
	}
	text.WriteString("}\n")
	if err := os.WriteFile(s.config, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	free.Close()
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *natsServer) start(t *testing.T) {
	t.Helper()
	binary, err := buildNATS()
	if err != nil {
		t.Fatal(err)
	}
	s.output.Reset()
	s.process = exec.Command(binary, "-c", s.config)
	s.process.Stdout, s.process.Stderr = &s.output, &s.output
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect("nats://u1:pw@"+s.addr, nats.RetryOnFailedConnect(true), nats.MaxReconnects(1000), nats.ReconnectWait(10*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.FlushTimeout(10 * time.Second); err != nil {
		s.stop()
		t.Fatalf("nats-server does not answer: %v\n%s", err, s.output.String())
	}
}

// stop kills the server: what it has acknowledged must survive that, too.
func (s *natsServer) stop() {
	if s.process != nil {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
		s.process = nil
	}
}

// fresh returns the URL of an account without a stream, at addr: the server's
// own, or that of a line to it.
func (s *natsServer) fresh(t *testing.T, addr string) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts++; s.accounts > maxAccounts {
		t.Fatalf("all %d accounts are in use", maxAccounts)
	}
	return fmt.Sprintf("nats://u%d:pw@%s", s.accounts, addr)
}

func TestExternal(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	journaltest.Run(t, func(t *testing.T) chat.Journal { return open(t, Config{URL: s.fresh(t, s.addr)}) })
	journaltest.RunRetention(t, func(t *testing.T, roomEvents int) chat.Journal {
		return open(t, Config{URL: s.fresh(t, s.addr), RoomEvents: roomEvents})
	})
}
