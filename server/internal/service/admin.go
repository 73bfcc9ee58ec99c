package service

import (
	"fmt"
	"net/netip"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/health"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/metrics"
	"chatroom/server/internal/rpc"
	"chatroom/server/internal/signin"
	"chatroom/server/internal/store/sqlite"
)

// admin is the port for operators. Its zero value has none.
type admin struct {
	listeners httpd.Listeners
	server    *httpd.Admin
	metrics   *metrics.Metrics
}

// listenAdmin opens the port of Config.Admin, if there is one.
func listenAdmin(c *Config) (*admin, error) {
	a := new(admin)
	var err error
	switch inherited := httpd.Listeners(c.Sockets.Admin); {
	case len(inherited) > 1:
		return nil, fmt.Errorf("-admin: %d sockets of systemd have this name, want one: %s", len(inherited), inherited.Addresses())
	case len(inherited) == 1:
		a.listeners = inherited
	case c.Admin == "":
		return a, nil
	default:
		if a.listeners, err = httpd.Listen([]string{c.Admin}); err != nil {
			return nil, fmt.Errorf("-admin: %w", err)
		}
	}
	address := a.listeners.Addresses()[0]
	c.Log.Info("serving metrics, health and profiles", "address", address)
	if at, err := netip.ParseAddrPort(address); err != nil || !at.Addr().IsLoopback() {
		c.Log.Warn("-admin is not an address of loopback: everyone who reaches it can read metrics and profiles of the process", "address", address)
	}
	return a, nil
}

// start serves the port, from before the store is opened on: that may take long.
func (a *admin) start(c *Config, h *health.Health) {
	if len(a.listeners) == 0 {
		return
	}
	a.metrics = metrics.New(c.Log)
	a.metrics.Add(metrics.Sources{Health: h, LogLines: c.logLines})
	a.server = httpd.StartAdmin(httpd.AdminConfig{Listener: a.listeners[0], Health: h, Metrics: a.metrics.Handler(), Log: c.Log})
}

// journal returns the journal to use: one that counts, if there is anyone to ask.
func (a *admin) journal(s store) chat.Journal {
	if a.metrics == nil {
		return s
	}
	if disk, ok := s.(*sqlite.Store); ok {
		a.metrics.Add(metrics.Sources{Disk: func() (metrics.Disk, error) {
			stats, err := disk.Stats()
			return metrics.Disk(stats), err
		}})
	}
	return a.metrics.Journal(s)
}

// collect has the figures of the running parts collected.
func (a *admin) collect(rooms *hub.Hub, api *rpc.Server, server *httpd.Server, signIn *signin.Handler) {
	if a.metrics != nil {
		a.metrics.Add(metrics.Sources{Hub: rooms.Stats, RPC: api.Stats, HTTP: server.Stats, SignIn: signIn.Refused})
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
