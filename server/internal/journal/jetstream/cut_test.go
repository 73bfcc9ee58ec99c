package jetstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// A tail reads what was stored while its connection was cut.
func TestTailRepairsAfterACut(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	l := newLine(t, s.addr)
	url := s.fresh(t, l.addr())
	far := open(t, Config{URL: url})
	near := open(t, Config{URL: "nats://u1:pw@" + s.addr})
	seen := follow(t, far, "room")
	var want []uint64
	for round := range 3 {
		want = append(want, sayAll(t, near, "room", fmt.Sprint("before", round), 5)...)
		seen.wait(t, want)
		l.cut()
		want = append(want, sayAll(t, near, "room", fmt.Sprint("meanwhile", round), 600)...)
		l.mend()
		// Nothing is said that would show the gap.
		seen.wait(t, want)
	}
}

// A tail goes on after the server was killed, and started again later.
func TestTailSurvivesTheServer(t *testing.T) {
	t.Parallel()
	s := startNATS(t)
	url := s.fresh(t, s.addr)
	a, b := open(t, Config{URL: url}), open(t, Config{URL: url})
	seen := follow(t, b, "room")
	var want []uint64
	for round := range 2 {
		want = append(want, sayAll(t, a, "room", fmt.Sprint(round), 50)...)
		s.stop()
		s.start(t)
		// As a client does, who sends again what was not acknowledged.
		eventually(t, "an append after the restart", func() bool {
			at, _, err := a.Append(t.Context(), "room", fmt.Sprint("again", round), payload)
			if err != nil && !errors.Is(err, chat.ErrNotStored) {
				t.Errorf("Append without a server = %v, want %v", err, chat.ErrNotStored)
			}
			want = append(want, at.Sequence)
			if err != nil {
				want = want[:len(want)-1]
			}
			return err == nil
		})
		seen.wait(t, want)
	}
	if got := sequences(t, b, "room"); !slices.Equal(got, want) {
		t.Errorf("Read = %v, want %v", got, want)
	}
}

// follower is a tail that is written down.
type follower struct {
	changed chan struct{} // capacity 1

	mu  sync.Mutex // guards below
	got []uint64
}

func follow(t *testing.T, j *Journal, room string) *follower {
	t.Helper()
	f := &follower{changed: make(chan struct{}, 1)}
	stop, err := j.Tail(t.Context(), room, func(events []chat.Stored) {
		f.mu.Lock()
		for _, e := range events {
			f.got = append(f.got, e.Sequence)
		}
		f.mu.Unlock()
		select {
		case f.changed <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatalf("Tail(%q) = %v, want nil", room, err)
	}
	t.Cleanup(stop)
	return f
}

// wait waits until the tail has got these, and no others.
func (f *follower) wait(t *testing.T, want []uint64) {
	t.Helper()
	timeout := time.NewTimer(20 * time.Second)
	defer timeout.Stop()
	for {
		f.mu.Lock()
		got := slices.Clone(f.got)
		f.mu.Unlock()
		switch {
		case slices.Equal(got, want):
			return
		case len(got) >= len(want):
			t.Fatalf("the tail got %v, want %v", got, want)
		}
		select {
		case <-f.changed:
		case <-timeout.C:
			t.Fatalf("the tail got %d events, want %d", len(got), len(want))
		}
	}
}

// sayAll appends n events and returns their sequences.
func sayAll(t *testing.T, j *Journal, room, prefix string, n int) []uint64 {
	t.Helper()
	var all []uint64
	for i := range n {
		at, duplicate, err := j.Append(t.Context(), room, prefix+"/"+strconv.Itoa(i), []byte(prefix))
		if err != nil || duplicate {
			t.Fatalf("Append(%q) = %v, %t, %v, want a new event", room, at, duplicate, err)
		}
		all = append(all, at.Sequence)
	}
	return all
}

// sequences returns those of all events in a room, which must be a chain.
func sequences(t *testing.T, j *Journal, room string) []uint64 {
	t.Helper()
	events, err := j.Read(t.Context(), room, 0, 1<<20)
	if err != nil {
		t.Fatalf("Read(%q) = %v, want nil", room, err)
	}
	var all []uint64
	previous := uint64(0)
	for _, e := range events {
		if e.Previous != previous {
			t.Errorf("Read(%q) has %d after %d, which says that it comes after %d", room, e.Sequence, previous, e.Previous)
		}
		previous = e.Sequence
		all = append(all, e.Sequence)
	}
	return all
}

// eventually asks again and again, until something is so.
func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	timeout := time.After(20 * time.Second)
	for !so() {
		select {
		case <-again.C:
		case <-timeout:
			t.Fatalf("%s did not happen", what)
		}
	}
}

// line is a TCP connection to a server that can be cut.
type line struct {
	to       string
	listener net.Listener
	running  sync.WaitGroup

	mu    sync.Mutex // guards below
	isCut bool
	conns []net.Conn
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := &line{to: to, listener: listener}
	l.running.Go(l.accept)
	t.Cleanup(func() {
		listener.Close()
		l.cut()
		l.running.Wait()
	})
	return l
}

func (l *line) addr() string { return l.listener.Addr().String() }

func (l *line) accept() {
	for {
		client, err := l.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", l.to)
		l.mu.Lock()
		if err != nil || l.isCut {
			client.Close()
			if err == nil {
				server.Close()
			}
		} else {
			l.conns = append(l.conns, client, server)
			l.running.Go(func() { pipe(client, server) })
			l.running.Go(func() { pipe(server, client) })
		}
		l.mu.Unlock()
	}
}

func pipe(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

// cut ends all connections, and refuses new ones until mend.
func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = true
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}

func (l *line) mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = false
}
