package service

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strings"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/schema"
)

// prepared is what a configuration says, before a port or the data directory is opened.
type prepared struct {
	access  access
	kinds   *schema.Schema // nil without
	rights  *rights
	issuers *identity.Issuers // nil without
}

func (c *Config) prepare() (p prepared, err error) {
	if p.access, err = c.access(); err != nil {
		return p, err
	}
	if err := c.checkAddresses(); err != nil {
		return p, err
	}
	if _, err := c.natsServers(); err != nil {
		return p, err
	}
	if c.Schema != "" {
		if p.kinds, err = schema.Open(c.Schema); err != nil {
			return p, fmt.Errorf("-schema: %w", err)
		}
	}
	if p.rights, err = openRights(c); err != nil {
		return p, err
	}
	p.issuers, err = openIssuers(c)
	return p, err
}

// close ends what prepare has started. What runs after it is closed by others.
func (p *prepared) close() {
	if p.issuers != nil {
		p.issuers.Close()
	}
}

// Check returns the first error that Run would find in a configuration. It reads the files
// that the configuration names, looks up hosts, and asks whether the data directory can be written
// to, but opens no port and no store, and changes nothing.
func Check(c Config) error {
	c.Log = slog.New(slog.DiscardHandler)
	c = c.withDefaults()
	p, err := c.prepare()
	if err != nil {
		return err
	}
	defer p.close()
	defer p.rights.close()
	if c.TLS.Cert != "" {
		if _, err := httpd.CertificateFiles(c.TLS.Cert, c.TLS.Key, c.Log); err != nil {
			return fmt.Errorf("-tls-cert, -tls-key: %w", err)
		}
	}
	if c.Data != MemoryData {
		if err := datadir.Check(c.Data); err != nil {
			return fmt.Errorf("-data: %w", err)
		}
	}
	return c.checkNATS()
}

// checkNATS looks up the hosts of the NATS servers. One that is found is enough.
func (c *Config) checkNATS() error {
	servers, err := c.natsServers()
	if err != nil || len(servers) == 0 {
		return err
	}
	var errs []error
	for _, u := range servers {
		if _, err = net.LookupHost(u.Hostname()); err == nil {
			return nil
		}
		if missing, ok := errors.AsType[*net.DNSError](err); ok {
			err = fmt.Errorf("%s: %s", u.Hostname(), missing.Err)
		}
		errs = append(errs, err)
	}
	return fmt.Errorf("-nats: %w", errs[0])
}

// natsServers returns the URLs of the NATS servers. Its errors do not have the URLs, which may
// contain passwords.
func (c *Config) natsServers() (servers []*url.URL, err error) {
	if c.NATS == "" {
		return nil, nil
	}
	for address := range strings.SplitSeq(c.NATS, ",") {
		address = strings.TrimSpace(address)
		if !strings.Contains(address, "://") {
			address = "nats://" + address
		}
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme) {
			return nil, errors.New("-nats: each must be a URL such as nats://host:4222, and they are separated by commas")
		}
		servers = append(servers, u)
	}
	return servers, nil
}

// checkAddresses looks up the addresses to listen on, none of which may be that of another.
func (c *Config) checkAddresses() error {
	type place struct {
		setting, address string
		tcp              *net.TCPAddr
	}
	var places []place
	for _, setting := range []struct {
		name      string
		addresses []string
	}{{"listen", c.Addresses}, {"admin", []string{c.Admin}}, {"http-redirect", []string{c.TLS.Redirect}}} {
		for _, address := range setting.addresses {
			if address == "" {
				continue
			}
			tcp, err := net.ResolveTCPAddr("tcp", address)
			if err != nil {
				return fmt.Errorf("-%s: %w", setting.name, explainAddress(address, err))
			}
			for _, p := range places {
				if overlap(p.tcp, tcp) {
					return fmt.Errorf("-%s: %q has the port of -%s, %s", setting.name, address, p.setting, p.address)
				}
			}
			places = append(places, place{setting.name, address, tcp})
		}
	}
	return nil
}

// overlap reports whether one process can't listen on both addresses.
func overlap(a, b *net.TCPAddr) bool {
	if a.Port != b.Port || a.Port == 0 {
		return false
	}
	return a.IP.Equal(b.IP) || covers(a.IP, b.IP) || covers(b.IP, a.IP)
}

// covers reports whether listening on an address takes the ports of another, too: without one on those
// of both IPv4 and IPv6.
func covers(all, one net.IP) bool {
	return all == nil || all.IsUnspecified() && (all.To4() == nil) == (one.To4() == nil)
}

// explainAddress returns the error for an address that can't be one.
func explainAddress(address string, err error) error {
	unknown, ok := errors.AsType[*net.DNSError](err)
	if host, _, _ := net.SplitHostPort(address); ok && unknown.Name == host { // and not the port
		return fmt.Errorf("%q: %s: %s", address, host, unknown.Err)
	}
	return fmt.Errorf("%q must be a host and a port, such as 127.0.0.1:8080, or a port alone, such as :8080", address)
}
