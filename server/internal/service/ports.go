package service

import (
	"fmt"
	"slices"

	"chatroom/server/internal/health"
	"chatroom/server/internal/httpd"
)

// ports are all ports of a service. Create them with openPorts.
type ports struct {
	clients      httpd.Listeners
	certificates *httpd.Certificates // nil without TLS
	redirect     httpd.Listeners
	admin        *admin
}

// openPorts opens the ports of a configuration, or takes those that it inherits, and begins to
// serve operators. It sets the hosts that depend on the addresses.
func openPorts(c *Config, a *access, h *health.Health) (_ *ports, err error) {
	p := &ports{admin: new(admin)}
	defer func() {
		if err != nil {
			p.close(c)
		}
	}()
	if p.clients = c.Sockets.Clients; len(p.clients) > 0 {
		c.Log.Info("serving on sockets that stay open in a restart; -listen is not used", "addresses", p.clients.Addresses())
	} else if p.clients, err = httpd.Listen(c.Addresses); err != nil {
		return nil, fmt.Errorf("-listen: %w", err)
	}
	if p.admin, err = listenAdmin(c); err != nil {
		p.admin = new(admin)
		return nil, err
	}
	p.admin.start(c, h)
	if c.Hosts == "" {
		a.hosts = httpd.DefaultHosts(p.clients.Addresses(), slices.Concat(c.TLS.Auto, c.Addresses, c.publicHosts())...)
	}
	p.certificates, p.redirect, err = c.TLS.open(append(p.clients.Addresses(), c.Addresses...), c.Data, c.Sockets.Redirect, c.Log)
	return p, err
}

// inherited reports whether another process keeps the ports for clients open, so that a
// successor of this one gets the connections that wait.
func (c *Config) inherited() bool { return len(c.Sockets.Clients) > 0 }

// close closes all ports. Those for clients are closed already if they were served.
func (p *ports) close(c *Config) {
	p.redirect.Close()
	p.admin.close(c)
	p.clients.Close()
}
