package rpc

import (
	"net/netip"
	"testing"

	"chatroom/server/internal/moderation"
)

// An address of IPv6 is banned with its /64. What a moderator is shown names the same network
// when it is sent back.
func TestNetworksOfSubjects(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.7":            "192.0.2.7/32",
		"::ffff:192.0.2.7":     "192.0.2.7/32",
		"192.0.2.7/24":         "192.0.2.0/24",
		"2001:db8:1:2::5":      "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
		"2001:db8:1:2::5/128":  "2001:db8:1:2::5/128",
		"2001:db8:1:2::5/48":   "2001:db8:1::/48",
		"::ffff:192.0.2.0/120": "192.0.2.0/24",
		"10.0.0.0/8":           "",
		"2001:db8::/31":        "",
		"::ffff:10.0.0.0/104":  "",
		"192.0.2.7:443":        "",
		"[2001:db8::1]":        "",
		"localhost":            "",
		"192.0.2.007":          "",
	} {
		network, err := parseNetwork(text)
		if want == "" {
			if err == nil {
				t.Errorf("parseNetwork(%q) = %v, want an error", text, network)
			}
			continue
		}
		if err != nil || network != netip.MustParsePrefix(want) {
			t.Errorf("parseNetwork(%q) = %v, %v, want %s", text, network, err, want)
		}
		shown := toSubject(moderation.Subject{Address: network}).GetAddress()
		if again, err := parseNetwork(shown); err != nil || again != network {
			t.Errorf("parseNetwork(%q), as %s is shown, = %v, %v, want the same", shown, text, again, err)
		}
	}
}
