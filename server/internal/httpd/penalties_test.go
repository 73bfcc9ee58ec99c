package httpd

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"chatroom/server/internal/clientaddr"
	"chatroom/server/internal/tally"
)

const offending = "192.0.2.1:1234"

// refused reports whether a connection of peer is not served.
func refused(p *penalties, peer string) bool {
	switch p.judge(peer) {
	case hold:
		p.release(peer)
		return true
	case refuse:
		return true
	}
	return false
}

// recordTimes makes n offences.
func (p *penalties) recordTimes(n int, peer string) {
	for range n {
		p.record(peer)
	}
}

// An address is refused after its fifth offence within a minute, for a second, and each
// later offence doubles that, up to a minute. Others are not refused.
func TestPenaltiesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := newPenalties(clientaddr.Proxies{}, slog.New(slog.NewTextHandler(&log, nil)))
		p.recordTimes(abuseConnections-1, offending)
		if refused(p, offending) {
			t.Errorf("refused after %d offences", abuseConnections-1)
		}
		for i, want := range []int{1, 2, 4, 8, 16, 32, 60, 60} {
			p.record(offending)
			if !refused(p, "192.0.2.1:99") {
				t.Errorf("penalty %d: another port of the address is not refused", i)
			}
			if refused(p, "192.0.2.2:1234") {
				t.Errorf("penalty %d: another address is refused", i)
			}
			p.recordTimes(10, offending) // of connections that were accepted before
			time.Sleep(time.Duration(want)*time.Second - 1)
			if !refused(p, offending) {
				t.Errorf("penalty %d ended before %d s", i, want)
			}
			time.Sleep(time.Nanosecond)
			if refused(p, offending) {
				t.Errorf("penalty %d did not end after %d s", i, want)
			}
			if got := strings.Count(log.String(), "\n"); got != i+1 {
				t.Errorf("penalty %d: %d lines were logged, want one for each penalty:\n%s", i, got, &log)
			}
		}
		if !strings.Contains(log.String(), "level=WARN") || !strings.Contains(log.String(), "address=192.0.2.1/32") {
			t.Errorf("log = %s, want a warning with the address", &log)
		}
	})
}

// Offences that are further apart than a minute don't add up, and a minute without one
// after a penalty wipes the slate.
func TestPenaltiesForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPenalties(clientaddr.Proxies{}, slog.New(slog.DiscardHandler))
		for range 3 * abuseConnections {
			p.record(offending)
			time.Sleep(abuseWindow / (abuseConnections - 1))
		}
		if refused(p, offending) {
			t.Errorf("refused after offences of which never %d were within a minute", abuseConnections)
		}
		p.recordTimes(abuseConnections, offending)
		time.Sleep(firstPenalty + abuseWindow)
		p.recordTimes(abuseConnections-1, offending)
		if refused(p, offending) {
			t.Error("refused for fewer offences than at first, a minute after a penalty")
		}
		p.record(offending)
		time.Sleep(firstPenalty)
		if refused(p, offending) {
			t.Error("the first penalty after a minute without one is longer than the first")
		}
	})
}

// Clients of a proxy that abort their calls must not have it refused for all others.
func TestTrustedProxiesHaveNoPenalty(t *testing.T) {
	proxies, err := clientaddr.Parse("192.0.2.1, 2001:db8::1")
	if err != nil {
		t.Fatal(err)
	}
	p := newPenalties(proxies, slog.New(slog.DiscardHandler))
	for peer, want := range map[string]bool{"192.0.2.1:1": false, "[::ffff:192.0.2.1]:1": false, "[2001:db8::1]:1": false, "192.0.2.2:1": true} {
		p.recordTimes(abuseConnections, peer)
		if got := refused(p, peer); got != want {
			t.Errorf("%s is refused after %d offences = %t, want %t", peer, abuseConnections, got, want)
		}
	}
}

func TestPenaltiesSources(t *testing.T) {
	for _, tt := range []struct {
		offender, other string
		want            bool
	}{
		{"127.0.0.1:1", "127.0.0.1:2", true},
		{"127.0.0.1:1", "127.0.0.2:1", false},
		{"[2001:db8::1]:1", "[2001:db8::ffff:2]:1", true},
		{"[2001:db8::1]:1", "[2001:db8:0:1::1]:1", false},
		{"[::ffff:192.0.2.1]:1", "192.0.2.1:1", true},
		{"[::ffff:192.0.2.1]:1", "[::ffff:192.0.2.2]:1", false},
		{"[fe80::1%eth0]:1", "[fe80::2%eth0]:1", true},
		{"pipe", "pipe", false},
		{"@", "@", false},
	} {
		p := newPenalties(clientaddr.Proxies{}, slog.New(slog.DiscardHandler))
		p.recordTimes(abuseConnections, tt.offender)
		if got := refused(p, tt.other); got != tt.want {
			t.Errorf("after offences of %s: %s is refused: %t, want %t", tt.offender, tt.other, got, tt.want)
		}
	}
}

