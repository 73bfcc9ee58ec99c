package peer_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatroom/bench/internal/load"
	"chatroom/bench/internal/peer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestPeers delivers everything to everybody, at a rate and at saturation, with
// subscribers that come later and in the presence of one that has gone.
func TestPeers(t *testing.T) {
	protocols := map[string]load.Protocol{
		"tcp": load.PeerTCP, "tls": load.PeerTCP.OverTLS(), "grpc": load.PeerGRPC, "naive": load.PeerGRPC,
		"gorilla": load.PeerWebSocket, "nats": load.PeerNATS,
	}
	for _, name := range peer.Names() {
		t.Run(name, func(t *testing.T) {
			protocol, ok := protocols[name]
			if !ok {
				t.Fatal("the peer has no protocol")
			}
			address := start(t, name)
			gone, err := load.NewClientPool(address, protocol)
			if err != nil {
				t.Fatal(err)
			}
			if err := gone.Grow(t.Context(), 3, inRoom, 1); err != nil {
				t.Fatal(err)
			}
			gone.Close()
			talk(t, address, protocol)
		})
	}
}

// TestSharedConnection delivers to several streams of each connection.
func TestSharedConnection(t *testing.T) {
	talk(t, start(t, "grpc"), load.PeerGRPC.Shared(7))
}

func inRoom(int) string { return "bench" }

func talk(t *testing.T, address string, protocol load.Protocol) {
	pool, err := load.NewClientPool(address, protocol)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	publisher, err := load.Dial(t.Context(), address, protocol)
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	s := &load.Session{ClientPool: pool, Publisher: publisher, Rooms: []string{"bench"}}
	for _, subscribers := range []int{5, 20} {
		if err := pool.Grow(t.Context(), subscribers, inRoom, s.Next()); err != nil {
			t.Fatal(err)
		}
		paced, err := s.Rate(t.Context(), 200, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if paced.Deliveries != uint64(20*subscribers) {
			t.Errorf("%d deliveries of 20 messages to %d subscribers", paced.Deliveries, subscribers)
		}
		if _, err := s.Saturate(t.Context(), 16, 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
	}
	if v := s.Verdict(); v != (load.Verdict{}) {
		t.Errorf("Verdict() = %+v, want that nothing went wrong", v)
	}
}

// start runs a peer in this process and returns its address.
func start(t *testing.T, name string) string {
	ctx, cancel := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- peer.Run(ctx, name, writer) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("%s ended with %v, want nil", name, err)
		}
	})
	var said, address string
	if _, err := fmt.Fscanf(reader, "%s listens on %s\n", &said, &address); err != nil || !strings.HasPrefix(said, name) {
		t.Fatalf("the peer says %q, %v, not where it listens", said, err)
	}
	return address
}

func TestUnknownPeer(t *testing.T) {
	if err := peer.Run(t.Context(), "carrier-pigeon", io.Discard); err == nil {
		t.Error("Run of an unknown peer succeeds")
	}
}

// A publisher may go on for as long as it likes: what it spends of the peer's windows
// comes back to it, to the last byte.
func TestPublisherGoesOn(t *testing.T) {
	const texts = 10_000 // 7,300 headers of 9 bytes are a whole window
	address := start(t, "naive")
	pool, err := load.NewClientPool(address, load.PeerGRPC)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	publisher, err := load.Dial(t.Context(), address, load.PeerGRPC)
	if err != nil {
		t.Fatal(err)
	}
	defer publisher.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	s := &load.Session{ClientPool: pool, Publisher: publisher, Rooms: []string{"bench"}}
	if err := pool.Grow(ctx, 1, inRoom, s.Next()); err != nil {
		t.Fatal(err)
	}
	for s.Next() < texts {
		if _, err := s.Saturate(ctx, 16, 100*time.Millisecond); err != nil {
			t.Fatalf("after %d texts: %v", s.Next(), err)
		}
	}
}
