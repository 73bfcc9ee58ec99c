package httpd

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// Hosts are the names that requests may be for. A page whose own name is made to point
// at this server (DNS rebinding) calls it as its own origin, but not by one of its names.
// Names that no page of others can have are always allowed: localhost, and the addresses
// of loopback. The zero value allows every name.
type Hosts struct {
	bounded bool
	exact   map[string]bool
	domains []string // ".example.com", for its subdomains
}

// ParseHosts reads names and addresses, separated by commas: "chat.example.com,
// *.example.org, 192.0.2.1". An asterisk alone allows every name.
func ParseHosts(text string) (Hosts, error) {
	h := Hosts{bounded: true, exact: make(map[string]bool)}
	for part := range strings.SplitSeq(text, ",") {
		part = strings.ToLower(strings.TrimSpace(part))
		if part == "*" {
			return Hosts{}, nil
		}
		domain, wild := strings.CutPrefix(part, "*.")
		_, err := netip.ParseAddr(domain)
		if domain == "" || strings.ContainsAny(domain, "*/@ ") || err != nil && strings.Contains(domain, ":") || hostOf(domain) != domain || wild && !strings.Contains(domain, ".") {
			return Hosts{}, fmt.Errorf("host %.60q: must be a name or an address, without a port, such as chat.example.com or *.example.com; or * for all", part)
		}
		if wild {
			h.domains = append(h.domains, "."+domain)
		} else {
			h.exact[domain] = true
		}
	}
	return h, nil
}

// DefaultHosts are the names for a server whose listeners have addresses, as HOST:PORT.
// If it is reached from this machine alone, a page of others must not be able to call it,
// so it allows the names of loopback and more, the hosts that it was told to listen on.
// Else the names by which it is reached are not known here, and all are allowed.
func DefaultHosts(addresses []string, more ...string) Hosts {
	for _, address := range addresses {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !at.Addr().IsLoopback() {
			return Hosts{}
		}
	}
	h := Hosts{bounded: true, exact: make(map[string]bool)}
	for _, name := range more {
		if name = hostOf(strings.ToLower(name)); name != "" {
			h.exact[name] = true
		}
	}
	return h
}

// hostOf returns a host, as HOST or HOST:PORT, without the port, the brackets of IPv6
// and the dot at the end.
func hostOf(hostport string) string {
	if _, err := netip.ParseAddr(hostport); err == nil {
		return hostport
	}
	host := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return strings.TrimSuffix(host, ".")
}

// Allow reports whether a request may be for a host, as HOST or HOST:PORT. A request
// without one is no browser's.
func (h *Hosts) Allow(hostport string) bool {
	if !h.bounded || hostport == "" {
		return true
	}
	host := strings.ToLower(hostOf(hostport))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || h.exact[host] {
		return true
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		return addr.Zone() == "" && addr.Unmap().IsLoopback() // clients send no zone
	}
	for _, domain := range h.domains {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}
