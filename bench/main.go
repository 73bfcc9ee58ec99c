// Command bench compares the service with other ways to broadcast. See README.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"chatroom/bench/internal/attack"
	"chatroom/bench/internal/peer"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the next one ends the process at once.
	context.AfterFunc(ctx, stop)
	run := run
	switch {
	case len(os.Args) == 3 && os.Args[1] == "peer":
		run = servePeer
	case len(os.Args) > 1 && os.Args[1] == "attack":
		run = func(ctx context.Context, args []string, stdout, _ io.Writer) error {
			return attack.Command(ctx, args[1:], stdout)
		}
	}
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// servePeer serves a peer for as long as the process that started it lives.
func servePeer(ctx context.Context, args []string, stdout, _ io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return peer.Run(ctx, args[1], stdout)
}

// run measures what args ask for and writes the report.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(c.data, "chatroom-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	lab, err := c.lab(ctx, dir)
	if err != nil {
		return err
	}
	results, err := c.measure(ctx, lab, stderr)
	if results == nil {
		return err
	}
	if c.out != "" {
		err = errors.Join(err, results.Write(c.out))
	}
	if _, printed := stdout.Write(results.Markdown()); printed != nil {
		err = errors.Join(err, printed)
	}
	if wrong := results.Wrong(); wrong > 0 {
		err = errors.Join(err, fmt.Errorf("%d messages were lost, duplicated, reordered or had a wrong previous", wrong))
	}
	return err
}
