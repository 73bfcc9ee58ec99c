// Command server runs the chatroom service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"chatroom/server/internal/chat"
	"chatroom/server/internal/httpd"
	"chatroom/server/internal/identity"
	"chatroom/server/internal/journal/jetstream"
	"chatroom/server/internal/journal/memory"
	"chatroom/server/internal/presence"
	"chatroom/server/internal/rpc"
	"chatroom/server/internal/schema"
	"chatroom/web"
)

// memoryBytes bounds events that are kept in memory, whatever -retain-bytes says.
const memoryBytes = 256 << 20

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

// run serves until ctx ends, then stops gracefully.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, err := parse(args, getenv, stderr)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	guests, err := openGuests(c.data)
	if err != nil {
		return err
	}
	var kinds *schema.Schema
	if c.schema != "" {
		if kinds, err = schema.Open(c.schema); err != nil {
			return fmt.Errorf("-schema: %w", err)
		}
	}
	journal, err := openJournal(ctx, c, log)
	if err != nil {
		return err
	}
	rooms := chat.New(chat.Config{
		Journal:  journal,
		Encoding: rpc.Encoding{},
		Rooms:    c.rooms.list,
		Gather:   c.gather,
		Presence: presence.Config{Grace: c.grace},
		Creation: creations[c.creation],
		Log:      log,
	})
	api := rpc.New(rpc.Config{
		Chat:         rooms,
		Guests:       guests,
		Schema:       kinds,
		Heartbeat:    c.heartbeat,
		WriteTimeout: c.writeTimeout,
		Drain:        c.drain,
		Log:          log,
	})
	server, err := httpd.Listen(httpd.Config{
		Listen:       c.listen.list,
		RPC:          api.Handlers(),
		Page:         web.Files(),
		WriteTimeout: c.writeTimeout,
		Log:          log,
	})
	if err != nil {
		return errors.Join(err, journal.Close())
	}
	for _, address := range server.Addrs() {
		fmt.Fprintf(stdout, "chatroom: open %s\n", pageURL(address))
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
	api.Close()
	rooms.Close()
	patience, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	err = errors.Join(err, server.Shutdown(patience), <-served)
	api.Wait(patience)
	return errors.Join(err, journal.Close())
}

// openJournal opens what keeps the events.
func openJournal(ctx context.Context, c *config, log *slog.Logger) (chat.Journal, error) {
	if c.data == memoryData {
		return memory.Open(memory.Config{RoomEvents: c.roomEvents, Bytes: int(min(c.bytes, memoryBytes)), Window: c.dedupWindow}), nil
	}
	return jetstream.Open(ctx, jetstream.Config{
		Dir:        filepath.Join(c.data, "events"),
		URL:        c.nats,
		NoFsync:    !c.fsync,
		Window:     c.dedupWindow,
		RoomEvents: c.roomEvents,
		Age:        c.age,
		Bytes:      c.bytes,
		Log:        log,
	})
}

func openGuests(data string) (*identity.Guests, error) {
	if data == memoryData {
		return identity.NewGuests(), nil
	}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fmt.Errorf("-data: %w", err)
	}
	return identity.OpenGuests(data)
}

// pageURL returns a link that works in a browser on this machine.
func pageURL(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}
