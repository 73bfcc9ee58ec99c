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

// runMigrate migrates a store of the former format to the current one, as the start of a
// server does, too. Running it again changes nothing.
func runMigrate(ctx context.Context, args []string, p process) (err error) {
	flags := flag.NewFlagSet("chatroom migrate", flag.ContinueOnError)
	path := flags.String("data", "./data", "the data `directory`; no server may use it")
	force := flags.Bool("force", false, "migrate what can be read of a damaged store; clients reload their rooms")
	if err := parseFlags(flags, args, p.getenv, p.stderr); err != nil {
		return err
	}
	if _, err := os.Stat(*path); err != nil { // opening would create it
		return fmt.Errorf("-data: %w", err)
	}
	// A directory without a store is not locked: that would leave a file in it.
	if format, err := datadir.FormatOf(*path); err != nil || format == datadir.Empty {
		return nothingToMigrate(*path, err, p)
	}
	dir, err := datadir.Open(*path)
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	if format, err := dir.Format(); err != nil || format != datadir.Former {
		return nothingToMigrate(*path, err, p)
	}
	report, err := service.MoveFormer(ctx, dir, *force, p.log())
	if err != nil {
		return err
	}
	left, err := dir.FormerFiles()
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "migrated %s (of which %d deleted) of %s and %s, and compared each with the former store, in %s\n",
		number(report.Events, "event"), report.Erased, number(report.Rooms, "room"), number(report.Records, "record"), report.Took.Round(time.Millisecond))
	fmt.Fprintf(p.stdout, "the former files are unchanged, and hold what is deleted from now on, too; remove them once you don't want to go back: %q\n", left)
	return nil
}

// nothingToMigrate says so, unless err says why that is not known.
func nothingToMigrate(path string, err error, p process) error {
	if err != nil {
		return fmt.Errorf("-data: %w", err)
	}
	fmt.Fprintf(p.stdout, "%s holds no store of the former format, or one that was migrated already: nothing was changed\n", path)
	return nil
}
