package service

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/identity"
)

// startNATS starts a NATS server with JetStream in this process, and returns its URL.
func startNATS(t *testing.T) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("nats-server does not start")
	}
	return s.ClientURL()
}

// openNode opens the data of a node, and returns what it has logged, too.
func openNode(t *testing.T, nats, dir string) (*data, string) {
	t.Helper()
	c := Config{NATS: nats, Data: dir}.withDefaults()
	var log bytes.Buffer
	d, err := openData(t.Context(), &c, nil, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatalf("openData = %v, want nil", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	return d, log.String()
}

// A guest of one node is a guest of all nodes that share a store, also one from the time
// when the first node had a key of its own.
func TestNodesShareTheKeyOfGuests(t *testing.T) {
	nats := startNATS(t)
	first, second, third := t.TempDir(), t.TempDir(), t.TempDir()
	alone, err := identity.OpenGuests(first)
	if err != nil {
		t.Fatal(err)
	}
	old, gopher, _, err := alone.SignIn("gopher", chat.Member{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := identity.OpenGuests(third); err != nil { // makes a key that differs
		t.Fatal(err)
	}
	a, logA := openNode(t, nats, first)
	b, logB := openNode(t, nats, second)
	c, logC := openNode(t, nats, third)

	recent, gordon, _, err := b.guests.SignIn("gordon", chat.Member{})
	if err != nil {
		t.Fatal(err)
	}
	for i, node := range []*data{a, b, c} {
		for token, want := range map[string]chat.Member{old: gopher, recent: gordon} {
			if got, err := node.guests.Verify(t.Context(), token); got != want || err != nil {
				t.Errorf("node %d: Verify = %v, %v, want %v", i+1, got, err, want)
			}
		}
	}

	const warning = "is not the one that the nodes share"
	if strings.Contains(logA+logB, warning) || !strings.Contains(logC, warning) || !strings.Contains(logC, filepath.Join(third, identity.KeyName)) {
		t.Errorf("the nodes logged %q, %q and %q, want %q in the last alone, with the file", logA, logB, logC, warning)
	}
	if _, err := os.Stat(filepath.Join(second, identity.KeyName)); !os.IsNotExist(err) {
		t.Errorf("Stat(guests.key) of a node without one = %v, want that it does not exist", err)
	}
}
