// Package service puts the parts of the server together and runs them in one process:
// Run starts them in the order in which they depend on each other, and stops them in
// the order that loses nothing. It knows neither flags nor environment.
package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/chat/hub"
	"chatroom/server/internal/eventpb"
	"chatroom/server/internal/health"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/presence"
	"chatroom/server/internal/rpc"
	"chatroom/web"
)

// Run serves until ctx ends, and then stops gracefully, which takes no longer than
// Config.Drain, whatever clients do. It returns nil after a graceful stop.
func Run(ctx context.Context, c Config) error {
	c = c.withDefaults()

	// Start. The ports are opened before the data directory is: a service that can't
	// have its ports touches nothing in there.
	prepared, err := c.prepare()
	if err != nil {
		return err
	}
	defer prepared.close()
	access, kinds, rights, issuers := prepared.access, prepared.kinds, prepared.rights, prepared.issuers
	listeners, err := httpd.Listen(c.Addresses)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	defer listeners.Close()
	admin, err := listenAdmin(&c)
	if err != nil {
		return err
	}
	defer admin.close(&c)
	state := newHealth(&c)
	admin.start(&c, state)
	if c.Hosts == "" {
		access.hosts = httpd.DefaultHosts(listeners.Addresses(), slices.Concat(c.TLS.Auto, c.Addresses, c.publicHosts())...)
	}
	certificates, redirect, err := c.TLS.open(append(listeners.Addresses(), c.Addresses...), c.Data, c.Log)
	if err != nil {
		return err
	}
	defer redirect.Close()
	data, err := openData(ctx, &c, listeners.Addresses(), c.Log)
	if err != nil {
		return err
	}
	callers, err := openCallers(ctx, &c, data.guests, data.store)
	if err != nil {
		return errors.Join(err, data.Close())
	}
	rooms := hub.New(hub.Config{
		Journal:     admin.journal(data.store),
		State:       data.store,
		Encoding:    eventpb.Encoding{},
		Rooms:       c.Rooms,
		Presence:    presence.Config{Grace: c.PresenceGrace},
		Creation:    c.RoomCreation,
		MemoryBytes: c.MemoryBytes,
		Log:         c.Log,

		ReservedNames: c.ReservedNames,
	})
	if err := rights.moderate(ctx, data.store); err != nil {
		rooms.Close()
		callers.Close()
		return errors.Join(err, data.Close())
	}
	api := rpc.New(rpc.Config{
		Hub:          rooms,
		Guests:       data.guests,
		Policy:       rights.evaluator,
		Moderation:   rights.moderation,
		Issuers:      issuers,
		Accounts:     callers.accounts,
		Keys:         callers.keys,
		Revocations:  callers.revocations,
		Health:       state,
		Schema:       kinds,
		Heartbeat:    c.Heartbeat,
		WriteTimeout: c.WriteTimeout,
		Drain:        c.Drain,
		Proxies:      access.proxies,
		Rates:        access.rates,
		Counts:       access.counts,
		Log:          c.Log,
	})
	callers.api.Store(api)
	signIn, err := openSignIn(&c, callers, data.guests, rooms, access)
	if err != nil {
		rights.close()
		rooms.Close()
		callers.Close()
		return errors.Join(err, data.Close())
	}
	handlers := maps.Clone(api.Handlers())
	maps.Copy(handlers, signIn.Handlers())
	socket := &keySocket{}
	if data.dir != nil {
		socket = serveKeys(data.dir.Path(), callers.keys, c.Log)
	}
	server, err := httpd.New(httpd.Config{
		Listeners:    listeners,
		TLS:          certificates,
		Redirect:     redirect,
		RPC:          handlers,
		Unknown:      api.Unknown(),
		Health:       state,
		Page:         web.Files(),
		IsRoom:       func(name string) bool { return chat.CheckRoom(name) == nil },
		WriteTimeout: c.WriteTimeout,
		Hosts:        access.hosts,
		Origins:      access.origins,
		Proxies:      access.proxies,
		Counts:       access.counts,
		Log:          c.Log,
	})
	if err != nil {
		signIn.Close()
		err = errors.Join(err, socket.Close(ctx))
		rights.close()
		rooms.Close()
		callers.Close()
		return errors.Join(err, data.Close())
	}
	rights.follow(api)
	admin.collect(rooms, api, server)
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()
	state.Set(health.Starting, false)
	c.Ready(listeners.Addresses())

	// Serve, until ctx ends or serving fails.
	var stop stopTimes
	select {
	case <-ctx.Done():
		state.Set(health.Draining, true)
		c.Log.Info("draining", "streams", api.Streams(), "at most", c.Drain)
		stop = newStopTimes(time.Now(), c.Drain)
		leaving, cancel := context.WithDeadline(context.Background(), stop.end)
		api.Drain(leaving)
		cancel()
	case err = <-served:
		state.Set(health.Draining, true)
		served <- nil
		stop = newStopTimes(time.Now(), c.Drain)
	}

	// Stop: rooms first, so that no stream waits for events; then streams and connections
	// together, so that both have the time that is left; and last the store, which every
	// one of them uses.
	rooms.Close()
	patience, cancel := context.WithDeadline(context.Background(), stop.cut)
	defer cancel()
	var stopping sync.WaitGroup
	stopping.Go(func() { api.Stop(patience) })
	err = errors.Join(err, server.Shutdown(patience), <-served, socket.Close(patience))
	stopping.Wait()
	signIn.Close()
	rights.close()
	callers.Close()
	return errors.Join(err, data.Close())
}
