// Package clientaddr tells the address of the client behind proxies.
//
// A header about the client is believed only as far as it was written by a proxy that
// the operator trusts. Each such proxy appends the address from which it was called, so
// the header is read from its end: through the trusted proxies to the first address that
// is none of them. What stands before that was written by the client, and is not looked
// at. A part that can't be read ends the search, and the answer is the proxy that wrote
// it: a client can't choose its address, at most it shares that of the proxy.
package clientaddr

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Header is the header that trusted proxies write.
type Header uint8

const (
	// Either is X-Forwarded-For, or Forwarded for requests without it. It is right for
	// proxies that write X-Forwarded-For, as most do: a client's Forwarded has no
	// effect then. It is wrong for those that write Forwarded alone and let a client's
	// X-Forwarded-For pass.
	Either Header = iota
	ForwardedFor
	Forwarded
)

// maxProxies is how many proxies there may be between a client and the server.
const maxProxies = 16

// Proxies are the proxies that an operator trusts. The zero value trusts none.
type Proxies struct {
	Networks []netip.Prefix
	Header   Header
}

// Parse reads networks and addresses, separated by commas: "10.0.0.0/8, ::1". The word
// loopback stands for the addresses of this machine, private for those of RFC 1918 and
// RFC 4193.
func Parse(text string) (Proxies, error) {
	var p Proxies
	if strings.TrimSpace(text) == "" {
		return p, nil
	}
	for part := range strings.SplitSeq(text, ",") {
		networks, err := parseNetworks(strings.TrimSpace(part))
		if err != nil {
			return Proxies{}, err
		}
		p.Networks = append(p.Networks, networks...)
	}
	return p, nil
}

var words = map[string][]netip.Prefix{
	"loopback": {netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")},
	"private": {netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
		netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("fc00::/7")},
}

func parseNetworks(text string) ([]netip.Prefix, error) {
	if networks, ok := words[text]; ok {
		return networks, nil
	}
	if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return []netip.Prefix{netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	network, err := netip.ParsePrefix(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("trusted proxy %.60q: must be an address, a network such as 10.0.0.0/8, loopback or private", text)
	case network.Bits() == 0:
		return nil, fmt.Errorf("trusted proxy %s: must not be all addresses: any client could choose its address", network)
	case network.Addr().Is4In6():
		return nil, fmt.Errorf("trusted proxy %s: must be written as a network of IPv4", network)
	case network != network.Masked():
		return nil, fmt.Errorf("trusted proxy %s: must be a network: %s", network, network.Masked())
	}
	return []netip.Prefix{network}, nil
}

// Of returns the address of the client of a request: the zero Addr if the connection
// has none, as that of a Unix socket.
func (p Proxies) Of(r *http.Request) netip.Addr {
	return p.Client(r.RemoteAddr, r.Header)
}

// Client returns the address of the client, with the address of the other end of the
// connection, as host:port, and the headers of the request.
func (p Proxies) Client(remote string, header http.Header) netip.Addr {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Addr{}
	}
	addr := clean(peer.Addr())
	if !p.Trusts(addr) {
		return addr
	}
	values, element := p.values(header)
	hops := 0
	for _, rest := range slices.Backward(values) {
		// A client's quotation mark can't hide what a proxy appends: commas are looked
		// for from the end, and an address has none.
		for more := true; more; hops++ {
			var part string
			if at := strings.LastIndexByte(rest, ','); at >= 0 {
				rest, part = rest[:at], rest[at+1:]
			} else {
				part, more = rest, false
			}
			next, ok := element(strings.Trim(part, " \t"))
			if !ok || hops == maxProxies {
				return addr
			}
			if addr = next; !p.Trusts(addr) {
				return addr
			}
		}
	}
	return addr
}

// values returns the values of the header that counts, and what reads a part of them.
func (p Proxies) values(header http.Header) ([]string, func(string) (netip.Addr, bool)) {
	forwardedFor := header["X-Forwarded-For"]
	if p.Header == Forwarded || p.Header == Either && len(forwardedFor) == 0 {
		return header["Forwarded"], forwardedElement
	}
	return forwardedFor, node
}

// Trusts reports whether an address is that of a trusted proxy.
func (p Proxies) Trusts(addr netip.Addr) bool {
	for _, network := range p.Networks {
		if network.Contains(addr) {
			return true
		}
	}
	return false
}

// forwardedElement returns the address in an element of Forwarded (RFC 7239).
func forwardedElement(element string) (netip.Addr, bool) {
	for pair := range strings.SplitSeq(element, ";") {
		name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
		if !strings.EqualFold(name, "for") {
			continue
		}
		if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
			value = value[1 : len(value)-1]
		} else if strings.ContainsAny(value, `":[]`) {
			return netip.Addr{}, false
		}
		return node(value)
	}
	return netip.Addr{}, false
}

// node returns the address of a node: an address, or one with a port, that of IPv6 in
// brackets then.
func node(text string) (netip.Addr, bool) {
	if addr, err := netip.ParseAddr(text); err == nil {
		return clean(addr), true
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			addr, err := netip.ParseAddr(inner)
			return clean(addr), err == nil && addr.Is6()
		}
	}
	if addr, err := netip.ParseAddrPort(text); err == nil {
		return clean(addr.Addr()), true
	}
	return netip.Addr{}, false
}

func clean(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }
