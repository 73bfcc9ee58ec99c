package jetstream

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatroom/server/internal/chat"
)

// A tail reads what was stored while its connection was cut.
func TestTailRepairsAfterACut(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	l := newLine(t, servers.addr(0))
	user := servers.user(t)
	far := open(t, Config{URL: "nats://" + user + "@" + l.addr()})
	near := open(t, Config{URL: servers.url(user)})
	seen := follow(t, far, "room")
	var want []uint64
	for round := range 3 {
		want = append(want, sayAll(t, near, "room", fmt.Sprint("before", round), 5)...)
		seen.wait(t, want)
		l.cut()
		want = append(want, sayAll(t, near, "room", fmt.Sprint("meanwhile", round), 600)...)
		l.retryRepair()
		// Nothing is said that would show the gap.
		seen.wait(t, want)
	}
}

// What is appended while the connection is cut again and again is stored once, and
// each appender's in its order.
func TestAppendAcrossCuts(t *testing.T) {
	t.Parallel()
	const appenders, each, cuts = 8, 400, 4
	servers := startNATS(t)
	l := newLine(t, servers.addr(0))
	user := servers.user(t)
	far := open(t, Config{URL: "nats://" + user + "@" + l.addr()})
	near := open(t, Config{URL: servers.url(user)})
	var wg sync.WaitGroup
	part := make(chan struct{}, appenders*cuts)
	for a := range appenders {
		wg.Go(func() {
			var answered sync.WaitGroup
			for i := range each {
				key := fmt.Sprintf("%d/%d", a, i)
				answered.Add(1)
				far.Submit(t.Context(), chat.Entry{Room: "room", Key: key, Payload: []byte(key)}, func(got chat.Appended) {
					defer answered.Done()
					if got.Err != nil || got.At.Sequence == 0 {
						t.Errorf("Submit(%q) = %+v, want a place", key, got)
					}
				})
				if (i+1)%(each/cuts) == 0 {
					part <- struct{}{}
				}
			}
			answered.Wait()
		})
	}
	for n := range appenders * cuts {
		<-part
		if n%appenders == 0 {
			l.cut()
			l.retryRepair()
		}
	}
	wg.Wait()
	wantAllInOrder(t, near, "room", appenders, each)
}

// A tail continues after the server was stopped, and started again later.
func TestTailSurvivesTheServer(t *testing.T) {
	t.Parallel()
	servers := startNATS(t)
	url := servers.fresh(t)
	a, b := open(t, Config{URL: url}), open(t, Config{URL: url})
	seen := follow(t, b, "room")
	var want []uint64
	for round := range 2 {
		want = append(want, sayAll(t, a, "room", fmt.Sprint(round), 50)...)
		servers.stop(0)
		stored := make(chan chat.Appended, 1)
		a.Submit(t.Context(), chat.Entry{Room: "room", Key: fmt.Sprint("meanwhile", round)}, func(got chat.Appended) { stored <- got })
		servers.start(t, 0)
		got := <-stored
		if got.Err != nil {
			t.Fatalf("Submit while the server was stopped = %+v, want a place", got)
		}
		want = append(want, got.At.Sequence)
		seen.wait(t, want)
	}
	if got := sequences(t, b, "room"); !slices.Equal(got, want) {
		t.Errorf("Read = %v, want %v", got, want)
	}
}

// Writable tells that the servers are gone and that they are back.
func TestWritable(t *testing.T) {
	servers := startNATS(t)
	works := new(atomic.Bool)
	works.Store(true)
	s := open(t, Config{URL: servers.fresh(t), Writable: func(w bool) { works.Store(w) }})
	defer closed(t, s)
	servers.stop(0)
	eventually(t, "that writing fails", func() bool { return !works.Load() })
	if _, err := s.Get(t.Context(), "key"); !errors.Is(err, chat.ErrUnreachable) {
		t.Errorf("Get without servers = %v, want %v", err, chat.ErrUnreachable)
	}
	servers.start(t, 0)
	eventually(t, "that writing works again", works.Load)
}

// wantAllInOrder checks that a room holds what appenders have appended, as
// "appender/number", once and in each one's order.
func wantAllInOrder(t *testing.T, s *Store, room string, appenders, each int) (sequences []uint64) {
	t.Helper()
	events, err := s.Read(t.Context(), room, 0, 1<<20)
	if err != nil || len(events) != appenders*each {
		t.Fatalf("Read = %d events, %v, want %d", len(events), err, appenders*each)
	}
	next := make([]int, appenders)
	for _, e := range events {
		var a, i int
		if _, err := fmt.Sscanf(string(e.Payload), "%d/%d", &a, &i); err != nil {
			t.Fatal(err)
		}
		if i != next[a] {
			t.Fatalf("Read has event %d of appender %d, want %d", i, a, next[a])
		}
		next[a]++
		sequences = append(sequences, e.Sequence)
	}
	return sequences
}

// follower is a tail that is written down.
type follower struct {
	changed chan struct{} // capacity 1

	mu  sync.Mutex // guards below
	got []uint64
}

func follow(t *testing.T, s *Store, room string) *follower {
	t.Helper()
	f := &follower{changed: make(chan struct{}, 1)}
	stop, err := s.Tail(t.Context(), room, func(events []chat.Stored) {
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
	timeout := time.NewTimer(patience)
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
func sayAll(t *testing.T, s *Store, room, prefix string, n int) []uint64 {
	t.Helper()
	var all []uint64
	for i := range n {
		at, duplicate, err := chat.Append(t.Context(), s, chat.Entry{Room: room, Key: prefix + "/" + strconv.Itoa(i), Payload: []byte(prefix)})
		if err != nil || duplicate {
			t.Fatalf("Append(%q) = %v, %t, %v, want a new event", room, at, duplicate, err)
		}
		all = append(all, at.Sequence)
	}
	return all
}

// sequences returns those of all events in a room, which must be a chain.
func sequences(t *testing.T, s *Store, room string) []uint64 {
	t.Helper()
	events, err := s.Read(t.Context(), room, 0, 1<<20)
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
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	timeout := time.After(patience)
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

func (l *line) retryRepair() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.isCut = false
}
