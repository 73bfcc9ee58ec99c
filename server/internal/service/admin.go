package service

import (
	"fmt"
	"net/netip"

	"chatroom/server/internal/health"
	"chatroom/server/internal/httpd"
)

// admin is the port for operators. Its zero value has none.
type admin struct {
	listeners httpd.Listeners
	server    *httpd.Admin
}

// listenAdmin opens the port of Config.Admin, if there is one.
func listenAdmin(c *Config) (*admin, error) {
	a := new(admin)
	if c.Admin == "" {
		return a, nil
	}
	var err error
	if a.listeners, err = httpd.Listen([]string{c.Admin}); err != nil {
		return nil, fmt.Errorf("-admin: %w", err)
	}
	address := a.listeners.Addresses()[0]
	c.Log.Info("serving metrics, health and profiles", "address", address)
	if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().IsLoopback() {
		c.Log.Warn("-admin is not an address of loopback: whoever reaches it can read metrics and profiles of the process", "address", address)
	}
	return a, nil
}

// start serves the port, from before the store is opened on: that may take long.
func (a *admin) start(c *Config, h *health.Health) {
	if len(a.listeners) > 0 {
		a.server = httpd.StartAdmin(httpd.AdminConfig{Listener: a.listeners[0], Health: h, Log: c.Log})
	}
}

// close closes the port, which nothing depends on.
func (a *admin) close(c *Config) {
	if a.server == nil {
		a.listeners.Close()
		return
	}
	if err := a.server.Close(); err != nil {
		c.Log.Warn("stopping", "err", err)
	}
}
