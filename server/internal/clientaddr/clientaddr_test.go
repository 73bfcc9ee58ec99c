package clientaddr

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func proxies(t testing.TB, text string, header Header) Proxies {
	t.Helper()
	p, err := Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q) = %v, want nil", text, err)
	}
	p.Header = header
	return p
}

func TestClient(t *testing.T) {
	const trusted = "10.0.0.0/8, 2001:db8:ffff::/48"
	xff := func(values ...string) http.Header { return http.Header{"X-Forwarded-For": values} }
	fwd := func(values ...string) http.Header { return http.Header{"Forwarded": values} }
	both := func(x, f string) http.Header { return http.Header{"X-Forwarded-For": {x}, "Forwarded": {f}} }
	for name, tt := range map[string]struct {
		remote string
		header http.Header
		kind   Header
		want   string
	}{
		"no proxy":                         {"192.0.2.1:5000", nil, Either, "192.0.2.1"},
		"no proxy, IPv6":                   {"[2001:db8::1]:5000", nil, Either, "2001:db8::1"},
		"no proxy, mapped":                 {"[::ffff:192.0.2.1]:5000", nil, Either, "192.0.2.1"},
		"a client that claims":             {"192.0.2.1:5000", xff("198.51.100.9"), Either, "192.0.2.1"},
		"a client that claims, Forwarded":  {"192.0.2.1:5000", fwd("for=198.51.100.9"), Either, "192.0.2.1"},
		"a client that claims to be proxy": {"192.0.2.1:5000", xff("10.0.0.1"), Either, "192.0.2.1"},
		"a proxy":                          {"10.0.0.1:5000", xff("192.0.2.1"), Either, "192.0.2.1"},
		"a proxy, mapped":                  {"[::ffff:10.0.0.1]:5000", xff("192.0.2.1"), Either, "192.0.2.1"},
		"a proxy of IPv6":                  {"[2001:db8:ffff::1]:5000", xff("192.0.2.1"), Either, "192.0.2.1"},
		"a proxy without a header":         {"10.0.0.1:5000", nil, Either, "10.0.0.1"},
		"a proxy with an empty header":     {"10.0.0.1:5000", xff(""), Either, "10.0.0.1"},
		"two proxies":                      {"10.0.0.1:5000", xff("192.0.2.1, 10.0.0.2"), Either, "192.0.2.1"},
		"two proxies, two lines":           {"10.0.0.1:5000", xff("192.0.2.1", "10.0.0.2"), Either, "192.0.2.1"},
		"only proxies":                     {"10.0.0.1:5000", xff("10.0.0.3, 10.0.0.2"), Either, "10.0.0.3"},
		"a claim before a proxy":           {"10.0.0.1:5000", xff("198.51.100.9, 192.0.2.1"), Either, "192.0.2.1"},
		"a claim on a line of its own":     {"10.0.0.1:5000", xff("198.51.100.9", "192.0.2.1"), Either, "192.0.2.1"},
		"a claim to be behind a proxy":     {"10.0.0.1:5000", xff("198.51.100.9, 10.0.0.7, 192.0.2.1, 10.0.0.2"), Either, "192.0.2.1"},
		"a claim that can't be read":       {"10.0.0.1:5000", xff("bad, 192.0.2.1"), Either, "192.0.2.1"},
		"unreadable before a proxy":        {"10.0.0.1:5000", xff("198.51.100.9, bad, 10.0.0.2"), Either, "10.0.0.2"},
		"unreadable":                       {"10.0.0.1:5000", xff("bad"), Either, "10.0.0.1"},
		"unknown":                          {"10.0.0.1:5000", xff("unknown"), Either, "10.0.0.1"},
		"a gap":                            {"10.0.0.1:5000", xff("198.51.100.9,,10.0.0.2"), Either, "10.0.0.2"},
		"with a port":                      {"10.0.0.1:5000", xff("192.0.2.1:443"), Either, "192.0.2.1"},
		"IPv6":                             {"10.0.0.1:5000", xff("2001:db8::1"), Either, "2001:db8::1"},
		"IPv6 in brackets":                 {"10.0.0.1:5000", xff("[2001:db8::1]"), Either, "2001:db8::1"},
		"IPv6 with a port":                 {"10.0.0.1:5000", xff("[2001:db8::1]:443"), Either, "2001:db8::1"},
		"IPv4 in brackets":                 {"10.0.0.1:5000", xff("[192.0.2.1]"), Either, "10.0.0.1"},
		"mapped":                           {"10.0.0.1:5000", xff("::ffff:192.0.2.1"), Either, "192.0.2.1"},
		"with a zone":                      {"10.0.0.1:5000", xff("fe80::1%eth0"), Either, "fe80::1"},
		"a mapped proxy in the header":     {"10.0.0.1:5000", xff("192.0.2.1, ::ffff:10.0.0.2"), Either, "192.0.2.1"},
		"too many proxies":                 {"10.0.0.1:5000", xff("192.0.2.1" + strings.Repeat(",10.0.0.2", 40)), Either, "10.0.0.2"},
		"Forwarded":                        {"10.0.0.1:5000", fwd("for=192.0.2.1;proto=https;by=10.0.0.1"), Either, "192.0.2.1"},
		"Forwarded, quoted":                {"10.0.0.1:5000", fwd(`proto=https; For="[2001:db8::1]:4711"`), Either, "2001:db8::1"},
		"Forwarded, not quoted":            {"10.0.0.1:5000", fwd(`for=[2001:db8::1]:4711`), Either, "10.0.0.1"},
		"Forwarded, two":                   {"10.0.0.1:5000", fwd("for=198.51.100.9, for=192.0.2.1, for=10.0.0.2"), Either, "192.0.2.1"},
		"Forwarded, hidden":                {"10.0.0.1:5000", fwd("for=198.51.100.9, for=_hidden"), Either, "10.0.0.1"},
		"Forwarded without for":            {"10.0.0.1:5000", fwd("proto=https"), Either, "10.0.0.1"},
		"a quotation mark before a proxy":  {"10.0.0.1:5000", fwd(`for="198.51.100.9, for=192.0.2.1`), Either, "192.0.2.1"},
		"a quotation of a proxy":           {"10.0.0.1:5000", fwd(`x=", for=198.51.100.9, ", for=192.0.2.1`), Either, "192.0.2.1"},
		"a claim in the other header":      {"10.0.0.1:5000", both("192.0.2.1", "for=198.51.100.9"), Either, "192.0.2.1"},
		"the other header, Forwarded":      {"10.0.0.1:5000", both("198.51.100.9", "for=192.0.2.1"), Forwarded, "192.0.2.1"},
		"the other header alone":           {"10.0.0.1:5000", fwd("for=198.51.100.9"), ForwardedFor, "10.0.0.1"},
		"no address":                       {"@", xff("198.51.100.9"), Either, ""},
		"not canonical":                    {"10.0.0.1:5000", http.Header{"x-forwarded-for": {"198.51.100.9"}}, Either, "10.0.0.1"},
	} {
		got := proxies(t, trusted, tt.kind).Client(tt.remote, tt.header)
		want := netip.Addr{}
		if tt.want != "" {
			want = netip.MustParseAddr(tt.want)
		}
		if got != want {
			t.Errorf("Client, %s = %v, want %q", name, got, tt.want)
		}
	}
	if got := (Proxies{}).Client("127.0.0.1:80", xff("198.51.100.9")); got != netip.MustParseAddr("127.0.0.1") {
		t.Errorf("Client without trusted proxies = %s, want the other end", got)
	}
	r := &http.Request{RemoteAddr: "127.0.0.1:80", Header: xff("198.51.100.9")}
	if got := proxies(t, "loopback", Either).Of(r); got != netip.MustParseAddr("198.51.100.9") {
		t.Errorf("Of = %s, want the client", got)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]int{"": 0, "  ": 0, "10.0.0.0/8": 1, "192.0.2.1, ::1": 2, "loopback,private": 6, "::ffff:192.0.2.1": 1, "2001:db8::/32": 1} {
		if p, err := Parse(text); err != nil || len(p.Networks) != want {
			t.Errorf("Parse(%q) = %v, %v, want %d networks", text, p, err, want)
		}
	}
	for text, want := range map[string]string{
		"10.0.0.1/8": "must be a network: 10.0.0.0/8", "0.0.0.0/0": "must not be all addresses", "::/0": "must not be all addresses", "proxy": "must be an address",
		"10.0.0.0/8,": "must be an address", "10.0.0.0/33": "must be an address", "fe80::1%eth0": "must be an address", "::ffff:10.0.0.0/104": "network of IPv4",
	} {
		if p, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) || p.Networks != nil {
			t.Errorf("Parse(%q) = %v, %v, want an error with %q", text, p, err, want)
		}
	}
}

