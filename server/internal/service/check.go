package service

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"

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
// that the configuration names, and looks up hosts, but opens no port, and neither the store
// nor its directory.
func Check(c Config) error {
	c.Log = slog.New(slog.DiscardHandler)
	c = c.withDefaults()
	p, err := c.prepare()
	if err != nil {
		return err
	}
	defer p.close()
	defer p.rights.close()
	for setting, addresses := range map[string][]string{"listen": c.Addresses, "admin": {c.Admin}, "http-redirect": {c.TLS.Redirect}} {
		for _, address := range addresses {
			if address == "" {
				continue
			}
			if _, err := net.ResolveTCPAddr("tcp", address); err != nil {
				return fmt.Errorf("-%s: %w", setting, explainAddress(err))
			}
		}
	}
	if c.TLS.Cert != "" {
		if _, err := httpd.CertificateFiles(c.TLS.Cert, c.TLS.Key, c.Log); err != nil {
			return fmt.Errorf("-tls-cert, -tls-key: %w", err)
		}
	}
	if info, err := os.Stat(c.Data); c.Data != MemoryData && err == nil && !info.IsDir() {
		return fmt.Errorf("-data: %s is not a directory", c.Data)
	}
	return c.checkNATS()
}

// checkNATS looks up the hosts of the NATS servers. One that is found is enough.
func (c *Config) checkNATS() error {
	if c.NATS == "" {
		return nil
	}
	var errs []error
	for address := range strings.SplitSeq(c.NATS, ",") {
		address = strings.TrimSpace(address)
		if !strings.Contains(address, "://") {
			address = "nats://" + address
		}
		u, err := url.Parse(address)
		if err != nil {
			return errors.New("-nats: must be URLs such as nats://host:4222, separated by commas")
		}
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

// explainAddress adds to the error for an address without a port what is missing.
func explainAddress(err error) error {
	if address, ok := errors.AsType[*net.AddrError](err); ok && address.Err == "missing port in address" {
		return fmt.Errorf("%w: must be a host and a port, such as 127.0.0.1:8080, or a port alone, such as :8080", err)
	}
	return err
}
