package httpd

import (
	"net/netip"
	"strings"
	"testing"
)

// FuzzHosts: a Host that is allowed is one of those that were set, or one of loopback, which
// no page of others can have.
func FuzzHosts(f *testing.F) {
	for _, seed := range []string{"", "chat.example.com", "CHAT.example.com.:80", "a.example.org", "example.org", "evil.example", "localhost", "x.localhost:1",
		"127.0.0.1:8080", "[::1]", "[::ffff:127.0.0.1]:1", "127.0.0.1.evil.example", "evil.example#.example.org", "0x7f.1", "[::1%25lo]", "::1%.", "\x00", "a.example.org\x00"} {
		f.Add(seed)
	}
	h, err := ParseHosts("chat.example.com, *.example.org")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !h.Allow(host) || host == "" {
			return
		}
		name := strings.ToLower(strings.Trim(strings.TrimSuffix(hostOf(host), "."), "[]"))
		address, err := netip.ParseAddr(name)
		switch {
		case name == "chat.example.com", strings.HasSuffix(name, ".example.org"):
		case name == "localhost", strings.HasSuffix(name, ".localhost"):
		case err == nil && address.Unmap().IsLoopback():
		default:
			t.Fatalf("the host %q is allowed, want it refused", host)
		}
	})
}
