package load

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// mischief is a server that speaks the peers' protocol on TCP. It delivers to
// each subscriber what deliver makes of the messages published so far, once the
// last one has come.
type mischief struct {
	listener net.Listener
	serving  sync.WaitGroup

	mu          sync.Mutex // guards below
	subscribers []net.Conn
}

func startMischief(t *testing.T, messages int, deliver func(subscriber int, messages [][]byte) [][]byte) *mischief {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mischief{listener: listener}
	m.serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			m.serving.Go(func() { m.serve(conn, messages, deliver) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		m.serving.Wait()
	})
	return m
}

func (m *mischief) serve(conn net.Conn, messages int, deliver func(int, [][]byte) [][]byte) {
	defer conn.Close()
	reader := bufio.NewReader(conn)
	kind, err := reader.ReadByte()
	if err != nil {
		return
	}
	if kind == 'S' {
		m.mu.Lock()
		m.subscribers = append(m.subscribers, conn)
		m.mu.Unlock()
	}
	_, _ = conn.Write(appendLength(nil, nil))
	var all [][]byte
	for kind == 'P' && len(all) < messages {
		var size uint32
		if binary.Read(reader, binary.BigEndian, &size) != nil {
			return
		}
		message := make([]byte, size)
		if _, err := io.ReadFull(reader, message); err != nil {
			return
		}
		all = append(all, message)
		_, _ = conn.Write(appendLength(nil, nil)) // the answer
	}
	m.mu.Lock()
	for i, subscriber := range m.subscribers {
		if kind == 'P' {
			for _, message := range deliver(i, slices.Clone(all)) {
				_, _ = subscriber.Write(appendLength(nil, message))
			}
		}
	}
	m.mu.Unlock()
	_, _ = io.Copy(io.Discard, reader)
}

// TestMischiefIsCaught publishes ten messages to three subscribers, to the
// second of which something happens.
func TestMischiefIsCaught(t *testing.T) {
	const messages = 10
	tests := map[string]struct {
		deliver func(messages [][]byte) [][]byte
		want    Verdict
	}{
		"nothing": {func(m [][]byte) [][]byte { return m }, Verdict{}},
		"loss":    {func(m [][]byte) [][]byte { return slices.Delete(m, 3, 5) }, Verdict{Lost: 2}},
		"the last one is lost": {
			func(m [][]byte) [][]byte { return m[:messages-1] }, Verdict{Lost: 1}},
		"a double": {func(m [][]byte) [][]byte { return slices.Insert(m, 4, m[2]) }, Verdict{Duplicated: 1}},
		"disorder": {func(m [][]byte) [][]byte { m[6], m[7] = m[7], m[6]; return m }, Verdict{Reordered: 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			server := startMischief(t, messages, func(subscriber int, m [][]byte) [][]byte {
				if subscriber == 1 {
					return test.deliver(m)
				}
				return m
			})
			s := startSession(t, server.listener.Addr().String(), PeerTCP)
			if err := s.ClientPool.Grow(t.Context(), 3, func(int) string { return "" }, s.Next()); err != nil {
				t.Fatal(err)
			}
			outcome, err := s.Rate(t.Context(), 1000, messages*time.Millisecond)
			if wantErr := test.want.Lost > 0; errors.Is(err, errUndelivered) != wantErr {
				t.Errorf("Rate says %v, want an error: %t", err, wantErr)
			}
			if got := s.Verdict(); got != test.want {
				t.Errorf("Verdict() = %+v, want %+v", got, test.want)
			}
			if err == nil && outcome.Latency.Count() != outcome.Deliveries {
				t.Errorf("%d latencies of %d deliveries", outcome.Latency.Count(), outcome.Deliveries)
			}
		})
	}
}

// TestDisconnection shows that a subscriber that is cut off is an error.
func TestDisconnection(t *testing.T) {
	server := startMischief(t, 1, func(int, [][]byte) [][]byte { return nil })
	s := startSession(t, server.listener.Addr().String(), PeerTCP)
	if err := s.ClientPool.Grow(t.Context(), 2, func(int) string { return "" }, s.Next()); err != nil {
		t.Fatal(err)
	}
	server.mu.Lock()
	_ = server.subscribers[0].Close()
	server.mu.Unlock()
	s.DeliveryTimeout = time.Minute
	if _, err := s.Rate(t.Context(), 1000, 5*time.Millisecond); err == nil {
		t.Error("Rate succeeds without one of the subscribers")
	}
}

func startSession(t *testing.T, address string, protocol Protocol) *Session {
	pool, err := NewClientPool(address, protocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	publisher, err := Dial(t.Context(), address, protocol)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = publisher.Close() })
	return &Session{ClientPool: pool, Publisher: publisher, Rooms: []string{""}, DeliveryTimeout: 300 * time.Millisecond}
}

// TestRateWaits shows that a sender never has more than one text unanswered, and
// that one that is not answered gives up.
func TestRateWaits(t *testing.T) {
	for _, answers := range []int{20, 3} {
		t.Run(strconv.Itoa(answers), func(t *testing.T) {
			server, client := net.Pipe()
			p := &Publisher{dialect: publishTCP(""), conn: client, ready: make(chan struct{}), changed: make(chan struct{}, 1)}
			p.reading.Go(p.read)
			var serving sync.WaitGroup
			serving.Go(func() { answerTexts(t, server, answers) })
			t.Cleanup(func() {
				_ = p.Close()
				serving.Wait()
			})
			<-p.ready
			pool, err := NewClientPool("127.0.0.1:1", PeerTCP)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(pool.Close)
			s := &Session{ClientPool: pool, Publisher: p, Rooms: []string{""}}
			for range answers {
				if err := s.sendOne(t.Context(), now()); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := s.sendOne(ctx, now()); err == nil {
				t.Error("sendOne succeeds without an answer")
			}
		})
	}
}

// answerTexts reads one text at a time and answers the first of them. A pipe has no
// buffer, so a second text before the answer would be part of what is read.
func answerTexts(t *testing.T, conn net.Conn, answers int) {
	defer conn.Close()
	_, _ = conn.Write(appendLength(nil, nil)) // ready
	buffer := make([]byte, 10*(4+TextSize))
	for i := 0; ; i++ {
		n, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if n != 4+TextSize {
			t.Errorf("%d bytes come at once, want the %d of one text", n, 4+TextSize)
		}
		if i < answers {
			_, _ = conn.Write(appendLength(nil, nil))
		}
	}
}
