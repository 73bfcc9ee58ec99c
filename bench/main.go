// Command bench compares the service with other ways to broadcast.
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
	"time"

	"chatroom/bench/internal/peer"
	"chatroom/bench/internal/scenario"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	if len(os.Args) == 3 && os.Args[1] == "peer" {
		exit(servePeer(ctx, os.Args[2]))
	}
	exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func exit(err error) {
	switch {
	case errors.Is(err, flag.ErrHelp), err == nil:
		os.Exit(0)
	default:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// servePeer serves a peer for as long as the process that started it lives.
func servePeer(ctx context.Context, name string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return peer.Run(ctx, name, os.Stdout)
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	rounds := flags.Int("rounds", 3, "how often everything is measured")
	source := flags.String("source", "..", "the `directory` with the source of the service")
	if err := flags.Parse(args); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "chatroom-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	lab := &scenario.Lab{Self: self, Dir: dir}
	if err := lab.Build(ctx, *source); err != nil {
		return err
	}
	rate := scenario.Fanout{
		Name: "rate", Subscribers: 1000, PerSecond: 20,
		Warmup: time.Second / 2, Duration: 4 * time.Second,
	}
	for round := range *rounds {
		for _, v := range scenario.Variants {
			figures, err := rate.Measure(ctx, lab, v)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", rate.Name, v.Name, err)
			}
			figures.Round = round + 1
			fmt.Fprintf(stdout, "%+v\n", figures)
		}
	}
	return nil
}
