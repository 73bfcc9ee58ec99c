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
)

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

// runServe serves until ctx ends, then stops gracefully.
func runServe(ctx context.Context, args []string, p process) error {
	c, err := parse(args, p.getenv, p.stderr)
	if err != nil {
		return err
	}
	c.Log = p.log()
	c.Ready = func(addresses []string) {
		for _, address := range addresses {
			fmt.Fprintf(p.stdout, "chatroom: open %s\n", pageURL(address, &c.TLS))
		}
	}
	return service.Run(ctx, *c)
}
