package service

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/health"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/presence"
	"chatroom/server/internal/rpc"
	"chatroom/server/internal/signin"
	"chatroom/web"
)

// parts are what serves clients, between the ports and the store. Create them with openParts.
type parts struct {
	health  *health.Health
	ports   *ports
	callers *callers
	rooms   *hub.Hub
	rights  *rights
	api     *rpc.Server
	signIn  *signin.Handler
	keys    *keySocket
	server  *httpd.Server

	times      stopTimes // set by serve
	closeRooms func()    // may be called more than once
	opened     []func()  // what undoes opening, in the order of opening
}

// openParts opens the parts one on the other. If one fails it closes those before it.
func openParts(ctx context.Context, c *Config, prepared prepared, ports *ports, data *data, h *health.Health) (_ *parts, err error) {
	p := &parts{health: h, ports: ports, rights: prepared.rights}
	defer func() {
		if err != nil {
			p.closeOpened()
		}
	}()
	if p.callers, err = openCallers(ctx, c, data.guests, data.store); err != nil {
		return nil, err
	}
	p.opened = append(p.opened, p.callers.Close)
	p.rooms = p.newHub(c, data)
	p.closeRooms = sync.OnceFunc(p.rooms.Close)
	p.opened = append(p.opened, p.closeRooms)
	if err := p.rights.moderate(ctx, data.store); err != nil {
		return nil, err
	}
	p.opened = append(p.opened, p.rights.close)
	p.api = p.newAPI(c, prepared, data)
	p.callers.api.Store(p.api)
	if p.signIn, err = openSignIn(c, p.callers, data.guests, p.rooms, prepared.access); err != nil {
		return nil, err
	}
	p.opened = append(p.opened, p.signIn.Close)
	if p.server, err = p.newServer(c, prepared.access); err != nil {
		return nil, err
	}
	p.keys = &keySocket{}
	if data.dir != nil {
		p.keys = serveKeys(data.dir.Path(), p.callers.keys, c.Log)
	}
	return p, nil
}

// closeOpened closes what depends on the store, the last first.
func (p *parts) closeOpened() {
	for len(p.opened) > 0 {
		last := len(p.opened) - 1
		p.opened[last]()
		p.opened = p.opened[:last]
	}
}

func (p *parts) newHub(c *Config, data *data) *hub.Hub {
	return hub.New(hub.Config{
		Journal:     c.Tracing.Journal(p.ports.admin.journal(data.store)),
		State:       data.store,
		Encoding:    eventpb.Encoding{},
		Rooms:       c.Rooms,
		Presence:    presence.Config{Grace: c.PresenceGrace},
		Creation:    c.RoomCreation,
		MemoryBytes: c.MemoryBytes,
		Log:         c.Log,

		ReservedNames: c.ReservedNames,
		Publishing:    c.Tracing.Publishing(),
	})
}

func (p *parts) newAPI(c *Config, prepared prepared, data *data) *rpc.Server {
	return rpc.New(rpc.Config{
		Hub:          p.rooms,
		Guests:       data.guests,
		Policy:       p.rights.evaluator,
		Moderation:   p.rights.moderation,
		Issuers:      prepared.issuers,
		Accounts:     p.callers.accounts,
		Keys:         p.callers.keys,
		Revocations:  p.callers.revocations,
		Health:       p.health,
		Schema:       prepared.kinds,
		Heartbeat:    c.Heartbeat,
		WriteTimeout: c.WriteTimeout,
		Drain:        c.Drain,
		Proxies:      prepared.access.proxies,
		Rates:        prepared.access.rates,
		Counts:       prepared.access.counts,
		Interceptors: c.Tracing.Interceptors(),
		BeginSend:    c.Tracing.BeginSend(),
		Log:          c.Log,
	})
}

func (p *parts) newServer(c *Config, a access) (*httpd.Server, error) {
	handlers := maps.Clone(p.api.Handlers())
	maps.Copy(handlers, p.signIn.Handlers())
	return httpd.New(httpd.Config{
		Listeners:    p.ports.clients,
		TLS:          p.ports.certificates,
		Redirect:     p.ports.redirect,
		RPC:          handlers,
		Unknown:      p.api.Unknown(),
		Health:       p.health,
		Page:         web.Files(),
		IsRoom:       func(name string) bool { return chat.CheckRoom(name) == nil },
		WriteTimeout: c.WriteTimeout,
		Hosts:        a.hosts,
		Origins:      a.origins,
		Proxies:      a.proxies,
		Counts:       a.counts,
		Log:          c.Log,
	})
}

// serve serves clients until ctx ends or serving fails, and then stops.
func (p *parts) serve(ctx context.Context, c *Config) error {
	p.rights.follow(p.api)
	p.ports.admin.collect(p.rooms, p.api, p.server, p.signIn)
	served := make(chan error, 1)
	go func() { served <- p.server.Serve() }()
	addresses := p.ports.clients.Addresses()
	p.health.Set(health.Starting, false)
	c.Log.Info("ready", "addresses", addresses)
	c.Ready(addresses)
	c.Manager.Ready(fmt.Sprintf("serving on %s", addresses))
	var watching sync.WaitGroup
	defer watching.Wait()
	watched, unwatch := context.WithCancel(context.Background())
	defer unwatch()
	watching.Go(func() { c.Manager.Watch(watched, p.alive) })

	var failed error
	select {
	case <-ctx.Done():
	case failed = <-served:
		served <- nil
	}
	p.health.Set(health.Draining, true)
	begun, streams := time.Now(), p.api.Streams()
	p.times = newStopTimes(begun, c.Drain)
	c.Manager.Stopping(fmt.Sprintf("draining %d streams", streams))
	switch {
	case failed != nil:
		return p.stop(served, failed)
	case c.inherited():
		p.times = newHandOverTimes(begun, c.Drain)
		c.Log.Info("handing over to a successor on the same sockets", "streams", streams)
		p.api.HandOver()
		return p.handOver(served)
	}
	c.Log.Info("draining", "streams", streams, "at_most", c.Drain)
	leaving, cancel := context.WithDeadline(context.Background(), p.times.end)
	defer cancel()
	p.api.Drain(leaving)
	return p.stop(served, nil)
}

// alive returns once the locks that every call needs were free.
func (p *parts) alive() {
	p.api.Streams()
	p.rooms.Stats()
}