// Whatever a client sends, it can't make its address another than its own or a proxy's.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{"198.51.100.9", "for=198.51.100.9", `"`, ",", `for="`, "10.0.0.7, ", "[", "for=\"[::1]:80\"", ";;", "\\"} {
		f.Add(seed, seed, uint8(0))
	}
	f.Fuzz(func(t *testing.T, x, forwarded string, kind uint8) {
		p := proxies(t, "10.0.0.0/8", Header(kind%3))
		client := netip.MustParseAddr("192.0.2.1")
		header := http.Header{"X-Forwarded-For": {x + ", 192.0.2.1"}, "Forwarded": {forwarded + ", for=192.0.2.1"}}
		if got := p.Client("10.0.0.1:80", header); got != client {
			t.Fatalf("Client with %q = %s, want %s", header, got, client)
		}
		// On a line before the one that the proxy writes.
		header = http.Header{"X-Forwarded-For": {x, "192.0.2.1"}, "Forwarded": {forwarded, "for=192.0.2.1"}}
		if got := p.Client("10.0.0.1:80", header); got != client {
			t.Fatalf("Client with %q = %s, want %s", header, got, client)
		}
		if got := p.Client("192.0.2.1:80", http.Header{"X-Forwarded-For": {x}, "Forwarded": {forwarded}}); got != client {
			t.Fatalf("Client without a proxy = %s, want %s", got, client)
		}
		p.Client("10.0.0.1:80", http.Header{"X-Forwarded-For": {x}, "Forwarded": {forwarded}})
	})
}
