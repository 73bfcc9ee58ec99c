package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"chatroom/server/internal/datadir"
	"chatroom/server/internal/service"
)

// runMigrate moves a store of the former format into the current one, as the start of a
// server does, too. Running it again changes nothing.
func runMigrate(ctx context.Context, args []string, p process) (err error) {
	flags := flag.NewFlagSet("chatroom migrate", flag.ContinueOnError)
	path := flags.String("data", "./data", "the data `directory`; no server may use it")
	force := flags.Bool("force", false, "move what can be read of a damaged store; clients reload their rooms")
	if err := parseCommand(flags, args, p); err != nil {
		return err
	}
	if _, err := os.Stat(*path); err != nil { // opening would create it
		return fmt.Errorf("-data: %w", err)
	}
	dir, err := datadir.Open(*path)
	if err != nil {
		return fmt.Errorf("-data %w", err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	format, err := dir.Format()
	if err != nil {
		return fmt.Errorf("-data %w", err)
	}
	if format != datadir.Former {
		fmt.Fprintf(p.stdout, "%s holds no store of the former format, or one that was moved already: nothing was changed\n", *path)
		return nil
	}
	report, err := service.MoveFormer(ctx, dir, *force, p.log())
	if err != nil {
		return err
	}
	left, err := dir.FormerFiles()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "moved %d events (of which %d are deleted) of %d rooms and %d records, and compared each with the former store, in %s\n",
		report.Events, report.Erased, report.Rooms, report.Records, report.Took.Round(time.Millisecond))
	fmt.Fprintf(p.stdout, "the former files are unchanged, and hold what is deleted from now on, too; remove them once you don't want to go back: %q\n", left)
	return nil
}

// parseCommand parses the flags of a command, and for those not given the environment.
func parseCommand(flags *flag.FlagSet, args []string, p process) error {
	flags.SetOutput(p.stderr)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: see -h", flags.Arg(0))
	}
	return fromEnvironment(flags, p.getenv)
}
