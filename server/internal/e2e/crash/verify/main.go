// Command verify kills a server with SIGKILL, again and again, under load, and
// reports whether anything was lost, doubled, reordered or changed, and whether anything
// deleted was read or left in a file. Run it in the module's directory, for as long as
// you like:
//
//	go run ./server/internal/e2e/crash/verify -duration 10m
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"time"

	"chatroom/server/internal/e2e/crash"
)

// maxFaults is how many faults are printed: one bug makes many.
const maxFaults = 100

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	c := crash.Config{Log: out}
	flag.DurationVar(&c.Duration, "duration", time.Minute, "how long to kill at least; an interrupt ends it early, and judges")
	flag.IntVar(&c.Kills, "kills", 20, "number of kills, even if they take longer")
	flag.IntVar(&c.Rooms, "rooms", 4, "number of rooms")
	flag.IntVar(&c.Publishers, "publishers", 6, "number of publishers on each protocol")
	flag.DurationVar(&c.Settle, "settle", time.Minute, "how long readers may take to catch up at the end")
	flag.StringVar(&c.Program, "program", "", "`path` of the server; by default it is built")
	flag.StringVar(&c.Dir, "data", "", "empty `directory` for the servers' data, to be kept; by default a temporary one, kept if there are faults")
	flag.Uint64Var(&c.Seed, "seed", rand.Uint64(), "`seed` of the random choices")
	flag.Parse()

	dir, err := os.MkdirTemp("", "chatroom-crash-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if c.Program == "" {
		if c.Program, err = crash.Build(ctx, dir); err != nil {
			return err
		}
	}
	report, err := crash.Run(ctx, c)
	if err != nil {
		return err
	}
	fmt.Fprintln(out, report)
	for _, fault := range report.Faults[:min(maxFaults, len(report.Faults))] {
		fmt.Fprintln(out, fault)
	}
	for _, line := range report.Errors {
		fmt.Fprintln(out, "logged:", line)
	}
	if len(report.Faults) > 0 {
		return fmt.Errorf("%d faults, with seed %d", len(report.Faults), c.Seed)
	}
	return nil
}