// The table is bounded. Addresses whose last offence is oldest are forgotten first.
func TestPenaltiesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPenalties(clientaddr.Proxies{}, slog.New(slog.DiscardHandler))
		peer := func(i int) string { return fmt.Sprintf("10.%d.%d.1:1", i>>8, i&0xff) }
		for i := range maxOffenders + 10 {
			p.recordTimes(abuseConnections, peer(i))
			time.Sleep(time.Microsecond)
		}
		if n := len(p.offenders); n != maxOffenders {
			t.Errorf("%d addresses are remembered, want %d", n, maxOffenders)
		}
		for i, want := range map[int]bool{0: false, 9: false, 10: true, maxOffenders + 9: true} {
			if got := refused(p, peer(i)); got != want {
				t.Errorf("address %d is refused: %t, want %t", i, got, want)
			}
		}
		time.Sleep(2 * abuseWindow)
		p.record(offending)
		if n := len(p.offenders); n != 1 {
			t.Errorf("%d addresses are remembered after two minutes, want the new one", n)
		}
	})
}

// Few connections of an address are held, and few of all addresses together.
func TestPenaltiesHold(t *testing.T) {
	p := newPenalties(clientaddr.Proxies{}, slog.New(slog.DiscardHandler))
	peer := func(i int) string { return fmt.Sprintf("10.0.%d.1:1", i) }
	const addresses = 2 * maxHeldInAll / maxHeld
	for i := range addresses {
		p.recordTimes(abuseConnections, peer(i))
		held := 0
		for range 2 * maxHeld {
			if p.judge(peer(i)) == hold {
				held++
			}
		}
		if want := maxHeld; i < addresses/2 && held != want || i >= addresses/2 && held != 0 {
			t.Errorf("%d connections of address %d are held, want %d of the first %d addresses", held, i, want, addresses/2)
		}
	}
	for range maxHeld {
		p.release(peer(0))
	}
	if v := p.judge(peer(addresses - 1)); v != hold {
		t.Errorf("a connection is not held after others were released: %v", v)
	}
	if v := p.judge("192.0.2.9:1"); v != pass {
		t.Errorf("a connection of another address is not served: %v", v)
	}
}

// The gate closes refused connections, and passes on the others as they are.
func TestGate(t *testing.T) {
	p := newPenalties(clientaddr.Proxies{}, slog.New(slog.DiscardHandler))
	l := gate{listen(t, "127.0.0.1:0")[0], p, new(tally.Tally)}
	p.recordTimes(abuseConnections, "127.0.0.1:1")
	accepted := make(chan net.Conn, 1)
	go func() {
		nc, _ := l.Accept()
		accepted <- nc
	}()
	if err := refusal(l.Addr().String()); err == nil {
		t.Error("a connection of an address with a penalty is served")
	}
	p.mu.Lock()
	clear(p.offenders)
	p.mu.Unlock()
	passed, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer passed.Close()
	nc := <-accepted
	defer nc.Close()
	if _, isTCP := nc.(*net.TCPConn); !isTCP || nc.RemoteAddr().String() != passed.LocalAddr().String() {
		t.Errorf("Accept() = %T of %v, want the TCP connection of %v", nc, nc.RemoteAddr(), passed.LocalAddr())
	}
}

// refusal connects, and returns the error that ends the connection before a byte comes.
func refusal(address string) error {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	defer nc.Close()
	_, err = nc.Read(make([]byte, 1))
	return err
}

func TestAbuseIsRefused(t *testing.T) {
	t.Parallel()
	p := newPair(t, t.TempDir(), "test")
	for name, c := range map[string]Config{"h2c": {}, "TLS": {TLS: p.certificates(t, discard())}} {
		var log syncBuffer
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		s := serve(t, c)
		address, scheme, protocol := s.listeners.Addresses()[0], "http://", (*http.Protocols).SetUnencryptedHTTP2
		if c.TLS != nil {
			scheme, protocol = "https://", (*http.Protocols).SetHTTP2
		}
		bystander := tlsClient(t, p, protocol)
		request(t, bystander, "GET", scheme+address+"/")
		for i := range abuseConnections {
			if code := flood(t, address, c.TLS != nil, p); code != http2.ErrCodeEnhanceYourCalm {
				t.Fatalf("%s: flood %d ended with %v, want ENHANCE_YOUR_CALM", name, i, code)
			}
		}
		if err := refusal(address); err == nil {
			t.Errorf("%s: a connection after %d floods is served", name, abuseConnections)
		}
		if response, _ := request(t, bystander, "GET", scheme+address+"/"); response.StatusCode != 200 {
			t.Errorf("%s: GET on a connection from before = %s, want 200", name, response.Status)
		}
		if n := strings.Count(log.String(), "new connections of an address are refused"); n != 1 {
			t.Errorf("%s: the penalty was logged %d times, want once:\n%s", name, n, log.String())
		}
		eventually(t, "connection after the penalty", func() bool {
			fresh := tlsClient(t, p, protocol)
			response, err := fresh.Get(scheme + address + "/")
			if err == nil {
				_ = response.Body.Close()
			}
			return err == nil
		})
	}
}

func flood(t *testing.T, address string, secure bool, p pair) (code http2.ErrCode) {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	if secure {
		nc = tls.Client(nc, &tls.Config{RootCAs: p.roots, ServerName: "chat.example", NextProtos: []string{"h2"}})
	}
	defer nc.Close()
	_, _ = io.WriteString(nc, http2.ClientPreface)
	framer := http2.NewFramer(nc, nc)
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for range 200 {
		if framer.WriteSettings() != nil {
			break
		}
	}
	for {
		f, err := framer.ReadFrame()
		if err != nil {
			return code
		}
		if g, ok := f.(*http2.GoAwayFrame); ok {
			code = g.ErrCode
		}
	}
}
