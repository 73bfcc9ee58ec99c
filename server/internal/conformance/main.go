// Command conformance checks whether a client of the chatroom service does what
// docs/CLIENTS.md says. A scripted server leads the client through scenarios, such as broken
// connections, and the command prints for each what the client did wrong. The client is
// driven by a program that speaks the protocol in docs/CLIENTS.md:
//
//	go run ./server/internal/conformance [flags] PROGRAM [ARGUMENT...]
//
// Its status is 0 only if the client passes all scenarios.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"slices"
	"time"

	"chatroom/server/internal/conformance/kit"
)

// timeout bounds the run of one client.
const timeout = 3 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run returns the status of the process.
func run(ctx context.Context, arguments []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(stderr)
	pattern := flags.String("run", "", "run only the scenarios whose name matches this regular `expression`")
	list := flags.Bool("list", false, "list the scenarios, and what each is about")
	verbose := flags.Bool("v", false, "also print the scenarios that pass, and what each is about")
	parallel := flags.Int("parallel", 0, "how many scenarios run at the same time (default 12)")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: conformance [flags] PROGRAM [ARGUMENT...]")
		flags.PrintDefaults()
	}
	switch err := flags.Parse(arguments); {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		return 2
	}
	match, err := regexp.Compile(*pattern)
	if err != nil {
		fmt.Fprintln(stderr, "-run:", err)
		return 2
	}
	scenarios := slices.DeleteFunc(kit.Scenarios(), func(s kit.Scenario) bool { return !match.MatchString(s.Name) })
	if *list {
		for _, s := range scenarios {
			fmt.Fprintf(stdout, "%s\n    %s\n", s.Name, s.About)
		}
		return 0
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return 2
	}
	if len(scenarios) == 0 {
		fmt.Fprintf(stderr, "-run: no scenario matches %q\n", *pattern)
		return 2
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	client := kit.Command(flags.Arg(0), flags.Args()[1:]...)
	if first := kit.Run(ctx, kit.Config{Client: client, Scenarios: []kit.Scenario{kit.Starts}}); len(first[0].Problems) > 0 {
		report(stdout, first[0], *verbose)
		return 1
	}
	results := kit.Run(ctx, kit.Config{
		Client:    client,
		Scenarios: scenarios,
		Parallel:  *parallel,
		Report:    func(r kit.Result) { report(stdout, r, *verbose) },
	})
	return summary(stdout, results)
}

// report prints the result of one scenario.
func report(out io.Writer, r kit.Result, verbose bool) {
	switch {
	case len(r.Problems) > 0:
		fmt.Fprintf(out, "FAIL %s (%.1f s): %s\n", r.Scenario.Name, r.Took.Seconds(), r.Scenario.About)
		for _, p := range r.Problems {
			fmt.Fprintf(out, "    %s\n", p)
		}
	case r.Skipped != "":
		fmt.Fprintf(out, "SKIP %s: %s\n", r.Scenario.Name, r.Skipped)
	case verbose:
		fmt.Fprintf(out, "PASS %s (%.1f s): %s\n", r.Scenario.Name, r.Took.Seconds(), r.Scenario.About)
	}
}

// summary prints how many scenarios passed, and returns the status of the process.
func summary(out io.Writer, results []kit.Result) int {
	var passed, failed, skipped int
	for _, r := range results {
		switch {
		case len(r.Problems) > 0:
			failed++
		case r.Skipped != "":
			skipped++
		default:
			passed++
		}
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 {
		return 1
	}
	return 0
}
