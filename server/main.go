// Command server runs the chatroom service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/presence"
	"chatroom/server/internal/rpc"
	"chatroom/server/internal/schema"
	"chatroom/web"
)

// shutdownTimeout is how long handlers get to return once their streams have
// been ended.
const shutdownTimeout = 5 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one ends the process at once.
	context.AfterFunc(ctx, stop)
	switch err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		fmt.Fprintln(os.Stderr, "chatroom:", err)
		os.Exit(1)
	}
}

// runServe serves until ctx ends, then stops gracefully. The ports are opened before the
// data directory is: a server that can't have its ports touches nothing in there.
func runServe(ctx context.Context, args []string, p process) error {
	c, err := parse(args, p.getenv, p.stderr)
	if err != nil {
		return err
	}
	log := p.log()
	var kinds *schema.Schema
	if c.schema != "" {
		if kinds, err = schema.Open(c.schema); err != nil {
			return fmt.Errorf("-schema: %w", err)
		}
	}
	listeners, err := httpd.Listen(c.listen.list)
	if err != nil {
		return fmt.Errorf("-listen: %w", err)
	}
	defer listeners.Close()
	data, err := openData(ctx, c, listeners.Addresses(), log)
	if err != nil {
		return err
	}
	rooms := chat.New(chat.Config{
		Journal:     data.store,
		State:       data.store,
		Encoding:    rpc.Encoding{},
		Rooms:       c.rooms.list,
		Presence:    presence.Config{Grace: c.grace},
		Creation:    creations[c.creation],
		MemoryBytes: c.memory,
		Log:         log,
	})
	api := rpc.New(rpc.Config{
		Chat:         rooms,
		Guests:       data.guests,
		Schema:       kinds,
		Heartbeat:    c.heartbeat,
		WriteTimeout: c.writeTimeout,
		Drain:        c.drain,
		Log:          log,
	})
	server, err := httpd.New(httpd.Config{
		Listeners:    listeners,
		RPC:          api.Handlers(),
		Page:         web.Files(),
		WriteTimeout: c.writeTimeout,
		Log:          log,
	})
	if err != nil {
		return errors.Join(err, data.Close())
	}
	for _, address := range listeners.Addresses() {
		fmt.Fprintf(p.stdout, "chatroom: open %s\n", pageURL(address))
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve() }()

	select {
	case <-ctx.Done():
		log.Info("draining", "streams", api.Streams(), "at most", c.drain)
		api.Drain(context.Background())
	case err = <-served:
		served <- nil
	}
	rooms.Close()
	patience, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	api.Stop(patience)
	err = errors.Join(err, server.Shutdown(patience), <-served)
	return errors.Join(err, data.Close())
}

// pageURL returns a link that works in a browser on this machine.
func pageURL(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}
