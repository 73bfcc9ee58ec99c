package httpd

import (
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/logsample"
	"chatroom/server/internal/ratelimit"
	"chatroom/server/internal/tally"
)

// answers asks for the page on a connection that stays open, and reports whether it is
// answered. That there is no connection means that it was refused.
func answers(t *testing.T, nc net.Conn) bool {
	t.Helper()
	if nc == nil {
		return false
	}
	if err := nc.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := nc.Write([]byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")); err != nil {
		return false
	}
	var b [12]byte
	n, err := nc.Read(b[:])
	return err == nil && string(b[:n]) == "HTTP/1.1 200"
}

func TestConnectionsAreBounded(t *testing.T) {
	for _, tt := range []struct {
		name    string
		counts  ratelimit.Counts
		proxies string
		limit   string // in the log; empty if no connection is refused
	}{
		{"no bound", ratelimit.Counts{}, "", ""},
		{"of an address", ratelimit.Counts{ratelimit.ConnectionsPerAddress: 3, ratelimit.ConnectionsInTotal: 9}, "", "connections.address"},
		{"in total", ratelimit.Counts{ratelimit.ConnectionsPerAddress: 9, ratelimit.ConnectionsInTotal: 3}, "", "connections.total"},
		{"of a proxy", ratelimit.Counts{ratelimit.ConnectionsPerAddress: 3}, "loopback", ""},
		{"of a proxy in total", ratelimit.Counts{ratelimit.ConnectionsPerAddress: 1, ratelimit.ConnectionsInTotal: 3}, "loopback", "connections.total"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxies, err := clientaddr.Parse(tt.proxies)
			if err != nil {
				t.Fatal(err)
			}
			var log syncBuffer
			s := serve(t, Config{Counts: tt.counts, Proxies: proxies, Log: slog.New(slog.NewTextHandler(&log, nil))})
			address := s.listeners.Addresses()[0]
			connect := func() net.Conn {
				t.Helper()
				nc, err := net.Dial("tcp", address)
				if err != nil {
					return nil // it is reset before it is known here
				}
				t.Cleanup(func() { _ = nc.Close() })
				return nc
			}
			var open []net.Conn
			for range 3 {
				nc := connect()
				if open = append(open, nc); !answers(t, nc) {
					t.Fatalf("connection %d is refused, want 3", len(open))
				}
			}
			if refused := !answers(t, connect()); refused != (tt.limit != "") {
				t.Errorf("the fourth connection is refused = %t, want %t", refused, tt.limit != "")
			}
			if tt.limit == "" {
				return
			}
			if got := log.String(); !strings.Contains(got, "limit "+tt.limit) || !strings.Contains(got, "peer=127.0.0.1:") {
				t.Errorf("the log is %q, want the refusal with the peer and %s", got, tt.limit)
			}
			if err := open[0].Close(); err != nil {
				t.Fatal(err)
			}
			for !answers(t, connect()) { // until the server has noticed the close
			}
		})
	}
}

// Connections of every protocol give their slots back.
// exhausted is a listener that has no file descriptor for its first connections.
type exhausted struct {
	net.Listener
	left atomic.Int32
}

func (l *exhausted) Accept() (net.Conn, error) {
	if l.left.Add(-1) >= 0 {
		return nil, &net.OpError{Op: "accept", Net: "tcp", Addr: l.Addr(), Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return l.Listener.Accept()
}

// A server that has no file descriptor for a connection says so, and serves when it has one again.
func TestNoFileDescriptors(t *testing.T) {
	inner := listen(t, "127.0.0.1:0")[0]
	l := &exhausted{Listener: inner}
	l.left.Store(3)
	var log syncBuffer
	s := serve(t, Config{Listeners: Listeners{l}, Log: slog.New(slog.NewTextHandler(&log, nil))})
	nc, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if !answers(t, nc) {
		t.Error("the connection that waited is not served")
	}
	if n := s.Stats().Refused["accept"]; n != 3 {
		t.Errorf("%d attempts to accept are counted, want 3", n)
	}
	if got := log.String(); strings.Count(got, "no connection can be accepted") != 3 || !strings.Contains(got, "too many open files") {
		t.Errorf("the log is %q, want 3 lines with the cause", got)
	}
}

func TestConnectionSlotsAreGivenBack(t *testing.T) {
	for name, speak := range map[string]func(*http.Protocols, bool){
		"HTTP/1.1": (*http.Protocols).SetHTTP1, "HTTP/2": (*http.Protocols).SetUnencryptedHTTP2,
	} {
		s := serve(t, Config{Counts: ratelimit.Counts{ratelimit.ConnectionsPerAddress: 1}})
		for range 3 {
			c := client(t, speak)
			eventually(t, name+" is answered", func() bool {
				response, err := c.Get(s.url(0))
				if err != nil {
					return false
				}
				return response.Body.Close() == nil && response.StatusCode == http.StatusOK
			})
			c.CloseIdleConnections()
		}
		eventually(t, "no slot of "+name+" is held", func() bool { return s.slots.byAddress.Held() == 0 })
	}
	p, url := serveTLS(t, Config{Counts: ratelimit.Counts{ratelimit.ConnectionsPerAddress: 1}})
	for _, speak := range []func(*http.Protocols, bool){(*http.Protocols).SetHTTP1, (*http.Protocols).SetHTTP2} {
		c := tlsClient(t, p, speak)
		eventually(t, "TLS is answered", func() bool {
			response, err := c.Get(url)
			if err != nil {
				return false
			}
			return response.Body.Close() == nil && response.StatusCode == http.StatusOK
		})
		c.CloseIdleConnections()
	}
}

// A proxy is trusted by its own address, and a network that is no proxy's is bounded, also
// those of IPv6.
func TestConnectionsOfProxies(t *testing.T) {
	proxies, err := clientaddr.Parse("loopback, 192.0.2.0/24, 2001:db8:1:2::5, fe80::1")
	if err != nil {
		t.Fatal(err)
	}
	for peer, trusted := range map[string]bool{
		"127.0.0.1:1": true, "[::1]:1": true, "192.0.2.7:1": true, "[::ffff:192.0.2.7]:1": true, "[2001:db8:1:2::5]:1": true, "[fe80::1%eth0]:1": true,
		"198.51.100.1:1": false, "[::2]:1": false, "[2001:db8:1:2::6]:1": false, "[2001:db8:1:2::]:1": false,
	} {
		var refused tally.Tally
		log := &logsample.Logger{Log: slog.New(slog.DiscardHandler)}
		s := newConnectionSlots(&ratelimit.Counts{ratelimit.ConnectionsPerAddress: 1}, proxies, log, &refused)
		if _, err := s.acquire(peer); err != nil {
			t.Fatalf("acquire(%q) = %v, want nil", peer, err)
		}
		if _, err := s.acquire(peer); (err == nil) != trusted {
			t.Errorf("acquire(%q), the second = %v, want an error: %t", peer, err, !trusted)
		}
	}
}
