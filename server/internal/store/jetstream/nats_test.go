package jetstream

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"
)

// patience bounds the wait for what is sure to happen, also on a slow machine.
const patience = time.Minute

// maxAccounts is how many stores a natsServer can hold: each has an account.
const maxAccounts = 256

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// natsServers are servers in this process: one, or the members of a cluster.
type natsServers struct {
	options []*server.Options

	mu       sync.Mutex       // guards below
	members  []*server.Server // nil for one that is stopped
	accounts int              // that are in use
}

// startNATS starts a server with a port of its own.
func startNATS(t testing.TB) *natsServers {
	t.Helper()
	return start(t, configure(t, "single", ""))
}

func start(t testing.TB, options ...*server.Options) *natsServers {
	t.Helper()
	s := &natsServers{options: options, members: make([]*server.Server, len(options))}
	t.Cleanup(func() {
		for i := range s.members {
			s.stop(i)
		}
	})
	for i := range options {
		s.start(t, i)
	}
	return s
}

// configure returns the options of a server with as many accounts as stores.
func configure(t testing.TB, name, more string) *server.Options {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "server_name: %q\nlisten: \"127.0.0.1:-1\"\njetstream { store_dir: %q, max_file_store: 1TB }\n%s\naccounts {\n", name, t.TempDir(), more)
	for i := range maxAccounts {
		fmt.Fprintf(&text, "  A%d { jetstream: enabled, users: [{ user: u%d, password: pw }] }\n", i+1, i+1)
	}
	text.WriteString("}\n")
	path := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	options, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatal(err)
	}
	options.NoSigs, options.NoLog = true, true
	return options
}

func (s *natsServers) start(t testing.TB, i int) {
	t.Helper()
	member, err := server.NewServer(s.options[i])
	if err != nil {
		t.Fatal(err)
	}
	member.Start()
	if !member.ReadyForConnections(patience) {
		t.Fatal("nats-server does not start")
	}
	u, err := url.Parse(member.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(u.Port(), &s.options[i].Port); err != nil { // the same after a restart
		t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members[i] = member
}

func (s *natsServers) stop(i int) {
	s.mu.Lock()
	member := s.members[i]
	s.members[i] = nil
	s.mu.Unlock()
	if member != nil {
		member.Shutdown()
		member.WaitForShutdown()
	}
}

// addr returns where a member listens.
func (s *natsServers) addr(i int) string { return fmt.Sprintf("127.0.0.1:%d", s.options[i].Port) }

// user returns an account without a store.
func (s *natsServers) user(t testing.TB) string {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts++; s.accounts > maxAccounts {
		t.Fatalf("all %d accounts are in use", maxAccounts)
	}
	return fmt.Sprintf("u%d:pw", s.accounts)
}

// url returns where a user reaches all members.
func (s *natsServers) url(user string) string {
	var all []string
	for i := range s.options {
		all = append(all, "nats://"+user+"@"+s.addr(i))
	}
	return strings.Join(all, ",")
}

// fresh returns the URL of an account without a store.
func (s *natsServers) fresh(t testing.TB) string { return s.url(s.user(t)) }

// open opens a store that the test closes, or its end does.
func open(t testing.TB, c Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), c)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { closed(t, s) })
	return s
}

func closed(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close() = %v, want nil", err)
	}
}
