// Command server runs the chatroom service.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"chatroom/server/internal/service"
	"chatroom/server/internal/systemd"
	"chatroom/server/internal/tracing"
)

func main() {
	signalled, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(context.Background())
	// After the first signal the next one ends the process at once, also if it comes as soon as the
	// log says that the server drains.
	context.AfterFunc(signalled, func() {
		stop()
		cancel()
	})
	switch err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		fmt.Fprintln(os.Stderr, "chatroom:", err)
		os.Exit(1)
	}
}

// runServe serves until ctx ends, then stops gracefully.
func runServe(ctx context.Context, args []string, p process) error {
	asked := &askedNames{getenv: p.getenv}
	c, settings, err := parseSettings(args, asked.get, p.stderr)
	switch {
	case err != nil:
		return err
	case settings.versionOnly:
		return runVersion(ctx, nil, p)
	}
	if err := asked.checkUnknown(p.environ); err != nil {
		return err
	}
	if _, err := tracing.Protocol(p.getenv); err != nil {
		return err
	}
	if settings.checkOnly {
		if err := service.Check(*c); err != nil {
			return settings.locate(err)
		}
		fmt.Fprintln(p.stdout, "chatroom: the configuration is valid")
		return nil
	}
	c.Log = settings.logs.open(p.stderr)
	c.Log.Info("starting", "version", version())
	settings.log(c.Log)
	if c.Tracing, err = tracing.Open(ctx, tracing.Config{Getenv: p.getenv, Version: version(), Log: c.Log}); err != nil {
		return err
	}
	c.Manager = systemd.NewManager(c.Log)
	if c.Sockets, err = systemd.Inherit(); err != nil {
		return err
	}
	c.Ready = func(addresses []string) {
		for _, address := range addresses {
			fmt.Fprintf(p.stdout, "chatroom: open %s\n", pageURL(address, &c.TLS))
		}
	}
	err = settings.locate(service.Run(ctx, *c))
	_ = c.Tracing.Shutdown(ctx) // has an effect only if Run has not come so far
	return err
}
